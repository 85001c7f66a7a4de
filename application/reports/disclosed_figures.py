"""Figures lately told to each login: no number of them together may tell of few persons.

A figure is told of a cell: the persons behind one of its measures, and what each contributes. Cells of
which a sum or difference leaves few persons tell of these as a small cell does: neighbouring periods,
the house less its other wards, the same as known before, months less weeks.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from time import monotonic

from application.reports.definition import Subject
from application.reports.disclosure import Cells, Part
from application.reports.figure_span import FigureSpan, Item

REMEMBERED_SECONDS = 24 * 3600.0
"""For how long it is remembered what a login was told."""

MOST_CELLS = 3_000
MOST_PERSONS = 1_000_000
"""Limit of the cells remembered of a login; beyond it each figure counts as one of few persons."""

FORGOTTEN_EVERY_SECONDS = 3600.0
"""The least time between two times at which what is too old is forgotten."""

MOST_LOGINS = 100
"""The logins that are remembered, the least recently told go first."""


@dataclass(slots=True)
class _DisclosedCell:
    """A cell that was told: its persons in order, with what each contributes."""

    at: float
    measure: str
    persons: "array[int]"
    amounts: "array[int]"

    def __contains__(self, item: Item) -> bool:
        place = bisect_left(self.persons, item[0])
        return (
            place < len(self.persons)
            and self.persons[place] == item[0]
            and self.amounts[place] == item[1]
        )

    def items(self) -> set[Item]:
        return set(zip(self.persons, self.amounts, strict=True))


@dataclass(slots=True)
class LoginDisclosures:
    """Figures told to one login. ``lock``: held from a comparison until what is told is kept."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _cells: list[_DisclosedCell] = field(default_factory=list)
    _spans: dict[tuple[str, int], FigureSpan] = field(default_factory=dict)
    _forgotten_at: float = float("-inf")
    _alike: defaultdict[tuple[str, int, int], list[_DisclosedCell]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _subjects: dict[int, Subject] = field(default_factory=dict)

    def differences(self, cells: Cells, now: float) -> tuple[frozenset[Subject], ...]:
        """Return for each row the persons of whom it would tell together with what was told."""
        self._forget(now)
        if len(self._cells) > MOST_CELLS or sum(len(c.persons) for c in self._cells) > MOST_PERSONS:
            return tuple(frozenset().union(*of.values()) for of in cells.parts)
        rows = [set[Subject]() for _ in cells.parts]
        spans: dict[str, FigureSpan] = {}
        for number in sorted(range(len(rows)), key=lambda n: -_count_persons(cells.parts[n])):
            for measure, part in cells.parts[number].items():
                self._subjects |= {hash(subject): subject for subject in part}
                items = frozenset(_items(part))
                span = spans.get(measure) or self._span(measure, cells.fewest).copy()
                spans[measure] = span
                persons = self._identifiable(measure, items, cells.fewest)
                persons |= span.identifiable(items)
                rows[number] |= {self._subjects[person] for person in persons}
                if not persons and len(part) >= cells.fewest:
                    span.add(items)  # with the other rows of the same report it is told, too
        return tuple(map(frozenset, rows))

    def keep(self, cells: Cells, rows: Collection[int], now: float) -> None:
        """Remember the cells of the rows that are told."""
        for number in rows:
            for measure, part in cells.parts[number].items():
                items = sorted(_items(part))
                sums = list(_sums(items, cells.fewest))
                if any(
                    cell.amounts.tolist() == [amount for _, amount in items]
                    and cell.persons.tolist() == [person for person, _ in items]
                    for cell in self._alike.get((measure, 0, sums[0]), ())
                ):
                    continue
                cell = _DisclosedCell(
                    now,
                    measure,
                    array("q", [person for person, _ in items]),
                    array("q", [amount for _, amount in items]),
                )
                self._add(cell, sums)
                self._span(measure, cells.fewest).add(frozenset(items))

    def _identifiable(self, measure: str, items: frozenset[Item], fewest: int) -> set[int]:
        """Return the persons of whom a cell would tell, where they are few."""
        persons: set[int] = set()
        cells_of_sum = {
            id(cell): cell
            for number, total in enumerate(_sums(items, fewest))
            for cell in self._alike.get((measure, number, total), ())
        }
        for cell in cells_of_sum.values():
            persons |= _persons(items ^ cell.items(), fewest)
        if not items:
            return persons
        some_item, parts = next(iter(items)), set[Item]()
        for cell in self._cells:
            if cell.measure != measure or not cell.persons:
                continue
            if len(cell.persons) < len(items):
                first = cell.persons[0], cell.amounts[0]
                if first in items and (part := cell.items()) < items:
                    parts |= part
            elif some_item in cell and items < (whole_cell := cell.items()):
                persons |= _persons(
                    whole_cell - items - self._parts_of(measure, whole_cell), fewest
                )
        return persons | (_persons(items - parts, fewest) if parts else set())

    def _parts_of(self, measure: str, whole: set[Item]) -> set[Item]:
        """Return what was told of parts of a cell."""
        parts = set[Item]()
        for cell in self._cells:
            if cell.measure == measure and 0 < len(cell.persons) < len(whole):
                first = cell.persons[0], cell.amounts[0]
                if first in whole and (part := cell.items()) < whole:
                    parts |= part
        return parts

    def _add(self, cell: _DisclosedCell, sums: Collection[int]) -> None:
        self._cells.append(cell)
        for number, total in enumerate(sums):
            self._alike[cell.measure, number, total].append(cell)

    def _span(self, measure: str, fewest: int) -> FigureSpan:
        return self._spans.setdefault((measure, fewest), FigureSpan(fewest))

    def _forget(self, now: float) -> None:
        """Forget what was told too long ago; seldom, since the spans are made again of the rest."""
        if not self._cells or now - self._cells[0].at <= REMEMBERED_SECONDS:
            return
        if now - self._forgotten_at < FORGOTTEN_EVERY_SECONDS:
            return
        self._forgotten_at = now
        self._cells = [c for c in self._cells if now - c.at <= REMEMBERED_SECONDS]
        for cells in self._alike.values():
            cells[:] = [c for c in cells if now - c.at <= REMEMBERED_SECONDS]
        for measure, fewest in list(self._spans):
            span = self._spans[measure, fewest] = FigureSpan(fewest)
            for cell in self._cells:
                if cell.measure == measure:
                    span.add(frozenset(cell.items()))


class DisclosedFigures:
    """Figures told to all logins of a process."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        self._logins: OrderedDict[tuple[str, str], LoginDisclosures] = OrderedDict()

    def to(self, issuer: str, subject: str) -> LoginDisclosures:
        """Return what a login was told."""
        figures = self._logins.setdefault((issuer, subject), LoginDisclosures())
        self._logins.move_to_end((issuer, subject))
        if len(self._logins) > MOST_LOGINS:
            self._logins.popitem(last=False)
        return figures


def _items(part: Part) -> Iterator[Item]:
    return ((hash(subject), amount) for subject, amount in part.items())


def _sums(items: Collection[Item], fewest: int) -> Iterator[int]:
    """Return sums over as many groups of persons as make a cell that may be told.

    Of cells that differ by fewer persons one at least is the same.
    """
    sums = [0] * max(fewest, 1)
    for person, amount in items:
        sums[person % len(sums)] ^= hash((person, amount))
    return iter(sums)


def _count_persons(parts: dict[str, Part]) -> int:
    return sum(map(len, parts.values()))


def _persons(items: Collection[Item], fewest: int) -> set[int]:
    persons = {person for person, _ in items}
    return persons if len(persons) < fewest else set()
