"""Tests of differences between then and now, the facts that made them, and their exposure."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, codes, iso, late, place
from tests.support.correction_examples import IN_ERROR, REVERSED, WRONG, movement

STAY = """query($id: ID!, $from: DateTime!, $to: DateTime) {
  stayDifference(id: $id, fromKnown: $from, toKnown: $to) {
    before { since until stay { status bed } } after { since until stay { status bed } }
    facts { kind status reason corrects } } }"""

BEDS = """query($ward: String, $asOf: DateTime, $from: DateTime!) {
  occupancyDifference(ward: $ward, asOf: $asOf, fromKnown: $from) {
    room { number } before { code state stay { id } } after { code state stay { id } }
    facts { kind status stayId } } }"""

EXPOSURE = """query($id: ID!) { exposure(movementId: $id) {
  wrongFrom wrongTo wrong { kind occurredAt } decided { kind stayId summary } } }"""


def now() -> str:
    return iso(datetime.now(UTC))


def beds(periods: list[dict[str, Any]]) -> list[str]:
    return [p["stay"]["bed"] for p in periods]


@pytest.fixture
def ward(shared: Ward) -> Ward:
    return shared


def test_a_stays_difference_tells_both_histories_and_the_facts_between(ward: Ward) -> None:
    room = ward.room("a", "b", "c")
    stay = ward.stay(f"{room}/a")
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=5)))
    then = now()
    moved = movement(ward, stay, "STAY_TRANSFERRED")
    ward.record("correctMovement", movementId=moved, **place(f"{room}/c"), **WRONG)

    answer = ward.ask(STAY, **{"id": stay, "from": then})["stayDifference"]
    assert (beds(answer["before"]), beds(answer["after"])) == (["a", "b"], ["a", "c"])
    assert [(f["kind"], f["status"], f["reason"]) for f in answer["facts"]] == [
        ("STAY_TRANSFERRED", "TRUE", "wrong patient")
    ]
    same = ward.ask(STAY, **{"id": stay, "from": now()})["stayDifference"]
    assert (same["before"], same["facts"]) == (same["after"], [])


def test_the_difference_of_a_board_is_the_beds_that_changed_and_why(ward: Ward) -> None:
    name = ward.name("W")
    room = ward.room("a", "b", "c", ward=name)
    stay, other = ward.stay(f"{room}/a"), ward.stay(f"{room}/c")
    then, at = now(), ago(hours=1)
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=5)))

    answer = ward.ask(BEDS, **{"ward": name, "asOf": at, "from": then})["occupancyDifference"]
    held = {
        (b["after"]["code"], *((b[s]["stay"] or {}).get("id") for s in ("before", "after")))
        for b in answer
    }
    assert held == {("a", stay, None), ("b", None, stay)}
    assert {(f["kind"], f["stayId"]) for b in answer for f in b["facts"]} == {
        ("STAY_TRANSFERRED", stay)
    }
    assert other not in str(answer)


def test_the_question_goes_forward_in_time(ward: Ward) -> None:
    answer = ward.client.raw(STAY, {"id": ward.stay(), "from": now(), "to": ago(days=1)})
    assert answer["errors"][0]["extensions"]["code"] == "InvalidInput"


def test_exposure_tells_what_was_decided_while_a_bed_was_wrong(ward: Ward) -> None:
    room = ward.room("a", "b", "c")
    stay = ward.stay(f"{room}/a")
    drug, doctor = ward.prescription(stay), ward.doctor()
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=5)))
    wrong = movement(ward, stay, "STAY_TRANSFERRED")
    ward.record("recordAdministration", prescriptionId=drug, given=True, doseGiven="1 g")
    ward.record("recordVisit", stayId=stay, practitioner=doctor, kind="ROUND")
    neighbour = ward.stay(f"{room}/a", ago(hours=2))
    ward.record("correctMovement", movementId=wrong, **place(f"{room}/c"), **WRONG)
    ward.record("recordVisit", stayId=stay, practitioner=doctor, kind="ROUND")

    answer = ward.ask(EXPOSURE, id=wrong)["exposure"]
    assert [e["kind"] for e in answer["wrong"]] == ["STAY_TRANSFERRED"]
    assert [(e["kind"], e["stayId"]) for e in answer["decided"]] == [
        ("PRESCRIPTION_ADMINISTRATION_RECORDED", stay),
        ("STAY_VISIT_RECORDED", stay),
        ("STAY_ROOM_ALLOCATED", neighbour),
    ]


def test_what_was_never_wrong_led_to_nothing(ward: Ward) -> None:
    stay = ward.stay(f"{ward.room('a')}/a")
    assert ward.ask(EXPOSURE, id=movement(ward, stay, "STAY_ROOM_ALLOCATED"))["exposure"] is None
    assert codes(ward.client.raw(EXPOSURE, {"id": stay})) == {"NotFound"}


def test_a_timeline_is_read_as_the_truth_or_in_the_order_of_knowing(ward: Ward) -> None:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a")
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=5)))
    moved = movement(ward, stay, "STAY_TRANSFERRED")
    ward.record("cancelMovement", movementId=moved, **IN_ERROR)
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=30)))
    last = movement(ward, stay, "STAY_TRANSFERRED")
    ward.record("cancelMovement", movementId=last, **REVERSED)

    query = """query($id: ID!, $read: TimelineReading!, $first: Int, $after: String) {
      timeline(stayId: $id, read: $read, first: $first, after: $after) {
        nodes { kind status recordedAt occurredAt } pageInfo { endCursor hasNextPage } } }"""
    truth = ward.ask(query, id=stay, read="TRUTH")["timeline"]["nodes"]
    assert [e["kind"] for e in truth] == [
        "STAY_ADMITTED",
        "STAY_ROOM_ALLOCATED",
        "STAY_TRANSFERRED",
        "STAY_MOVEMENT_CANCELLED",
    ]
    whole = ward.ask(query, id=stay, read="RECORD")["timeline"]["nodes"]
    assert [e["recordedAt"] for e in whole] == sorted(e["recordedAt"] for e in whole)
    assert [e["status"] for e in whole].count("CANCELLED") == 1

    paged, after = [], None
    while True:
        page = ward.ask(query, id=stay, read="RECORD", first=2, after=after)["timeline"]
        paged += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert paged == whole


def test_a_merge_that_would_put_a_person_in_two_stays_at_once_is_refused_naming_them(
    ward: Ward,
) -> None:
    one, other = ward.patient(), ward.patient()
    stays = {ward.stay(patientMrn=one), ward.stay(patientMrn=other)}
    answer = ward.execute("mergePatients", patientMrn=one, intoMrn=other, **WRONG)
    assert (answer["__typename"], set(answer["inStays"])) == ("MergeImpossible", stays)


@pytest.mark.parametrize(
    ("command", "content"),
    [
        ("cancelMovement", {"movementId": "0b5c1f1e-5f0d-5e0e-9a55-0d9f6a1f6c11", **IN_ERROR}),
        ("correctMovement", {"movementId": "0b5c1f1e-5f0d-5e0e-9a55-0d9f6a1f6c11", **WRONG}),
        ("amendVisit", {"visitId": "0b5c1f1e-5f0d-5e0e-9a55-0d9f6a1f6c11", **WRONG}),
        (
            "cancelAdministration",
            {"administrationId": "0b5c1f1e-5f0d-5e0e-9a55-0d9f6a1f6c11", **WRONG},
        ),
    ],
)
def test_what_is_not_there_cannot_be_put_right(
    ward: Ward, command: str, content: dict[str, str]
) -> None:
    assert ward.execute(command, **content)["__typename"] == "MovementNotFound"


@pytest.mark.parametrize("command", ["cancelAdmission", "cancelDischarge"])
def test_a_cancel_says_why(ward: Ward, command: str) -> None:
    answer = ward.execute(command, stayId=ward.stay(), because="ENTERED_IN_ERROR")
    assert answer["__typename"] == "ReasonNeeded"
