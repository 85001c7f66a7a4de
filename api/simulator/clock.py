"""Agenda of the simulation, and the local time of the hospital."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Agenda:
    """Agenda of coming acts, in order of time; ties in the order in which they were noted.

    Things happen on whole minutes, but for those noted `at_second`: so visits and doses, whose number
    can be chosen, never fall together with anything else.
    """

    def __init__(self, begins: datetime) -> None:
        self.now = begins
        self._queue: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = count()

    def at(self, moment: datetime, action: Callable[[], None]) -> None:
        """Note an action for a moment, or now if it has passed; rounded up to a whole minute."""
        moment = max(moment, self.now)
        minute = moment.replace(second=0, microsecond=0)
        self._note(minute if minute == moment else minute + MINUTE, action)

    def after(self, wait: timedelta, action: Callable[[], None]) -> None:
        self.at(self.now + wait, action)

    def at_second(self, moment: datetime, action: Callable[[], None]) -> None:
        """Note an action for a moment to the second, but not on a whole minute."""
        moment = max(moment, self.now).replace(microsecond=0)
        self._note(moment.replace(second=moment.second or 30), action)

    def run(self, until: datetime, before_each: Callable[[datetime], None]) -> None:
        """Run the actions up to a moment; ``before_each`` is called with the time first."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, action = heappop(self._queue)
            before_each(self.now)
            action()
        self.now = until

    def _note(self, moment: datetime, action: Callable[[], None]) -> None:
        heappush(self._queue, (moment, next(self._number), action))


class LocalTime:
    """The hospital's time zone. Hours are local and may have fractions: 8.5 is half past eight."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def next(self, after: datetime, hour: float, days: int = 0) -> datetime:
        """Return the first moment with that hour after the given one, and so many days more."""
        local_time = self.local(after)
        for offset in (days, days + 1, days + 2):
            day = (local_time + offset * DAY).date()
            midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone)
            moment = midnight.replace(hour=int(hour), minute=int(hour % 1 * 60)).astimezone(UTC)
            if moment > after:
                return moment
        raise AssertionError(f"no {hour} o'clock after {after}")
