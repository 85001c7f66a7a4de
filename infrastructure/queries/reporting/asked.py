"""A question for figures, with what every loader of inputs needs to answer its part of it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from application.reports.inputs import Question
from domain.hospital_time import LocalDays


@dataclass(frozen=True)
class Asked:
    """A question with all that a loader needs to answer its part of it."""

    connection: Connection[TupleRow]
    question: Question
    position: int
    days: LocalDays
    wards: dict[UUID, str]
    """The ward of each room."""

    @cached_property
    def window(self) -> tuple[datetime, datetime]:
        """From the census before the period to the one that ends it."""
        censuses = self.days.censuses(self.question.first, self.question.last)
        return censuses[0], censuses[-1]

    def rows(self, query: str, **values: Any) -> list[TupleRow]:
        """The rows of a SELECT; ``%(position)s``, ``%(start)s`` and ``%(end)s`` are at hand."""
        start, end = self.window
        values = {"position": self.position, "start": start, "end": end, **values}
        with self.connection.cursor(binary=True) as cursor:
            return cursor.execute(query.encode(), values).fetchall()
