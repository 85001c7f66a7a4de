"""Mistakes of other systems about messages of odd kinds: see `test_covered`."""

import pytest

from api.hl7.door import Door
from application.hospital import Hospital
from tests.hl7.test_inbound import adt
from tests.hl7.test_triggers import answer, door

__all__ = ["door"]

MOVED = "ZBE|M2|20260302113000+0100||{}|N|A02"


@pytest.mark.parametrize("word", ["cancel", "Cancel", "CANCEL"])
def test_mistake_255_a_cancel_is_one_however_it_is_written(
    door: Door, hospital: Hospital, word: str
) -> None:
    assert answer(door, adt("A01", "1")) == "AA"
    assert answer(door, adt("a02", "2", MOVED.format("insert"), place="A^1^b")) == "AA"
    stay = hospital.source_movements.stay_of("north", "VNORTH")
    before = len(hospital.record.streams({stay: 0})[stay])  # type: ignore[dict-item, index]
    assert answer(door, adt("Z99", "3", MOVED.format(word), place="A^1^b")) == "AA"
    after = hospital.record.streams({stay: 0})[stay]  # type: ignore[dict-item, index]
    assert [event.TOPIC for event in after[before:]] == ["stay.movement-cancelled"]


@pytest.mark.parametrize(
    ("trigger", "zbe", "why"),
    [
        (
            "Z99",
            MOVED.replace("|N|A02", "").format("CANCEL"),
            "the trigger of the movement is absent",
        ),
        ("A02", MOVED.format("DELETE"), "none of INSERT, UPDATE and CANCEL"),
    ],
)
def test_mistake_255_what_does_not_say_what_it_is_of_is_refused_and_kept(
    door: Door, trigger: str, zbe: str, why: str
) -> None:
    assert answer(door, adt("A01", "1")) == "AA"
    assert answer(door, adt(trigger, "2", zbe, place="A^1^b")) == f"AR|{why}"
    assert len(list(door.refused)) == 1
