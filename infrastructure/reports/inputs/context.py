"""The query of one report's inputs, which every loader answers a part of."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow

from application.reports.inputs import ChangeSet, Question
from domain.hospital_calendar import DAY, LocalDays


@dataclass(frozen=True)
class ReportQuery:
    """A question at a position, with what the SELECT of each loader needs."""

    connection: Connection[TupleRow]
    question: Question
    position: int
    days: LocalDays
    wards: dict[str, str]
    """The ward of each room."""
    totals_only: bool = False
    """True if rows may be aggregated, so that no contribution can be attributed."""
    only: ChangeSet | None = None
    """The patients and rooms to read; None for all."""

    @property
    def rooms(self) -> list[str]:
        """Return the rooms of the ward that is asked for."""
        return [room for room, ward in self.wards.items() if ward == self.question.ward]

    def of_patient(self, column: str) -> str:
        """Return the condition that a row is about one of those whose contributions are asked for."""
        return f" AND {column} = ANY(%(patients)s::uuid[])" if self.only else ""

    def of_room(self, column: str) -> str:
        """Return the same of a row about a room."""
        return f" AND {column} = ANY(%(places)s::uuid[])" if self.only else ""

    @cached_property
    def window(self) -> tuple[datetime, datetime]:
        """Return the period of the days from first to last, by census and by calendar."""
        first, last = self.question.first, self.question.last
        begin = min(self.days.census(first - DAY), self.days.midnight(first))
        return begin, max(begin, self.days.end_of_day(last))

    def rows(self, query: str, **values: Any) -> list[TupleRow]:
        """Return the rows of a SELECT; ``%(position)s``, ``%(start)s`` and ``%(end)s`` are at hand."""
        start, end = self.window
        values = {"position": self.position, "start": start, "end": end, **values}
        if self.only:
            values |= {"patients": self.only.patients, "places": self.only.rooms}
        with self.connection.cursor(binary=True) as cursor:
            return cursor.execute(query.encode(), values).fetchall()
