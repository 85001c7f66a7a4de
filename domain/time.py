"""Moments and periods at the bedside (valid time).

Every moment is an aware ``datetime``; a period is half-open, ``[start, end)``, and open at the end
while nobody knows when it ends. Two periods that only touch do not overlap.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, NamedTuple, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Meta, Struct

from domain.described_enum import DescribedEnum
from domain.refusals import InvalidInput

Moment = Annotated[datetime, Meta(tz=True)]
"""A point in time with an offset; stored and compared in UTC."""

LATE_AFTER = timedelta(minutes=60)
"""An entry recorded more than this after the fact occurred counts as late."""

TICK = timedelta(microseconds=1)
"""The least difference of two moments."""


class Precision(DescribedEnum):
    """Precision of the time of a fact."""

    MINUTE = "MINUTE", "To the minute."
    HOUR = "HOUR", "To the hour."
    DAY = "DAY", "To the day."
    ESTIMATED = "ESTIMATED", "Estimated."


MINUTE = timedelta(minutes=1)
_STEPS = {Precision.HOUR: timedelta(hours=1), Precision.DAY: timedelta(days=1)}


def minute_of(at: datetime) -> datetime:
    """Return the minute in which a moment lies: charts have no seconds.

    Uses of a bed and stays of a person are compared to the instant all the same (docs/adr/0067).
    """
    return at - (at - _EPOCH) % MINUTE


def is_later(at: datetime, other: datetime) -> bool:
    """Return whether a moment lies in a later minute than another."""
    return minute_of(at) > minute_of(other)


def is_after(at: datetime, other: datetime) -> bool:
    """Return whether a moment is after another; one that was told without seconds lasts its minute."""
    return is_later(at, other) if other == minute_of(other) else at > other


Span = tuple[datetime, datetime]
"""The first and the last moment (UTC) at which something may have been."""


SpanOf = Callable[[datetime, Precision], Span]
"""The span of a time that is known so precisely."""


class KnownTime(NamedTuple):
    """A moment (UTC), and how precisely it is known."""

    at: datetime
    precision: Precision = Precision.MINUTE


class Timed(Protocol):
    """A fact with its time, and how precisely that is known."""

    @property
    def at(self) -> datetime: ...

    @property
    def precision(self) -> Precision: ...


class TimedFact(Timed, Protocol):
    """A fact with its id."""

    @property
    def id(self) -> UUID: ...


def widest_span(at: datetime, precision: Precision) -> Span:
    """Return the span of a time of some precision where no zone is known.

    An hour, or a day, is that of whichever zone: it may have begun as long before. A command knows the
    zone, and takes the hospital's own (`Aggregate.span_of`).
    """
    if precision in _STEPS:
        return at - _STEPS[precision], at + _STEPS[precision]
    first = minute_of(at)
    return first, first + MINUTE - TICK


def corrected_time(
    at: datetime | None, precision: Precision | None, held_at: datetime
) -> datetime | None:
    """Return the corrected time of a fact: the one held, where only its precision was wrong."""
    return held_at if at is None and precision is not None else at


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Period(Struct, frozen=True):
    """A half-open stretch of valid time, ``[start, end)``; ``end`` None: still open."""

    start: datetime
    end: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Return whether the period ends as or before it starts."""
        return self.end is not None and self.end <= self.start

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment < self.end)

    def overlaps(self, other: "Period") -> bool:
        """Return whether two periods overlap; an empty one overlaps nothing."""
        return (
            not self.is_empty
            and not other.is_empty
            and (other.end is None or self.start < other.end)
            and (self.end is None or other.start < self.end)
        )

    def collides(self, other: "Period") -> bool:
        """Return whether two periods cannot be one after the other.

        One of no duration collides where it lies inside the other, not at its edges.
        """
        begins = other.end is None or self.start < other.end
        return begins and (self.end is None or other.start < self.end)

    def meets(self, other: "Period") -> bool:
        """Return whether two periods have a moment in common; one of no duration has its start."""
        return (
            self.start == other.start
            or (self.start < other.start and (self.end is None or other.start < self.end))
            or (other.start < self.start and (other.end is None or self.start < other.end))
        )

    def covers(self, other: "Period") -> bool:
        """Return whether another period lies within this one."""
        return self.start <= other.start and (
            self.end is None or (other.end is not None and other.end <= self.end)
        )

    def hull(self, other: "Period | None") -> "Period":
        """Return the shortest period in which both lie."""
        if other is None:
            return self
        ends = [end for end in (self.end, other.end) if end is not None]
        return Period(min(self.start, other.start), max(ends) if len(ends) == 2 else None)

    def until(self, end: datetime) -> "Period":
        """Return the part of the period before ``end``."""
        return Period(self.start, end if self.end is None else min(self.end, end))

    def without(self, others: Iterable["Period"]) -> list["Period"]:
        """Return the parts of the period that are left when ``others`` are cut out, in order."""
        periods = [] if self.is_empty else [self]
        for other in others:
            periods = [part for piece in periods for part in piece._minus(other)]
        return periods

    def _minus(self, other: "Period") -> list["Period"]:
        if not self.overlaps(other):
            return [self]
        parts = []
        if self.start < other.start:
            parts.append(Period(self.start, other.start))
        if other.end is not None and (self.end is None or other.end < self.end):
            parts.append(Period(other.end, self.end))
        return parts


ALWAYS = Period(datetime.min.replace(tzinfo=UTC), None)
"""The period of what was always so. No command can name its beginning: it lies before `FIRST_DAY`."""

FIRST_DAY, LAST_DAY = date(1850, 1, 1), date(2999, 12, 31)
"""The days that anybody can name. Nobody who was born before is a patient."""


def is_nameable(value: date) -> bool:
    """Return whether a day or a moment lies where anybody can name it."""
    return FIRST_DAY.year <= value.year <= LAST_DAY.year


def in_utc(moment: datetime, field: str) -> datetime:
    """Return a moment in UTC. Raises InvalidInput for one without an offset, or out of all bounds."""
    if moment.tzinfo is None:
        raise InvalidInput(field, "a moment needs an offset, for example 2026-03-01T08:00:00+01:00")
    if not is_nameable(moment):
        raise InvalidInput(field, f"it lies before {FIRST_DAY} or after {LAST_DAY}")
    return moment.astimezone(UTC)


def time_zone(name: str) -> ZoneInfo:
    """Return the IANA time zone of a name. Raises InvalidInput if it does not exist.

    ``localtime`` and the like are files of a machine: the history would depend on who reads it.
    """
    if name not in available_timezones() or name in _NO_ZONES:
        raise InvalidInput("time_zone", f"{name!r} is no IANA time zone; try Europe/Berlin or UTC")
    return ZoneInfo(name)


_NO_ZONES = {"localtime", "posixrules", "Factory", "leapseconds", "tzdata.zi"}
"""Files that lie among the zones of some machines."""


def clock_text(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment by local clocks to the minute, with its offset if they show it twice."""
    local_time = moment.astimezone(zone)
    is_shown_twice = (
        local_time.utcoffset() != local_time.replace(fold=1 - local_time.fold).utcoffset()
    )
    text = local_time.isoformat(" ", "minutes")
    return text if is_shown_twice else text[: len("2026-01-01 00:00")]


def first_moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the first time when clocks show a local time, in UTC; if skipped, the moment after."""
    return _instant_of(day, at, zone, 0)


def last_moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the last time when clocks show a local time, in UTC; if skipped, the moment after."""
    return _instant_of(day, at, zone, 1)


def _instant_of(day: date, at: time, zone: ZoneInfo, fold: int) -> datetime:
    local_time = datetime.combine(day, at, zone)
    first_fold, second_fold = (local_time.replace(fold=f).astimezone(UTC) for f in (0, 1))
    if first_fold <= second_fold:  # once, or twice where clocks go back
        return second_fold if fold else first_fold
    return _change_between(second_fold, first_fold, zone)  # skipped


def hour_of(moment: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first and the last moment (UTC) of the hour that local clocks show at a moment.

    A change of the clocks, also one of half an hour, begins another hour or ends this one.
    """
    local_time = moment.astimezone(zone)
    past = local_time - local_time.replace(minute=0, second=0, microsecond=0)
    first = moment.astimezone(UTC) - past
    last = first + timedelta(hours=1) - TICK
    if first.astimezone(zone).utcoffset() != local_time.utcoffset():
        first = _change_between(first, moment.astimezone(UTC), zone)
    if last.astimezone(zone).utcoffset() != local_time.utcoffset():
        last = _change_between(moment.astimezone(UTC), last, zone) - TICK
    return first, last


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment between two at which clocks change to what they show at the second."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > TICK:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
