"""What happens next at the bedside, and what o'clock it is in the house."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Agenda:
    """What is going to happen, in order of time; ties in the order in which they were noted.

    Things happen on whole minutes, but for those noted `at_second`: so visits and doses, which are
    many or few as is wished for, never fall together with anything else.
    """

    def __init__(self, begins: datetime) -> None:
        self.now = begins
        self._coming: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = count()

    def at(self, moment: datetime, happens: Callable[[], None]) -> None:
        """At that moment, or now if that has passed; rounded up to a whole minute."""
        moment = max(moment, self.now)
        whole = moment.replace(second=0, microsecond=0)
        self._note(whole if whole == moment else whole + MINUTE, happens)

    def after(self, wait: timedelta, happens: Callable[[], None]) -> None:
        self.at(self.now + wait, happens)

    def at_second(self, moment: datetime, happens: Callable[[], None]) -> None:
        """At that moment to the second, but not on a whole minute."""
        moment = max(moment, self.now).replace(microsecond=0)
        self._note(moment.replace(second=moment.second or 30), happens)

    def run(self, until: datetime, before_each: Callable[[datetime], None]) -> None:
        """Let everything happen up to a moment; ``before_each`` hears the time first."""
        while self._coming and self._coming[0][0] <= until:
            self.now, _, happens = heappop(self._coming)
            before_each(self.now)
            happens()
        self.now = until

    def _note(self, moment: datetime, happens: Callable[[], None]) -> None:
        heappush(self._coming, (moment, next(self._number), happens))


class LocalTime:
    """The house's own time zone. Hours are local and may have fractions: 8.5 is half past eight."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def next(self, after: datetime, hour: float, days: int = 0) -> datetime:
        """The first moment with that hour after the given one, and so many days more."""
        local = self.local(after)
        for more in (days, days + 1, days + 2):
            day = (local + more * DAY).date()
            at = datetime(day.year, day.month, day.day, tzinfo=self.zone)
            found = (at.replace(hour=int(hour), minute=int(hour % 1 * 60))).astimezone(UTC)
            if found > after:
                return found
        raise AssertionError(f"no {hour} o'clock after {after}")
