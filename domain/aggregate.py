"""The one place where the domain meets the eventsourcing library.

An aggregate decides in its public methods (rules run once, when the command is given) and evolves in
private methods decorated with ``@event`` (assignments only: they run again on every replay and never
refuse). Events carry an `Envelope` and no timestamp of their own.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Self, cast
from uuid import UUID

from eventsourcing.domain import BaseAggregate, CanMutateAggregate, MetaDomainEvent, event
from msgspec.structs import replace

from domain.envelope import About, Envelope

__all__ = ["Aggregate", "Event", "event"]


class Event(CanMutateAggregate[UUID], metaclass=MetaDomainEvent):
    """A fact about one aggregate. Subclasses name themselves by ``TOPIC`` and ``VERSION``."""

    TOPIC: ClassVar[str]
    VERSION: ClassVar[int] = 1

    originator_id: UUID
    originator_version: int
    entry: Envelope

    def mutate(self, aggregate: Any) -> Any:
        """Evolve the aggregate by this event, which must be the next of its stream."""
        if self.originator_id != aggregate.id or self.originator_version != aggregate.version + 1:
            raise ValueError(
                f"{self.TOPIC} v{self.originator_version} of {self.originator_id} does not follow "
                f"v{aggregate.version} of {aggregate.id}"
            )
        if aggregate.about is None:
            aggregate.about = self.entry.about
        self.apply(aggregate)
        aggregate.version = self.originator_version
        return aggregate


class Aggregate(BaseAggregate[UUID]):
    """A stream of events and the state that they add up to. It begins empty, at version 0."""

    Event = Event

    if TYPE_CHECKING:  # an annotation in the class itself would make it a dataclass
        about: About | None
        """Whom its events are about: set as it begins, or found in its first event."""

    def __init__(self) -> None:
        """Set the state before the first event."""

    @classmethod
    def empty(cls, id: UUID, about: About | None = None) -> Self:
        """The aggregate before its first event."""
        aggregate = object.__new__(cls)
        aggregate._id = id
        aggregate._version = 0
        aggregate._pending_events = []
        aggregate.about = about
        aggregate.__init__()  # type: ignore[misc]
        return aggregate

    def trigger_event(self, event_class: type[CanMutateAggregate[UUID]], **kwargs: Any) -> None:
        """Record the next event of this stream (called by the decorated methods)."""
        entry: Envelope = kwargs.pop("entry")
        if entry.about != self.about:
            entry = replace(entry, about=self.about)
        new = cast(Any, event_class)(
            originator_id=self.id, originator_version=self.version + 1, entry=entry, **kwargs
        )
        new.mutate(self)
        self._pending_events.append(new)

    @property
    def exists(self) -> bool:
        """Whether anything was ever recorded of it."""
        return self.version > 0
