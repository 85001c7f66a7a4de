"""Statistical disclosure control: cells of few persons, for a viewer who may not see these persons.

A cell is a row of a report. It is small if a measure that it is made of comes from fewer persons than
the smallest that may be told, and from at least one. What is suppressed must not follow from the rest
of the report either: in a breakdown of which one cell is suppressed another is too, or else the whole.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from application.reports.definition import Contributions, Report, Row, Subject
from application.reports.formula import Dimensions

PERSONS = ("person", "stay")
"""The kinds of subjects who are persons."""

Part = dict[Subject, tuple[int, ...]]
"""The persons behind a measure of a row, with hashes of the facts that each contributes."""

FACT_DIMENSIONS = frozenset({"day", "drug", "hour", "kind", "ward", "weekday"})
"""Dimensions by which a fact is another one. By any other the same fact is told in other company: a
person of 40 years is of the group that the question makes."""

FACTS_APART = 20_000
"""Facts of a report that are told apart; of one with more those of a person count as one."""

ADMITTED, DISCHARGED, DECIDED = "an admission", "a discharge", "a decision to admit"

FACTS: Mapping[str, Mapping[str, str]] = {
    "admissions-discharges-deaths": {
        "admitted": ADMITTED,
        "discharged": DISCHARGED,
        "died": DISCHARGED,
    },
    "average-length-of-stay": {
        "admissions": ADMITTED,
        "length": DISCHARGED,
        "length_overnight": DISCHARGED,
    },
    "bed-occupancy-rate": {"length": DISCHARGED},
    "bed-turnover-interval": {"length": DISCHARGED},
    "bed-turnover-rate": {"length": DISCHARGED},
    "boarding": dict.fromkeys(("decided", "boarded", "waiting", "ended"), DECIDED),
    "emergency-department-stay": dict.fromkeys(
        ("arrived", "stayed", "in_time", "to_bed"), ADMITTED
    ),
    "inpatient-census": {"admitted": ADMITTED, "discharged": DISCHARGED},
    "length-of-stay-distribution": dict.fromkeys(("ended", "ended_later"), DISCHARGED),
    "movements-by-age-and-sex": {
        "admitted": ADMITTED,
        "discharged": DISCHARGED,
        "died": DISCHARGED,
    },
    "movements-by-specialty": {"admitted": ADMITTED, "discharged": DISCHARGED, "died": DISCHARGED},
    "patient-days": {"length": DISCHARGED},
    "senior-review": dict.fromkeys(("admitted", "wait", "waiting", "never", "in_time"), ADMITTED),
}
"""The fact that a stay has once, by the measures of each report that count it: all, or some of them."""


@dataclass(frozen=True)
class Cells:
    """The persons behind each row of a report, by the measures that it is made of."""

    fewest: int
    parts: tuple[dict[str, Part], ...]
    differences: tuple[frozenset[Subject], ...] = ()
    """The few persons of whom each row tells together with what the viewer was told before."""
    facts: tuple[Collection[tuple[str, Part]], ...] = ()
    """The persons behind each row, by the facts that its measures count, whatever their names are."""

    def small(self, number: int) -> set[Subject]:
        """Return the persons of the measures by which a row is small; nobody if it is not."""
        small_cells = (of for of in self.parts[number].values() if len(of) < self.fewest)
        return set().union(*small_cells, *self.differences[number : number + 1])

    def comparable_parts(self, number: int) -> list[tuple[str, Part]]:
        """Return the key by which rows are compared: the measures, and the facts that these count."""
        return [*self.parts[number].items(), *(self.facts[number] if self.facts else ())]

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
    facts_of_name = FACTS.get(report.definition.name, {})
    facts: defaultdict[tuple[str, Dimensions], defaultdict[Subject, list[int]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for subject, marks in contributions.items():
        if subject.kind not in PERSONS:
            continue
        for mark in marks:
            dimensions = dict(mark.of)
            fact = hash((mark.measure, _fact_dimensions(mark.of), mark.amount))
            for names in names_of[mark.measure]:
                if dimensions.keys() >= set(names):
                    of = tuple((name, dimensions[name]) for name in names)
                    facts[mark.measure, of][subject].append(fact)
    fact_count = sum(len(of) for cell in facts.values() for of in cell.values())
    summarize = _apart if fact_count <= FACTS_APART else _together
    parts = {key: {s: summarize(of) for s, of in cell.items()} for key, cell in facts.items()}

    def parts_of(row: Row) -> dict[str, Part]:
        return {name: parts.get((name, row.of), {}) for name in measures[row.figure]}

    def facts_of(of_measures: Mapping[str, Part]) -> list[tuple[str, Part]]:
        return [
            (facts_of_name[name], dict.fromkeys(part, (1,)))
            for name, part in of_measures.items()
            if name in facts_of_name
        ]

    rows = tuple(map(parts_of, report.rows))
    return Cells(fewest, rows, facts=tuple(map(facts_of, rows)))


def _fact_dimensions(of: Dimensions) -> Dimensions:
    return tuple(part for part in of if part[0] in FACT_DIMENSIONS)


def _apart(facts: Collection[int]) -> tuple[int, ...]:
    """Return facts of which the same ones are told apart by their numbers."""
    if len(facts) == 1:
        return tuple(facts)
    return tuple(
        hash((fact, number)) if number else fact
        for fact, times in Counter(facts).items()
        for number in range(times)
    )


def _together(facts: Collection[int]) -> tuple[int, ...]:
    return tuple(facts) if len(facts) == 1 else (hash((sum(facts) % 2**61, len(facts))),)


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


def without_counts(report: Report) -> Report:
    """Return a report whose notes tell no numbers: they would be figures beside the figures."""
    return replace(report, notes=tuple(map(_without_numbers, report.notes)))


def _without_numbers(note: str) -> str:
    text = re.sub(r"\b[0-9]+ of the [0-9]+\b", "some", note)
    return text[:1].upper() + text[1:]


def _follows(cells: Cells, hidden_rows: set[int]) -> bool:
    """Return whether the whole tells what is hidden of few persons: one cell, or few in all of them."""
    persons = set().union(*(s for n in hidden_rows for s in cells.parts[n].values()))
    return bool(hidden_rows) and (len(hidden_rows) < 2 or len(persons) < cells.fewest)


def _persons(cells: Cells, number: int) -> int:
    return len(set().union(*cells.parts[number].values()))


def _names(of: Dimensions) -> tuple[str, ...]:
    return tuple(name for name, _ in of)
