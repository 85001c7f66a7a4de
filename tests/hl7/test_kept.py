"""Messages that were refused: each is kept once, however often it is sent."""

import pytest

from api.hl7 import refused as module
from api.hl7.door import NO_COMMAND, Door
from tests.hl7.test_inbound import adt
from tests.hl7.test_triggers import answer, door

__all__ = ["door"]

REFUSED = adt("A40", "1")  # it names no other record
AGAIN = REFUSED.replace(b"20260302101500+0100||ADT", b"20260302101700+0100||ADT")


def test_a_refused_message_that_is_sent_again_is_kept_once(door: Door) -> None:
    assert AGAIN != REFUSED
    answers = {answer(door, message) for message in (REFUSED, REFUSED, AGAIN, REFUSED)}
    assert len(answers) == 1
    assert {text[:2] for text in answers} == {"AR"}
    (record,) = door.refused
    assert door.refused.message_of(record) == REFUSED


@pytest.mark.parametrize(
    "other",
    [
        REFUSED.replace(b"|1|P", b"|2|P"),
        REFUSED.replace(b"4711", b"4712"),
        REFUSED.replace(b"NORTH", b"SOUTH"),
        b"MSH|nonsense",
        b"nonsense",
        b"",
    ],
)
def test_messages_that_differ_are_each_kept(door: Door, other: bytes) -> None:
    for _ in range(3):
        assert answer(door, REFUSED)[:2] == answer(door, other)[:2] == "AR"
    assert [door.refused.message_of(record) for record in door.refused] == [REFUSED, other]


def test_a_stubborn_sender_leaves_room_for_others(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_REFUSED", 2)
    for _ in range(3):
        assert answer(door, REFUSED)[:2] == "AR"
    assert answer(door, REFUSED.replace(b"4711", b"4712"))[:2] == "AR"
    assert answer(door, REFUSED)[:2] == "AR", "it is kept already"
    assert answer(door, REFUSED.replace(b"4711", b"4713")) == "AE|come again"


def test_a_message_that_is_set_aside_is_kept_once_and_again_after_it_was_removed(
    door: Door,
) -> None:
    pending, by_hand = adt("A20", "7", "NPU|A^1^a|I"), f"AA|{NO_COMMAND.text}"
    assert answer(door, pending) == answer(door, pending) == by_hand
    (record,) = door.refused
    door.refused.remove(record)
    assert answer(door, pending) == by_hand
    assert len(list(door.refused)) == 1
