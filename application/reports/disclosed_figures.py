"""Figures lately told to each login: no number of them together may tell of few persons.

A figure is told of a cell: the persons behind one of its measures, and what each contributes. Cells of
which a sum or difference leaves few persons tell of these as a small cell does: neighbouring periods,
the house less its other wards, the same as known before, months less weeks.
"""

import asyncio
from array import array
from bisect import bisect_left, bisect_right
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
MOST_FACTS = 1_000_000
"""Limit of the cells remembered of a login; beyond it each figure counts as one of few persons."""

FORGOTTEN_EVERY_SECONDS = 3600.0
"""The least time between two times at which what is too old is forgotten."""

MOST_BYTES = 256_000_000
"""Memory of what all logins of a process were told. Beyond it the login that was told most is told no
more figures of closed persons until the day is over: to forget would be a way past the comparison."""

FACT_BYTES = 500
"""Memory of a fact in a cell: in the cell itself, in the span of its measure, and of its subject."""

MOST_LOGINS = 10_000
"""The logins that are remembered; beyond them another one is told no figure of closed persons."""


@dataclass(slots=True)
class _DisclosedCell:
    """A cell that was told: its persons in order, with the facts that each contributes."""

    at: float
    measure: str
    persons: "array[int]"
    amounts: "array[int]"

    def __contains__(self, item: Item) -> bool:
        first = bisect_left(self.persons, item[0])
        last = bisect_right(self.persons, item[0], lo=first)
        return item[1] in self.amounts[first:last]

    def items(self) -> set[Item]:
        return set(zip(self.persons, self.amounts, strict=True))


@dataclass(slots=True)
class LoginDisclosures:
    """Figures told to one login. ``lock``: held from a comparison until what is told is kept."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked_at: float = float("-inf")
    """Moment of the last question of the login."""
    closed_at: float = float("-inf")
    """Moment at which what it was told was dropped; for a day each figure counts as of few persons."""
    _facts_count: int = 0
    _is_to_drop: bool = False
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
        is_closed = now - self.closed_at <= REMEMBERED_SECONDS
        if is_closed or len(self._cells) > MOST_CELLS or self._facts_count > MOST_FACTS:
            return tuple(frozenset().union(*of.values()) for of in cells.parts)
        rows = [set[Subject]() for _ in cells.parts]
        spans: dict[str, FigureSpan] = {}
        for number in sorted(range(len(rows)), key=lambda n: -_size(cells.parts[n])):
            for measure, part in cells.comparable_parts(number):
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

    @property
    def facts_count(self) -> int:
        """Return the number of facts that are in all cells that stay remembered."""
        return 0 if self._is_to_drop else self._facts_count

    def close(self, now: float) -> None:
        """Drop what was told, once no thread works on it, and compare no figure until a day is over."""
        self.closed_at, self._is_to_drop = now, True
        if not self.lock.locked():
            self._drop()

    def _drop(self) -> None:
        self._is_to_drop, self._facts_count = False, 0
        self._cells, self._spans, self._subjects = [], {}, {}
        self._alike.clear()

    def keep(self, cells: Cells, rows: Collection[int], now: float) -> None:
        """Remember the cells of the rows that are told."""
        for number in rows:
            for measure, part in cells.comparable_parts(number):
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
        if self._is_to_drop:
            self._drop()

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
        """Return the items of all disclosed cells that are parts of a cell."""
        parts = set[Item]()
        for cell in self._cells:
            if cell.measure == measure and 0 < len(cell.persons) < len(whole):
                first = cell.persons[0], cell.amounts[0]
                if first in whole and (part := cell.items()) < whole:
                    parts |= part
        return parts

    def _add(self, cell: _DisclosedCell, sums: Collection[int]) -> None:
        self._cells.append(cell)
        self._facts_count += len(cell.persons)
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
        self._facts_count = sum(len(cell.persons) for cell in self._cells)
        for cells in self._alike.values():
            cells[:] = [c for c in cells if now - c.at <= REMEMBERED_SECONDS]
        for measure, fewest in list(self._spans):
            span = self._spans[measure, fewest] = FigureSpan(fewest)
            for cell in self._cells:
                if cell.measure == measure:
                    span.add(frozenset(cell.items()))


class DisclosedFigures:
    """Figures told to all logins of a process.

    What others ask makes nobody's figures forgotten: a login is remembered for a day after it asked
    last, or is told no figure of closed persons.
    """

    def __init__(
        self,
        clock: Callable[[], float] = monotonic,
        most_bytes: int = MOST_BYTES,
        most_logins: int = MOST_LOGINS,
    ) -> None:
        self.clock = clock
        self._most_facts, self._most_logins = most_bytes // FACT_BYTES, most_logins
        self._logins: OrderedDict[tuple[str, str], LoginDisclosures] = OrderedDict()

    def to(self, issuer: str, subject: str) -> LoginDisclosures:
        """Return the figures disclosed to a login."""
        now, login = self.clock(), (issuer, subject)
        self._forget(now)
        if login not in self._logins and len(self._logins) >= self._most_logins:
            return LoginDisclosures(closed_at=now)
        figures = self._logins.setdefault(login, LoginDisclosures())
        figures.asked_at = now
        self._logins.move_to_end(login)
        self._make_room(now)
        return figures

    def _make_room(self, now: float) -> None:
        """Drop what those were told who were told most, while it is too much."""
        excess = sum(login.facts_count for login in self._logins.values()) - self._most_facts
        while excess > 0:
            largest = max(self._logins.values(), key=lambda login: login.facts_count)
            excess -= largest.facts_count
            largest.close(now)

    def _forget(self, now: float) -> None:
        """Forget the logins that asked for nothing for a day and what an answer may take."""
        for login, figures in list(self._logins.items()):
            if now - figures.asked_at <= REMEMBERED_SECONDS + FORGOTTEN_EVERY_SECONDS:
                break
            del self._logins[login]


def _items(part: Part) -> Iterator[Item]:
    return ((hash(subject), fact) for subject, facts in part.items() for fact in facts)


def _sums(items: Collection[Item], fewest: int) -> Iterator[int]:
    """Return sums over as many groups of persons as make a cell that may be told.

    Of cells that differ by fewer persons one at least is the same.
    """
    sums = [0] * max(fewest, 1)
    for person, amount in items:
        sums[person % len(sums)] ^= hash((person, amount))
    return iter(sums)


def _size(parts: dict[str, Part]) -> int:
    """Return the size of the largest part of a row."""
    return max(map(len, parts.values()), default=0)


def _persons(items: Collection[Item], fewest: int) -> set[int]:
    persons = {person for person, _ in items}
    return persons if len(persons) < fewest else set()
