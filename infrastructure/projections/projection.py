"""Base classes of projections: classes with tables that fold events into bitemporal rows."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow
from sqlalchemy import MetaData, Table

from domain.aggregate import Aggregate, Event
from domain.event_types import AGGREGATES, EVENTS
from infrastructure.projections.bitemporal_table import Rows, Writer

A = TypeVar("A", bound=Aggregate)

EventReader = Callable[[UUID, int], "list[Event | SkippedEvent]"]
"""Reads the events of a stream before a position: for an aggregate that is not in memory."""


_KNOWN_KINDS = frozenset(kind.TOPIC for kind in AGGREGATES)


def events_of(*kinds: type[Aggregate]) -> frozenset[type[Event]]:
    """Return all event types of some aggregates."""
    return frozenset(e for e in EVENTS.values() if any(e.belongs_to(kind) for kind in kinds))


class EventPosition(Struct, frozen=True):
    """The position of an event in the log. ``known`` is the last position of its command."""

    position: int
    known: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class SkippedEvent:
    """An event of a skipped command. Its stream goes on as if it had changed nothing."""

    originator_id: UUID
    originator_version: int


class ReadModel:
    """A pure function of the log: no clock, no network. Made anew after every failed batch."""

    name: ClassVar[str]
    metadata: ClassVar[MetaData]
    handles: ClassVar[frozenset[type[Event]]] = frozenset()
    """The event types that its rows follow from; `apply` is called with no others."""
    halts: ClassVar[bool] = False
    """True if it stops at a command that it cannot project, instead of keeping a dead letter."""

    reads_reasons: ClassVar[bool] = False
    """True if it reads reasons of entries; that of an event which concerns no such one stays sealed."""

    revised_by: ClassVar[frozenset[str]] = frozenset()
    """Columns that name other streams than ``info["of"]`` whose events revise rows, too."""

    kinds: ClassVar[tuple[type[Aggregate], ...]]
    """The aggregates of the event types that it handles."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.kinds = tuple(
            kind for kind in AGGREGATES if any(event.belongs_to(kind) for event in cls.handles)
        )

    def __init__(self, history: EventReader, schema: str | None = None) -> None:
        self.history = history
        self.schema = schema or str(self.metadata.schema)
        self._writers: dict[str, Writer] = {}

    def apply(self, event: Event, place: EventPosition) -> None:
        """Fold one event into rows (kept in memory until `flush`)."""
        raise NotImplementedError

    def skip(self, skipped: SkippedEvent) -> None:
        """Skip the next event of a stream: only its version counts."""

    def writer(self, table: Table) -> Writer:
        writer = self._writers.get(table.name)
        if writer is None:
            writer = self._writers[table.name] = Writer(table, self.schema)
        return writer

    def flush(self, cursor: Cursor[TupleRow]) -> None:
        for writer in self._writers.values():
            writer.flush(cursor)

    @classmethod
    def concerns(cls, topic: str) -> bool:
        """Return whether events of a topic are applied to it.

        Of an unknown topic: if its aggregate is one of ``kinds``, or is unknown too.
        """
        if topic in EVENTS:
            return EVENTS[topic] in cls.handles
        kind = topic.partition(".")[0]
        return kind in {kind.TOPIC for kind in cls.kinds} or kind not in _KNOWN_KINDS

    @classmethod
    def entities(cls) -> tuple[type[Aggregate], ...]:
        """Return the aggregates that its rows are about, named in the column ``info["of"]``."""
        return cls.kinds

    @classmethod
    def stream_of(cls, entity: UUID) -> UUID:
        """Return the stream from which the rows of an entity are folded."""
        return entity

    @classmethod
    def tables(cls) -> list[Table]:
        """Return its bitemporal tables."""
        return [t for t in cls.metadata.sorted_tables if "of" in t.info]


class AggregateProjection(ReadModel, Generic[A]):
    """A read model whose rows are a pure function of one kind of aggregate.

    What a late entry or a correction changes is the difference of that function before and after.
    """

    kind: ClassVar[type[Aggregate]]
    unfolded: ClassVar[tuple[type[Event], ...]] = ()
    """Event types of the aggregate that `rows` does not depend on: only their version counts."""
    remembers: ClassVar[int] = 1_500
    """The aggregates in memory, at most: a stay of eight events takes 6 kB. Others are read again."""

    def __init_subclass__(cls) -> None:
        if "kind" in vars(cls) and "handles" not in vars(cls):
            cls.handles = events_of(cls.kind) - frozenset(cls.unfolded)
        super().__init_subclass__()

    def __init__(self, history: EventReader, schema: str | None = None) -> None:
        super().__init__(history, schema)
        self._recent: OrderedDict[int, A] = OrderedDict()
        """By the number of the id, whose hash takes a tenth of the id's."""

    def rows(self, aggregate: A, event: Event) -> dict[Table, Rows]:
        """Return the rows of the aggregate, those at least that the event can change."""
        raise NotImplementedError

    def apply(self, event: Event, place: EventPosition) -> None:
        aggregate = self._aggregate_before(event, place)
        if isinstance(event, self.unfolded):
            pass_over(event, aggregate)
            return
        before = self.rows(aggregate, event) if aggregate.exists else {}
        event.mutate(aggregate)
        for table, after in self.rows(aggregate, event).items():
            self.writer(table).change(
                before.get(table, {}), after, known=place.known, position=place.position
            )

    @classmethod
    def concerns(cls, topic: str) -> bool:
        return super().concerns(topic) or EVENTS.get(topic) in cls.unfolded

    def skip(self, skipped: SkippedEvent) -> None:
        aggregate = self._recent.get(skipped.originator_id.int)
        if aggregate is not None:
            pass_over(skipped, aggregate)

    def _aggregate_before(self, event: Event, place: EventPosition) -> A:
        id = event.originator_id
        aggregate = self._recent.get(id.int)
        if aggregate is None:
            state: Any = self.kind.empty(id)
            if event.originator_version > 1:
                for earlier in self.history(id, place.position):
                    if isinstance(earlier, (SkippedEvent, self.unfolded)):
                        pass_over(earlier, state)
                    else:
                        earlier.mutate(state)
            aggregate = self._recent[id.int] = state
            if len(self._recent) > self.remembers:
                self._recent.popitem(last=False)
        else:
            self._recent.move_to_end(id.int)
        return aggregate


def pass_over(event: Event | SkippedEvent, aggregate: Any) -> None:
    """Let an aggregate go on as if an event had changed nothing: only its version counts."""
    if event.originator_version != aggregate.version + 1:
        raise ValueError(f"v{event.originator_version} does not follow v{aggregate.version}")
    aggregate.version = event.originator_version
