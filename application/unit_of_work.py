"""The unit of work of one command: identity map, versions read, and pending events.

Each stream that is read is tracked with its version, and the append names all of them: nothing that a
decision rests on can have changed when it is recorded.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from application.aggregate_cache import AggregateCache, AggregateReader
from application.command import Rules
from application.fact_times import FactTimes
from application.ports import CommandPreload, EventStore, UniqueClaim
from domain import unique_keys
from domain.aggregate import Aggregate
from domain.envelope import About, Envelope
from domain.hospital_calendar import HospitalCalendar
from domain.prescription.aggregate import Prescription
from domain.refusals import VersionConflict
from domain.room.occupancy import Claim, Difference, difference
from domain.source_visit import SourceVisit
from domain.stay.aggregate import Stay
from domain.stay.history import History, Stretch
from domain.time import Period, Precision, Span, widest_span

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True, slots=True)
class Before:
    """A stay as it was before the command."""

    stretches: tuple[Stretch, ...]
    history: History
    patient: UUID | None = None

    @property
    def period(self) -> Period | None:
        return self.history.period

    def had_stretch(self, stretch: Stretch) -> bool:
        """Return whether the stay had just this use of a bed, perhaps for no time."""
        return stretch in self.stretches or stretch in self.history.instants


class UnitOfWork(AggregateReader):
    """The aggregates that one command reads and writes, in one attempt.

    ``entry`` is the envelope of its events, ``now`` the clock of the record, ``wards`` the wards of the
    login (None: the whole house).
    """

    def __init__(
        self,
        record: EventStore,
        cache: AggregateCache,
        rules: Rules,
        entry: Envelope,
        now: datetime,
        wards: frozenset[str] | None = None,
        *,
        refresh: bool,
        preload: CommandPreload | None = None,
        times: FactTimes | None = None,
        sent_at: datetime | None = None,
    ) -> None:
        """Begin empty; ``refresh``: whether to read the newer events of cached aggregates.

        Without it the command may still be accepted, since the append compares all versions; a refusal
        that rests on the cache (`used_cache`) has to be decided again with it.
        """
        super().__init__(record)
        preload = preload or CommandPreload(now, None)
        self.cache, self.rules, self.erasures = cache, rules, cache.erasures
        self.entry, self.now, self.wards = entry, now, wards
        self.before: dict[UUID, Before] = {}
        self.waited_for: dict[UUID, frozenset[UUID]] = {}
        """What each visit of another system waited for before the command."""
        self.owners: dict[unique_keys.Unique, UUID | None] = dict(preload.owners)
        self.former_owners = dict(preload.former_owners)
        self.reassigned: set[UUID] = set()
        self.released: list[UniqueClaim] = []
        """The claims that the command gives up: of the numbers of who is erased."""
        self.persons_read: set[UUID] = set()
        """The persons all of whose stays were looked at: ``stays_read``."""
        self.stays_read: set[UUID] = set()
        self.times = times or FactTimes()
        self.made_room: dict[UUID, int] = {}
        """The events of each aggregate that make room for the command, before it is decided."""
        self._merged_into = {frozenset((into,)): ids for into, ids in preload.merged_into.items()}
        self._stays_of = {frozenset((of,)): ids for of, ids in preload.stays.items()}
        self.streams_of = lru_cache(None)(record.streams_of)  # of a fact: asked for once
        self.claims_read: dict[UUID, tuple[Period, list[Claim]]] = {}
        """The claims on rooms as `bed_claims` has read them, with the period."""
        self.sharers_read: dict[UUID, list[Claim]] = {}
        self.beds_read: dict[UUID, set[str]] = {}
        self.rooms_read: set[UUID] = set()
        """The occupancies of which some beds were looked at, and those that were as a whole."""
        self._sent_at = sent_at
        """When it occurred by the client's clock."""
        self._preloaded = preload.streams
        self._versions: dict[UUID, int] = {}
        self.is_shortcut = False
        """True if reports are taken without a search for those that fit: a refusal is decided anew."""
        self.refresh, self.used_cache = refresh, False
        self._refreshed: set[UUID] = set()
        self.dry_runs: list[UnitOfWork] = []
        self.defers_checks = False
        """True while only the end result of the command has to be valid."""

    # -- read --

    def _load(self, kind: type[A], ids: list[UUID]) -> None:
        aggregates = self.cache.copies(kind, ids)
        unknown_ids = set(self.cache.lacks(ids))
        behind = [
            a
            for a in aggregates
            if a.id in unknown_ids or (self.refresh and a.id not in self._refreshed)
        ]
        self._refreshed.update(a.id for a in behind)
        self.used_cache |= any(a.id not in self._refreshed for a in aggregates)
        news = {
            a.id: self._preloaded[a.id] for a in behind if not a.exists and a.id in self._preloaded
        }
        rest = {a.id: a.version for a in behind if a.id not in news}
        news |= self.record.streams(rest) if rest else {}
        for aggregate in aggregates:
            events = news.get(aggregate.id, ())
            if events and not events[0].belongs_to(type(aggregate)):
                continue  # an id of something else names nothing of this kind
            for event in events:
                event.mutate(aggregate)
            if events or aggregate.BEGINS_EMPTY:
                self.cache.keep(aggregate, self.erasures)
            self.track(aggregate)

    def new(self, kind: type[A], name: str, about: About | None = None) -> A:
        """Begin an aggregate. Its id is derived from the command's id: nothing recorded names it."""
        aggregate = kind.empty(self.entry.id_of(name), about)
        self._merged_into |= {frozenset((aggregate.id,)): ()}
        self._stays_of |= {frozenset((aggregate.id,)): ()}
        self.track(aggregate)
        return aggregate

    def owner(self, name: unique_keys.Unique) -> UUID | None:
        """Return the owner of a unique key."""
        if name not in self.owners:
            self.owners[name] = self.record.owner(*name)
        return self.owners[name]

    def ever_merged_into(self, patients: Sequence[UUID]) -> Sequence[UUID]:
        """Return the records that were ever merged into some; asked for once in a command."""
        key = frozenset(patients)
        if key not in self._merged_into:
            self._merged_into[key] = self.record.merged_into(key)
        return self._merged_into[key]

    def stays_of(self, persons: Collection[UUID]) -> list[Stay]:
        """Return all stays of persons; the append compares that there is no other one.

        They are looked for once in a command, at its beginning if they can be foreseen.
        """
        key = frozenset(persons)
        if (ids := self._stays_of.get(key)) is None:
            ids = self._stays_of[key] = self.record.stays_of(persons)
        self.persons_read.update(persons)
        self.stays_read.update(ids)
        return self.load(Stay, *ids)

    def dry_run(self) -> "UnitOfWork":
        """Return a unit of work of the same command, to try something that is not recorded.

        What it reads is named in the append too, since the decision rests on it.
        """
        dry_run = UnitOfWork(
            self.record, self.cache, self.rules, self.entry, self.now, self.wards, refresh=True
        )
        dry_run.owners, dry_run.former_owners = self.owners, self.former_owners
        dry_run._refreshed = self._refreshed
        dry_run._merged_into, dry_run._stays_of = self._merged_into, self._stays_of
        dry_run.persons_read, dry_run.stays_read = self.persons_read, self.stays_read
        self.dry_runs.append(dry_run)
        return dry_run

    def versions_read(self) -> dict[UUID, int]:
        """Return the oldest version seen of each stream that was read."""
        versions = dict(self._versions)
        for dry_run in self.dry_runs:
            for id, version in dry_run._versions.items():
                versions[id] = min(version, versions.get(id, version))
        return versions

    @property
    def calendar(self) -> HospitalCalendar:
        """Return the calendar of the command's hospital."""
        return self.load(HospitalCalendar, HospitalCalendar.id_for(self.entry.hospital))[0]

    def _span_of(self, at: datetime, precision: Precision) -> Span:
        """Return the span of a time by the hospital's clocks, which are not read for a minute."""
        if precision in (Precision.HOUR, Precision.DAY):
            return self.calendar.days.span_of(at, precision)
        return widest_span(at, precision)

    def track(self, aggregate: Aggregate) -> None:
        """Hold an aggregate that was read or begun, with its version for the append."""
        self.loaded[aggregate.id] = aggregate
        self.read_order[aggregate.id] = None
        aggregate.span_of = self._span_of
        self._versions[aggregate.id] = aggregate.version
        if isinstance(aggregate, Stay):
            self.before[aggregate.id] = Before(
                aggregate.stretches, aggregate.history, aggregate.patient
            )
        if self.defers_checks and isinstance(aggregate, Stay | Prescription):
            aggregate.defer_checks()
        if isinstance(aggregate, SourceVisit):
            self.waited_for[aggregate.id] = frozenset(aggregate.waits_for)

    # -- write --

    def check_time(self, occurred_at: datetime) -> datetime:
        """Return the time of occurrence by the record's clock, which is never ahead. Raises InFuture."""
        return self.rules.check_time(occurred_at, self.now)

    def without_clock_skew(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return a command's input; what has begun by a client's fast clock begins now at the latest."""
        sent_at = self._sent_at
        if sent_at is None or sent_at <= self.now:
            return dict(content)
        return {
            name: self.now
            if isinstance(value, datetime) and value.tzinfo and self.now < value <= sent_at
            else value
            for name, value in content.items()
        }

    def expect(self, version: int | None) -> None:
        """Refuse if the stream read first is not at the client's version. Raises VersionConflict."""
        if version is not None and self._versions:
            actual = next(iter(self._versions.values()))
            if actual != version:
                raise VersionConflict(version, actual)

    @contextmanager
    def use_entry(self, entry: Envelope) -> Iterator[None]:
        """Give another envelope to the events of one of several facts."""
        before, self.entry = self.entry, entry
        try:
            yield
        finally:
            self.entry = before

    def defer_checks(self) -> None:
        """Defer the checks of stays and prescriptions: only the result has to be valid."""
        self.defers_checks = True
        for aggregate in self.loaded.values():
            if isinstance(aggregate, Stay | Prescription):
                aggregate.defer_checks()

    def all_of(self, kind: type[A]) -> list[A]:
        """Return the aggregates of a kind that the command has read or begun."""
        return [a for a in self.loaded.values() if isinstance(a, kind)]

    def reassign_claims(self, stays: Iterable[Stay]) -> None:
        """Have the claims of stays written anew, for another person than before."""
        self.reassigned.update(stay.id for stay in stays)

    def differences(self, stay: Stay) -> dict[UUID, Difference]:
        """Return the changes of a stay's stretches by room; of another patient, all of them."""
        return difference(
            self.before[stay.id].stretches, stay.stretches, anew=self.went_to_another(stay)
        )

    def has_other_beds(self, stay: Stay) -> bool:
        """Return whether the command changes a stay's beds, also those that it had for no time."""
        before = self.before[stay.id]
        return (
            stay.stretches != before.stretches or stay.history.instants != before.history.instants
        )

    def went_to_another(self, stay: Stay) -> bool:
        """Return whether the command has moved a stay from the wrong patient to the right one."""
        return self.before[stay.id].patient not in (None, stay.patient)

    def restated_stays(self) -> list[Stay]:
        """Return the stays whose claims this command changes."""
        return [
            stay
            for stay in self.loaded.values()
            if isinstance(stay, Stay)
            and (
                stay.id in self.reassigned
                or self.has_other_beds(stay)
                or stay.history.period != self.before[stay.id].period
            )
        ]
