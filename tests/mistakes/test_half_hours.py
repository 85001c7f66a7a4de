"""Mistakes of other systems where clocks change by half an hour: see `test_covered` for the list."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.time import TICK, Precision
from tests.domain.test_local_days import HALF_HOUR, ZONES, always

DAYS = ["2026-03-29", "2026-04-04", "2026-04-24", "2026-10-03", "2026-10-30"]


@for_all(
    st.sampled_from(ZONES),
    st.sampled_from(DAYS),
    st.integers(0, 3 * 24 * 60),
)
@example(HALF_HOUR, "2026-04-04", 15 * 60 + 15)
@example(HALF_HOUR, "2026-10-03", 15 * 60 + 45)
def test_mistake_238_an_hour_lies_around_its_moments_where_clocks_change_by_half_of_one(
    zone: str, day: str, minutes: int
) -> None:
    """Lord Howe puts its clocks back from 02:00 to 01:30, and on from 02:00 to 02:30."""
    at = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minutes)
    days = always(zone)
    first, last = days.span_of(at, Precision.HOUR)
    assert first <= at <= last
    here = ZoneInfo(zone)
    shown = [moment.astimezone(here) for moment in (first, at, last)]
    assert len({(moment.date(), moment.hour, moment.utcoffset()) for moment in shown}) == 1
    for outside in (first - TICK, last + TICK):
        local = outside.astimezone(here)
        assert (local.hour, local.utcoffset()) != (shown[1].hour, shown[1].utcoffset())
    first_of_day, last_of_day = days.span_of(at, Precision.DAY)
    assert first_of_day <= first <= last <= last_of_day
