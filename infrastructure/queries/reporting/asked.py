"""A question for figures, with what every loader of inputs needs to answer its part of it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from application.reports.inputs import Question
from domain.hospital_time import DAY, LocalDays


@dataclass(frozen=True)
class Asked:
    """A question with all that a loader needs to answer its part of it."""

    connection: Connection[TupleRow]
    question: Question
    position: int
    days: LocalDays
    wards: dict[UUID, str]
    """The ward of each room."""

    @property
    def rooms(self) -> list[UUID]:
        """The rooms of the ward that is asked for."""
        return [room for room, ward in self.wards.items() if ward == self.question.ward]

    @cached_property
    def window(self) -> tuple[datetime, datetime]:
        """From the beginning of the first day to the end of the last, by census and by calendar."""
        first, last = self.question.first, self.question.last
        begin = min(self.days.census(first - DAY), self.days.midnight(first))
        return begin, max(begin, self.days.ended(last))

    def rows(self, query: str, **values: Any) -> list[TupleRow]:
        """The rows of a SELECT; ``%(position)s``, ``%(start)s`` and ``%(end)s`` are at hand."""
        start, end = self.window
        values = {"position": self.position, "start": start, "end": end, **values}
        with self.connection.cursor(binary=True) as cursor:
            return cursor.execute(query.encode(), values).fetchall()
