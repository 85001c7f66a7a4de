"""Aggregates as the log has them: kept between commands, and read outside of one."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import TypeVar
from uuid import UUID

from application.ports import EventStore
from domain.aggregate import Aggregate
from domain.refusals import NotFound
from domain.room.occupancy import Occupancy
from domain.time import widest_span

A = TypeVar("A", bound=Aggregate)

OVERHEAD = 20
"""Size of an aggregate by itself, in events."""


class AggregateCache:
    """Aggregates seen lately, so that only what is new of them is read. Safe in threads.

    Bounded by their events, as their memory is.

    What is handed out is a copy: a command that is refused leaves no trace. Evolving replaces
    values and never changes them in place, so a shallow copy is enough.
    """

    def __init__(self, limit: int = 90_000) -> None:
        """Set ``limit``, the events of all aggregates together; one takes some 300 bytes."""
        self._kept: OrderedDict[UUID, Aggregate] = OrderedDict()
        self._limit, self._size = limit, 0
        self._lock = Lock()
        self.erasures = 0
        """How often all was forgotten, since somebody was erased."""

    def copies(self, kind: type[A], ids: Iterable[UUID]) -> list[A]:
        with self._lock:
            return [self._copy(self._kept.get(id) or kind.empty(id)) for id in ids]  # type: ignore[misc]

    def lacks(self, ids: Iterable[UUID]) -> list[UUID]:
        """Return those of which nothing is remembered."""
        with self._lock:
            return [id for id in ids if id not in self._kept]

    def keep(self, aggregate: Aggregate, erasures: int) -> None:
        """Keep an aggregate, unless somebody was erased since ``erasures`` was read, before it was."""
        if isinstance(aggregate, Occupancy):
            return  # read by its version alone
        with self._lock:
            if erasures != self.erasures:
                return
            self._drop(aggregate.id)
            self._kept[aggregate.id] = self._copy(aggregate)
            self._size += _size(aggregate)
            while self._size > self._limit:
                self._drop(next(iter(self._kept)))

    def forget(self, ids: Iterable[UUID]) -> None:
        with self._lock:
            for id in ids:
                self._drop(id)

    def forget_all(self) -> None:
        """Forget everything, since somebody was erased: also what is being read just now."""
        with self._lock:
            self.erasures += 1
            self._kept.clear()
            self._size = 0

    def _drop(self, id: UUID) -> None:
        aggregate = self._kept.pop(id, None)
        if aggregate is not None:
            self._size -= _size(aggregate)

    @staticmethod
    def _copy(aggregate: Aggregate) -> Aggregate:
        aggregate_copy = object.__new__(type(aggregate))
        aggregate_copy.__dict__.update(aggregate.__dict__)
        aggregate_copy._pending_events = []
        aggregate_copy.span_of = widest_span
        return aggregate_copy


class ProvisionalCache(AggregateCache):
    """Aggregates as commands leave them that are not appended yet, over those that the log has."""

    def __init__(self, durable: AggregateCache) -> None:
        super().__init__()
        self._durable, self.erasures = durable, durable.erasures

    def copies(self, kind: type[A], ids: Iterable[UUID]) -> list[A]:
        return [
            aggregate
            for id in ids
            for cache in (self if id in self._kept else self._durable,)
            for aggregate in AggregateCache.copies(cache, kind, [id])
        ]

    def lacks(self, ids: Iterable[UUID]) -> list[UUID]:
        return self._durable.lacks(super().lacks(ids))


def _size(aggregate: Aggregate) -> int:
    return OVERHEAD + aggregate.version


def current(store: EventStore, aggregate: A) -> A:
    """Return an aggregate with all its events, read from the log outside of a command."""
    for event in store.streams({aggregate.id: 0}).get(aggregate.id, ()):
        event.mutate(aggregate)
    return aggregate


class AggregateReader:
    """Aggregates by id, each read once: as the log has them, outside of a command."""

    def __init__(self, record: EventStore) -> None:
        self.record = record
        self.loaded: dict[UUID, Aggregate] = {}
        self.read_order: dict[UUID, None] = {}
        """The ids of what was read or begun, in order."""

    def load(self, kind: type[A], *ids: UUID) -> list[A]:
        """Return aggregates by id, in one round trip; those that do not exist are empty."""
        self.read_order |= dict.fromkeys(ids)
        aggregates = [a for id in ids if (a := self.loaded.get(id)) is not None]
        if len(aggregates) < len(ids):
            self._load(kind, [id for id in dict.fromkeys(ids) if id not in self.loaded])
            aggregates = [self.loaded[id] for id in ids if id in self.loaded]
        return [a for a in aggregates if isinstance(a, kind)]

    def _load(self, kind: type[A], ids: list[UUID]) -> None:
        events = self.record.streams(dict.fromkeys(ids, 0))
        for id in ids:
            self.loaded[id] = aggregate = kind.empty(id)
            for event in events.get(id, ()):
                event.mutate(aggregate)

    def one(self, kind: type[A], id: UUID, field: str) -> A:
        """Return an aggregate that must exist. Raises NotFound."""
        aggregates = self.load(kind, id)
        if not aggregates or not aggregates[0].exists:
            raise NotFound(kind.THING, str(id), field)
        return aggregates[0]

    def ever_merged_into(self, patients: Sequence[UUID]) -> Sequence[UUID]:
        """Return the records that were ever merged into some."""
        return self.record.merged_into(patients)
