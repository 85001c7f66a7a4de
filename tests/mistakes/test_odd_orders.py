"""Mistakes of other systems about what is told of beds: see `test_covered` for the list."""

from datetime import UTC, date, datetime
from pathlib import Path

from api.hl7.door import Door
from application.hospital import Hospital
from domain.room.aggregate import BedState
from domain.source_visit import STATES_HELD
from tests.hl7.test_beds import at, pending, status
from tests.hl7.test_inbound import SENDERS, adt
from tests.hl7.test_triggers import answer
from tests.support.hospital_dsl import request, room


def test_mistake_401_a_bed_by_the_name_that_its_room_had_then_is_not_known(
    hospital: Hospital, tmp_path: Path
) -> None:
    """Movements name a room as it was on the door at their time, and so do states of beds."""
    room(hospital, "1", "a", "b", ward="A", at=datetime(2026, 1, 1, tzinfo=UTC))
    hospital.rooms.change_room(
        request(reason="built anew"), ward="A", room="1", new_room="9", valid_from=date(2026, 3, 3)
    )
    door = Door(hospital, SENDERS, tmp_path)
    assert answer(door, adt("A01", "1").replace(b"100000", b"110000")) == "AA"
    assert answer(door, status("2", 11, "C")) == "AA"
    next_day = status("3", 13, "U", "A^9^b").replace(b"20260302", b"20260303")
    assert answer(door, next_day) == "AA"
    assert answer(door, pending("A15", "4", 11)) == "AA"
    result = {(s.state, s.period.start) for s in hospital.rooms.spells_of("A", "9", "b")}
    assert result == {(BedState.CLOSED, at(11)), (BedState.RESERVED, at(11))}


def test_mistake_402_a_closure_that_is_older_than_the_states_that_are_held_never_was(
    hospital: Hospital, tmp_path: Path
) -> None:
    """As the oldest state of a bed is held no more, what it told of the bed stays true."""
    room(hospital, "1", "a", "b", at=datetime(2026, 1, 1, tzinfo=UTC))
    door = Door(hospital, SENDERS, tmp_path)
    for n in range(STATES_HELD + 2):
        hour, minute = divmod(n, 60)
        result = status(str(n), 10, "CU"[n % 2])
        moment = f"2026030{hour // 20 + 2}{hour % 20 + 1:02}{minute:02}00"
        assert answer(door, result.replace(b"20260302100000", moment.encode())) == "AA"
    first, *_, last = hospital.rooms.spells_of("A", "1", "b")
    assert (first.state, first.period.start) == (BedState.CLOSED, at(1))
    assert not last.period.is_empty
    assert not [s for s in hospital.rooms.spells_of("A", "1", "b") if s.period.is_empty]
