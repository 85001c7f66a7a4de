"""States of beds and pending transfers, as another system tells of them."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from api.hl7.door import PENDING, Door
from application.hospital import Hospital
from domain.room.aggregate import BedState
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import adt
from tests.hl7.test_orders import counts
from tests.hl7.test_triggers import answer, door
from tests.support.hospital_dsl import request

__all__ = ["door"]

CLOSED, CLEANING, RESERVED = BedState.CLOSED, BedState.CLEANING, BedState.RESERVED


def at(hour: int) -> datetime:
    """A moment of the second of March, by the clock of the sender."""
    return datetime(2026, 3, 2, hour - 1, tzinfo=UTC)


def states_of(
    hospital: Hospital, ward: str, room: str, bed: str, moment: datetime
) -> frozenset[BedState]:
    """Return what of closed, being cleaned and reserved a bed is at a moment."""
    spells = hospital.rooms.spells_of(ward, room, bed)
    return frozenset(spell.state for spell in spells if moment in spell.period)


def message(trigger: str, control: str, hour: int, *more: str) -> bytes:
    """A message that was recorded in that hour, and says so."""
    reply = adt(trigger, control, *more).replace(b"20260302101500", f"20260302{hour}0000".encode())
    return reply.replace(b"20260302100000", f"20260302{hour}0000".encode())


def status(control: str, hour: int, code: str, bed: str = "A^1^b") -> bytes:
    return message("A20", control, hour, f"NPU|{bed}|{code}")


@pytest.fixture
def numbers() -> Iterator[str]:
    return iter(map(str, range(100, 200)))


def test_a_bed_is_closed_cleaned_and_free_again_as_its_status_says(
    door: Door, hospital: Hospital, database: Database, numbers: Iterator[str]
) -> None:
    story = [
        *((11, "C", {CLOSED}), (12, "C", {CLOSED}), (13, "H", {CLOSED, CLEANING})),
        *((14, "O", {CLOSED, CLEANING}), (15, "U", set()), (16, "U", set())),
        *((17, "H", {CLEANING}), (18, "H", {CLEANING}), (19, "U", set())),
    ]
    result = [(status(next(numbers), hour, code), hour, states) for hour, code, states in story]
    for sent, hour, states in result:
        assert answer(door, sent)[:2] == "AA", hour
        assert states_of(hospital, "A", "1", "b", at(hour)) == states, hour
    recorded = counts(database)
    for sent, _, _ in result:
        assert answer(door, sent)[:2] == "AA", "sent again"
    assert counts(database) == recorded
    assert recorded["room.bed-closed"] == recorded["room.bed-reopened"] == 1
    assert recorded["room.cleaning-started"] == recorded["room.cleaning-finished"] == 2
    assert not list(door.refused)


def test_a_status_ends_no_closure_that_is_only_planned(door: Door, hospital: Hospital) -> None:
    since = datetime(2030, 1, 1, tzinfo=UTC)
    plan = request(at(10), reason="to be painted")
    hospital.rooms.close_bed(plan, ward="A", room="1", bed="b", since=since)
    assert answer(door, status("1", 12, "U")) == "AA"
    assert states_of(hospital, "A", "1", "b", since) == {CLOSED}


@pytest.mark.parametrize("code", ["K", "I", "X"])
def test_a_status_without_a_fact_here_is_kept_for_who_enters_it(door: Door, code: str) -> None:
    assert answer(door, status("1", 12, code)).startswith("AA|kept, to be entered by hand")
    assert len(list(door.refused)) == 1


@pytest.mark.parametrize(
    ("segment", "told"),
    [
        ("NPU|A^1^b", "AR|the status of the bed is absent"),
        ("NPU|A^1|C", "AR|ward, room and bed are absent"),
        ("NPU|A^9^b|C", "AA|kept, until what it is about is known"),
        ("NPU|A^1^z|C", "AA|kept, until what it is about is known"),
        ("NPU|A^1^a|C", f"AA|{PENDING.text}"),
    ],
)
def test_a_status_of_no_bed_or_of_one_in_use_changes_nothing(
    door: Door, database: Database, segment: str, told: str
) -> None:
    assert answer(door, adt("A01", "1")) == "AA"
    assert answer(door, message("A20", "2", 12, segment)) == told
    assert "room.bed-closed" not in counts(database)


def pending(trigger: str, control: str, hour: int, *more: str) -> bytes:
    pv1 = b"|A^1^a||||||||||||||||VNORTH"
    return message(trigger, control, hour, *more).replace(pv1, pv1 + b"|" * 23 + b"A^1^b")


def test_a_pending_transfer_reserves_its_bed_until_it_is_used_or_given_up(
    door: Door, hospital: Hospital, database: Database
) -> None:
    assert answer(door, adt("A01", "1")) == "AA"
    for control, hour in (("2", 12), ("2", 12), ("3", 13)):
        planned = pending("A15", control, hour).replace(b"||||", b"|20260303080000+0100|||", 1)
        assert answer(door, planned) == "AA"
        assert states_of(hospital, "A", "1", "b", at(14)) == {RESERVED}
    for control in ("4", "4", "5"):
        assert answer(door, pending("A26", control, 15)) == "AA"
    assert states_of(hospital, "A", "1", "b", at(16)) == set()
    zbe = "ZBE|P2|20260302160000+0100||INSERT"
    assert answer(door, pending("A15", "6", 16, zbe)) == "AA"
    moved = message("A02", "7", 17, "ZBE|M7|20260302170000+0100||INSERT")
    assert answer(door, moved.replace(b"|A^1^a|", b"|A^1^b|")) == "AA"
    result = counts(database)
    assert (result["room.bed-reserved"], result["room.reservation-released"]) == (2, 1)
    assert not list(door.refused)


def test_a_pending_transfer_may_come_before_its_stay_and_its_end_before_it(
    door: Door, hospital: Hospital, database: Database
) -> None:
    later = f"AA|{PENDING.text}"
    assert answer(door, pending("A26", "3", 15)) == later
    assert answer(door, pending("A15", "2", 12)) == later
    assert answer(door, adt("A01", "1")) == "AA"
    assert not list(door.refused)
    assert counts(database)["room.bed-reserved"] == 1
    assert states_of(hospital, "A", "1", "b", at(14)) == {RESERVED}
    assert states_of(hospital, "A", "1", "b", at(16)) == set()


def test_what_waits_is_said_to_be_pending(door: Door) -> None:
    result = f"AA|{PENDING.text}"
    early = adt("A02", "2", "ZBE|M2|20260302113000+0100||INSERT", place="A^1^b")
    merge = adt("A40", "3", "MRG|4799^^^HOSP^MR")
    for waiting in (early, early, merge):
        assert answer(door, waiting) == result
    assert answer(door, adt("A01", "1")) == "AA"
    assert not list(door.refused)
