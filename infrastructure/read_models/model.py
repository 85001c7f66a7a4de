"""What every read model is: a class with its own tables that folds events into bitemporal rows."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow
from sqlalchemy import MetaData, Table

from domain.aggregate import Aggregate, Event
from infrastructure.read_models.bitemporal import Rows, Writer

A = TypeVar("A", bound=Aggregate)

History = Callable[[UUID, int], list[Event]]
"""The events of a stream before a position: how a model learns of what it does not remember."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event is in the log. ``known`` is the last position of its command."""

    position: int
    known: int
    recorded_at: datetime


class ReadModel:
    """A pure function of the log: no clock, no network. Made anew after every failed batch."""

    name: ClassVar[str]
    metadata: ClassVar[MetaData]

    def __init__(self, history: History, schema: str | None = None) -> None:
        self.history = history
        self.schema = schema or str(self.metadata.schema)
        self._writers: dict[str, Writer] = {}

    def apply(self, event: Event, place: Place) -> None:
        """Fold one event into rows (kept in memory until `flush`)."""
        raise NotImplementedError

    def writer(self, table: Table) -> Writer:
        writer = self._writers.get(table.name)
        if writer is None:
            writer = self._writers[table.name] = Writer(table, self.schema)
        return writer

    def flush(self, cursor: Cursor[TupleRow]) -> None:
        for writer in self._writers.values():
            writer.flush(cursor)

    @classmethod
    def tables(cls) -> list[Table]:
        """Its bitemporal tables, without the one that keeps its position."""
        return [t for t in cls.metadata.sorted_tables if t.name != "position"]


class Folded(ReadModel, Generic[A]):
    """A read model whose rows are a pure function of one kind of aggregate.

    What a late entry or a correction changes is the difference of that function before and after.
    """

    kind: ClassVar[type[Aggregate]]
    remembers: ClassVar[int] = 5_000

    def __init__(self, history: History, schema: str | None = None) -> None:
        super().__init__(history, schema)
        self._recent: OrderedDict[UUID, A] = OrderedDict()

    def rows(self, aggregate: A, event: Event) -> dict[Table, Rows]:
        """The rows of the aggregate, those at least that the event can change."""
        raise NotImplementedError

    def apply(self, event: Event, place: Place) -> None:
        if event.TOPIC.partition(".")[0] != self.kind.TOPIC:  # type: ignore[attr-defined]
            return
        aggregate = self._remembered(event, place)
        before = self.rows(aggregate, event) if aggregate.exists else {}
        event.mutate(aggregate)
        for table, after in self.rows(aggregate, event).items():
            self.writer(table).change(
                before.get(table, {}), after, known=place.known, position=place.position
            )

    def _remembered(self, event: Event, place: Place) -> A:
        id = event.originator_id
        aggregate = self._recent.get(id)
        if aggregate is None:
            fresh: Any = self.kind.empty(id)
            if event.originator_version > 1:
                for earlier in self.history(id, place.position):
                    earlier.mutate(fresh)
            aggregate = self._recent[id] = fresh
            if len(self._recent) > self.remembers:
                self._recent.popitem(last=False)
        self._recent.move_to_end(id)
        return aggregate
