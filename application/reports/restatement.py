"""What made a figure change between two positions of the log: whose contributions, and nothing else."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from application.reports.definition import Contributions, Definition, Row, Subject
from application.reports.formula import Contribution, Dimensions, Value


class Changed(NamedTuple):
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
    """A report at one of two positions: its figures, and what they are made of."""

    rows: tuple[Row, ...]
    contributions: Contributions


def changed(definition: Definition, old: Side, new: Side) -> tuple[Changed, ...]:
    """Each figure to which something else is contributed, with those whose contribution it is.

    Complete: with the old contributions of the causes put back, the old figure comes out, since a
    formula sees nothing but marks. Minimal: what a cause contributes to that figure has changed.
    """
    sides = [_values(side.rows) for side in (old, new)]
    contributed = _Differences(old.contributions, new.contributions)
    found = []
    for name, of, unit in dict.fromkeys((*sides[0], *sides[1])):
        measures = next(f.formula.measures for f in definition.figures if f.name == name)
        causes = contributed.to(measures, of)
        if causes:
            values = [side.get((name, of, unit)) for side in sides]
            found.append(Changed(name, of, unit, values[0], values[1], causes))
    return tuple(found)


def _values(rows: Iterable[Row]) -> dict[tuple[str, Dimensions, str], Value]:
    return {(row.figure, row.of, row.unit): row.value for row in rows}


class _Differences:
    """The marks that a subject had and has no more, or has now, by measure."""

    def __init__(self, old: Contributions, new: Contributions) -> None:
        self._by_measure: dict[str, list[tuple[Subject, Dimensions, int, int]]] = {}
        self._projected: dict[tuple[str, tuple[str, ...]], dict[Dimensions, list[Subject]]] = {}
        for subject in sorted({*old, *new}):
            before, after = old.get(subject, ()), new.get(subject, ())
            if before != after:
                self._add(subject, before, after)

    def _add(
        self, subject: Subject, before: Iterable[Contribution], after: Iterable[Contribution]
    ) -> None:
        counted = Counter(after)
        counted.subtract(Counter(before))
        for (measure, of, amount), times in counted.items():
            if times:
                self._by_measure.setdefault(measure, []).append((subject, of, amount, times))

    def to(self, measures: Iterable[str], of: Dimensions) -> tuple[Subject, ...]:
        """Those who contribute something else to what these measures are of."""
        names = tuple(name for name, _ in of)
        found = {s for measure in measures for s in self._by(measure, names).get(of, ())}
        return tuple(sorted(found))

    def _by(self, measure: str, names: tuple[str, ...]) -> dict[Dimensions, list[Subject]]:
        """Who contributes something else, by what it is of; what cancels out there is nothing."""
        found = self._projected.get((measure, names))
        if found is None:
            counted: Counter[tuple[Dimensions, Subject, int]] = Counter()
            for subject, of, amount, times in self._by_measure.get(measure, ()):
                known = dict(of)
                if all(name in known for name in names):
                    key = tuple((name, known[name]) for name in names)
                    counted[key, subject, amount] += times
            found = self._projected[measure, names] = {}
            for (key, subject, _), times in counted.items():
                if times:
                    found.setdefault(key, []).append(subject)
        return found
