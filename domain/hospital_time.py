"""The hospital's own clock: its time zone and census time, as facts with valid time."""

from datetime import date, time
from zoneinfo import ZoneInfo

from domain.aggregate import Aggregate, Event, event
from domain.entry import Entry, Text
from domain.time import time_zone

CENSUS_TIME = time(23, 59)
"""The usual midnight census (NHS, AIHW); the hospital may set another."""


class HospitalTime(Aggregate):
    """Time zone and census time, each from a day on. Changing them changes no old figure."""

    TOPIC = "hospital-time"

    class TimeSet(Event):
        """``valid_from`` absent: always was so."""

        TOPIC = "hospital-time.set"
        time_zone: Text
        census_time: time
        valid_from: date | None

    def __init__(self) -> None:
        self.settings: tuple[tuple[date | None, str, time], ...] = ()

    def set_time(self, zone: str, census_time: time, valid_from: date | None, entry: Entry) -> None:
        time_zone(zone)
        self._time_set(time_zone=zone, census_time=census_time, valid_from=valid_from, entry=entry)

    def zone_on(self, day: date) -> ZoneInfo:
        """The time zone that holds on a local day; UTC before any was set."""
        held = [s for s in self.settings if s[0] is None or s[0] <= day]
        latest = max(enumerate(held), key=lambda s: (s[1][0] or date.min, s[0]), default=None)
        return ZoneInfo(latest[1][1] if latest else "UTC")

    @event(TimeSet)
    def _time_set(
        self, time_zone: str, census_time: time, valid_from: date | None, entry: Entry
    ) -> None:
        self.settings = (*self.settings, (valid_from, time_zone, census_time))
