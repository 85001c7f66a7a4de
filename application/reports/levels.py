"""Levels: for how long how many were present, kept up to date as arrivals and departures change."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise


class Levels:
    """Numbers present from each moment to the next; a change costs no more than its own time."""

    def __init__(self, since: Iterable[int], until: Iterable[int]) -> None:
        self.times: Counter[int] = Counter()
        """For how long so many are present, by their number; without the time when nobody is."""
        self._moments: list[int] = []
        self._present: list[int] = []
        steps = Counter(since)
        steps.subtract(Counter(until))
        level = 0
        for moment in sorted(moment for moment, step in steps.items() if step):
            if level:
                self.times[level] += moment - self._moments[-1]
            level += steps[moment]
            self._moments.append(moment)
            self._present.append(level)

    def copy(self) -> "Levels":
        """Return the same levels, which change apart."""
        levels = Levels((), ())
        levels.times, levels._moments = self.times.copy(), self._moments.copy()
        levels._present = self._present.copy()
        return levels

    def add(self, steps: Sequence[tuple[int, int]], times: int = 1) -> None:
        """Let so many more be present from each moment on (fewer: negative), none in the end.

        ``steps``: moments in order, each with how many more; all of them count so many times.
        """
        change = 0
        for (start, step), (end, _) in pairwise(steps):
            change += step * times
            if change:
                self._raise(start, end, change)

    def _raise(self, start: int, end: int, change: int) -> None:
        first, last = self._cut(start), self._cut(end)
        times, moments, present = self.times, self._moments, self._present
        for n in range(first, last):
            time, level = moments[n + 1] - moments[n], present[n]
            if level:
                times[level] -= time
                if not times[level]:
                    del times[level]  # a percentile walks all that are there
            present[n] = level = level + change
            if level:
                times[level] += time

    def _cut(self, moment: int) -> int:
        """Return the place of a moment, where from now on one piece of time ends and one begins."""
        n = bisect_left(self._moments, moment)
        if n == len(self._moments) or self._moments[n] != moment:
            self._moments.insert(n, moment)
            self._present.insert(n, self._present[n - 1] if n else 0)
        return n
