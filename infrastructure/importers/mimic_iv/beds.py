"""Which bed: the source names care units only, so rooms and beds are made up, and that is said.

Beds are given by the files alone, never by what the record holds, so that an import that is repeated
asks for the same beds. Patients are placed in the order of their numbers: adding patients with higher
numbers changes nobody's bed.
"""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

BEDS = ("A", "B")
"""The beds of every room."""

OPEN_END = 2**40
"""Later than all times, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Bed:
    """A bed of a care unit, by number; the numbers fill one room after the other."""

    ward: str
    number: int

    @property
    def room(self) -> str:
        return str(self.number // len(BEDS) + 1)

    @property
    def code(self) -> str:
        return BEDS[self.number % len(BEDS)]


class Allotment:
    """Who has been given which bed; kept on disk, since a hospital's moves are many."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._longest: dict[str, int] = defaultdict(int)
        connection.execute("CREATE TABLE taken (ward, bed INTEGER, since INTEGER, until INTEGER)")
        connection.execute("CREATE INDEX taken_by_ward ON taken (ward, since)")

    def allot(self, ward: str, start: datetime, end: datetime | None, last: Bed | None) -> Bed:
        """The first bed of the ward that is free then, but for the one that was just left."""
        since = int(start.timestamp())
        until = int(end.timestamp()) if end else OPEN_END
        rows = self._connection.execute(
            "SELECT DISTINCT bed FROM taken"
            " WHERE ward = ? AND since < ? AND until > ? AND since >= ?",
            [ward, until, since, since - self._longest[ward]],
        )
        busy = {number for (number,) in rows}
        if last and last.ward == ward:
            busy.add(last.number)
        bed = Bed(ward, next(n for n in range(len(busy) + 1) if n not in busy))
        self._connection.execute(
            "INSERT INTO taken VALUES (?, ?, ?, ?)", [ward, bed.number, since, until]
        )
        self._longest[ward] = max(self._longest[ward], until - since)
        return bed
