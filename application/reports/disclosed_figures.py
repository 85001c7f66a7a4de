"""Figures lately told to each login: no two of them together may tell of few persons.

A figure is told of a cell: the persons behind one of its measures, and what each contributes. Two cells
that differ by few persons, or a cell that others make up but for few persons, tell of these as a small
cell does: neighbouring periods, the house less its other wards, the same as known before.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from time import monotonic

from application.reports.definition import Subject
from application.reports.disclosure import Cells, Part

REMEMBERED_SECONDS = 24 * 3600.0
"""For how long it is remembered what a login was told."""

MOST_CELLS = 3_000
MOST_PERSONS = 1_000_000
"""Limit of the cells remembered of a login; beyond it each figure counts as one of few persons."""

MOST_COMPARED = 20_000
"""Limit of the pairs of cells that one is compared with."""

GROUPS, MODULUS = 8, 2**61 - 1
"""Groups of persons for each that makes a cell; sums over a group are modulo a prime."""

MOST_LOGINS = 100
"""The logins that are remembered, the least recently told go first."""

Item = tuple[int, int]
"""A person and what they contribute, as hashes."""


@dataclass(slots=True)
class _DisclosedCell:
    """A cell that was told: its persons in order, with what each contributes."""

    at: float
    measure: str
    persons: "array[int]"
    amounts: "array[int]"
    totals: tuple[int, ...]
    """Sums over groups of persons, which add up over cells."""

    def __contains__(self, item: Item) -> bool:
        place = bisect_left(self.persons, item[0])
        return (
            place < len(self.persons)
            and self.persons[place] == item[0]
            and self.amounts[place] == item[1]
        )

    def items(self) -> set[Item]:
        return set(zip(self.persons, self.amounts, strict=True))


Signs = tuple[tuple[_DisclosedCell, int], ...]
"""Cells that are added (1) or taken away (-1)."""


@dataclass(slots=True)
class LoginDisclosures:
    """Figures told to one login. ``lock``: held from a comparison until what is told is kept."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _cells: list[_DisclosedCell] = field(default_factory=list)
    _totals: defaultdict[tuple[str, int, int], list[_DisclosedCell]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _alike: defaultdict[tuple[str, int, int], list[_DisclosedCell]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _subjects: dict[int, Subject] = field(default_factory=dict)

    def differences(self, cells: Cells, now: float) -> tuple[frozenset[Subject], ...]:
        """Return for each row the persons of whom it would tell together with what was told."""
        self._forget(now)
        if len(self._cells) > MOST_CELLS or sum(len(c.persons) for c in self._cells) > MOST_PERSONS:
            return tuple(frozenset().union(*of.values()) for of in cells.parts)
        persons_of_cell: dict[tuple[str, frozenset[Item]], frozenset[Subject]] = {}
        rows = []
        for of in cells.parts:
            row: set[Subject] = set()
            for measure, part in of.items():
                self._subjects |= {hash(subject): subject for subject in part}
                items = frozenset(_items(part))
                if (measure, items) not in persons_of_cell:
                    persons = self._identifiable(measure, items, cells.fewest)
                    persons_of_cell[measure, items] = frozenset(
                        self._subjects[person] for person in persons
                    )
                row |= persons_of_cell[measure, items]
            rows.append(frozenset(row))
        return tuple(rows)

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
                    _totals(items, cells.fewest),
                )
                self._add(cell, sums)

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
        persons |= self._of_three(measure, items, fewest)
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

    def _of_three(self, measure: str, items: frozenset[Item], fewest: int) -> set[int]:
        """Return the persons of whom a cell would tell with two others that were told.

        As two of the three less the third, or one less both: overlapping periods, wards by day. What
        is left of few persons is in few groups: one of as many as a cell needs is free of them.
        """
        totals = _totals(items, fewest)
        groups = sorted(range(len(totals)), key=lambda number: not totals[number])[:fewest]
        cells = [cell for cell in self._cells if cell.measure == measure]
        if len(dict(items)) < fewest or any(cell.totals == totals for cell in cells):
            return set()  # a small cell, or one that was told already
        persons: set[int] = set()
        count_compared = 0
        for number in groups:
            total = totals[number]
            for cell in cells:
                told_total = cell.totals[number]
                for sign, other_sign in ((1, -1), (-1, -1), (-1, 1)):
                    total_left = (-other_sign * (total + sign * told_total)) % MODULUS
                    for other_cell in self._totals.get((measure, number, total_left), ()):
                        count_compared += 1
                        if count_compared > MOST_COMPARED:
                            return persons
                        signs = ((cell, sign), (other_cell, other_sign))
                        if cell is not other_cell and _leaves_few(totals, signs, fewest):
                            persons |= _persons(_rest(items, signs), fewest)
        return persons

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
        for number, total in enumerate(cell.totals):
            self._totals[cell.measure, number, total].append(cell)
        for number, total in enumerate(sums):
            self._alike[cell.measure, number, total].append(cell)

    def _forget(self, now: float) -> None:
        if self._cells and now - self._cells[0].at > REMEMBERED_SECONDS:
            self._cells = [c for c in self._cells if now - c.at <= REMEMBERED_SECONDS]
            for cells in (*self._alike.values(), *self._totals.values()):
                cells[:] = [c for c in cells if now - c.at <= REMEMBERED_SECONDS]


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


def _totals(items: Collection[Item], fewest: int) -> tuple[int, ...]:
    """Return sums over groups of persons, that add up where persons are in several cells."""
    totals = [0] * (GROUPS * max(fewest, 1))
    for item in items:
        number = item[0] % len(totals)
        totals[number] = (totals[number] + hash(item)) % MODULUS
    return tuple(totals)


def _leaves_few(totals: tuple[int, ...], signs: Signs, fewest: int) -> bool:
    """Return whether what is left of three cells is in fewer groups than make a cell."""
    count = sum(
        (total + sum(sign * cell.totals[number] for cell, sign in signs)) % MODULUS != 0
        for number, total in enumerate(totals)
    )
    return count < fewest


def _rest(items: Collection[Item], signs: Signs) -> set[Item]:
    """Return what is left of a cell with two others added or taken away."""
    counts = Counter(items)
    for cell, sign in signs:
        for item in cell.items():
            counts[item] += sign
    return {item for item, count in counts.items() if count}


def _persons(items: Collection[Item], fewest: int) -> set[int]:
    persons = {person for person, _ in items}
    return persons if len(persons) < fewest else set()
