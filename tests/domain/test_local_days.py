"""Calendar days and hospital days: over changes of clocks, and of the zone itself."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.hospital_calendar import DAY, LocalDays

HALF_HOUR = "Australia/Lord_Howe"
ZONES = (
    *("UTC", "Europe/Berlin", "Africa/Cairo", "Pacific/Apia", "America/Havana", "Asia/Beirut"),
    HALF_HOUR,
)


def always(zone: str, census: time = time(23, 59)) -> LocalDays:
    return LocalDays(((None, zone, census),))


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00"),
        # Cairo skips from 24:00 to 01:00 in spring; in autumn 24:00 becomes 23:00 once
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00"),
        ("Africa/Cairo", "2026-10-30", "2026-10-29T22:00"),
        # Havana shows 00:00 to 01:00 twice
        ("America/Havana", "2026-11-01", "2026-11-01T04:00"),
        # Apia had no 30 December 2011: it and the 31st begin at one moment
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00"),
    ],
)
def test_a_day_begins_when_clocks_first_show_midnight(zone: str, day: str, begins: str) -> None:
    days, moment = always(zone), datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert days.midnight(date.fromisoformat(day)) == moment
    assert days.date_of(moment - timedelta(microseconds=1)) < date.fromisoformat(day)
    assert days.date_of(moment) >= date.fromisoformat(day)


@for_all(
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2011, 12, 20), datetime(2012, 1, 10)),
)
def test_each_moment_lies_in_the_day_that_has_begun_last(
    one: str, other: str, moment: datetime
) -> None:
    days = LocalDays(((None, one, time(23, 59)), (date(2012, 1, 1), other, time(6))))
    at = moment.replace(tzinfo=UTC)
    begun = [
        day for day in (date(2011, 12, 15) + n * DAY for n in range(32)) if days.midnight(day) <= at
    ]
    assert days.date_of(at) == max(begun)


@for_all(st.sampled_from(ZONES), st.sampled_from(ZONES), st.times(), st.times())
def test_censuses_follow_each_other_even_where_the_zone_changes(
    one: str, other: str, census: time, later: time
) -> None:
    days = LocalDays(((None, one, census), (date(2026, 1, 3), other, later)))
    taken = days.censuses(date(2026, 1, 1), date(2026, 1, 6))
    assert len(taken) == 7
    assert taken == sorted(taken)
    assert taken[0] == days.census(date(2025, 12, 31))
