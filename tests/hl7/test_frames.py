"""Tests of frames: one message of production, wherever its trigger is."""

import pytest

from api.hl7.door import Door
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import adt, codes
from tests.hl7.test_orders import counts
from tests.hl7.test_triggers import answer, door

__all__ = ["door"]

FIRST, SECOND = adt("A01", "1"), adt("A03", "2", "ZBE|M2|20260302130000+0100||INSERT")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (FIRST + b"\r" + SECOND, b"100"),
        (b"BHS|^~\\&|ADT|NORTH\r" + FIRST + b"\rBTS|2", b"207"),
        (b"FHS|^~\\&|ADT|NORTH\rBHS|^~\\&\r" + FIRST + b"\r" + SECOND + b"\rBTS|3\rFTS|1", b"207"),
        (FIRST.replace(b"|P|2.5", b"|T|2.5"), b"202"),
        (FIRST.replace(b"|P|2.5", b"|D^T|2.5"), b"202"),
    ],
    ids=["two messages", "half a batch", "a file of half a batch", "training", "debugging"],
)
def test_a_frame_that_would_lose_a_message_is_refused_whole(
    door: Door, database: Database, frame: bytes, code: bytes
) -> None:
    (result,) = door.answers(frame)
    assert codes([result.decode()]) == ["AR"]
    assert b"|" + code + b"^" in result
    assert "source-visit.reported" not in counts(database)
    assert [door.refused.message_of(kept) for kept in door.refused] == [frame]


@pytest.mark.parametrize(
    "message",
    [
        b"\r\n" + FIRST,
        FIRST.replace(b"|P|2.5", b"||2.5"),
        FIRST.replace(b"|P|2.5", b"|P^T|2.5"),
        FIRST.replace(b"ADT^A01", b"ADT"),
    ],
    ids=["after a line end", "no processing id", "with a mode", "the trigger in EVN alone"],
)
def test_a_message_is_taken(door: Door, database: Database, message: bytes) -> None:
    assert answer(door, message) == "AA"
    assert counts(database)["stay.admitted"] == 1


def test_details_whose_trigger_is_in_evn_alone_are_held(door: Door, database: Database) -> None:
    assert answer(door, FIRST) == "AA"
    reply = adt("A31", "3").replace(b"ADT^A31", b"ADT").replace(b"Every", b"Evers")
    later = reply.replace(b"20260302101500", b"20260302111500")
    assert answer(door, later) == "AA"
    assert counts(database)["patient.details-corrected"] == 1


def test_another_message_under_the_same_id_is_refused_as_such(door: Door) -> None:
    assert answer(door, FIRST) == answer(door, FIRST) == "AA"
    (result,) = door.answers(FIRST.replace(b"A^1^a", b"A^1^b"))
    assert b"ERR||MSH^1^10|205^another message had this id^HL70357|E" in result
