"""Moments and periods: the algebra against plain sets of minutes, zones, and what is refused."""

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.hospital_calendar import CENSUS_TIME, HospitalCalendar
from domain.refusals import InvalidInput
from domain.time import Period, in_utc, time_zone
from tests.support.aggregate_dsl import MONDAY, at, entry, given, known, period

HORIZON = 24
"""Minutes looked at; an open period reaches beyond the last minute that is drawn."""

MINUTES = st.integers(0, HORIZON - 4)
PERIODS = st.builds(
    lambda start, end: Period(minute(start), None if end is None else minute(end)),
    MINUTES,
    MINUTES | st.none(),
)


thoroughly = settings(max_examples=200)


def minute(n: int) -> datetime:
    return MONDAY + timedelta(minutes=n)


def minutes(*periods: Period) -> set[int]:
    """The minutes of these periods, one by one."""
    return {
        n
        for n in range(HORIZON)
        for p in periods
        if p.start <= minute(n) and (p.end is None or minute(n) < p.end)
    }


@thoroughly
@for_all(PERIODS)
def test_a_period_contains_its_minutes_and_is_empty_without_any(p: Period) -> None:
    assert {n for n in range(HORIZON) if minute(n) in p} == minutes(p)
    assert p.is_empty == (not minutes(p))


@thoroughly
@for_all(PERIODS, PERIODS)
def test_periods_overlap_where_they_have_a_minute_in_common(p: Period, q: Period) -> None:
    assert p.overlaps(q) == q.overlaps(p) == bool(minutes(p) & minutes(q))


@thoroughly
@for_all(PERIODS, PERIODS.filter(lambda p: not p.is_empty))
def test_a_period_covers_another_if_it_has_all_its_minutes(p: Period, q: Period) -> None:
    assert p.covers(q) == (minutes(q) <= minutes(p))


@thoroughly
@for_all(PERIODS, st.lists(PERIODS, max_size=4))
def test_what_is_left_are_the_minutes_that_the_others_do_not_have(
    p: Period, others: list[Period]
) -> None:
    left = p.without(others)
    assert minutes(*left) == minutes(p) - minutes(*others)
    assert sum(len(minutes(part)) for part in left) == len(minutes(*left))  # none of them twice
    assert not any(part.is_empty for part in left)


@thoroughly
@for_all(PERIODS, MINUTES)
def test_until_is_the_part_before(p: Period, n: int) -> None:
    assert minutes(p.until(minute(n))) == {m for m in minutes(p) if m < n}


def test_open_periods_overlap_like_closed_ones() -> None:  # mistake 13
    assert period("08:00").overlaps(period("20:00"))
    assert period("08:00").overlaps(period("07:00", "08:01"))
    assert not period("08:00").overlaps(period("07:00", "08:00"))


def test_periods_that_touch_do_not_overlap() -> None:
    assert not period("08:00", "10:00").overlaps(period("10:00", "12:00"))


# -- moments --


def test_a_moment_is_kept_in_utc() -> None:
    berlin = datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=1)))
    result = in_utc(berlin, "occurred_at")
    assert (result, result.tzinfo) == (at("08:00"), UTC)


def test_a_moment_without_an_offset_is_refused_by_the_name_of_its_field() -> None:
    with pytest.raises(InvalidInput) as refusal:
        in_utc(datetime(2026, 3, 2, 9), "occurred_at")
    assert refusal.value.path == ("occurred_at",)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "europe"])
def test_a_time_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        time_zone(name)
    assert refusal.value.field == "time_zone"


# -- the hospital's own clock --


def the_clock() -> HospitalCalendar:
    return HospitalCalendar.empty(known("clock"))


def set_zone(clock: HospitalCalendar, zone: str, valid_from: date | None = None) -> None:
    clock.set_time(zone, CENSUS_TIME, valid_from, entry())


def zones(clock: HospitalCalendar, *days: date) -> list[str]:
    return [clock.zone_on(day).key for day in days]


FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (2, 3, 4))


def test_before_any_was_set_the_zone_is_utc() -> None:
    assert zones(the_clock(), MARCH) == ["UTC"]


def test_a_zone_without_a_day_always_was_so() -> None:
    clock = the_clock()
    set_zone(clock, "Europe/Berlin")
    assert zones(clock, date.min, MARCH, date.max) == ["Europe/Berlin"] * 3


def test_a_zone_holds_from_its_day_on_and_changes_no_earlier_figure() -> None:
    clock = the_clock()
    set_zone(clock, "Europe/Berlin")
    set_zone(clock, "Europe/Lisbon", MARCH)
    assert zones(clock, MARCH - timedelta(days=1), MARCH) == ["Europe/Berlin", "Europe/Lisbon"]


def test_zones_count_by_their_day_not_by_the_order_of_recording() -> None:
    clock = the_clock()
    set_zone(clock, "Europe/Lisbon", APRIL)
    set_zone(clock, "Europe/Berlin", FEBRUARY)
    assert zones(clock, date(2026, 1, 1), MARCH, APRIL) == ["UTC", "Europe/Berlin", "Europe/Lisbon"]


def test_of_two_zones_for_one_day_the_later_recording_holds() -> None:
    clock = the_clock()
    for day in (None, MARCH):
        set_zone(clock, "Europe/Berlin", day)
        set_zone(clock, "Europe/Lisbon", day)
    assert zones(clock, FEBRUARY, MARCH) == ["Europe/Lisbon"] * 2


def test_a_zone_that_does_not_exist_is_not_set() -> None:
    given(the_clock()).when(lambda clock: set_zone(clock, "Mars/Olympus")).then_refused(
        InvalidInput, field="time_zone"
    )


def test_the_census_time_is_kept_with_the_zone() -> None:
    clock = the_clock()
    clock.set_time("UTC", time(6), MARCH, entry())
    assert clock.days.settings == ((MARCH, "UTC", time(6)),)
