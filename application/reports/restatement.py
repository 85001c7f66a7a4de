"""Causes of the change of a figure between two positions of the log: changed contributions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from application.reports.definition import Contributions, Definition, Row, Subject
from application.reports.formula import (
    AdjustedMarks,
    Contribution,
    Delta,
    Dimensions,
    Formula,
    Marks,
    Value,
)

_Figure = tuple[str, Dimensions, str]
"""Name, dimensions and unit of a figure."""


class FigureChange(NamedTuple):
    """A figure to which other subjects contribute, or others than before, or otherwise.

    ``old`` and ``new`` are the same where the causes offset each other. A figure that there was not,
    or is no more (of a ward, of a drug), has None on that side.
    """

    figure: str
    of: Dimensions
    unit: str
    old: Value
    new: Value
    causes: tuple[Subject, ...]


class Side(NamedTuple):
    """A report at one of two positions: its figures, and what those contribute who may have changed."""

    rows: tuple[Row, ...]
    contributions: Contributions


def figure_changes(
    definition: Definition, old: Side, new: Side, marks: Marks
) -> tuple[FigureChange, ...]:
    """Return each figure to which something else is contributed, with those who make the difference.

    ``marks``: those of all subjects on the new side. Complete: with the old contributions of the causes
    put back, the old figure comes out, since a formula sees nothing but marks. Minimal: with those of
    one cause left as they are now, it does not. (Whose wait is longer now, but not so that the median
    is another, is no cause of the median.)
    """
    sides = [_values(side.rows) for side in (old, new)]
    figures = list(dict.fromkeys((*sides[0], *sides[1])))
    formulas = {figure.name: figure.formula for figure in definition.figures}
    by_marks: dict[tuple[frozenset[str], Dimensions], list[_Figure]] = {}
    for name, of, unit in figures:
        by_marks.setdefault((formulas[name].measures, of), []).append((name, of, unit))
    differences = _Differences(old.contributions, new.contributions)
    causes: dict[_Figure, tuple[Subject, ...]] = {}
    for (measures, of), figures_of_marks in by_marks.items():
        deltas = differences.to(measures, of)
        if not deltas:
            continue
        search = _CauseSearch(marks, measures, of, deltas)
        for figure in figures_of_marks:
            causes[figure] = search.causes(formulas[figure[0]])
            if not causes[figure] and sides[0].get(figure) != sides[1].get(figure):
                causes[figure] = tuple(deltas)  # a figure that there is on one side
    return tuple(
        FigureChange(*figure, sides[0].get(figure), sides[1].get(figure), causes[figure])
        for figure in figures
        if causes.get(figure)
    )


class _CauseSearch:
    """The search for the causes of figures that are made of the same marks."""

    def __init__(
        self, marks: Marks, measures: Iterable[str], of: Dimensions, deltas: Mapping[Subject, Delta]
    ) -> None:
        self._of, self._deltas = of, deltas
        self._old = AdjustedMarks(marks, measures, of)
        for delta in deltas.values():
            self._old.add(delta, -1)

    def causes(self, formula: Formula) -> tuple[Subject, ...]:
        """Return a set of subjects whose old contributions give the old figure, none of them in vain."""
        deltas, of = self._deltas, self._of
        old = formula.compute(self._old, of)
        amounts = self._old.copy()
        causes, before = list(deltas), len(deltas) + 1
        while (
            len(causes) < before
        ):  # who was needed beside one that is left out need not be any more
            before, candidates, causes = len(causes), causes, []
            for subject in candidates:
                amounts.add(deltas[subject])
                if formula.compute(amounts, of) != old:
                    amounts.add(deltas[subject], -1)
                    causes.append(subject)
        return tuple(causes)


class ChangedMarks:
    """Contributions of a subject that a command changed, by what figures can be of."""

    def __init__(self, before: Iterable[Contribution], after: Iterable[Contribution]) -> None:
        counts = Counter(after)
        counts.subtract(Counter(before))
        self._counts = {mark: times for mark, times in counts.items() if times}
        self._projected: dict[tuple[str, ...], set[tuple[str, Dimensions]]] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def touch(self, formula: Formula, of: Dimensions) -> bool:
        """Return whether a figure is made of any of them."""
        names = tuple(name for name, _ in of)
        if names not in self._projected:
            counts: Counter[tuple[str, Dimensions, int]] = Counter()
            for (measure, dimensions, amount), times in self._counts.items():
                values = dict(dimensions)
                if all(name in values for name in names):
                    counts[measure, tuple((n, values[n]) for n in names), amount] += times
            self._projected[names] = {key[:2] for key, times in counts.items() if times}
        return any((measure, of) in self._projected[names] for measure in formula.measures)


def _values(rows: Iterable[Row]) -> dict[_Figure, Value]:
    return {(row.figure, row.of, row.unit): row.value for row in rows}


class _Differences:
    """The marks that a subject had and has no more, or has now, by measure."""

    def __init__(self, old: Contributions, new: Contributions) -> None:
        self._by_measure: dict[str, list[tuple[Subject, Dimensions, int, int]]] = {}
        self._projected: dict[
            tuple[str, tuple[str, ...]], dict[Dimensions, list[tuple[Subject, int, int]]]
        ] = {}
        for subject in sorted({*old, *new}):
            before, after = old.get(subject, ()), new.get(subject, ())
            if before != after:
                self._add(subject, before, after)

    def _add(
        self, subject: Subject, before: Iterable[Contribution], after: Iterable[Contribution]
    ) -> None:
        counts = Counter(after)
        counts.subtract(Counter(before))
        for (measure, of, amount), times in counts.items():
            if times:
                self._by_measure.setdefault(measure, []).append((subject, of, amount, times))

    def to(self, measures: Iterable[str], of: Dimensions) -> dict[Subject, Delta]:
        """Return the changes of what subjects contribute to measures, by subject, in their order."""
        names = tuple(name for name, _ in of)
        deltas: dict[Subject, Delta] = {}
        for measure in sorted(measures):
            for subject, amount, times in self._by(measure, names).get(of, ()):
                deltas.setdefault(subject, Delta()).parts.append((measure, amount, times))
        return dict(sorted(deltas.items()))

    def _by(
        self, measure: str, names: tuple[str, ...]
    ) -> dict[Dimensions, list[tuple[Subject, int, int]]]:
        """Return the subjects with other contributions, by dimension, without those that cancel out."""
        projection = self._projected.get((measure, names))
        if projection is None:
            counts: Counter[tuple[Dimensions, Subject, int]] = Counter()
            for subject, of, amount, times in self._by_measure.get(measure, ()):
                dimensions = dict(of)
                if all(name in dimensions for name in names):
                    key = tuple((name, dimensions[name]) for name in names)
                    counts[key, subject, amount] += times
            projection = self._projected[measure, names] = {}
            for (key, subject, amount), times in counts.items():
                if times:
                    projection.setdefault(key, []).append((subject, amount, times))
        return projection
