"""The hospital's own clock: its time zone and census time, as facts with valid time."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from domain.aggregate import Aggregate, Event, NotNeeded, UnknownEvent
from domain.envelope import Envelope, Text
from domain.time import TICK, Precision, clock_text, first_moment, hour_of, last_moment, time_zone

CENSUS_TIME = time(23, 59)
"""The usual midnight census (NHS, AIHW); the hospital may set another."""

DAY = timedelta(days=1)
MIDNIGHT = time(0)

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?\+00:00")
"""A moment in a sentence, as the domain writes it: in UTC."""


@dataclass(frozen=True)
class LocalDays:
    """Calendar days and hospital days, by the recorded time zones and census times.

    A hospital day is what lies after the census of the day before, up to its own census, included.
    ``settings``: from which local day on (None: always), IANA zone, census time; as recorded.
    """

    settings: tuple[tuple[date | None, str, time], ...] = ()

    def zone_on(self, day: date) -> ZoneInfo:
        """Return the time zone of a local day; UTC before any was set."""
        return self._on(day)[0]

    def with_local_times(self, sentence: str) -> str:
        """Return a sentence with the moments in it by the hospital's clocks, to the minute."""

        def local_time(match: re.Match[str]) -> str:
            moment = datetime.fromisoformat(match[0])
            return clock_text(moment, self.zone_on(self.date_of(moment)))

        return _MOMENT.sub(local_time, sentence)

    def census_time_on(self, day: date) -> time:
        """Return the local time of a day's census."""
        return self._on(day)[1]

    def midnight(self, day: date) -> datetime:
        """Return the first moment of a calendar day, in UTC."""
        return first_moment(day, MIDNIGHT, self._on(day)[0])

    def census(self, day: date) -> datetime:
        """Return the moment of a day's census, in UTC: the later one where clocks go back over it."""
        zone, at = self._on(day)
        return last_moment(day, at, zone)

    def end_of_day(self, day: date) -> datetime:
        """Return the time when a day has ended both ways: census taken, and the next day begun."""
        return max(self.census(day), self.midnight(day + DAY))

    def censuses(self, first: date, last: date) -> list[datetime]:
        """Return the censuses of the day before ``first`` and of each day up to ``last``, in order.

        Where the zone is changed by so much that a census would come before the one of the day
        before, the two are one: that hospital day is empty.
        """
        moments = [self.census(first - DAY)]
        for offset in range((last - first).days + 1):
            moments.append(max(moments[-1], self.census(first + offset * DAY)))
        return moments

    def midnights(self, first: date, last: date) -> list[datetime]:
        """Return the first moments of each calendar day of a period and of the day after, in order."""
        moments = [self.midnight(first)]
        for offset in range(1, (last - first).days + 2):
            moments.append(max(moments[-1], self.midnight(first + offset * DAY)))
        return moments

    def date_of(self, moment: datetime) -> date:
        """Return the calendar day of a moment."""
        zones = self._zones
        if len(zones) == 1:
            return moment.astimezone(zones[0]).date()
        days = {moment.astimezone(zone).date() for zone in zones}
        latest = max(days)
        return next(
            day
            for day in (latest - offset * DAY for offset in range(4))
            if self.midnight(day) <= moment
        )

    def span_of(self, moment: datetime, precision: Precision) -> tuple[datetime, datetime]:
        """Return the first and the last moment at which something was that is known so precisely."""
        day = self.date_of(moment)
        if precision is Precision.DAY:
            return self.midnight(day), self.midnight(day + DAY) - TICK
        if precision is Precision.HOUR:
            return hour_of(moment, self.zone_on(day))
        return moment, moment

    @cached_property
    def _zones(self) -> tuple[ZoneInfo, ...]:
        has_first_zone = any(since is None for since, _, _ in self.settings)
        names = [name for _, name, _ in self.settings] + ([] if has_first_zone else ["UTC"])
        return tuple(ZoneInfo(name) for name in dict.fromkeys(names))

    def _on(self, day: date) -> tuple[ZoneInfo, time]:
        settings = [s for s in self.settings if s[0] is None or s[0] <= day]
        latest = max(enumerate(settings), key=lambda s: (s[1][0] or date.min, s[0]), default=None)
        if latest is None:
            return ZoneInfo("UTC"), CENSUS_TIME
        return ZoneInfo(latest[1][1]), latest[1][2]


class HospitalCalendar(Aggregate):
    """Time zone and census time, each from a day on. Changing them changes no old figure."""

    TOPIC = "hospital-time"
    BEGINS_EMPTY = True
    NAMESPACE = UUID("0b5c1f1e-5f0d-5e0e-9a55-0d9f6a1f6c11")
    """The namespace of the ids of calendars, one for each hospital."""

    class TimeSet(Event):
        """The setting holds from ``valid_from`` on; absent: always."""

        TOPIC = "hospital-time.set"
        PUBLIC = None
        DESCRIPTION = "The hospital's time zone and census time were set."
        CORRECTED_BY = ("set_hospital_time",)
        CANCELLED_BY = NotNeeded("set what holds from the same day on instead")
        time_zone: Text
        census_time: time
        valid_from: date | None

    @classmethod
    def id_for(cls, hospital: str) -> UUID:
        """Return the id of a hospital's calendar."""
        return uuid5(cls.NAMESPACE, hospital)

    def __init__(self) -> None:
        self.days = LocalDays()

    def set_time(
        self, zone: str, census_time: time, valid_from: date | None, envelope: Envelope
    ) -> None:
        """Set time zone and census time from a day on. Raises InvalidInput for an unknown zone."""
        time_zone(zone)
        self.record(
            HospitalCalendar.TimeSet,
            envelope,
            time_zone=zone,
            census_time=census_time,
            valid_from=valid_from,
        )

    def zone_on(self, day: date) -> ZoneInfo:
        """Return the time zone of a local day; UTC before any was set."""
        return self.days.zone_on(day)

    def apply(self, event: Event) -> None:
        match event:
            case HospitalCalendar.TimeSet():
                setting = (event.valid_from, event.time_zone, event.census_time)
                self.days = LocalDays((*self.days.settings, setting))
            case _:
                raise UnknownEvent(event)
