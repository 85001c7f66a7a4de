"""The base classes of aggregates and events, and the only use of the eventsourcing library here.

An aggregate decides in its public methods: rules run once, when the command is given, and
`Aggregate.record` adds the event. It evolves in `Aggregate.apply`, by assignments that run again on
every replay and never refuse. Events carry an `Envelope` and no timestamp of their own.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from inspect import get_annotations
from typing import TYPE_CHECKING, Any, ClassVar, NewType, Self, TypeVar, cast
from uuid import UUID

from eventsourcing.domain import BaseAggregate, CanMutateAggregate, MetaDomainEvent
from msgspec.structs import replace

from domain.envelope import About, Envelope
from domain.errors import IntegrityError
from domain.text import cleaned_fields
from domain.things import Thing
from domain.time import Precision, SpanOf, Timed, TimedFact, widest_span

__all__ = [
    "Aggregate",
    "Cancelling",
    "Correcting",
    "Derived",
    "Event",
    "FactId",
    "NotNeeded",
    "Remedy",
    "TextsOfPerson",
    "UnknownEvent",
]

FactId = NewType("FactId", UUID)
"""The id of a fact (a movement, a visit, a dose) in the event that tells, corrects or cancels it."""


class NotNeeded(str):
    """The reason why no command corrects, or cancels, the facts of a kind."""

    __slots__ = ()


Remedy = tuple[str, ...] | NotNeeded
"""The mutations that correct, or cancel, the facts of a kind; or why none does."""


class Event(CanMutateAggregate[UUID], metaclass=MetaDomainEvent):
    """A fact about one aggregate, with what every interface says about facts of its kind.

    A subclass that leaves out ``TOPIC``, ``PUBLIC``, ``DESCRIPTION``, ``CORRECTED_BY`` or
    ``CANCELLED_BY`` fails as it is defined.
    """

    TOPIC: ClassVar[str]
    """Its name in the log, which never changes: that of its aggregate, a dot, and what happened."""
    VERSION: ClassVar[int] = 1
    """The version of its schema in the log."""
    PUBLIC: ClassVar[str | None]
    """Its name in the feed, for other systems; None if it is internal."""
    PUBLIC_VERSION: ClassVar[int] = 1
    """The version of its schema in the feed."""
    PUBLIC_FIELDS: ClassVar[Mapping[str, str | None]] = {}
    """The names in the feed of fields that do not follow the rule there; None for one left out."""
    DESCRIPTION: ClassVar[str]
    """One sentence for those who read a schema."""
    CORRECTED_BY: ClassVar[Remedy]
    """The mutations that put such a fact right; ``()`` while there is none."""
    CANCELLED_BY: ClassVar[Remedy]
    """The mutations that take such a fact back; ``()`` while there is none."""

    ALTERED: ClassVar[tuple[str, ...]] = ()
    """Its fields that hold no text (a birth date, a sex), and that somebody altered in the database:
    they read as not known. A text reads as ALTERED itself. Set on an event as it is read."""

    originator_id: UUID
    originator_version: int
    entry: Envelope

    FACT: ClassVar[str | None]
    """Its field of the type `FactId`, if it has one."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        annotations = get_annotations(cls).items()
        cls.FACT = next((name for name, kind in annotations if kind is FactId), None)
        for name in ("TOPIC", "PUBLIC", "DESCRIPTION"):
            if name not in vars(cls):
                raise TypeError(f"{cls.__qualname__} has no {name}")
        for name in ("CORRECTED_BY", "CANCELLED_BY"):  # a mixin may say it for several
            if not hasattr(cls, name):
                raise TypeError(f"{cls.__qualname__} has no {name}")

    @property
    def fact(self) -> UUID | None:
        """Return the fact that it tells, corrects or cancels."""
        return getattr(self, self.FACT) if self.FACT else None

    @property
    def written_version(self) -> int:
        """Return the oldest version of its schema whose programs read it as it is meant."""
        return self.VERSION

    def with_version(self, version: int) -> Self:
        """Return the event as that of another version of its stream."""
        event = object.__new__(type(self))
        event.__dict__.update({**self.__dict__, "originator_version": version})
        return event

    @classmethod
    def belongs_to(cls, aggregate: "type[Aggregate]") -> bool:
        """Return whether the event is of a kind of aggregate, by the first part of the topic."""
        return cls.TOPIC.partition(".")[0] == aggregate.TOPIC

    def mutate(self, aggregate: Any) -> Any:
        """Evolve the aggregate by this event. Raises ValueError if it is not the stream's next."""
        if self.originator_id != aggregate.id or self.originator_version != aggregate.version + 1:
            raise ValueError(
                f"{self.TOPIC} v{self.originator_version} of {self.originator_id} does not follow "
                f"v{aggregate.version} of {aggregate.id}"
            )
        if aggregate.about is None:
            aggregate.about = self.entry.about
        aggregate.apply(self)
        aggregate.version = self.originator_version
        return aggregate


class Correcting:
    """A mixin of events that put another fact right."""

    CORRECTED_BY: ClassVar[Remedy] = NotNeeded(
        "the fact is corrected again: the last correction holds"
    )
    CANCELLED_BY: ClassVar[Remedy] = NotNeeded("the fact is corrected again, to what it was")


class Cancelling:
    """A mixin of events that take another fact back."""

    CORRECTED_BY: ClassVar[Remedy] = NotNeeded("it says no more than that the fact is taken back")
    CANCELLED_BY: ClassVar[Remedy] = NotNeeded(
        "a fact that was taken back in error is recorded anew"
    )


class Derived:
    """A mixin of events that follow from other facts."""

    CORRECTED_BY: ClassVar[Remedy] = NotNeeded("it follows the facts from which it is derived")
    CANCELLED_BY: ClassVar[Remedy] = NotNeeded("it follows the facts from which it is derived")


class TextsOfPerson:
    """A mixin of events of a room or a report whose texts may be about a person: ``ABOUT``.

    Where one is named, they are sealed by that person's key, and else by that of the stream.
    """

    VERSION: ClassVar[int] = 2
    ABOUT: ClassVar[str] = "patient"
    """The field that names the person, which may be absent."""

    @property
    def written_version(self) -> int:
        """Return 2 where a person is named: programs of 1 look for the key of the stream."""
        return 1 if getattr(self, self.ABOUT) is None else 2

    @staticmethod
    def upcast_v1_v2(body: dict[str, Any]) -> None:
        """Name nobody: a field with a default came."""


class WardNamed:
    """A mixin of events whose ``ward`` was a code before, of up to 40 characters, and is a name now."""

    VERSION: ClassVar[int] = 2

    @property
    def written_version(self) -> int:
        """Return 2 where the name is longer than a code: programs of 1 refuse to read it."""
        ward = getattr(self, "ward", None) or ""
        return 1 if len(ward) <= 40 else 2

    @staticmethod
    def upcast_v1_v2(body: dict[str, Any]) -> None:
        """Change nothing: each code is a name."""


class UnknownEvent(IntegrityError):
    """An event that its aggregate's `apply` does not handle."""

    def __init__(self, event: Event) -> None:
        super().__init__(f"{event.TOPIC} is not handled by the aggregate")


E = TypeVar("E", bound=Event)


class Aggregate(BaseAggregate[UUID]):
    """A stream of events and the state that they add up to. It begins empty, at version 0."""

    TOPIC: ClassVar[str]
    """The name of its kind: the first part of its events' topics."""
    THING: ClassVar[Thing]
    """The name of its kind in a refusal, of those that a command can name by an id."""
    BEGINS_EMPTY: ClassVar[bool] = False
    """True if it is there without an event, too: what a hospital has before anybody decides on it."""

    if TYPE_CHECKING:  # an annotation in the class itself would make it a dataclass
        about: About | None
        """Whom its events are about: set as it begins, or found in its first event."""
        span_of: SpanOf
        """What a time may be that is known so precisely: in a command, by the hospital's clocks."""

    def __init__(self) -> None:
        """Set the state before the first event."""

    def __init_subclass__(cls) -> None:
        """Leave out what the library does here: it would make a subclass of each nested event."""
        super(BaseAggregate, cls).__init_subclass__()

    @classmethod
    def empty(cls, id: UUID, about: About | None = None) -> Self:
        """Return the aggregate before its first event."""
        aggregate = object.__new__(cls)
        aggregate._id = id
        aggregate._version = 0
        aggregate._pending_events = []
        aggregate.about, aggregate.span_of = about, widest_span
        aggregate.__init__()  # type: ignore[misc]
        return aggregate

    def record(self, event_class: type[Event], envelope: Envelope, **fields: Any) -> None:
        """Make the next event of this stream and add it to those that are pending."""
        self.add(self.next_event(event_class, envelope, **fields))

    def next_event(self, event_class: type[E], envelope: Envelope, **fields: Any) -> E:
        """Make the next event of this stream, so that what comes of it can be checked first.

        Its texts are stored as their declared types say. Raises InvalidInput for a blank one.
        """
        if envelope.about != self.about:
            envelope = replace(envelope, about=self.about)
        event: E = cast(Any, event_class)(
            originator_id=self.id,
            originator_version=self.version + 1,
            entry=envelope,
            **cleaned_fields(event_class, fields),
        )
        return event

    def add(self, event: Event) -> None:
        """Evolve by the next event and add it to those that are pending."""
        event.mutate(self)
        self._pending_events.append(event)

    def apply(self, event: Event) -> None:
        """Evolve the state by an event. It may be any of the aggregate's; it is never refused."""
        raise NotImplementedError

    def timed_facts(self) -> Iterable[TimedFact]:
        """Return all facts that are held true, each of which `retime` holds at another moment."""
        return ()

    def retime(self, fact: UUID, at: datetime, precision: Precision, envelope: Envelope) -> None:
        """Hold a fact at another moment of the day or hour to which it is known. Raises Refusals."""
        raise NotImplementedError

    def earliest(self, fact: Timed) -> datetime:
        """Return the first moment at which a fact may have been."""
        return self.span_of(fact.at, fact.precision)[0]

    def latest(self, fact: Timed) -> datetime:
        """Return the last moment at which a fact may have been."""
        return self.span_of(fact.at, fact.precision)[1]

    @property
    def exists(self) -> bool:
        """Return whether anything was ever recorded of it."""
        return self.version > 0
