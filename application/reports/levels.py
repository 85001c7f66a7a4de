"""Levels: for how long how many were present, kept up to date as arrivals and departures change."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
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

    def add(self, steps: Mapping[int, int]) -> None:
        """Let so many more be present from each moment on (fewer: negative), none in the end."""
        change = 0
        for start, end in pairwise(sorted(steps)):
            change += steps[start]
            if change:
                self._raise(start, end, change)

    def _raise(self, start: int, end: int, change: int) -> None:
        first, last = self._cut(start), self._cut(end)
        for n in range(first, last):
            time, level = self._moments[n + 1] - self._moments[n], self._present[n]
            if level:
                self.times[level] -= time
            self._present[n] = level = level + change
            if level:
                self.times[level] += time

    def _cut(self, moment: int) -> int:
        """Return the place of a moment, where from now on one piece of time ends and one begins."""
        n = bisect_left(self._moments, moment)
        if n == len(self._moments) or self._moments[n] != moment:
            self._moments.insert(n, moment)
            self._present.insert(n, self._present[n - 1] if n else 0)
        return n
