"""Full collections of the garbage collector, which walk all that there is: made between requests."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

EVERY_SECONDS = 10.0
OVERDUE_SECONDS = 60.0
"""The time after which a full collection is made between requests; and after which amid them."""

AUTOMATIC = 1_000
"""The greatest threshold with which the interpreter makes full collections by itself."""


class FullCollections:
    """Full collections of a process that answers: made while no request is under way."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock, self._latest = clock, clock()
        self._under_way = 0

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """Make no full collection meanwhile, unless it is overdue."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def look(self) -> None:
        """Collect if it is time; nothing where full collections begin by themselves."""
        seconds = self._clock() - self._latest
        wait = OVERDUE_SECONDS if self._under_way else EVERY_SECONDS
        if gc.get_threshold()[2] > AUTOMATIC and seconds >= wait:
            gc.collect()
            self._latest = self._clock()
