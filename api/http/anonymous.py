"""Pace of those who are not logged in: however many ask, they are answered one after the other.

Nobody is refused: who watches over the server is to be answered during a flood, too.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

AT_ONCE_SECONDS = 1.0
"""Seconds' worth of requests that are answered at once."""

FAILED_LOGIN = 4
"""Responses that a failed login counts for: it is verified, refused and logged."""

MOST_SECONDS = 2.0
"""Longest time, in seconds, for which a response is held back."""


class Pace:
    """So many responses a second on average for all together. Each process counts by itself."""

    def __init__(self, per_second: float, clock: Callable[[], float] = monotonic) -> None:
        """``per_second``: 0 for no limit. ``clock``: seconds, never going back."""
        self._per_second, self._clock = per_second, clock
        self._next = clock()

    def wait(self, count: int = 1) -> float:
        """Count some responses; return the seconds for which the last is held back."""
        if not self._per_second:
            return 0.0
        now = self._clock()
        due = max(self._next, now - AT_ONCE_SECONDS) + count / self._per_second
        self._next = min(due, now + MOST_SECONDS)  # who asks after a flood does not wait for it
        return max(self._next - now, 0.0)

    async def turn(self, count: int = 1) -> None:
        """Wait until it is the turn of another response, or of some."""
        if wait := self.wait(count):
            await asyncio.sleep(wait)
