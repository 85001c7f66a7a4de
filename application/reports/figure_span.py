"""Span of the figures that a login was told: what their sums and differences leave.

A figure is a row of ones at what it is made of, a person with what they contribute. What any number of
figures tell together is a combination of their rows; one that few persons are left of tells of these.
Rows are added over the field of two elements, as bits of a whole number: a combination with whole
coefficients leaves no more there than it does, so that none of few is missed but for what is even.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Self

Item = tuple[int, int]
"""A person and what they contribute, as hashes."""

MOST_COMPARED = 20_000
"""Limit of the combinations that are looked at for one figure."""


class FigureSpan:
    """Rows of figures in reduced echelon form, each with the figures that it is made of."""

    def __init__(self, fewest: int) -> None:
        self._fewest = max(fewest, 1)
        self._items: list[Item] = []
        self._columns: dict[Item, int] = {}
        self._groups = [0] * self._fewest
        """The columns of each group of persons; few persons leave one group at least free."""
        self._figures: list[frozenset[Item]] = []
        self._rows: list[int] = []
        self._pivots: list[int] = []
        self._origins: list[int] = []
        """The figures that each row is a sum of, as bits."""

    def copy(self) -> Self:
        """Return a span to which figures are added for a while."""
        span = type(self)(self._fewest)
        span._items, span._columns = [*self._items], {**self._columns}
        span._groups, span._figures = [*self._groups], [*self._figures]
        span._rows, span._pivots = [*self._rows], [*self._pivots]
        span._origins = [*self._origins]
        return span

    def add(self, items: frozenset[Item]) -> None:
        """Add a figure that is told."""
        row, origin = self._remainder(self._row(items))
        if not row:
            return
        origin ^= 1 << len(self._figures)
        self._figures.append(items)
        pivot = 1 << (row.bit_length() - 1)
        for number, other_row in enumerate(self._rows):
            if other_row & pivot:
                self._rows[number] ^= row
                self._origins[number] ^= origin
        self._rows.append(row)
        self._pivots.append(pivot)
        self._origins.append(origin)

    def identifiable(self, items: frozenset[Item]) -> set[int]:
        """Return the persons of whom a figure would tell with some of the others, where they are few."""
        row, origin = self._remainder(self._row(items))
        if not row:
            return set() if self._follows(items, origin) else {person for person, _ in items}
        persons: set[int] = set()
        for count, rest in enumerate(self._rests(row)):
            if count == MOST_COMPARED:
                break
            persons_left = self._persons(rest)
            if len(persons_left) < self._fewest:
                persons |= persons_left
        return persons

    def _row(self, items: Iterable[Item]) -> int:
        row = bytearray(len(self._items) // 8 + 1)
        for item in items:
            column = self._columns.get(item)
            if column is None:
                column = self._columns[item] = len(self._items)
                self._items.append(item)
                self._groups[item[0] % self._fewest] |= 1 << column
            if column // 8 >= len(row):
                row.extend(bytes(column // 8 + 1 - len(row)))
            row[column // 8] |= 1 << column % 8
        return int.from_bytes(row, "little")

    def _remainder(self, row: int) -> tuple[int, int]:
        """Return the rest of a row, and the figures that were taken from it."""
        origin = 0
        for number, pivot in enumerate(self._pivots):
            if row & pivot:
                row ^= self._rows[number]
                origin ^= self._origins[number]
        return row, origin

    def _rests(self, row: int) -> Iterator[int]:
        """Yield the rests of a row with none, one or two others, where a group of persons is free.

        Whoever is left of few is a pivot of few rows: those of two at most are all looked at.
        """
        for group in self._groups:
            rows_by_part: defaultdict[int, list[int]] = defaultdict(list)
            for other_row in self._rows:
                rows_by_part[other_row & group].append(other_row)
            group_part = row & group
            if not group_part:
                yield row
            for other_row in rows_by_part.get(group_part, ()):
                yield row ^ other_row
            for part, rows in rows_by_part.items():
                for other_row in rows_by_part.get(part ^ group_part, ()):
                    yield from (
                        row ^ other_row ^ third_row for third_row in rows if third_row < other_row
                    )

    def _persons(self, row: int) -> set[int]:
        """Return the persons of a row; of one with many, more than are few."""
        persons: set[int] = set()
        while row and len(persons) < self._fewest:
            column = row.bit_length() - 1
            persons.add(self._items[column][0])
            row ^= 1 << column
        return persons

    def _follows(self, items: frozenset[Item], origin: int) -> bool:
        """Return whether a figure is a sum and difference of others, so that it tells nothing new.

        Its sum with them is even in each column. Signs follow from the columns that two of them have.
        """
        figures = [items, *(f for n, f in enumerate(self._figures) if origin >> n & 1)]
        owners: defaultdict[Item, list[int]] = defaultdict(list)
        for number, figure in enumerate(figures):
            for item in figure:
                owners[item].append(number)
        neighbours: defaultdict[int, set[int]] = defaultdict(set)
        for numbers in owners.values():
            if len(numbers) == 2:
                neighbours[numbers[0]].add(numbers[1])
                neighbours[numbers[1]].add(numbers[0])
        signs, waiting = {0: 1}, [0]
        while waiting:
            number = waiting.pop()
            for other in neighbours[number] - signs.keys():
                signs[other] = -signs[number]
                waiting.append(other)
        return all(not sum(signs.get(n, 0) for n in numbers) for numbers in owners.values())
