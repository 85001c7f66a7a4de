"""Mistakes of other systems about what is told again after its cancel: see `test_covered`."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest

from api.hl7.door import PENDING, Door
from application.aggregate_cache import current
from application.hospital import Hospital
from domain.room.aggregate import BedState
from domain.stay.aggregate import Stay
from infrastructure.postgres.database import Database
from tests.hl7.test_beds import at, message, pending, states_of
from tests.hl7.test_inbound import SENDERS, adt
from tests.hl7.test_orders import counts
from tests.hl7.test_triggers import answer, door
from tests.support.hospital_dsl import doctor, room

__all__ = ["door"]


def test_mistake_251_a_pending_transfer_that_is_planned_again_reserves_its_bed_again(
    door: Door, hospital: Hospital, database: Database
) -> None:
    assert answer(door, adt("A01", "1")) == "AA"
    until = b"|20260303080000+0100|||"
    result = [
        pending(trigger, control, hour).replace(b"||||", until, 1)
        for trigger, control, hour in (("A15", "2", 12), ("A26", "3", 13), ("A15", "4", 14))
    ]
    for sent in (*result, *result):
        assert answer(door, sent) == "AA"
    assert states_of(hospital, "A", "1", "b", at(15)) == {BedState.RESERVED}
    finding = counts(database)
    assert (finding["room.bed-reserved"], finding["room.reservation-released"]) == (2, 1)
    assert answer(door, pending("A26", "5", 16)) == "AA"
    assert states_of(hospital, "A", "1", "b", at(17)) == set()
    assert not list(door.refused)


def test_mistake_251_a_bed_that_is_reserved_for_another_is_not_known_already(door: Door) -> None:
    assert answer(door, adt("A01", "1")) == "AA"
    other = adt("A01", "2", place="A").replace(b"VNORTH", b"V2").replace(b"4711", b"4712")
    assert answer(door, other) == "AA"
    assert answer(door, pending("A15", "3", 12).replace(b"VNORTH", b"V2")) == "AA"
    assert answer(door, pending("A15", "4", 13)) == f"AA|{PENDING.text}"


def told_of(
    trigger: str, control: str, hour: int, *more: str, visit: str = "NORTH", happened: int = 9
) -> bytes:
    """A message that was recorded in that hour; of a visit, which has a room of its own."""
    place = "A^{}^{}".format("1" if visit == "NORTH" else visit, "b" if trigger == "A02" else "a")
    result = adt(trigger, control, *more, place=place)
    result = result.replace(b"20260302101500", f"20260302{hour:02}0000".encode())
    result = result.replace(b"20260302100000", f"20260302{happened:02}0000".encode())
    if trigger == "A54":
        result = result.replace(b"^a||||", b"^a||||D1")
    return result.replace(b"VNORTH", f"V{visit}".encode()).replace(b"4711", f"M{visit}".encode())


def held(hospital: Hospital, visit: str) -> str:
    """Return what the evening holds of the stay of a visit."""
    id = hospital.source_movements.stay_of("north", f"V{visit}")
    assert id
    stay = current(hospital.record, Stay.empty(id))
    return repr(stay.history.at(datetime(2026, 3, 2, 19, tzinfo=UTC)))


PAIRS = [
    ("A02", "A12", "bed='b'"),
    ("A21", "A52", "ON_LEAVE"),
    ("A03", "A13", "None"),
    ("A54", "A55", "attending=UUID"),
]


@pytest.mark.parametrize(("trigger", "cancel", "expected"), PAIRS)
def test_mistake_252_what_is_told_again_after_its_cancel_holds_again_in_any_order(
    hospital: Hospital, tmp_path: Path, trigger: str, cancel: str, expected: str
) -> None:
    doctor(hospital)
    door = Door(hospital, SENDERS, tmp_path)
    for order in permutations(range(3)):
        visit = "".join(map(str, order))
        room(hospital, visit, at=datetime(2026, 1, 1, tzinfo=UTC))
        story = [
            told_of(kind, f"{visit}-{hour}", hour, visit=visit)
            for kind, hour in ((trigger, 10), (cancel, 11), (trigger, 12))
        ]
        admission = told_of("A01", f"{visit}-8", 8, visit=visit, happened=8)
        for sent in (admission, *(story[n] for n in (*order, *order))):
            assert answer(door, sent).startswith("AA"), order
        assert expected in held(hospital, visit), order


def test_mistake_252_an_admission_a_plan_and_a_merge_hold_again_after_their_cancels(
    door: Door, hospital: Hospital, database: Database
) -> None:
    assert answer(door, adt("A28", "0").replace(b"4711", b"4799")) == "AA"
    assert answer(door, told_of("A28", "00", 9)) == "AA"
    for number, (result, cancel) in enumerate((("A05", "A38"), ("A40", "A37"), ("A01", "A11"))):
        for n, trigger in enumerate((result, cancel, result), 1):
            more = ["MRG|4799^^^HOSP^MR"] if result == "A40" else []
            assert answer(door, told_of(trigger, f"{number}-{n}", 10 + n, *more)) == "AA", trigger
    finding = counts(database)
    assert finding["arrival.planned"] == 2
    assert finding["patient.merged"] == 2
    assert finding["stay.admitted"] == 2
    assert "bed='a'" in held(hospital, "NORTH")


def test_mistake_253_an_allergy_that_is_told_again_after_it_was_deleted_is_there_again(
    door: Door, database: Database
) -> None:
    assert answer(door, adt("A01", "1")) == "AA"
    allergy = "IAM|1||91936005^Penicillin^SCT|SV|Rash|{}"
    result = [
        message("A60", control, hour, allergy.format(action))
        for control, hour, action in (("2", 12, "A"), ("3", 13, "D"), ("4", 14, "A"))
    ]
    for sent in (*result, *result):
        assert answer(door, sent) == "AA"
    finding = counts(database)
    assert finding["patient.allergy-recorded"] == 2
    assert finding["patient.allergy-cancelled"] == 1
    assert not list(door.refused)
