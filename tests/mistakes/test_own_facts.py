"""Mistakes of other systems about what a command answers of itself: see `test_covered`."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api_dsl import Ward, iso, late, moment
from tests.support.correction_examples import IN_ERROR, WRONG

NOON = (datetime.now(UTC) - timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)

MUTATION = """mutation($input: %sInput!) { answer: %s(input: $input) { __typename
  ... on Refusal { message path } ... on PrescriptionRecorded { occurredAt
    change { changeId kind } administration { id } } } }"""


def at(hours: float) -> dict[str, str]:
    return late(iso(NOON + timedelta(hours=hours)))


def told(ward: Ward, command: str, **content: Any) -> dict[str, Any]:
    name = command[0].upper() + command[1:]
    content["commandId"] = str(uuid4())
    answer = ward.ask(MUTATION % (name, command), input=content)["answer"]
    assert answer["__typename"] == "PrescriptionRecorded", answer
    assert isinstance(answer, dict)
    return answer


def order(ward: Ward) -> str:
    return ward.prescription(ward.stay(at=at(-48)["occurredAt"]), **at(-40))


@pytest.mark.parametrize("command", ["changePrescription", "holdPrescription", "stopPrescription"])
def test_mistake_871_a_change_that_made_room_is_not_the_answer_of_another_change(
    ward: Ward, command: str
) -> None:
    prescription = order(ward)
    by_day = {"occurredAtPrecision": "DAY", **at(-2)}
    if command == "stopPrescription":
        told(ward, "holdPrescription", prescriptionId=prescription, **by_day)
        moved = told(ward, "resumePrescription", prescriptionId=prescription, **at(2))
    else:
        moved = told(ward, "stopPrescription", prescriptionId=prescription, **by_day)
    more = {"dose": "2 g"} if command == "changePrescription" else {}

    answer = told(ward, command, prescriptionId=prescription, **more, **at(3))

    kinds = {"cha": "CHANGED", "hol": "HELD", "sto": "STOPPED"}
    assert answer["change"]["kind"] == f"PRESCRIPTION_{kinds[command[:3]]}"
    assert answer["change"]["changeId"] != moved["change"]["changeId"]
    assert moment(answer["occurredAt"]) == NOON + timedelta(hours=3)


def test_mistake_871_a_hold_until_a_time_answers_the_hold(ward: Ward) -> None:
    until = iso(NOON + timedelta(hours=3))
    answer = told(ward, "holdPrescription", prescriptionId=order(ward), until=until, **at(2))
    assert answer["change"]["kind"] == "PRESCRIPTION_HELD"


def test_mistake_871_a_dose_answers_no_change_and_a_correction_answers_its_own_dose(
    ward: Ward,
) -> None:
    prescription = order(ward)
    told(ward, "stopPrescription", prescriptionId=prescription, occurredAtPrecision="DAY", **at(0))
    given = {"prescriptionId": prescription, "given": True, **at(1)}
    first, second = (told(ward, "recordAdministration", **given) for _ in range(2))

    dose = {"administrationId": first["administration"]["id"]}
    later = iso(NOON + timedelta(hours=2))
    corrected = told(ward, "correctAdministration", occurredAt=later, **dose, **WRONG)

    assert first["administration"] != second["administration"]
    assert first["change"] is second["change"] is corrected["change"] is None
    assert corrected["administration"] == first["administration"]


def test_mistake_872_what_happened_at_a_time_is_answered_so_when_another_fact_made_room(
    ward: Ward,
) -> None:
    morning, noon = at(-3), at(0)
    stay = ward.stay(at=noon["occurredAt"], occurredAtPrecision="DAY")
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND"}
    answer = ward.ask(
        "mutation($input: RecordVisitInput!) { recordVisit(input: $input) {"
        " ... on VisitRecorded { occurredAt visit { occurredAt } } } }",
        input={"commandId": str(uuid4()), **visit, **morning},
    )["recordVisit"]

    assert answer["occurredAt"] == answer["visit"]["occurredAt"] == morning["occurredAt"]


def test_mistake_873_a_visit_is_not_moved_to_the_stay_that_it_is_in(ward: Ward) -> None:
    stay = ward.stay()
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND", **at(40)}
    id = ward.record("recordVisit", **visit)["visit"]["id"]

    refused = ward.execute("amendVisit", visitId=id, stayId=stay, **WRONG)
    assert (refused["field"], refused["message"]) == (
        "stayId",
        "stayId: the visit is there already.",
    )
    amended = ward.execute("amendVisit", visitId=id, stayId=stay, note="right", **WRONG)
    assert amended["visit"]["note"] == "right"


@pytest.mark.parametrize("command", ["correctDeath", "recordDeath"])
def test_mistake_874_a_death_with_a_time_of_its_own_stays_when_its_discharge_is_cancelled(
    ward: Ward, command: str
) -> None:
    mrn = ward.patient()
    stay = ward.stay(at=at(-48)["occurredAt"], patientMrn=mrn)
    ward.record("dischargePatient", stayId=stay, disposition="DIED", **at(3))
    ward.record(command, patientMrn=mrn, **at(1))

    ward.record("cancelDischarge", stayId=stay, **IN_ERROR)

    query = "query($mrn: String!) { patient(mrn: $mrn) { diedAt } deceased { stays { id } } }"
    answer = ward.ask(query, mrn=mrn)
    assert answer["patient"]["diedAt"] == at(1)["occurredAt"]
    assert [{"id": stay}] in [dead["stays"] for dead in answer["deceased"]]
    home = ward.execute("dischargePatient", stayId=stay, disposition="HOME", **at(4))
    assert "a death that never was is cancelled first" in home["message"]
    ward.record("cancelDeath", patientMrn=mrn, **WRONG)
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **at(4))


def test_mistake_876_a_command_is_known_whole_or_not_at_all(ward: Ward) -> None:
    room = ward.room("a", "b")
    stays = [ward.stay(f"{room}/{bed}", at=at(-48)["occurredAt"]) for bed in "ab"]
    query = """query($one: ID!, $other: ID!, $knownAt: DateTime) {
      one: timeline(stayId: $one, knownAt: $knownAt) { nodes { kind recordedAt } }
      other: timeline(stayId: $other, knownAt: $knownAt) { nodes { kind recordedAt } }
      stays: roomOccupancy(ward: "A", knownAt: $knownAt) { beds { stay { id bed } } } }"""
    swapped = ward.execute("swapBeds", stayId=stays[0], withStayId=stays[1], **at(-3))
    ends = [moment(swapped["recordedAt"]) + timedelta(microseconds=n) for n in range(-9, 1)]

    answers = [
        ward.ask(query, one=stays[0], other=stays[1], knownAt=iso(known_at)) for known_at in ends
    ]

    before, *_, after = answers
    assert before != after
    assert all(answer in (before, after) for answer in answers)
    first = min(
        moment(entry["recordedAt"])
        for side in ("one", "other")
        for entry in after[side]["nodes"]
        if entry["kind"] == "STAY_BED_SWAPPED"
    )
    assert [answer == after for answer in answers] == [known_at >= first for known_at in ends]
