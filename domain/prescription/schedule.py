"""Structured frequency of a prescription, and the times at which its doses are due."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta

from msgspec import Struct

from domain.hospital_calendar import DAY, LocalDays
from domain.refusals import InvalidInput
from domain.time import Period, first_moment

EARLY = timedelta(hours=1)
"""Longest time before its own at which a dose may be given, and after which it is overdue."""

HOURS, MINUTES, TIMES = 7 * 24, 7 * 24 * 60, 100
"""The longest interval in hours and in minutes, and the most doses in 24 hours."""

LONGEST_REACH = timedelta(hours=HOURS) / 2
"""The longest time from its own at which a dose may lie."""


class Schedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Schedule of doses: at times of day, every n hours, or as needed with its limits."""

    times_of_day: tuple[time, ...] = ()
    """By the hospital's clocks; a time that they skip is the first moment after."""
    every_hours: int | None = None
    """Hours that pass, whatever clocks show, from the start on."""
    as_needed: bool = False
    min_interval_minutes: int | None = None
    """Of one as needed: the least time between two doses."""
    max_per_day: int | None = None
    """Of one as needed: the most doses within 24 hours."""

    def check(self) -> None:
        """Refuse a schedule that says nothing, or two things at once. Raises InvalidInput."""
        ways = [bool(self.times_of_day), self.every_hours is not None, self.as_needed]
        limits = (self.min_interval_minutes, self.max_per_day)
        if sum(ways) != 1:
            problem = "say one of `times_of_day`, `every_hours` and `as_needed`"
        elif not self.as_needed and any(limit is not None for limit in limits):
            problem = "`min_interval_minutes` and `max_per_day` are of a dose as needed"
        elif len(set(self.times_of_day)) < len(self.times_of_day):
            problem = "the times of day are different ones"
        elif self.every_hours is not None and not 1 <= self.every_hours <= HOURS:
            problem = f"a dose is due every 1 to {HOURS} hours"
        elif limits[0] is not None and not 1 <= limits[0] <= MINUTES:
            problem = f"the interval is 1 to {MINUTES} minutes"
        elif limits[1] is not None and not 1 <= limits[1] <= TIMES:
            problem = f"the most doses in 24 hours are 1 to {TIMES}"
        else:
            return
        raise InvalidInput("schedule", problem)

    def due(self, anchor: datetime, period: Period, days: LocalDays) -> list[datetime]:
        """Return the moments (UTC) in a closed period at which doses are due, in order.

        ``anchor``: from when on the schedule holds; every n hours begins there.
        """
        assert period.end is not None
        if self.every_hours is not None:
            moments = self._by_interval(anchor, period)
        else:
            moments = self._by_clock(period, days)
        return sorted({at for at in moments if at in period and at >= anchor})

    def _by_interval(self, anchor: datetime, period: Period) -> Iterator[datetime]:
        assert self.every_hours is not None
        interval = timedelta(hours=self.every_hours)
        at = anchor + max(0, (period.start - anchor) // interval) * interval
        while period.end is None or at < period.end:
            yield at
            at += interval

    def _by_clock(self, period: Period, days: LocalDays) -> Iterator[datetime]:
        if not self.times_of_day or period.end is None:
            return
        day, last = days.date_of(period.start), days.date_of(period.end)
        while day <= last:
            zone = days.zone_on(day)
            yield from (first_moment(day, at, zone) for at in self.times_of_day)
            day += DAY

    @property
    def gaps(self) -> list[timedelta]:
        """Return the times between doses, as clocks show them."""
        if self.every_hours is not None:
            return [timedelta(hours=self.every_hours)]
        minutes = sorted(at.hour * 60 + at.minute for at in self.times_of_day) or [0]
        next_minutes = [*minutes[1:], minutes[0] + 24 * 60]
        return [timedelta(minutes=b - a) for a, b in zip(minutes, next_minutes, strict=True)]

    @property
    def tolerance(self) -> timedelta:
        """Return how far from its time a dose is neither early nor overdue: an hour at most."""
        return min(EARLY, min(self.gaps) / 4)

    @property
    def reach(self) -> timedelta:
        """Return how far from its time a dose may lie at most, to be the one that is due then."""
        return max(self.gaps) / 2


def slot_of(moment: datetime, due: Sequence[datetime], reach: timedelta) -> datetime | None:
    """Return the due time (of those in order) that a dose is given for: the nearest within reach.

    Of two that are as near it is the earlier.
    """
    place = bisect_left(due, moment)
    near = [at for at in due[max(0, place - 1) : place + 1] if abs(at - moment) <= reach]
    return min(near, key=lambda at: (abs(at - moment), at), default=None)
