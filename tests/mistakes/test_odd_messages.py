"""Mistakes of other systems about messages of odd kinds: see `test_covered`."""

from datetime import UTC

import pytest

from api.hl7.door import Door
from api.hl7.er7 import Unreadable, parse, time_of
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


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        *((name, "utf-8") for name in ("UTF8", "utf-8", "UNICODE UTF-8", "UNICODE_UTF8")),
        *(
            (name, "iso8859-1")
            for name in ("8859/1", "8859-1", "ISO-8859-1", "iso8859-1", "ISO 8859/1")
        ),
        *((name, "iso8859-15") for name in ("8859/15", "ISO_8859-15")),
        *((name, "ascii") for name in ("ASCII", "US-ASCII")),
    ],
)
def test_mistake_942_a_charset_is_known_by_one_of_its_names_alone(name: str, codec: str) -> None:
    message = rf"MSH|^~\&|A|||||||||||||||{name}|"
    if codec != "ascii":
        message += "\rPID|||||Ä"
    read = parse(message.encode(codec))
    assert read.codec == codec
    assert (read.value("PID", 5) or "Ä") == "Ä"


@pytest.mark.parametrize("name", ["-", "ISO", "ISO-", "8859/10", "ISO IR87", "UTF-7"])
def test_mistake_942_a_name_of_another_charset_is_taken_for_one_that_is_read(name: str) -> None:
    with pytest.raises(Unreadable, match="a charset that is not read here"):
        parse(rf"MSH|^~\&|A|||||||||||||||{name}".encode())


@pytest.mark.parametrize("offset", ["+0000", "-0000", "+0100", "-0330", "+1245"])
def test_mistake_943_a_colon_in_an_offset_makes_a_time_none(offset: str) -> None:
    with_colon = f"{offset[:3]}:{offset[3:]}"
    for moment in ("20260302", "202603021000", "20260302101500.25"):
        assert time_of(moment + with_colon, UTC, "") == time_of(moment + offset, UTC, "")
