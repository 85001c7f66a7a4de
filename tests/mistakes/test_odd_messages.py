"""Mistakes of other systems about messages of odd kinds: see `test_covered`."""

import pytest

from api.hl7.door import Door
from api.hl7.er7 import parse
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


@pytest.mark.parametrize("sign", ["\\", "!"])
@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (r"C:\Temp\Scan", r"C:\Temp\Scan"),
        (r"1\2\3", r"1\2\3"),
        (r"\Temp\F\x", r"\Temp|x"),
        (r"a\Zzz\b\.br\c", "a\\Zzz\\b\nc"),
        (r"\H\loud\N\ \.sp2\\.ce\low", "loud low"),
        (r"\X41\\X\\X4\\C2842\x", r"A\X4\x"),
        ("\\", "\\"),
        (r"\\", r"\\"),
    ],
)
def test_mistake_941_a_text_loses_what_stands_between_two_backslashes(
    sign: str, sent: str, read: str
) -> None:
    message = parse(rf"MSH|^~{sign}&|A".encode())
    assert message.unescape(sent.replace("\\", sign)) == read.replace("\\", sign)
