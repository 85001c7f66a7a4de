"""Formulas: how figures are made of the marks of all subjects, exactly.

A formula reads like the one in the books, ``total("service") * 100 / total("available")``, and knows
by itself which measures it is made of.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import NamedTuple, Protocol

from application.reports.levels import Levels

Value = int | Fraction | None
"""Exact; None where a denominator is 0. It is rounded only when it is shown."""

Dimensions = tuple[tuple[str, str], ...]
"""Dimensions of a figure, if not the whole: ``(("day", "2026-03-01"),)``; names in a fixed order."""

TOTAL: Dimensions = ()


class Contribution(NamedTuple):
    """Contribution of a subject to a measure. Times are in seconds."""

    measure: str
    of: Dimensions
    amount: int


class Amounts(Protocol):
    """The amounts that a formula is computed of."""

    days: int

    def total(self, measure: str, of: Dimensions) -> int:
        """Return the sum of a measure's amounts."""

    def number(self, measure: str, of: Dimensions) -> int:
        """Return the number of amounts that a measure has."""

    def in_order(self, measure: str, of: Dimensions) -> list[int]:
        """Return a measure's amounts, the least first."""

    def levels(self, since: str, until: str, of: Dimensions) -> Counter[int]:
        """Return for how long so many were present, by their number, of the moments of two measures."""


class Marks:
    """The marks of all subjects, by measure, and within it by what they are of."""

    def __init__(self, marks: Iterable[Contribution], days: int) -> None:
        self.days = days
        self._amounts: defaultdict[str, defaultdict[Dimensions, list[int]]] = defaultdict(
            lambda: defaultdict(list)
        )
        all_of_them = list(marks)
        marks_by_id = {id(mark): mark for mark in all_of_them}
        times = Counter(map(id, all_of_them))  # many stays share a mark: hash it once
        for (measure, of, amount), number in zip(marks_by_id.values(), times.values(), strict=True):
            self._amounts[measure][of] += (amount,) * number
        self._projected: dict[tuple[str, tuple[str, ...]], dict[Dimensions, list[int]]] = {}
        self._sorted: dict[tuple[str, Dimensions], list[int]] = {}
        self._levels: dict[tuple[str, str, Dimensions], Counter[int]] = {}

    def amounts(self, measure: str, of: Dimensions) -> list[int]:
        """Return the amounts of a measure where they are of this, and perhaps of more besides."""
        return self.by(measure, tuple(name for name, _ in of)).get(of, [])

    def total(self, measure: str, of: Dimensions) -> int:
        return sum(self.amounts(measure, of))

    def number(self, measure: str, of: Dimensions) -> int:
        return len(self.amounts(measure, of))

    def in_order(self, measure: str, of: Dimensions) -> list[int]:
        """Return the same amounts, the least first."""
        marks = self._sorted.get((measure, of))
        if marks is None:
            marks = self._sorted[measure, of] = sorted(self.amounts(measure, of))
        return marks

    def levels(self, since: str, until: str, of: Dimensions) -> Counter[int]:
        levels = self._levels.get((since, until, of))
        if levels is None:
            moments = self.amounts(since, of), self.amounts(until, of)
            levels = self._levels[since, until, of] = Levels(*moments).times
        return levels

    def by(self, measure: str, names: tuple[str, ...]) -> dict[Dimensions, list[int]]:
        """Return the amounts of a measure by these names."""
        projection = self._projected.get((measure, names))
        if projection is None:
            projection = self._projected[measure, names] = {}
            for of, amounts in self._amounts.get(measure, {}).items():
                dimensions = dict(of)
                if all(name in dimensions for name in names):
                    key = tuple((name, dimensions[name]) for name in names)
                    projection.setdefault(key, []).extend(amounts)
        return projection


class Delta:
    """Change of a subject's contributions: measures, amounts, and the times more (or less) of each."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, int, int]] = []
        self._steps: dict[tuple[str, str], list[tuple[int, int]]] = {}

    @cached_property
    def sums(self) -> dict[str, tuple[int, int]]:
        """Return for each measure the change of its sum, and of how many amounts it has."""
        sums: dict[str, tuple[int, int]] = {}
        for measure, amount, times in self.parts:
            total, number = sums.get(measure, (0, 0))
            sums[measure] = total + amount * times, number + times
        return sums

    def steps(self, since: str, until: str) -> list[tuple[int, int]]:
        """Return the moments of two measures from which more are present, or less, and how many."""
        steps = self._steps.get((since, until))
        if steps is None:
            by_moment = Counter[int]()
            for measure, moment, times in self.parts:
                if measure in (since, until):
                    by_moment[moment] += times if measure == since else -times
            steps = sorted((moment, step) for moment, step in by_moment.items() if step)
            self._steps[since, until] = steps
        return steps


class AdjustedMarks:
    """The amounts of one figure, with some more and some less: a formula is computed of it at once."""

    def __init__(self, marks: Marks, measures: Iterable[str], of: Dimensions) -> None:
        self.days = marks.days
        self._totals = {measure: marks.total(measure, of) for measure in measures}
        self._numbers = {measure: marks.number(measure, of) for measure in measures}
        self._sorted: dict[str, list[int]] = {}
        self._levels: dict[tuple[str, str], Levels] = {}
        self._marks, self._added = marks, Counter[Delta]()

    def copy(self) -> "AdjustedMarks":
        """Return the same amounts, which change apart."""
        amounts = AdjustedMarks(self._marks, (), ())
        amounts._totals, amounts._numbers = self._totals.copy(), self._numbers.copy()
        amounts._sorted = {measure: marks.copy() for measure, marks in self._sorted.items()}
        amounts._levels = {measures: levels.copy() for measures, levels in self._levels.items()}
        amounts._added = self._added.copy()
        return amounts

    def add(self, delta: Delta, sign: int = 1) -> None:
        """Add what a subject contributes otherwise; with the sign -1, take it off."""
        self._added[delta] += sign
        for measure, (amount, number) in delta.sums.items():
            self._totals[measure] += amount * sign
            self._numbers[measure] += number * sign
            if measure in self._sorted:
                self._sort_in(measure, delta, sign)
        for measures, levels in self._levels.items():
            levels.add(delta.steps(*measures), sign)

    def total(self, measure: str, of: Dimensions) -> int:
        return self._totals[measure]

    def number(self, measure: str, of: Dimensions) -> int:
        return self._numbers[measure]

    def in_order(self, measure: str, of: Dimensions) -> list[int]:
        if measure not in self._sorted:
            self._sorted[measure] = list(self._marks.in_order(measure, of))
            for delta, times in self._added.items():
                self._sort_in(measure, delta, times)
        return self._sorted[measure]

    def levels(self, since: str, until: str, of: Dimensions) -> Counter[int]:
        levels = self._levels.get((since, until))
        if levels is None:
            moments = self._marks.amounts(since, of), self._marks.amounts(until, of)
            levels = self._levels[since, until] = Levels(*moments)
            for delta, times in self._added.items():
                levels.add(delta.steps(since, until), times)
        return levels.times

    def _sort_in(self, measure: str, delta: Delta, sign: int) -> None:
        amounts = self._sorted[measure]
        for of_measure, amount, change in delta.parts:
            if of_measure == measure:
                for _ in range(change * sign):
                    insort(amounts, amount)
                for _ in range(-change * sign):
                    del amounts[bisect_left(amounts, amount)]


@dataclass(frozen=True)
class Formula:
    """Computation on the marks, for the whole or for what a figure is of."""

    measures: frozenset[str]
    compute: Callable[[Amounts, Dimensions], Value]

    def __add__(self, other: "Term") -> "Formula":
        return _combine(self, other, lambda a, b: a + b)

    def __sub__(self, other: "Term") -> "Formula":
        return _combine(self, other, lambda a, b: a - b)

    def __mul__(self, other: "Term") -> "Formula":
        return _combine(self, other, lambda a, b: a * b)

    def __truediv__(self, other: "Term") -> "Formula":
        """Divide; None where the other is 0."""
        return _combine(self, other, lambda a, b: Fraction(a) / b if b else None)


Term = Formula | int


def total(*measures: str) -> Formula:
    """Return the sum of one or more measures."""
    return Formula(
        frozenset(measures),
        lambda marks, of: sum(marks.total(measure, of) for measure in measures),
    )


def count(measure: str) -> Formula:
    """Return the number of marks of a measure."""
    return Formula(frozenset({measure}), lambda marks, of: marks.number(measure, of))


def percentile(measure: str, percent: int) -> Formula:
    """Return the nearest rank: the least amount that so many per cent of all do not exceed."""

    def compute(marks: Amounts, of: Dimensions) -> Value:
        amounts = marks.in_order(measure, of)
        return amounts[ceil(Fraction(percent * len(amounts), 100)) - 1] if amounts else None

    return Formula(frozenset({measure}), compute)


def median(measure: str) -> Formula:
    """Return the middle amount; between the two middle ones, if their number is even."""

    def compute(marks: Amounts, of: Dimensions) -> Value:
        amounts = marks.in_order(measure, of)
        if not amounts:
            return None
        middle = len(amounts) // 2
        return Fraction(amounts[(len(amounts) - 1) // 2] + amounts[middle], 2)

    return Formula(frozenset({measure}), compute)


DAYS = Formula(
    frozenset(), lambda marks, of: 1 if any(name == "day" for name, _ in of) else marks.days
)
"""The days of the period; 1 for a figure of one day."""


def _combine(
    first: Formula, second: Term, of_both: "Callable[[int | Fraction, int | Fraction], Value]"
) -> Formula:
    if isinstance(second, int):
        number = second
        second = Formula(frozenset(), lambda marks, of: number)
    operand = second

    def compute(marks: Amounts, of: Dimensions) -> Value:
        a, b = first.compute(marks, of), operand.compute(marks, of)
        return None if a is None or b is None else of_both(a, b)

    return Formula(first.measures | operand.measures, compute)
