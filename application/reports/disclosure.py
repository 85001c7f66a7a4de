"""Statistical disclosure control: cells of few persons, for a viewer who may not see these persons.

A cell is a row of a report. It is small if a measure that it is made of comes from fewer persons than
the smallest that may be told, and from at least one. What is suppressed must not follow from the rest
of the report either: in a breakdown of which one cell is suppressed another is too, or else the whole.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace

from application.reports.definition import Contributions, Report, Row, Subject
from application.reports.formula import Dimensions

PERSONS = ("person", "stay")
"""The kinds of subjects who are persons."""

Part = dict[Subject, int]
"""The persons behind a measure of a row, with a hash of what each contributes."""


@dataclass(frozen=True)
class Cells:
    """The persons behind each row of a report, by the measures that it is made of."""

    fewest: int
    parts: tuple[dict[str, Part], ...]
    differences: tuple[frozenset[Subject], ...] = ()
    """The few persons of whom each row tells together with what the viewer was told before."""

    def small(self, number: int) -> set[Subject]:
        """Return the persons of the measures by which a row is small; nobody if it is not."""
        small_cells = (of for of in self.parts[number].values() if len(of) < self.fewest)
        return set().union(*small_cells, *self.differences[number : number + 1])

    @property
    def all_small(self) -> set[Subject]:
        """Return the persons of all small rows."""
        return set().union(*(self.small(number) for number in range(len(self.parts))))


def cells(report: Report, contributions: Contributions, fewest: int) -> Cells:
    """Return the persons behind each row; ``fewest`` of them make a cell that may be told."""
    measures = {figure.name: figure.formula.measures for figure in report.definition.figures}
    names_of: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for row in report.rows:
        for measure in measures[row.figure]:
            names_of[measure].add(_names(row.of))
    subjects: defaultdict[tuple[str, Dimensions], Part] = defaultdict(dict)
    for subject, marks in contributions.items():
        if subject.kind not in PERSONS:
            continue
        for mark in marks:
            dimensions = dict(mark.of)
            for names in names_of[mark.measure]:
                if dimensions.keys() >= set(names):
                    part = subjects[mark.measure, tuple((name, dimensions[name]) for name in names)]
                    part[subject] = hash((part.get(subject, 0) + hash(mark)) % 2**61)
    return Cells(
        fewest,
        tuple(
            {measure: subjects.get((measure, row.of), {}) for measure in measures[row.figure]}
            for row in report.rows
        ),
    )


def suppress(
    report: Report, cells: Cells, closed_subjects: Collection[Subject]
) -> tuple[Report, set[Row]]:
    """Return a report without what it tells of few persons some of whom are closed to the viewer.

    And its rows that are suppressed. Where the name of a cell is clinical itself its row is left out.
    """
    rows, figures = report.rows, {figure.name: figure for figure in report.definition.figures}
    hidden_rows = {n for n in range(len(rows)) if not cells.small(n).isdisjoint(closed_subjects)}
    parts: defaultdict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row.of:
            parts[row.figure, _names(row.of)].append(number)
    for (name, _), numbers in parts.items():
        visible_rows = sorted(set(numbers) - hidden_rows, key=lambda n: (_persons(cells, n), n))
        visible_rows = [n for n in visible_rows if _persons(cells, n)]
        while _follows(cells, hidden_rows.intersection(numbers)) and visible_rows:
            hidden_rows.add(visible_rows.pop(0))
        if _follows(cells, hidden_rows.intersection(numbers)):
            measures = figures[name].formula.measures
            hidden_rows |= {
                n
                for n, row in enumerate(rows)
                if not row.of and not measures.isdisjoint(figures[row.figure].formula.measures)
            }
    redacted_figures = {
        n: row._replace(value=None) if n in hidden_rows else row
        for n, row in enumerate(rows)
        if n not in hidden_rows or not figures[row.figure].clinical
    }
    suppressed_rows = {row for n, row in redacted_figures.items() if n in hidden_rows}
    return replace(report, rows=tuple(redacted_figures.values())), suppressed_rows


def without_clinical(report: Report) -> Report:
    """Return a report without the figures whose breakdown is clinical."""
    clinical = {figure.name for figure in report.definition.figures if figure.clinical}
    return replace(report, rows=tuple(r for r in report.rows if r.figure not in clinical))


def _follows(cells: Cells, hidden_rows: set[int]) -> bool:
    """Return whether the whole tells what is hidden of few persons: one cell, or few in all of them."""
    persons = set().union(*(s for n in hidden_rows for s in cells.parts[n].values()))
    return bool(hidden_rows) and (len(hidden_rows) < 2 or len(persons) < cells.fewest)


def _persons(cells: Cells, number: int) -> int:
    return len(set().union(*cells.parts[number].values()))


def _names(of: Dimensions) -> tuple[str, ...]:
    return tuple(name for name, _ in of)
