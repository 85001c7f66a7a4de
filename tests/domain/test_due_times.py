"""Due times of doses, against a model that looks at the hospital's clock each quarter of an hour."""

import os
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clinical_refusals import ClinicalWarning
from domain.hospital_calendar import CENSUS_TIME, LocalDays
from domain.prescription.course import Course, Dose, Regimen, Step
from domain.prescription.due import dose_warnings, due_times
from domain.prescription.schedule import Schedule, slot_of
from domain.refusals import InvalidInput
from domain.time import Period, Precision

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
QUARTER = 15 * MINUTE
briefly = settings(max_examples=int(os.environ.get("WARDBOOK_EXAMPLES", "30")))

CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "Africa/Cairo": (date(2026, 4, 24), date(2026, 10, 29)),
    "America/Santiago": (date(2026, 4, 4), date(2026, 9, 5)),
    "UTC": (date(2026, 1, 1),),
}
"""Zones, each with the days of 2026 around which its clocks change."""


@st.composite
def calendars(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """Return a zone, and a moment near a change of its clocks."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    day = draw(st.sampled_from(CHANGES[zone]))
    begin = datetime.combine(day, time(12), UTC) - timedelta(hours=draw(st.integers(0, 48)))
    return ZoneInfo(zone), begin + timedelta(minutes=draw(st.integers(0, 59)))


TIMES = st.lists(
    st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30])),
    min_size=1,
    max_size=4,
    unique=True,
)
HOLDS = st.lists(st.integers(1, 60 * 60), min_size=0, max_size=4, unique=True).map(sorted)


def days_in(zone: ZoneInfo) -> LocalDays:
    return LocalDays(((None, zone.key, CENSUS_TIME),))


def course(start: datetime, schedule: Schedule, holds: list[int]) -> Course:
    """Return a course that is held and resumed in turn after so many minutes."""
    kinds = ["held", "resumed"] * len(holds)
    steps = tuple(
        Step(uuid4(), kind, start + minutes * MINUTE, number)
        for number, (kind, minutes) in enumerate(zip(kinds, holds, strict=False))
    )
    return Course(start, Regimen(start, None, None, None, None, schedule), steps)


def is_held(moment: datetime, course: Course) -> bool:
    return sum(step.at <= moment for step in course.steps) % 2 == 1


def by_the_clock(times: list[time], zone: ZoneInfo, period: Period) -> list[datetime]:
    """Return the first quarter of each local day at which the clock shows a time, or a later one."""
    assert period.end is not None
    begin = period.start.replace(minute=0) - 2 * DAY
    seen: set[tuple[date, time]] = set()
    due: set[datetime] = set()
    for quarters in range(int((period.end - begin) / QUARTER) + 1):
        moment = begin + quarters * QUARTER
        local = moment.astimezone(zone)
        for at in times:
            if local.time().replace(tzinfo=None) >= at and (local.date(), at) not in seen:
                seen.add((local.date(), at))
                if moment in period and local.date() > begin.astimezone(zone).date():
                    due.add(moment)
    return sorted(due)


@briefly
@given(calendars(), TIMES, HOLDS)
def test_doses_at_times_of_day_are_due_when_the_hospitals_clock_shows_them(
    place: tuple[ZoneInfo, datetime], times: list[time], holds: list[int]
) -> None:
    zone, start = place
    written = course(start, Schedule(times_of_day=tuple(times)), holds)
    period = Period(start, start + 2 * DAY)
    model = [at for at in by_the_clock(times, zone, period) if not is_held(at, written)]
    assert due_times(written.segments(), period, days_in(zone)) == model


@briefly
@given(calendars(), st.integers(1, 30), HOLDS, st.integers(0, 60))
def test_doses_every_n_hours_are_due_after_hours_that_pass(
    place: tuple[ZoneInfo, datetime], hours: int, holds: list[int], since: int
) -> None:
    zone, start = place
    written = course(start, Schedule(every_hours=hours), holds)
    period = Period(start + since * HOUR, start + since * HOUR + 3 * DAY)
    model = [start + n * hours * HOUR for n in range(200)]
    model = [at for at in model if at in period and not is_held(at, written)]
    assert due_times(written.segments(), period, days_in(zone)) == model


START = datetime(2026, 3, 2, 8, tzinfo=UTC)


@briefly
@given(
    st.lists(st.integers(0, 4 * 48), max_size=6),
    st.integers(0, 4 * 48),
    st.integers(1, 40),
    st.integers(1, 4),
)
def test_a_dose_as_needed_is_warned_of_by_its_interval_and_the_most_in_24_hours(
    given_at: list[int], quarter: int, interval: int, most: int
) -> None:
    schedule = Schedule(as_needed=True, min_interval_minutes=15 * interval, max_per_day=most)
    doses = tuple(Dose(uuid4(), START + q * QUARTER, True, None) for q in given_at)
    written = Course(START, Regimen(START, None, None, None, None, schedule), (), doses)
    at = START + quarter * QUARTER
    warnings = set(dose_warnings(written, at, Precision.MINUTE, LocalDays()))
    windows = [range(start, start + 96) for start in range(quarter - 95, quarter + 1)]
    crowded = any(sum(q in window for q in [*given_at, quarter]) > most for window in windows)
    near = any(abs(q - quarter) < interval for q in given_at)
    assert (ClinicalWarning.TOO_EARLY in warnings) == near
    assert (ClinicalWarning.OVER_MAXIMUM in warnings) == crowded


@briefly
@given(st.lists(st.integers(0, 100), unique=True, max_size=8).map(sorted), st.integers(-50, 150))
def test_a_dose_is_that_of_the_nearest_time_within_reach(hours: list[int], at: int) -> None:
    due = [START + n * HOUR for n in hours]
    near = [n for n in hours if abs(n - at) <= 6]
    nearest = min(near, key=lambda n: (abs(n - at), n), default=None)
    slot = slot_of(START + at * HOUR, due, 6 * HOUR)
    assert slot == (None if nearest is None else START + nearest * HOUR)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"as_needed": True, "every_hours": 8},
        {"every_hours": 0},
        {"times_of_day": (time(8), time(8))},
        {"every_hours": 8, "max_per_day": 4},
        {"as_needed": True, "max_per_day": 0},
        {"as_needed": True, "min_interval_minutes": -5},
    ],
)
def test_a_schedule_that_says_nothing_or_too_much_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="schedule"):
        Schedule(**said).check()  # type: ignore[arg-type]


def test_a_change_of_the_schedule_begins_anew_and_one_of_its_text_alone_claims_nothing() -> None:
    written = Course(START, Regimen(START, None, None, None, "4/d", Schedule(every_hours=6)))
    change = Step(
        UUID(int=1), "changed", START + 7 * HOUR, 2, (("schedule", Schedule(every_hours=8)),)
    )
    text = Step(
        UUID(int=2), "changed", START + 20 * HOUR, 3, (("frequency", "2/d"), ("schedule", None))
    )
    changed = written.with_step(change).with_step(text)
    due = due_times(changed.segments(), Period(START, START + 3 * DAY), LocalDays())
    assert [(at - START) / HOUR for at in due] == [0, 6, 7, 15]
