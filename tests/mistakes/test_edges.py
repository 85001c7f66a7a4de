"""Mistakes of other systems about the edges of what is true: see `test_covered` for the list."""

from typing import Any

import pytest

from domain.text import BLANK
from tests.mistakes.test_minutes import clinical, second, tried
from tests.support.api_dsl import Ward, ago, late
from tests.support.consult_examples import consult
from tests.support.correction_examples import WRONG, fact, movement

DIED_SECONDS = [0, 10]
WITHIN = [0, 10, 10.000001, 40]


def test_mistake_720_a_refusal_that_quotes_the_words_of_a_blank_text_is_taken_for_one(
    ward: Ward,
) -> None:
    content = {"name": "inpatient-census", "parameters": [{"name": BLANK, "value": "1"}]}
    period = {"from": ago(days=3)[:10], "to": ago(days=2)[:10]}
    refusal = ward.execute("issueReport", **content, period=period, ward="\u200b")
    assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["parameters"])


def test_mistake_721_a_consult_of_another_stay_is_said_to_be_cancelled(ward: Ward) -> None:
    stay, other = ward.stay(), ward.stay()
    asked, doctor = consult(ward, other, hours=5), ward.doctor()
    visit = {"stayId": stay, "practitioner": doctor, "kind": "CONSULT"}
    came = ward.record("recordVisit", **visit, **late(ago(hours=3)))["visit"]["id"]
    for command, content in (
        ("recordVisit", {**visit, "consultId": asked, **late(ago(hours=2))}),
        ("amendVisit", {"visitId": came, "consultId": asked, **WRONG}),
        (
            "correctFacts",
            {"visits": [{"visitId": came, "consultId": asked}], **WRONG},
        ),
        (
            "correctFacts",
            {"newVisits": [{**visit, "consultId": asked, "occurredAt": ago(hours=2)}], **WRONG},
        ),
    ):
        refusal = ward.execute(command, **content)
        assert refusal["__typename"] == "MovementNotFound", command
        assert refusal["message"] == f"There is no consult of this stay {asked}."
    own = consult(ward, stay, hours=4)
    ward.record("cancelConsult", consultId=own, **WRONG)
    refusal = ward.execute("recordVisit", **visit, consultId=own, **late(ago(hours=2)))
    assert refusal["message"] == f"There is no consult {own} any more: it was cancelled."


def test_mistake_721_a_fact_of_another_kind_is_said_to_be_cancelled(ward: Ward) -> None:
    mrn, other = ward.patient(), ward.patient()
    stay = ward.stay(patientMrn=mrn)
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND"}
    came = ward.record("recordVisit", **visit, **late(ago(hours=3)))["visit"]["id"]
    admission = movement(ward, stay, "STAY_ADMITTED")
    drug = ward.prescription(stay, **late(ago(hours=8)))
    dose = {"prescriptionId": drug, "given": True, "infusion": True}
    ward.record("recordAdministration", **dose, **late(ago(hours=7)))
    given = fact(ward, stay, "PRESCRIPTION_ADMINISTRATION_RECORDED", "administration")
    ward.record("mergePatients", patientMrn=mrn, intoMrn=other, reason="one person")
    merges = ward.ask("query($m: String!) { patient(mrn: $m) { merges { id } } }", m=mrn)
    (merge,) = (m["id"] for m in merges["patient"]["merges"])
    ids = {"visit": came, "movement": admission, "dose": given, "merge": merge}
    for kind, command, field in (
        ("visit", "cancelVisit", "visitId"),
        ("movement", "cancelMovement", "movementId"),
        ("dose", "cancelAdministration", "administrationId"),
        ("merge", "unmergePatients", "mergeId"),
    ):
        for id in [id for other_kind, id in ids.items() if other_kind != kind]:
            content = {field: id, "because": "ENTERED_IN_ERROR", **WRONG}
            if kind == "merge":
                del content["because"]
            refusal = ward.execute(command, **content)
            assert refusal["__typename"] == "MovementNotFound", (command, refusal)
            assert refusal["message"] == f"There is no {kind} {id}.", command


@pytest.mark.parametrize("died", DIED_SECONDS)
@pytest.mark.parametrize("done", [0, 10, 40])
def test_mistake_722_care_in_the_minute_of_a_death_is_refused_by_its_seconds(
    ward: Ward, died: int, done: int
) -> None:
    results = []
    for is_first in (True, False):
        mrn = ward.patient()
        stay = ward.stay(at=ago(hours=10), patientMrn=mrn)
        answer = clinical(ward, stay)
        if is_first:
            ward.record("recordDeath", patientMrn=mrn, **late(second(died)))
        results.append([tried(ward, name, second(done), **content) for name, content in answer])
        if not is_first:
            ward.record("recordDeath", patientMrn=mrn, **late(second(died)))
        for name, content in answer:
            assert tried(ward, name, second(0, 1), **content) == "PatientDied"
    assert results[0] == results[1]
    assert all(result.endswith("Recorded") for result in results[0])


@pytest.mark.parametrize("at", WITHIN)
@pytest.mark.parametrize("is_known", [True, False])
def test_mistake_722_who_died_in_a_stay_is_admitted_again_in_that_minute(
    ward: Ward, at: float, is_known: bool
) -> None:
    mrn = ward.patient()
    stay = ward.stay(at=ago(hours=10), patientMrn=mrn)
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(second(0)))
    home = movement(ward, stay, "STAY_DISCHARGED")
    again: dict[str, Any] = {"patientMrn": mrn, "admissionType": "EMERGENCY", "withoutBed": "hall"}
    died = {"movementId": home, "disposition": "DIED"}
    if is_known:
        ward.record("correctMovement", **died, **WRONG)
        assert tried(ward, "admitPatient", _exact(at), **again) == "PatientDied"
        entry = {"kind": "ADMISSION", **again, "occurredAt": _exact(at)}
        assert ward.execute("correctFacts", entries=[entry], **WRONG)["__typename"] == "PatientDied"
    else:
        ward.record("admitPatient", **again, **late(_exact(at)))
        refusal = ward.execute("correctMovement", **died, **WRONG)
        assert refusal["__typename"] == "ContradictsLaterFacts", refusal
        assert "contradict what is recorded: admission at" in refusal["message"]


@pytest.mark.parametrize("at", WITHIN)
def test_mistake_722_who_died_as_they_came_is_admitted_in_that_minute(
    ward: Ward, at: float
) -> None:
    again: dict[str, Any] = {"admissionType": "EMERGENCY", "withoutBed": "hall"}
    for is_first in (True, False):
        mrn = ward.patient()
        if is_first:
            ward.record("recordDeath", patientMrn=mrn, **late(second(10)))
        ward.record("admitPatient", patientMrn=mrn, **again, **late(_exact(at)))
        if not is_first:
            ward.record("recordDeath", patientMrn=mrn, **late(second(10)))
    mrn = ward.patient()
    ward.record("recordDeath", patientMrn=mrn, **late(second(10)))
    assert tried(ward, "admitPatient", second(0, 1), patientMrn=mrn, **again) == "PatientDied"


def test_mistake_722_a_stay_of_the_day_on_which_somebody_died_in_another_was_before_it(
    ward: Ward,
) -> None:
    """Of the death no more than its day is known."""
    day, mrn = ago(days=2)[:10], ward.patient()
    fields: dict[str, Any] = {"patientMrn": mrn, "admissionType": "EMERGENCY", "withoutBed": "hall"}
    for disposition, hours, precision in (("DIED", (8, 12), "DAY"), ("HOME", (13, 14), "MINUTE")):
        begun, ended = (f"{day}T{hour:02}:00:00Z" for hour in hours)
        left = {"dischargedAt": ended, "disposition": disposition}
        vague = {"occurredAtPrecision": precision}
        ward.record("admitPatient", **fields, **left, **vague, **late(begun))


def _exact(seconds: float) -> str:
    return f"{second(0)[:17]}{seconds:09.6f}Z"


PERIODS = """query($id: ID!) { room(id: $id) {
  history { sincePrecision } bedPeriods { bed sincePrecision untilPrecision } } }"""


def periods(ward: Ward, room: str) -> tuple[list[Any], dict[str, tuple[str, str]]]:
    answer = ward.ask(PERIODS, id=room)["room"]
    beds = {b["bed"]: (b["sincePrecision"], b["untilPrecision"]) for b in answer["bedPeriods"]}
    return [p["sincePrecision"] for p in answer["history"]], beds


def test_mistake_723_how_precisely_an_opening_a_bed_and_a_policy_are_known_is_told_by_nobody(
    ward: Ward,
) -> None:
    number, day = ward.name("R"), {"occurredAtPrecision": "DAY"}
    room = {"ward": "A", "room": number}
    answer = ward.record("openRoom", **room, beds=["a", "b"], **day, **late(ago(days=9)))
    id = answer["room"]["id"]
    ward.record("addBed", **room, bed="c", occurredAtPrecision="HOUR", **late(ago(days=5)))
    policy = {**room, "policy": "ISOLATION", "applies": True}
    ward.record("setRoomPolicy", **policy, occurredAtPrecision="ESTIMATED", **late(ago(days=4)))
    assert periods(ward, id) == (
        ["DAY", "ESTIMATED"],
        {"a": ("DAY", "MINUTE"), "b": ("DAY", "MINUTE"), "c": ("HOUR", "MINUTE")},
    )
    ward.record("correctBed", **room, bed="b", occurredAtPrecision="HOUR", **late(ago(days=8)))
    ward.record("retireBeds", **room, bed="c", **day, **late(ago(days=2)))
    ward.record("correctRoom", **room, occurredAt=ago(days=9), **WRONG)
    assert periods(ward, id) == (
        ["MINUTE", "ESTIMATED"],
        {"a": ("MINUTE", "MINUTE"), "b": ("HOUR", "MINUTE"), "c": ("HOUR", "DAY")},
    )


@pytest.mark.parametrize("end", ["stop", "complete"])
@pytest.mark.parametrize("step", ["hold", "change"])
def test_mistake_725_a_step_some_seconds_before_the_end_is_refused_if_the_end_was_entered_first(
    ward: Ward, step: str, end: str
) -> None:
    content: dict[str, Any] = {"dose": "2 g"} if step == "change" else {}
    statuses = set()
    for is_first in (True, False):
        drug = ward.prescription(ward.stay(at=ago(hours=10)), dose="1 g", **late(ago(hours=9)))
        of_drug = {"prescriptionId": drug}
        commands = [(f"{step}Prescription", content, 41), (f"{end}Prescription", {}, 54)]
        for command, said, at in commands if is_first else reversed(commands):
            ward.record(command, **of_drug, **said, **late(second(at)))
        query = "query($id: ID!) { prescription(id: $id) { status dose } }"
        statuses.add(tuple(ward.ask(query, id=drug)["prescription"].values()))
        refusal = tried(ward, "holdPrescription", second(54), **of_drug)
        assert refusal == "PrescriptionStateBroken"
    assert len(statuses) == 1


def reversing(stay: str, discharge: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the ways in which a discharge is reversed an hour after it."""
    back = {"because": "DECISION_REVERSED", "withoutBed": "hall", "occurredAt": ago(hours=4)}
    part = {"movementId": discharge, **back}
    return [
        ("cancelDischarge", {"stayId": stay, **back, **WRONG}),
        ("cancelMovement", {**part, **WRONG}),
        ("correctFacts", {"cancels": [part], **WRONG}),
    ]


@pytest.mark.parametrize("way", range(3))
def test_mistake_727_who_was_discharged_as_died_comes_back(ward: Ward, way: int) -> None:
    mrn = ward.patient()
    stay = ward.stay(at=ago(hours=10), patientMrn=mrn)
    ward.record("dischargePatient", stayId=stay, disposition="DIED", **late(ago(hours=5)))
    discharge = movement(ward, stay, "STAY_DISCHARGED")
    command, content = reversing(stay, discharge)[way]
    refusal = ward.execute(command, **content)
    assert refusal["__typename"] == "PatientDied"
    assert "cancel it as entered in error" in refusal["message"]
    died = {"movementId": discharge, "disposition": "DIED"}
    ward.record("correctMovement", **{**died, "disposition": "HOME"}, **WRONG)
    ward.record(command, **content)
    for correct, parts in (
        ("correctMovement", died),
        ("correctFacts", {"corrections": [died]}),
    ):
        rejection = ward.execute(correct, **parts, **WRONG)
        assert rejection["__typename"] == "ContradictsLaterFacts"
        assert "reversal at" in rejection["message"]
    cancel = fact(ward, stay, "STAY_DISCHARGE_CANCELLED", "cancel")
    back = {"movementId": cancel, "because": "ENTERED_IN_ERROR"}
    ward.record("correctFacts", corrections=[died], cancels=[back], **WRONG)
    answer = ward.ask("query($m: String!) { patient(mrn: $m) { diedAt } }", m=mrn)
    assert answer["patient"]["diedAt"] is not None


def test_mistake_869_a_record_that_is_merged_already_is_said_to_be_in_two_stays_at_once(
    ward: Ward,
) -> None:
    one, other, third = (ward.patient() for _ in range(3))
    ward.stay(patientMrn=other)
    ward.record("mergePatients", patientMrn=one, intoMrn=other, reason="one person")
    ward.record("mergePatients", patientMrn=other, intoMrn=third, reason="one person")
    again = {"patientMrn": one, "intoMrn": third, "reason": "one person"}
    refusal = ward.execute("mergePatients", **again)
    assert refusal["__typename"] == "MergeImpossible"
    assert "the record is merged already" in refusal["message"]


def test_mistake_870_a_refusal_after_a_death_does_not_say_what_to_do(ward: Ward) -> None:
    mrn = ward.patient()
    stay = ward.stay(at=ago(hours=9), patientMrn=mrn)
    ward.record("recordDeath", patientMrn=mrn, **late(ago(hours=5)))
    home = ward.execute("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=4)))
    seen = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND"}
    visit = ward.execute("recordVisit", **seen, **late(ago(hours=4)))
    assert home["__typename"] == visit["__typename"] == "PatientDied"
    assert "a discharge after it is one as DIED" in home["message"]
    assert "correct either" in visit["message"]
