"""Many at once, in threads and in several processes' worth of hospitals: rules hold all the same."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

import pytest

from application.command import Recorded
from application.hospital import Hospital
from domain.prescription.events import Medication
from domain.refusals import (
    AlreadyExists,
    BedNotOpen,
    BedOccupied,
    ContradictsLaterFacts,
    OutsideStay,
    PatientAlreadyAdmitted,
    Refusal,
)
from domain.room.occupancy import Claim
from domain.stay.events import VisitKind
from domain.stay.facts import Disposition
from infrastructure.postgres.database import Database
from tests.support.hospital_dsl import (
    ELECTIVE,
    admitted,
    ago,
    assert_claims_are_the_stays,
    at_once,
    doctor,
    events,
    place,
    request,
    room,
    rows,
    stays_folded,
)

pytestmark = pytest.mark.slow

Another = Callable[[], Hospital]


@pytest.fixture(params=[1, 4], ids=["one hospital", "four hospitals"])
def houses(request: pytest.FixtureRequest, hospital: Hospital, another: Another) -> list[Hospital]:
    """One hospital for all threads, or several that know of each other by the log alone."""
    return [hospital, *(another() for _ in range(request.param - 1))]


def each(houses: list[Hospital], count: int, act: Callable[[Hospital, int], Any]) -> list[Any]:
    """Return the outcomes of ``count`` threads that act at once, dealt out among the hospitals."""
    return at_once(*[lambda n=n: act(houses[n % len(houses)], n) for n in range(count)])


OVERLAPS = """
SELECT one.stay, other.stay FROM record.bed_claims one JOIN record.bed_claims other
    ON one.during && other.during AND one.ctid <> other.ctid AND (
        one.stay = other.stay
        OR (one.room, one.bed) = (other.room, other.bed)
           AND one.shares_bed_of IS NULL AND other.shares_bed_of IS NULL)
"""


def assert_the_record_is_sound(database: Database) -> None:
    """No bed has two stays, no stay two beds; the claims are the events; no gap in the log."""
    assert rows(database, OVERLAPS) == []
    assert_claims_are_the_stays(database)
    result = rows(database, "SELECT position, recorded_at FROM record.events ORDER BY position")
    assert [position for position, _ in result] == list(range(1, len(result) + 1))
    assert sorted(at for _, at in result) == [at for _, at in result]


def test_twenty_ask_for_one_bed_and_exactly_one_gets_it(
    houses: list[Hospital], database: Database
) -> None:
    room(houses[0])
    stays = [admitted(houses[0], f"M{n}") for n in range(20)]

    result = each(
        houses,
        20,
        lambda house, n: house.stays.allocate_room(request(), stay_id=stays[n], **place("A/1/a")),
    )

    (winner,) = [t for t in result if isinstance(t, Recorded)]
    lost = [t for t in result if isinstance(t, BedOccupied)]
    assert len(lost) == 19, Counter(map(repr, result))
    assert {refusal.by_stay for refusal in lost} == set(winner.ids("stay"))
    assert_the_record_is_sound(database)


def test_one_patient_is_admitted_once_however_many_do_it_at_once(
    houses: list[Hospital], database: Database
) -> None:
    beds = "abcdefghij"
    room(houses[0], "1", *beds)
    houses[0].patients.register_patient(request(), mrn="M1")

    result = each(
        houses,
        10,
        lambda house, n: house.stays.admit_patient(
            request(), patient_mrn="M1", admission_type=ELECTIVE, **place(f"A/1/{beds[n]}")
        ),
    )

    (winner,) = [t for t in result if isinstance(t, Recorded)]
    lost = [t for t in result if isinstance(t, PatientAlreadyAdmitted)]
    assert len(lost) == 9, Counter(map(repr, result))
    assert {refusal.stay for refusal in lost} == set(winner.ids("stay"))
    assert_the_record_is_sound(database)


def test_one_number_is_given_once(houses: list[Hospital], database: Database) -> None:
    result = each(houses, 10, lambda house, n: house.patients.register_patient(request(), mrn="M1"))
    result += each(
        houses,
        10,
        lambda house, n: house.rooms.open_room(request(), ward="A", room="1", beds=("a",)),
    )
    result += each(
        houses,
        10,
        lambda house, n: house.practitioners.register_practitioner(request(), staff_number="D1"),
    )

    assert sum(isinstance(t, Recorded) for t in result) == 3
    assert sum(isinstance(t, AlreadyExists) for t in result) == 27
    assert rows(database, "SELECT count(*) FROM record.unique_claims") == [(3,)]


def test_visits_of_one_stay_at_once_are_all_recorded(houses: list[Hospital]) -> None:
    stay, staff = admitted(houses[0], "M1"), doctor(houses[0])

    def visit(house: Hospital, n: int) -> int:
        for _ in range(5):
            house.stays.record_visit(
                request(), stay_id=stay, practitioner=staff, kind=VisitKind.ROUND
            )
        return 5

    assert sum(each(houses, 10, visit)) == 50


def test_random_moves_at_once_never_put_two_in_a_bed_or_one_in_two(
    houses: list[Hospital], database: Database
) -> None:
    room(houses[0], "1", "a", "b", "c")
    room(houses[0], "2", "a", "b", "c")
    beds = [f"A/{number}/{bed}" for number in "12" for bed in "abc"]
    stays = [admitted(houses[0], f"M{n}", beds[n] if n < 5 else None) for n in range(7)]
    ends: Counter[str] = Counter()

    def move_about(house: Hospital, n: int) -> None:
        lot = Random(n)
        for _ in range(25):
            stay, other = lot.sample(stays, 2)
            kind = lot.choice(["transfer", "transfer", "transfer", "swap", "swap", "aside"])
            try:
                if kind == "transfer":
                    house.stays.transfer_patient(request(), stay_id=stay, **place(lot.choice(beds)))
                elif kind == "swap":
                    house.stays.swap_beds(request(), stay_id=stay, with_stay_id=other)
                else:
                    house.stays.transfer_patient(request(), stay_id=stay, without_bed="corridor")
                ends[kind] += 1
            except Refusal as refusal:
                ends[refusal.code] += 1

    assert each(houses, 8, move_about) == [None] * 8

    assert ends["transfer"] > 5
    assert ends["swap"] > 0
    assert ends["BedOccupied"] > 5
    assert ends["VersionConflict"] == 0
    assert_the_record_is_sound(database)


def test_two_patients_who_want_each_others_beds_do_not_deadlock(
    houses: list[Hospital], database: Database
) -> None:
    room(houses[0], "1", "a")
    room(houses[0], "2", "a")
    stays = [admitted(houses[0], "M1", "A/1/a"), admitted(houses[0], "M2", "A/2/a")]

    def swap(house: Hospital, n: int) -> None:
        for _ in range(5):
            one, other = (stays[n % 2], stays[1 - n % 2])
            house.stays.swap_beds(request(), stay_id=one, with_stay_id=other)

    assert each(houses, 6, swap) == [None] * 6
    assert_the_record_is_sound(database)


def test_what_is_read_partly_before_and_partly_after_another_command_refuses_nothing(
    hospital: Hospital, another: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    room(hospital, "1", "a")
    room(hospital, "2", "a")
    one, other = (admitted(hospital, f"M{n}", f"A/{n}/a", ago(hours=1)) for n in (1, 2))
    elsewhere, read, meanwhile = another(), hospital.record.beds, 0

    def read_too_late(*of: Any) -> tuple[dict[UUID, int], list[Claim]]:
        nonlocal meanwhile
        if meanwhile < 4:
            meanwhile += 1
            under_way = request(ago(minutes=50 - meanwhile))  # it began before, and ends now
            elsewhere.stays.swap_beds(under_way, stay_id=one, with_stay_id=other)
        return read(*of)

    monkeypatch.setattr(hospital.record, "beds", read_too_late)

    hospital.stays.transfer_patient(request(), stay_id=one, without_bed="corridor")

    assert meanwhile == 4


def test_a_discharged_stay_never_has_an_active_prescription(
    houses: list[Hospital], database: Database
) -> None:
    stays = [admitted(houses[0], f"M{n}") for n in range(8)]

    def act(house: Hospital, n: int) -> None:
        stay = stays[n // 3]
        if n % 3 == 0:
            house.stays.discharge_patient(request(), stay_id=stay, disposition=Disposition.HOME)
        else:
            house.prescriptions.write_prescription(
                request(), stay_id=stay, medication=Medication(name="Paracetamol")
            )

    result = each(houses, 24, act)

    assert {type(t) for t in result} <= {type(None), OutsideStay, ContradictsLaterFacts}
    log = events(database)
    written = {e.originator_id: e for _, _, e in log if e.TOPIC == "prescription.written"}
    stopped = {e.originator_id for _, _, e in log if e.TOPIC == "prescription.stopped"}
    gone = {id for id, stay in stays_folded(log).items() if not stay.is_open}
    assert gone
    for id, event in written.items():
        stay: UUID = event.stay  # type: ignore[attr-defined]
        assert (stay in gone) == (id in stopped)
    assert_the_record_is_sound(database)


def test_a_bed_is_never_both_closed_and_given(houses: list[Hospital], database: Database) -> None:
    beds = "abcdefghij"
    room(houses[0], "1", *beds)
    stays = [admitted(houses[0], f"M{n}") for n in range(10)]

    def act(house: Hospital, n: int) -> str:
        bed = place(f"A/1/{beds[n // 2]}")
        if n % 2:
            house.rooms.close_bed(request(reason="paint"), **bed)
            return "closed"
        house.stays.allocate_room(request(), stay_id=stays[n // 2], **bed)
        return "given"

    result = each(houses, 20, act)

    for n in range(10):
        pair = {
            str(t) if isinstance(t, str) else type(t).__name__ for t in result[2 * n : 2 * n + 2]
        }
        assert pair in ({"closed", BedNotOpen.__name__}, {"given", BedOccupied.__name__}), pair
    assert_the_record_is_sound(database)


def test_the_same_command_from_two_houses_at_once_counts_once(
    houses: list[Hospital], database: Database
) -> None:
    room(houses[0])
    stay = admitted(houses[0], "M1")
    command_request = request()

    result = each(
        houses,
        8,
        lambda house, n: house.stays.allocate_room(command_request, stay_id=stay, **place("A/1/a")),
    )

    assert {t.position for t in result} == {result[0].position}
    assert sum(not t.repeated for t in result) == 1
    assert_the_record_is_sound(database)
