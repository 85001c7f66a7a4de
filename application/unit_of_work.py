"""One command being decided: what it reads, what it changes, and what that does to the beds.

Everything that is looked at is remembered with its version and named in the append, so that nothing
that the decision rests on can have changed when it is recorded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, cast
from uuid import UUID

from application.aggregate_cache import AggregateCache
from application.authorization.scope import Scope
from application.bed_consistency import check_bed_consistency
from application.command import Rules
from application.ports import Append, CommandPreload, EventStore, PersonClaim, UniqueClaim
from domain import unique_keys
from domain.aggregate import Aggregate, Event
from domain.envelope import About, Envelope
from domain.patient import Patient
from domain.prescription.aggregate import Prescription
from domain.prescription.drug_chart import DrugChart
from domain.refusals import (
    BedRef,
    InvalidInput,
    MovementNotFound,
    NotFound,
    VersionConflict,
)
from domain.room.aggregate import Room
from domain.room.occupancy import (
    Claim,
    Difference,
    Occupancy,
    difference,
)
from domain.source_visit import SourceVisit
from domain.stay.aggregate import Stay
from domain.stay.facts import Place
from domain.stay.history import History, Stretch
from domain.time import Period, Precision

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True, slots=True)
class Before:
    """What was held of a stay before the command."""

    stretches: tuple[Stretch, ...]
    history: History

    @property
    def period(self) -> Period | None:
        return self.history.period


class UnitOfWork:
    """What one command reads and writes, in one attempt."""

    def __init__(
        self,
        record: EventStore,
        recent: AggregateCache,
        rules: Rules,
        entry: Envelope,
        now: datetime,
        scope: Scope,
        *,
        look: bool,
        preload: CommandPreload | None = None,
    ) -> None:
        """``look``: whether to ask the record for news of what is remembered.

        Not looking is safe for accepting, since the append compares all versions; a refusal that
        rests on memory (`from_memory`) has to be decided again with a look.
        """
        self.record, self.recent, self.rules = record, recent, rules
        self.entry, self.now, self.scope = entry, now, scope
        self.from_memory = False
        self._look = look
        self.loaded: dict[UUID, Aggregate] = {}
        self._reads: dict[UUID, int] = {}
        self.before: dict[UUID, Before] = {}
        self.reassigned: set[UUID] = set()
        self._together = False
        self._waited: dict[UUID, frozenset[UUID]] = {}
        self._owners: dict[unique_keys.Unique, UUID | None] = (
            dict(preload.owners) if preload else {}
        )
        self._opened = preload.streams if preload else {}
        self._looked_at: set[UUID] = set()
        self._trials: list[UnitOfWork] = []
        self.corrected_at: datetime | None = None
        """When a fact really happened, for a command that corrects one; its entry is of now."""
        self.corrected_precision: Precision | None = None

    # -- read --

    def load(self, kind: type[A], *ids: UUID) -> list[A]:
        """Aggregates by id, in one look; those that do not exist come back empty."""
        missing = [id for id in dict.fromkeys(ids) if id not in self.loaded]
        if missing:
            aggregates = self.recent.copies(kind, missing)
            asked = [
                a
                for a in aggregates
                if not a.exists or (self._look and a.id not in self._looked_at)
            ]
            self._looked_at.update(a.id for a in asked)
            self.from_memory |= any(a.id not in self._looked_at for a in aggregates)
            news = {
                a.id: self._opened[a.id] for a in asked if not a.exists and a.id in self._opened
            }
            rest = {a.id: a.version for a in asked if a.id not in news}
            news |= self.record.streams(rest) if rest else {}
            for aggregate in aggregates:
                for event in news.get(aggregate.id, ()):
                    if not event.belongs_to(kind):
                        break  # an id of something else names nothing of this kind
                    event.mutate(aggregate)
                if aggregate.exists and news.get(aggregate.id):
                    self.recent.keep(aggregate)
                self._take(aggregate)
        found = [self.loaded[id] for id in ids]
        return [a for a in found if isinstance(a, kind)]

    def one(self, kind: type[A], id: UUID, what: str, field: str) -> A:
        """An aggregate that must exist."""
        found = self.load(kind, id)
        if not found or not found[0].exists:
            raise NotFound(what, str(id), field)
        return found[0]

    def new(self, kind: type[A], what: str, about: About | None = None) -> A:
        """An aggregate that this command begins. Its id comes from the command's id."""
        aggregate = kind.empty(self.entry.id_of(what), about)
        self._take(aggregate)
        return aggregate

    def stay(self, id: UUID, field: str = "stayId") -> Stay:
        """A stay to act on. Raises NotAllowed if that is out of scope."""
        found = self.one(Stay, id, "stay", field)
        self.scope.check_stay(self, found)
        return found

    def prescription(self, id: UUID) -> Prescription:
        """A prescription to act on. Raises NotAllowed if that is out of scope."""
        found = self.one(Prescription, id, "prescription", "prescriptionId")
        self.scope.check_prescription(self, found)
        return found

    def patient_of(self, stay: Stay) -> Patient:
        assert stay.patient is not None
        return self.one(Patient, stay.patient, "patient", "stayId")

    def patient(self, mrn: str, authority: str | None, *, in_scope: bool = True) -> Patient:
        """A patient to act on. Raises NotAllowed if that is out of scope."""
        id = self.owner(unique_keys.mrn(authority or self.rules.mrn_authority, mrn))
        if id is None:
            raise NotFound("patient with MRN", mrn, "patientMrn")
        found = self.one(Patient, id, "patient", "patientMrn")
        if in_scope:
            self.scope.check_patient(self, found)
        return found

    def chain(self, patient: UUID) -> list[Patient]:
        """The record itself, the one that it was merged into, and so on to that of the person."""
        found: list[Patient] = []
        while patient not in {p.id for p in found}:
            found.append(self.one(Patient, patient, "patient", "patientMrn"))
            patient = found[-1].merged_into or patient
        return found

    def records(self, patient: UUID) -> list[Patient]:
        """All records of the person whose record this is."""
        (*_, person) = self.chain(patient)
        found, into = [person], [person.id]
        while into:
            merged = self.load(Patient, *self.record.merged_into(into))
            into = [record.id for record in merged if record.merged_into in into]
            found += [record for record in merged if record.id in into]
        return found

    def person(self, patient: UUID) -> UUID:
        """The person that a record is of: the record itself, unless it was merged."""
        return self.chain(patient)[-1].id

    def died_at(self, patient: UUID | None) -> datetime | None:
        """When the person died, whichever of the merged records says so."""
        assert patient is not None
        return next((p.died_at for p in self.chain(patient) if p.died_at), None)

    def stays_of(self, person: UUID) -> list[Stay]:
        """All stays of a person, under whichever record."""
        return self.load(Stay, *self.record.stays_of(person))

    def with_movement(self, movement: UUID, field: str = "movementId") -> list[Stay]:
        """The stays in which a movement or visit is held true: two for a swap."""
        streams = self.record.streams_of(movement)
        stays = [s for s in self.load(Stay, *streams) if s.history.fact(movement)]
        if not stays:
            raise MovementNotFound("movement", movement, field, cancelled=bool(streams))
        for stay in stays:
            self.scope.check_stay(self, stay)
        return stays

    def with_dose(self, administration: UUID) -> Prescription:
        """The prescription of a dose."""
        found = self.load(Prescription, *self.record.streams_of(administration))
        if not found or not found[0].exists:
            raise MovementNotFound("dose", administration, "administrationId")
        self.scope.check_prescription(self, found[0])
        return found[0]

    def practitioner(self, staff_number: str, field: str) -> UUID:
        id = self.owner(unique_keys.staff_number(staff_number))
        if id is None:
            raise NotFound("practitioner with staff number", staff_number, field)
        return id

    def room(self, ward: str, number: str) -> Room:
        """A room to act on. Raises NotAllowed if that is out of scope."""
        self.scope.check_ward(ward)
        return self._room(ward, number)

    def _room(self, ward: str, number: str) -> Room:
        id = self.owner(unique_keys.room_number(ward, number))
        if id is None:
            raise NotFound("room", f"{ward}/{number}", "room")
        return self.one(Room, id, "room", "room")

    def bed(self, ward: str, number: str, bed: str) -> BedRef:
        return BedRef(self._room(ward, number).id, bed)

    def place(
        self,
        ward: str | None,
        room: str | None,
        bed: str | None,
        shares_bed_of: UUID | None,
        without_bed: str | None,
    ) -> Place | None:
        """The place that the input names; None if it names none."""
        if ward is None and room is None and bed is None:
            if shares_bed_of is not None:
                raise InvalidInput("sharesBedOf", "name the bed that is shared: ward, room and bed")
            return Place(without_bed=without_bed) if without_bed else None
        if without_bed is not None:
            raise InvalidInput("withoutBed", "name a bed or a place without one, not both")
        if ward is None or room is None or bed is None:
            raise InvalidInput("bed", "a bed is named by ward, room and bed")
        return Place(self.bed(ward, room, bed), shares_bed_of)

    def prescriptions_of(self, stay: Stay) -> list[Prescription]:
        (chart,) = self.load(DrugChart, DrugChart.id_for(stay.id))
        return self.load(Prescription, *chart.prescriptions)

    def occupancy(self, room: UUID) -> Occupancy:
        """The room's occupancy stream: its version alone is read."""
        id = Occupancy.id_for(room)
        if id not in self.loaded:
            aggregate = Occupancy.empty(id)
            aggregate.version = self.record.heads([id])[id]
            self._take(aggregate)
        found = self.loaded[id]
        assert isinstance(found, Occupancy)
        return found

    def claims(self, room: UUID, period: Period) -> list[Claim]:
        """Who has beds of a room in a period. The version is read first, so this is never older."""
        self.occupancy(room)
        return self.record.bed_claims(room, period)

    def _take(self, aggregate: Aggregate) -> None:
        self.loaded[aggregate.id] = aggregate
        self._reads[aggregate.id] = aggregate.version
        if isinstance(aggregate, Stay):
            self.before[aggregate.id] = Before(aggregate.stretches, aggregate.history)
            if self._together:
                aggregate.defer_checks()
        if isinstance(aggregate, SourceVisit):
            self._waited[aggregate.id] = frozenset(aggregate.waits_for)

    def owner(self, name: unique_keys.Unique) -> UUID | None:
        """Who has something that only one thing may have."""
        if name not in self._owners:
            self._owners[name] = self.record.owner(*name)
        return self._owners[name]

    def trial(self) -> "UnitOfWork":
        """A decision of the same command, to see whether something would do.

        What it rests on is named in the append too: whatever is recorded was decided by it.
        """
        trial = UnitOfWork(
            self.record, self.recent, self.rules, self.entry, self.now, self.scope, look=True
        )
        trial._owners, trial._looked_at = self._owners, self._looked_at
        self._trials.append(trial)
        return trial

    # -- write --

    def check_time(self, occurred_at: datetime) -> None:
        """Refuse a time at which nothing can have happened yet. Raises InFuture."""
        self.rules.check_time(occurred_at, self.now)

    def defer_checks(self) -> None:
        """What is decided from now on is looked at together, when `check_deferred` is asked."""
        self._together = True

    def check_deferred(self) -> list[Stay]:
        """The stays that were decided together; they are still to be checked."""
        self._together = False
        return [s for s in self.loaded.values() if isinstance(s, Stay)]

    def expect(self, version: int | None) -> None:
        """Refuse if the first thing that was read is not at the version the client saw."""
        if version is not None and self._reads:
            actual = next(iter(self._reads.values()))
            if actual != version:
                raise VersionConflict(version, actual)

    def settle(self) -> None:
        """Let the beds follow the stays: check every stretch that is new, tell each room."""
        check_bed_consistency(self)

    def room_by_id(self, id: UUID) -> Room:
        return self.one(Room, id, "room", "room")

    def reassign_claims(self, stays: Iterable[Stay]) -> None:
        """These stays are another person's than before: their claims are written anew."""
        self.reassigned.update(stay.id for stay in stays)

    def append(self, operation: str, recorded_at: datetime | None) -> Append:
        restated = self.restated()
        return Append(
            command_id=self.entry.command_id,
            operation=operation,
            digest=self.entry.digest,
            reads=self.reads(),
            restated=[stay.id for stay in restated],
            beds=[Claim(stay.id, stretch) for stay in restated for stretch in stay.stretches],
            persons=[
                PersonClaim(self.person(stay.patient), stay.id, stay.history.period)
                for stay in restated
                if stay.patient and stay.history.period
            ],
            unique=[*self._names(), *self._waits(new=True)],
            released=self._waits(new=False),
            recorded_at=recorded_at,
        )

    def reads(self) -> dict[UUID, int]:
        """Every stream that was looked at, with the oldest version of it that was seen."""
        reads = dict(self._reads)
        for trial in self._trials:
            for id, version in trial._reads.items():
                reads[id] = min(version, reads.get(id, version))
        return reads

    def _names(self) -> list[UniqueClaim]:
        """What the events of this command claim for their streams alone."""
        return [
            UniqueClaim(
                *claimed, aggregate.id, replaces=isinstance(event, Patient.DetailsCorrected)
            )
            for aggregate in self.loaded.values()
            for event in aggregate.pending_events
            if (claimed := unique_keys.unique_of(cast(Event, event)))
            and self._owners.get(claimed) != aggregate.id
        ]

    def _waits(self, *, new: bool) -> list[UniqueClaim]:
        """What reported visits wait for since this command, or no longer wait for."""
        found = []
        for visit in self.loaded.values():
            if isinstance(visit, SourceVisit):
                before, after = self._waited[visit.id], frozenset(visit.waits_for)
                for subject in sorted(after - before if new else before - after):
                    found.append(UniqueClaim(*unique_keys.waiting(subject, visit.id), visit.id))
        return found

    def differences(self, stay: Stay) -> dict[UUID, Difference]:
        """What the command changes in each room of a stay."""
        return difference(self.before[stay.id].stretches, stay.stretches)

    def restated(self) -> list[Stay]:
        """The stays whose claims this command changes."""
        return [
            stay
            for stay in self.loaded.values()
            if isinstance(stay, Stay)
            and (
                stay.id in self.reassigned
                or stay.stretches != self.before[stay.id].stretches
                or stay.history.period != self.before[stay.id].period
            )
        ]
