"""Ports: the event store with the messages that pass through it, and the search for duplicates."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from domain.aggregate import Event
from domain.errors import TransientError, WardbookError
from domain.patient import Patient
from domain.room.occupancy import Claim
from domain.time import Period
from domain.unique_keys import Unique


@dataclass(frozen=True, slots=True)
class RecordedCommand:
    """The row of an accepted command in the log: its place, its time, and a digest of its content."""

    command_id: UUID
    operation: str
    digest: str
    first_position: int
    position: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class CommandPreload:
    """State at the begin of a command: the record's clock, and the command if it came before.

    And what it was going to ask first: streams whole, who has what it names, and the merges of these.
    """

    now: datetime
    earlier: RecordedCommand | None
    streams: Mapping[UUID, Sequence[Event]] = field(default_factory=dict)
    owners: Mapping[Unique, UUID | None] = field(default_factory=dict)
    former_owners: Mapping[str, Sequence[UUID]] = field(default_factory=dict)
    """Those who had a number before, by the kind of their claims, of each number that it names."""
    merged_into: Mapping[UUID, Sequence[UUID]] = field(default_factory=dict)
    """The records that were ever merged into a subject, by each subject that was looked for."""
    stays: Mapping[UUID, Sequence[UUID]] = field(default_factory=dict)
    """All stays of a subject that is a person, by each subject that was looked for."""


@dataclass(frozen=True, slots=True)
class PersonClaim:
    """A person is in the hospital with a stay, as held true now."""

    person: UUID
    stay: UUID
    period: Period


@dataclass(frozen=True, slots=True)
class UniqueClaim:
    """Something that only one thing may have: an MRN, a room number, a staff number."""

    kind: str
    key: str
    owner: UUID
    replaces: bool = False
    """True if it takes the place of what the owner had of that kind: a corrected MRN."""


@dataclass(slots=True)
class Append:
    """One command's addition to the log: all of it is appended, or nothing.

    ``reads`` names every stream that was looked at with the version seen, those written too. The
    claims of each stay in ``restated`` are replaced. The record fills in ``remembered``, ``owners``,
    and moves on ``reads`` where a room's beds have gone on: what was written comes next after them.
    """

    command_id: UUID
    operation: str
    digest: str
    reads: Mapping[UUID, int]
    beds_read: Mapping[UUID, Collection[str]] = field(default_factory=dict)
    """The beds on which the decision rests, of each occupancy of which it rests on some alone."""
    restated: Sequence[UUID] = ()
    beds: Sequence[Claim] = ()
    begun: Collection[Claim] = ()
    """Those of ``beds`` that no one had before: none may lie inside of another's."""
    persons_read: Collection[UUID] = ()
    """The persons whose stays were looked at; ``stays_read`` has to be all of them."""
    stays_read: Collection[UUID] = ()
    persons: Sequence[PersonClaim] = ()
    unique: Sequence[UniqueClaim] = ()
    released: Sequence[UniqueClaim] = ()
    recorded_at: datetime | None = None
    asks: Sequence[str] = ()
    """Kinds of claims: whoever has one when this is recorded is told in ``owners``."""
    remembered: RecordedCommand | None = field(default=None, init=False)
    owners: Sequence[UUID] = field(default=(), init=False)


class Stale(TransientError):
    """Something that was read has changed, or a claim is taken: decide anew."""


class Behind(Stale):
    """Occupancies have gone on, in other beds than were read: append after ``versions`` of them."""

    def __init__(self, versions: Mapping[UUID, int]) -> None:
        super().__init__("other beds of a room")
        self.versions = versions


class AlreadyRecorded(WardbookError):
    """The command was recorded before, by an earlier call whose answer was perhaps lost."""

    def __init__(self, command: RecordedCommand) -> None:
        super().__init__(str(command.command_id))
        self.remembered = command


class EventDoesNotFit(WardbookError):
    """An event that its schema does not allow; nothing was stored."""

    def __init__(self, topic: str, field: str, reason: str) -> None:
        super().__init__(f"{topic}: {reason}")
        self.topic, self.field, self.why = topic, field, reason


class EventStore(Protocol):
    """The event store with its claims. `infrastructure.event_store.recorder` keeps it in PostgreSQL."""

    def preload(
        self,
        command_id: UUID,
        streams: Sequence[UUID] = (),
        names: Sequence[Unique] = (),
        subjects: Sequence[UUID] = (),
    ) -> CommandPreload:
        """Return the database's clock, and the command if it was recorded before.

        In the same look these streams, those of the patients and stays they are about, and owners;
        and what was ever merged into the owners, the ``subjects`` and their patients, with their stays.
        """

    def still_current(
        self, command_id: UUID, versions: Mapping[UUID, int], until: datetime | None
    ) -> tuple[bool, RecordedCommand | None]:
        """Return whether streams are at these versions, and the command if it was recorded.

        And nothing in them was recorded after a moment of the record's clock, if one is given.
        """

    def streams(self, after: Mapping[UUID, int]) -> dict[UUID, list[Event]]:
        """Return the events of each stream after the given version, in order, in one look."""

    def streams_of(self, fact: UUID) -> list[UUID]:
        """Return the streams that tell of a movement, a visit, a dose or a merge: two, for a swap."""

    def streams_of_consult(self, consult: UUID) -> list[UUID]:
        """Return the stay with events of a consult."""

    def streams_of_change(self, change: UUID) -> list[UUID]:
        """Return the prescription that has a change, a hold, a resumption or an end."""

    def events_between(self, first: int, last: int) -> list[Event]:
        """Return the events at positions ``first`` to ``last``, both included."""

    def owner(self, kind: str, key: str) -> UUID | None:
        """Return the holder of a unique claim."""

    def first_owner(self, kind: str, beginning: str) -> UUID | None:
        """Return the owner of the first unique claim of a kind whose key begins so."""

    def owners(self, kinds: Iterable[str]) -> list[UUID]:
        """Return all holders of a unique claim of one of these kinds."""

    def owners_beginning(self, kind: str, beginning: str) -> list[UUID]:
        """Return the owners of unique claims of a kind whose keys begin so, in order."""

    def beds(
        self, streams: Iterable[UUID], spans: Mapping[UUID, Period], mothers: Collection[UUID]
    ) -> tuple[dict[UUID, int], list[Claim]]:
        """Return the last versions of streams (0: it does not exist), and then claims as held now.

        Those on each room during a period, and those of who shares a bed of the ``mothers``.
        """

    def stays_of(self, persons: Collection[UUID]) -> list[UUID]:
        """Return all stays of persons, as held true now; those too that ended as they began."""

    def merged_into(self, patients: Collection[UUID]) -> list[UUID]:
        """Return the records that were ever merged into some, though that may have been taken back."""

    def bind_keys(self) -> None:
        """Find the keys again by which the texts of the log are sealed, or begin to have some."""

    def streams_of_patients(self, patients: Collection[UUID]) -> list[UUID]:
        """Return the streams that were ever said to be of some patients, beside their own."""

    def arrivals_of(self, patient: UUID) -> list[UUID]:
        """Return the expected arrivals that were ever said to be of a patient."""

    def destroy_keys(self, erasure: Patient.Erased) -> None:
        """Destroy the keys of whom an event erased for ever, if it is proven and that is not done."""

    def prove(self, text: str) -> str:
        """Return the proof of a text that only who has the keys can make. Raises KeysMissing."""

    def salt_digest(self, digest: str) -> str:
        """Return a command's digest as it is stored: nobody confirms a guess by it without the keys."""

    def recorded_ids(self, command_ids: Collection[UUID]) -> Collection[UUID]:
        """Return those of some commands that were recorded."""

    def insert_together(self, commands: Sequence[tuple[Append, Sequence[Any]]]) -> None:
        """Append the events of several commands, in order: all of them, or Stale and nothing."""

    def insert_events(self, stored_events: Sequence[Any], **kwargs: Any) -> Sequence[int] | None:
        """Append the events of one command; ``append`` carries the rest."""


class DuplicateSearch(Protocol):
    """Port of the search for records that are likely of the same person."""

    def __call__(
        self,
        family_name: str | None,
        given_name: str | None,
        birth_date: date | None,
        sex: str | None,
        role: str,
    ) -> list[UUID]:
        """Return the patients of that name, birth date and sex whom a role may see."""
