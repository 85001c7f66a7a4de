"""Mistakes of other systems about patients whom a feed describes: see `test_covered` for the list."""

from itertools import permutations
from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, ahead, place
from tests.support.source_movement_examples import report

PERSON = """query($mrn: String!) {
  patient(mrn: $mrn) { familyName birthDate stays { status } } }"""
DETAILS = {"familyName": "Every", "birthDate": "1970-01-01"}
CANCEL: tuple[int, str, dict[str, Any]] = (9, "1", {"cancelled": True})


def messages(kind: str, mrn: str, bed: str) -> list[tuple[int, str, dict[str, Any]]]:
    """A movement of somebody who is described in it alone, told twice, and its cancel."""
    at = {"EXPECT": {"expectedAt": ahead(hours=5)}, "ADMIT": place(bed), "CHANGE_TYPE": {}}[kind]
    types = {"CHANGE_TYPE": {"admissionType": "ELECTIVE"}}.get(kind, {})
    movement = {"kind": kind, "patientMrn": mrn, "patient": DETAILS, **at, **types}
    moved = [{**movement, "occurredAt": ago(hours=hours)} for hours in (3, 2)]
    return [(1, "1", {"movement": moved[0]}), (2, "1", {"movement": moved[1]}), CANCEL]


@pytest.mark.parametrize("kind", ["EXPECT", "ADMIT", "CHANGE_TYPE"])
def test_mistake_277_who_is_described_in_a_report_alone_is_known_in_some_orders_of_its_cancel(
    ward: Ward, kind: str
) -> None:
    histories = []
    for order in permutations(range(3)):
        mrn, visit, bed = ward.name("Told"), ward.name("V"), f"{ward.room('a')}/a"
        result = messages(kind, mrn, bed)
        for minute, id, content in (result[number] for number in order):
            answer = report(ward, visit, id, minute, **content)
            assert answer["__typename"] == "SourceMovementRecorded"
        histories.append(ward.ask(PERSON, mrn=mrn)["patient"])
    for history in histories:
        history["stays"] = [s for s in history["stays"] if s["status"] != "CANCELLED"]
        assert history == {**DETAILS, "stays": []}


def test_mistake_277_who_is_described_is_known_while_the_report_waits(ward: Ward) -> None:
    mrn = ward.name("Told")
    nowhere = {"ward": "A", "room": "none", "bed": "a"}
    movement = {"kind": "ADMIT", "patientMrn": mrn, "patient": DETAILS, **nowhere}
    result = report(ward, ward.name("V"), "1", 1, movement={**movement, "occurredAt": ago(hours=1)})
    assert result["sourceMovement"]["status"] == "PENDING"
    assert result["sourceMovement"]["patient"]["mrn"] == mrn
    assert ward.ask(PERSON, mrn=mrn)["patient"] == {**DETAILS, "stays": []}


def test_mistake_277_a_description_that_cannot_be_right_registers_nobody(ward: Ward) -> None:
    mrn, born = ward.name("Told"), {"familyName": "Every", "birthDate": ahead(days=20)[:10]}
    movement = {"kind": "EXPECT", "patientMrn": mrn, "patient": born, "expectedAt": ahead(hours=5)}
    result = report(ward, ward.name("V"), "1", 1, movement={**movement, "occurredAt": ago(hours=1)})
    assert result["sourceMovement"]["status"] == "PENDING"
    assert ward.client.raw(PERSON, {"mrn": mrn})["data"]["patient"] is None
