"""Batches and files: each message is carried out, and answered in its place."""

from api.hl7.door import Door
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import adt
from tests.hl7.test_orders import counts
from tests.hl7.test_triggers import door

__all__ = ["door"]

HEADER = rb"BHS|^~\&|ADT|NORTH|WARDBOOK|HERE|20260302||night||B7"


def told(door: Door, *lines: bytes, end: bytes = b"\r") -> list[str]:
    """The segments of the answer to a batch of lines and messages."""
    (answer,) = door.answers(end.join(lines) + end)
    return answer.decode().rstrip("\r").split("\r")


def test_each_message_of_a_batch_is_answered_in_its_place(door: Door, database: Database) -> None:
    refusal = adt("A01", "2").replace(b"20260302100000", b"nonsense")
    batch = [HEADER, adt("A01", "1"), refusal, adt("A03", "3"), b"BTS|3"]
    for end in (b"\r", b"\n", b"\r\n"):
        header, *segments, trailer = told(door, *batch, end=end)
        assert header.startswith(r"BHS|^~\&|WARDBOOK|HERE|ADT|NORTH|2")
        assert header.endswith("|B7")
        assert trailer == "BTS|3"
        answers = [s.split("|")[1:3] for s in segments if s.startswith("MSA")]
        assert answers == [["AA", "1"], ["AR", "2"], ["AA", "3"]]
    assert counts(database)["stay.admitted"] == counts(database)["stay.discharged"] == 1
    assert len(list(door.refused)) == 1


def test_a_file_of_two_batches_is_a_file_of_two(door: Door) -> None:
    head = HEADER.replace(b"BHS", b"FHS").replace(b"B7", b"F1")
    one = [HEADER, adt("A01", "1"), b"BTS|1"]
    other = [HEADER.replace(b"B7", b"B8"), adt("A03", "2"), b"BTS"]
    segments = told(door, head, *one, *other, b"FTS|2")
    names = [s[:3] for s in segments]
    first = ["BHS", "MSH", "MSA", "BTS"]
    assert names == ["FHS", *first, *first, "FTS"]
    assert segments[-1] == "FTS|2"
    assert [s.split("|")[11] for s in segments if s[1:3] == "HS"] == ["F1", "B7", "B8"]


def test_a_batch_of_which_something_is_missing_is_refused_as_a_whole(
    door: Door, database: Database
) -> None:
    before = counts(database)
    segments = told(door, HEADER, adt("A01", "1"), b"BTS|2")
    assert "MSA|AR||a batch that has not as many messages as it says" in segments
    assert counts(database) == before
    assert len(list(door.refused)) == 1
