"""Mistakes of other systems about doses that are due: see `test_covered` for the list."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from tests.api.conftest import followed, running, socket
from tests.support.api_dsl import Ward, ago, codes, iso, late, place
from tests.support.correction_examples import WRONG
from tests.support.server_process import Client

__all__ = ["followed", "running", "socket"]

DUE = """query($ward: String!, $at: DateTime, $known: Position, $back: Int!, $ahead: Int!) {
  dosesDue(ward: $ward, asOf: $at, knownAtPosition: $known, hoursBack: $back, hoursAhead: $ahead) {
    dueAt status prescription { id medication { name } } stay { id bed } } }"""


class Bedside:
    """A patient in a bed of a ward of its own, with a prescription that began so many hours ago."""

    def __init__(self, ward: Ward, hours: float, **schedule: Any) -> None:
        self.ward, self.name = ward, ward.name("Due")
        self.stay = ward.stay(f"{ward.room('a', ward=self.name)}/a", ago(days=5))
        self.began = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=hours)
        content = {"schedule": schedule, **late(iso(self.began))}
        self.drug = ward.prescription(self.stay, **content)

    def due(
        self, at: str | None = None, known: str | None = None, back: int = 24, ahead: int = 12
    ) -> dict[float, str]:
        """Return the status of each dose by its hour after the beginning."""
        fields = {"ward": self.name, "at": at, "known": known, "back": back, "ahead": ahead}
        answer = self.ward.ask(DUE, **fields)["dosesDue"]
        assert {d["stay"]["id"] for d in answer} <= {self.stay}
        times = [(datetime.fromisoformat(d["dueAt"]) - self.began, d["status"]) for d in answer]
        return {round(at / timedelta(hours=1), 2): status for at, status in times}

    def give(self, hours: float, **content: Any) -> dict[str, Any]:
        at = late(iso(self.began + timedelta(hours=hours)))
        dose = {"prescriptionId": self.drug, "given": True, **at, **content}
        return self.ward.execute("recordAdministration", **dose)


def test_mistake_167_what_is_due_is_derived_from_what_is_held_now(ward: Ward) -> None:
    bed = Bedside(ward, 19.5, everyHours=6)
    assert bed.due(ahead=6) == {
        0: "OVERDUE",
        6: "OVERDUE",
        12: "OVERDUE",
        18: "OVERDUE",
        24: "UPCOMING",
    }
    before = bed.give(0.2)["position"]
    answer = bed.give(6, given=False, reasonNotGiven="asleep")
    assert bed.due(ahead=6) == {12: "OVERDUE", 18: "OVERDUE", 24: "UPCOMING"}
    assert 6 in bed.due(known=before)
    (dose,) = [d for d in answer["prescription"]["administrations"] if not d["given"]]
    ward.record("cancelAdministration", administrationId=dose["id"], **WRONG)
    assert 6 in bed.due()
    at = iso(bed.began + timedelta(hours=11))
    change = ward.record("holdPrescription", prescriptionId=bed.drug, **late(at))
    assert bed.due() == {6: "OVERDUE"}
    assert bed.due(at=iso(bed.began + timedelta(hours=10)), ahead=4) == {
        6: "OVERDUE",
        12: "UPCOMING",
    }
    timeline = ward.ask(
        "query($id: ID!) { timeline(stayId: $id) { nodes { kind movementId } } }", id=bed.stay
    )
    (held,) = [
        e["movementId"] for e in timeline["timeline"]["nodes"] if e["kind"] == "PRESCRIPTION_HELD"
    ]
    assert change["prescription"]["status"] == "HELD"
    ward.record("cancelPrescriptionChange", changeId=held, **WRONG)
    assert bed.due(ahead=0) == {6: "OVERDUE", 12: "OVERDUE", 18: "OVERDUE"}
    leave = iso(bed.began + timedelta(hours=17))
    ward.record("startLeave", stayId=bed.stay, keepBed=True, **late(leave))
    assert bed.due() == {6: "OVERDUE", 12: "OVERDUE"}
    ward.record("endLeave", stayId=bed.stay)
    assert 24 in bed.due()
    ward.record("stopPrescription", prescriptionId=bed.drug)
    assert bed.due() == {6: "OVERDUE", 12: "OVERDUE"}
    ward.record("dischargePatient", stayId=bed.stay, disposition="HOME")
    assert bed.due() == {}
    unknown = ward.client.raw(DUE, {"ward": "no such", "back": 24, "ahead": 12})
    assert codes(unknown) == {"NotFound"}


def test_mistake_167_a_prescription_without_a_schedule_claims_nothing(ward: Ward) -> None:
    bed = Bedside(ward, 20, everyHours=6)
    ward.record(
        "changePrescription", prescriptionId=bed.drug, frequency="as agreed", **late(ago(hours=3))
    )
    assert bed.due() == {0: "OVERDUE", 6: "OVERDUE", 12: "OVERDUE"}
    query = "query($id: ID!) { prescription(id: $id) { frequency schedule { everyHours } } }"
    held = ward.ask(query, id=bed.drug)["prescription"]
    assert held == {"frequency": "as agreed", "schedule": None}
    wrong = {"medication": {"name": "Heparin"}, "schedule": {"everyHours": 6, "asNeeded": True}}
    refusal = ward.execute("writePrescription", stayId=bed.stay, **wrong)
    assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["schedule"])


def test_mistake_168_a_dose_too_early_or_given_twice_is_confirmed_with_a_reason(ward: Ward) -> None:
    bed = Bedside(ward, 19, everyHours=8)
    assert bed.give(0)["__typename"] == "PrescriptionRecorded"
    twice = bed.give(1)
    assert (twice["__typename"], twice["warnings"]) == ("WarningsUnconfirmed", ["GIVEN_TWICE"])
    early = bed.give(5)
    assert early["warnings"] == ["TOO_EARLY"]
    assert early["path"] == ["confirmedWarnings"]
    answer = bed.give(5, confirmedWarnings=["TOO_EARLY", "GIVEN_TWICE"])
    query = "query($id: ID!) { timeline(stayId: $id) { nodes { summary data } } }"
    nodes = ward.ask(query, id=bed.stay)["timeline"]["nodes"]
    (entry,) = [e for e in nodes if "in spite of" in e["summary"]]
    assert entry["summary"].endswith("in spite of the warning: too early")
    assert bed.give(8)["warnings"] == ["GIVEN_TWICE"]
    id = answer["prescription"]["administrations"][-1]["id"]
    ward.record("cancelAdministration", administrationId=id, **WRONG)
    assert bed.give(8)["__typename"] == "PrescriptionRecorded"
    assert bed.give(15.5)["__typename"] == "PrescriptionRecorded"


def test_mistake_243_a_dose_that_is_said_to_lie_outside_is_warned_of_all_the_same(
    ward: Ward,
) -> None:
    """LATE or EMERGENCY let a second dose pass without a word, also one that lay inside."""
    bed = Bedside(ward, 19, everyHours=8)
    assert bed.give(0)["__typename"] == "PrescriptionRecorded"
    for outside in ("LATE", "EMERGENCY"):
        assert bed.give(1, outsidePrescription=outside)["warnings"] == ["GIVEN_TWICE"]
    stop = {"prescriptionId": bed.drug, **late(iso(bed.began + timedelta(hours=10)))}
    ward.record("stopPrescription", **stop)
    assert bed.give(16, outsidePrescription="LATE")["__typename"] == "PrescriptionRecorded"


def test_mistake_243_a_time_of_day_is_one_to_the_minute(ward: Ward) -> None:
    bed, odd = Bedside(ward, 19, everyHours=8), {"timesOfDay": ["08:00:30"]}
    answer = ward.client.raw(
        "mutation($i: ChangePrescriptionInput!) { changePrescription(input: $i) { __typename } }",
        {"i": {"commandId": str(uuid4()), "prescriptionId": bed.drug, "schedule": odd}},
    )
    assert codes(answer) == {"BAD_REQUEST"}


def test_mistake_244_a_refusal_tells_times_by_the_hospitals_clocks(ward: Ward) -> None:
    ward.record("setHospitalTime", timeZone="Asia/Kolkata")
    bed = Bedside(ward, 19, everyHours=8)
    bed.give(0)
    mrn = ward.patient()
    ended = ward.stay(at=ago(days=3), patientMrn=mrn)
    ward.record("dischargePatient", stayId=ended, disposition="DIED", **late(ago(days=2)))
    visit = {"practitioner": ward.doctor(), "kind": "ROUND"}
    room = ward.room("a")
    asked: list[tuple[str, dict[str, Any]]] = [
        ("startLeave", {"stayId": ended, "keepBed": True}),
        ("admitPatient", {"patientMrn": mrn, "admissionType": "EMERGENCY"}),
        ("recordVisit", {"stayId": bed.stay, **visit, "occurredAt": ago(days=-2)}),
        ("closeBed", {**place(f"{room}/a"), **late(ago(days=40))}),
        (
            "recordAdministration",
            {"prescriptionId": bed.drug, "given": True, **late(ago(hours=18))},
        ),
    ]
    for command, content in asked:
        message = ward.execute(command, **content)["message"]
        assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d\b(?!:)", message), message
        assert not re.search(r"\+00:00|UTC|\dT\d", message), message
    local = bed.began.astimezone(ZoneInfo("Asia/Kolkata"))
    assert f"{local:%F %R}" in message
    ward.record("setHospitalTime", timeZone="UTC")


def test_mistake_168_a_dose_as_needed_keeps_its_interval_and_its_maximum(ward: Ward) -> None:
    bed = Bedside(ward, 23, asNeeded=True, minIntervalMinutes=240, maxPerDay=3)
    assert bed.due() == {}
    for hours in (0, 5, 10):
        assert bed.give(hours)["__typename"] == "PrescriptionRecorded"
    assert bed.give(12)["warnings"] == ["TOO_EARLY", "OVER_MAXIMUM"]
    assert bed.give(20)["warnings"] == ["OVER_MAXIMUM"]
    assert bed.give(20, confirmedWarnings=["OVER_MAXIMUM"])["__typename"] == "PrescriptionRecorded"


def test_mistake_169_due_times_follow_the_hospitals_clocks_and_the_length_of_the_question(
    ward: Ward,
) -> None:
    bed = Bedside(ward, 1, timesOfDay=["08:00", "20:00"])
    fields = {"ward": bed.name, "at": None, "known": None, "back": 0, "ahead": 24}
    times = [d["dueAt"][11:16] for d in ward.ask(DUE, **fields)["dosesDue"]]
    assert sorted(times) == ["08:00", "20:00"]
    too_far = ward.client.raw(DUE, {**fields, "ahead": 1_000})
    assert codes(too_far) == {"InvalidInput"}


def test_mistake_139_a_dose_for_who_is_on_leave_is_confirmed_with_a_reason(ward: Ward) -> None:
    bed = Bedside(ward, 20, asNeeded=True, maxPerDay=9)
    for command, hours, content in (
        ("startLeave", 4, {"keepBed": True}),
        ("changeSpecialty", 6, {"specialty": "surgery"}),
        ("endLeave", 8, {}),
    ):
        at = late(iso(bed.began + timedelta(hours=hours)))
        ward.record(command, stayId=bed.stay, **content, **at)
    for hours in (5, 7):
        refusal = bed.give(hours)
        assert (refusal["__typename"], refusal["warnings"]) == ("WarningsUnconfirmed", ["ON_LEAVE"])
    assert "is on leave from" in refusal["message"]
    assert bed.give(5, given=False, reasonNotGiven="away")["__typename"] == "PrescriptionRecorded"
    answer = bed.give(7, confirmedWarnings=["ON_LEAVE"], reason="given to take along")
    assert answer["__typename"] == "PrescriptionRecorded"
    query = "query($id: ID!) { timeline(stayId: $id) { nodes { kind data } } }"
    nodes = ward.ask(query, id=bed.stay)["timeline"]["nodes"]
    doses = [n["data"] for n in nodes if n["kind"] == "PRESCRIPTION_ADMINISTRATION_RECORDED"]
    assert ["ON_LEAVE"] in [dose.get("confirmed_warnings") for dose in doses]
    for hours in (4, 8, 9):  # in the minutes of leaving and coming back the patient is here
        assert bed.give(hours)["__typename"] == "PrescriptionRecorded"
    day = bed.give(6, occurredAtPrecision="DAY")
    assert day["__typename"] == "PrescriptionRecorded"
    unwritten = {"stayId": bed.stay, "medication": {"name": "Salbutamol"}, "basis": "PROTOCOL"}
    at = late(iso(bed.began + timedelta(hours=6)))
    assert ward.execute("recordUnprescribedDose", **unwritten, **at)["warnings"] == ["ON_LEAVE"]
    (dose,) = [d["id"] for d in answer["prescription"]["administrations"] if d["given"]]
    moved = {"occurredAt": at["occurredAt"], **WRONG}
    refusal = ward.execute("correctAdministration", administrationId=dose, **moved)
    assert refusal["warnings"] == ["ON_LEAVE"]


DOSES = """subscription($ward: String!, $after: Position) {
  dosesDueChanged(ward: $ward, hoursAhead: 0, after: $after) { doses { prescription { id } } } }"""


def test_mistake_864_doses_are_due_after_the_death_of_the_patient(ward: Ward) -> None:
    bed = Bedside(ward, 19.5, everyHours=6)
    query = "query($id: ID!) { stay(id: $id) { patient { mrn } } }"
    mrn = ward.ask(query, id=bed.stay)["stay"]["patient"]["mrn"]
    died = late(iso(bed.began + timedelta(hours=12)))
    position = ward.position()
    ward.record("recordDeath", patientMrn=mrn, **died)
    assert bed.due() == {0: "OVERDUE", 6: "OVERDUE", 12: "OVERDUE"}
    assert 24 in bed.due(known=position)
    assert 18 in bed.due(at=iso(bed.began + timedelta(hours=11)))
    ward.record("cancelDeath", patientMrn=mrn, **WRONG)
    assert 24 in bed.due()
    other = ward.patient()
    ward.record("recordDeath", patientMrn=other, **died)
    ward.record("mergePatients", patientMrn=other, intoMrn=mrn, reason="one person")
    assert bed.due() == {0: "OVERDUE", 6: "OVERDUE", 12: "OVERDUE"}


def test_mistake_203_a_dose_that_one_nurse_gave_leaves_the_list_of_the_other(
    followed: Ward, socket: Client
) -> None:
    name = followed.name("Round")
    stay = followed.stay(f"{followed.room('a', ward=name)}/a", at=ago(days=2))
    content = {"schedule": {"everyHours": 168}, **late(ago(hours=2))}
    drug = followed.prescription(stay, **content)
    socket.subscribe(DOSES, ward=name, after=followed.position())
    dose = {"prescriptionId": drug, "given": True, **late(ago(hours=2))}
    followed.record("recordAdministration", **dose)
    assert socket.next()["doses"] == []
