"""Both clocks: when it happened, and when the record learned of it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from application.hospital import Hospital
from domain.refusals import InFuture, InvalidInput, ReasonNeeded
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.support.hospital_dsl import ADA, request, rows

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def clock(database: Database) -> datetime:
    """The database's clock."""
    (now,) = rows(database, "SELECT clock_timestamp()")[0]
    assert isinstance(now, datetime)
    return now


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def test_a_fact_happened_now_by_the_databases_clock_unless_its_time_is_given(
    hospital: Hospital, database: Database
) -> None:
    before = clock(database)
    recorded = hospital.patients.register_patient(request(), mrn="M1")
    after = clock(database)

    assert before < recorded.entry.occurred_at <= recorded.recorded_at < after


def test_the_clock_is_read_once_for_a_command(hospital: Hospital) -> None:
    hospital.rooms.open_room(request(), ward="A", room="1", beds=("a",))
    hospital.patients.register_patient(request(), mrn="M1")
    from domain.stay.events import AdmissionType

    admission = hospital.stays.admit_patient(
        request(),
        patient_mrn="M1",
        admission_type=AdmissionType.ELECTIVE,
        ward="A",
        room="1",
        bed="a",
    )
    assert len(admission.events) == 3
    assert len({event.entry.occurred_at for event in admission.events}) == 1


def test_the_time_that_is_given_is_kept_to_the_microsecond_in_utc(hospital: Hospital) -> None:
    given = datetime.fromisoformat("2026-03-01T08:00:00.123456+05:30")
    recorded = hospital.patients.register_patient(request(given), mrn="M1")
    assert recorded.entry.occurred_at == given
    assert recorded.entry.occurred_at.tzinfo is UTC


def test_a_fact_cannot_lie_in_the_future(hospital: Hospital, database: Database) -> None:
    ahead = clock(database) + seconds(75)
    with pytest.raises(InFuture) as refusal:
        hospital.patients.register_patient(request(occurred_at=ahead), mrn="M1")
    assert refusal.value.occurred_at == ahead
    assert abs(refusal.value.now - clock(database)) < seconds(15)
    assert rows(database, "SELECT count(*) FROM record.events") == [(0,)]


def test_clocks_may_differ_a_little(hospital: Hospital, database: Database) -> None:
    ahead = clock(database) + seconds(45)
    recorded = hospital.patients.register_patient(request(occurred_at=ahead), mrn="M1")
    assert recorded.entry.occurred_at <= recorded.recorded_at < ahead


def test_a_moment_without_an_offset_is_refused(hospital: Hospital) -> None:
    with pytest.raises(InvalidInput) as refusal:
        hospital.patients.register_patient(request(occurred_at=datetime(2026, 3, 1)), mrn="M1")
    assert refusal.value.field == "occurred_at"


@pytest.mark.parametrize("reason", [None, "", "  \n"])
def test_an_entry_more_than_an_hour_late_says_why(
    hospital: Hospital, database: Database, reason: str | None
) -> None:
    late = clock(database) - timedelta(minutes=60, seconds=1)
    with pytest.raises(ReasonNeeded):
        hospital.patients.register_patient(request(occurred_at=late, reason=reason), mrn="M1")

    said = hospital.patients.register_patient(
        request(occurred_at=late, reason="was busy"), mrn="M1"
    )
    assert said.entry.reason == "was busy"


def test_an_entry_less_than_an_hour_late_needs_no_reason(
    hospital: Hospital, database: Database
) -> None:
    late = clock(database) - timedelta(minutes=59)
    assert (
        hospital.patients.register_patient(request(occurred_at=late), mrn="M1").entry.reason is None
    )


@pytest.fixture
def strict(settings: Settings, simulated: Database) -> Iterator[Hospital]:
    """A hospital that allows no difference of clocks, and calls five minutes late."""
    chosen = replace(settings, clock_tolerance_seconds=0, late_after_minutes=5)
    with closing(wired(chosen, simulated)) as made:
        yield made


def test_a_hospital_sets_how_far_clocks_may_differ_and_what_is_late(strict: Hospital) -> None:
    def give(minutes: float, mrn: str) -> None:
        at = MONDAY + timedelta(minutes=minutes)
        strict.patients.register_patient(request(occurred_at=at, now=MONDAY), mrn=mrn)

    give(0, "M1")
    give(-5, "M2")
    with pytest.raises(InFuture):
        give(1 / 60_000, "M3")
    with pytest.raises(ReasonNeeded) as refusal:
        give(-5 - 1 / 60_000, "M3")
    assert "5 minutes" in refusal.value.message


def test_a_simulated_log_is_recorded_by_the_clock_that_it_is_given(strict: Hospital) -> None:
    recorded = strict.patients.register_patient(request(now=MONDAY), mrn="M1")
    assert (recorded.entry.occurred_at, recorded.recorded_at) == (MONDAY, MONDAY)

    again = strict.patients.register_patient(request(now=MONDAY), mrn="M2")
    assert again.recorded_at == MONDAY + timedelta(microseconds=1)


def test_a_birth_is_of_the_hospitals_day_not_of_greenwich(strict: Hospital) -> None:
    strict.calendar.set_hospital_time(request(now=MONDAY), time_zone="Pacific/Auckland")
    evening = MONDAY.replace(hour=20)  # in Auckland it is Tuesday
    strict.patients.register_patient(
        request(now=evening), mrn="M1", birth_date=MONDAY.date() + timedelta(days=1)
    )
    with pytest.raises(InvalidInput):
        strict.patients.register_patient(
            request(now=evening), mrn="M2", birth_date=MONDAY.date() + timedelta(days=2)
        )


def test_who_recorded_it_and_who_did_it_are_both_kept(hospital: Hospital) -> None:
    entry = hospital.patients.register_patient(request(performed_by="Dr. Okafor"), mrn="M1").entry
    assert (entry.recorded_by, entry.performed_by) == (ADA, "Dr. Okafor")
    assert entry.hospital == "main"
