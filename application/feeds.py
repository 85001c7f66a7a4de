"""Movements that other systems report: late, twice, out of order, a cancel before its original.

What is reported is kept. It is held true as soon as it fits the record, alone or together with what
is pending beside it; so any order of arrival of a set that is consistent ends in one history.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from datetime import datetime
from uuid import UUID, uuid5

from msgspec.structs import replace

from application.commands import Recorded, Request
from application.corrections import Corrections
from application.decision import Decision
from application.stays import Stays
from domain import unique
from domain.aggregate import Event
from domain.entry import About, Actor, Source
from domain.facts import Because, Discharge, Disposition, Place
from domain.occupancy import Occupancy
from domain.refusals import InvalidInput, NotFound, Refusal
from domain.source_visit import (
    Applied,
    Pending,
    SourceKind,
    SourceMovement,
    SourceVisit,
    Version,
)
from domain.stay import AdmissionType, Stay

MOST_TOGETHER = 12
"""How many visits that wait for the same beds are tried together."""

SYSTEM = Actor(issuer="wardbook", subject="pending", role="service")

log = logging.getLogger(__name__)


class NothingToSettle(Refusal):
    """Nothing that was pending fits now."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which versions of a visit shall be held true, and which are now."""

    visit: SourceVisit
    chosen: tuple[Version, ...]


class Feeds(Stays, Corrections):
    """What other systems report."""

    def record_source_movement(
        self,
        request: Request,
        *,
        system: str,
        source_id: str,
        source_visit: str,
        source_recorded_at: datetime,
        cancelled: bool | None = None,
        movement: SourceMovement | None = None,
    ) -> Recorded:
        """Keep what another system reports of one movement, and hold it true as soon as it fits.

        Of two versions of an id the one recorded later at the source holds. Raises InvalidInput for
        an id that was reported of another visit.
        """
        if (movement is None) and not cancelled:
            raise InvalidInput("movement", "say what happened, or that it is cancelled")
        source = Source(system=system, id=source_id, recorded_at=source_recorded_at)
        request = replaced(
            request, source=source, reason=request.reason or f"as reported by {system}"
        )
        version = Version(
            source_id=source_id,
            recorded_at=source_recorded_at,
            cancelled=bool(cancelled),
            movement=movement,
        )
        content = {"source_visit": source_visit, "version": version}

        def decide(d: Decision) -> None:
            if movement is not None:
                self.check_time(movement.occurred_at, d.now)
            owner = d.has(unique.source(system, source_id))
            id = SourceVisit.id_for(system, source_visit)
            if owner not in (None, id):
                raise InvalidInput("sourceVisit", "that id was reported of another visit before")
            (visit,) = d.load(SourceVisit, id)
            visit.about = visit.about or self._about(d, version)
            visit.report(system, source_visit, version, d.entry)
            self._settle(d, visit)

        return self.give(request, "record_source_movement", content, decide)

    def after(self, request: Request, recorded: Recorded) -> None:
        """Whatever waited for these beds, people or stays is tried again, in a command of its own."""
        visits = self.record.owners(
            f"waiting {subject}" for subject in sorted(_touched(recorded.events))
        )
        for visit in visits:
            again = Request(
                command_id=uuid5(recorded.command_id, f"settle {visit}"),
                by=SYSTEM,
                reason="it was pending, and may fit now",
                now=request.now,
            )
            try:
                self.settle_visit(again, visit=visit)
            except NothingToSettle:
                continue
            except Refusal as refusal:
                log.warning("a pending visit could not be tried again: %s", refusal.code)

    def settle_visit(self, request: Request, *, visit: UUID) -> Recorded:
        """Try again what is pending of a visit. Raises NothingToSettle."""

        def decide(d: Decision) -> None:
            (found,) = d.load(SourceVisit, visit)
            if not self._settle(d, found):
                raise NothingToSettle("nothing that is pending fits now")

        return self.give(request, "settle_visit", {"visit": visit}, decide)

    # -- what fits --

    def _settle(self, d: Decision, visit: SourceVisit) -> bool:
        """Hold true what fits, of this visit and of those that wait for the same. Whether any did."""
        visits = self._together(d, visit)
        plans, whys = self._best(d, visits)
        before = [(v.stay, v.applied, v.pending) for v in visits]
        held = self._apply(d, plans)
        for plan in plans:
            stay, applied = held[plan.visit.id]
            pending = tuple(
                Pending(version=v, why=whys.get((plan.visit.id, v.source_id), "Refusal"))
                for v in plan.visit.wanted
                if v not in plan.chosen
            )
            waits = self._waits_for(d, plan.visit, stay, pending) if pending else ()
            plan.visit.settle(stay, applied, pending, waits, d.entry)
        return before != [(v.stay, v.applied, v.pending) for v in visits]

    def _best(
        self, d: Decision, visits: Sequence[SourceVisit]
    ) -> tuple[list[Plan], dict[tuple[UUID, str], str]]:
        """All that is wanted, if it fits together; else as much as does, in the source's order."""
        everything = [Plan(v, tuple(v.wanted)) for v in visits]
        if self._refused(d, everything) is None:
            return everything, {}
        chosen = {v.id: tuple(_still(v)) for v in visits}
        if self._refused(d, [Plan(v, chosen[v.id]) for v in visits]) is not None:
            # what is taken back does not fit either: leave everything as it is held now
            chosen = {v.id: tuple(a.version for a in v.applied) for v in visits}
        whys: dict[tuple[UUID, str], str] = {}
        waiting = sorted(
            ((v, w) for v in visits for w in v.wanted if w not in chosen[v.id]),
            key=lambda pair: pair[1].precedence(),
        )
        progress = True
        while progress:
            progress = False
            for visit, version in list(waiting):
                others = [c for c in chosen[visit.id] if c.source_id != version.source_id]
                tried = {**chosen, visit.id: (*others, version)}
                refusal = self._refused(d, [Plan(v, tried[v.id]) for v in visits])
                if refusal is None:
                    chosen, progress = tried, True
                    waiting.remove((visit, version))
                else:
                    whys[visit.id, version.source_id] = refusal.code
        return [Plan(v, chosen[v.id]) for v in visits], whys

    def _refused(self, d: Decision, plans: Sequence[Plan]) -> Refusal | None:
        """Why these versions cannot be held true together; None if they can."""
        trial = d.trial()
        try:
            self._apply(trial, plans)
            trial.settle()
        except Refusal as refusal:
            return refusal
        return None

    def _together(self, d: Decision, visit: SourceVisit) -> list[SourceVisit]:
        """The visit, and those that wait for the rooms or the person that it names."""
        found, subjects = [visit], self._subjects(d, visit, visit.wanted)
        for other in self.record.owners(f"waiting {s}" for s in sorted(subjects)):
            if other != visit.id and len(found) < MOST_TOGETHER:
                found += d.load(SourceVisit, other)
        return found

    # -- holding it true --

    def _apply(
        self, d: Decision, plans: Sequence[Plan]
    ) -> dict[UUID, tuple[UUID | None, tuple[Applied, ...]]]:
        """Make the stays say what is chosen: take back, correct, enter; all looked at together."""
        d.decide_together()
        held = {}
        own = d.entry
        for plan in plans:
            stay, applied = self._take_back(d, plan)
            for version in sorted(plan.chosen, key=_admission_first):
                if any(a.version == version for a in applied.values()):
                    continue
                stay, done = self._enter_reported(d, plan.visit, stay, version)
                applied[version.source_id] = done
                d.entry = own
            order = sorted(applied.values(), key=lambda a: a.version.precedence())
            held[plan.visit.id] = (stay.id if stay else None, tuple(order))
        for decided in d.decided_together():
            decided.check_together(d.died_at(decided.patient) if decided.patient else None)
        return held

    def _take_back(self, d: Decision, plan: Plan) -> tuple[Stay | None, dict[str, Applied]]:
        """What is held true of the visit and shall not be, is taken back as entered in error."""
        visit = plan.visit
        stay = d.stay(visit.stay) if visit.stay else None
        applied = {a.version.source_id: a for a in visit.applied}
        for a in visit.applied:
            if a.version in plan.chosen or stay is None:
                continue
            del applied[a.version.source_id]
            fact = stay.history.fact(a.movement)
            if _kind(a.version) is SourceKind.ADMIT:
                if stay.history.admission:
                    self.void_admission(d, stay)
                return None, {}
            if isinstance(fact, Discharge):
                self.take_back_discharge(d, stay, fact)
            elif fact is not None:
                stay.cancel_movement(a.movement, Because.ENTERED_IN_ERROR, None, d.entry)
        return stay, applied

    def _enter_reported(
        self, d: Decision, visit: SourceVisit, stay: Stay | None, version: Version
    ) -> tuple[Stay, Applied]:
        """One reported movement, as the same command by a ward would enter it."""
        movement = version.movement
        assert movement is not None
        d.entry = replace(
            d.entry,
            occurred_at=movement.occurred_at,
            source=Source(
                system=visit.system, id=version.source_id, recorded_at=version.recorded_at
            ),
        )
        place = d.place(movement.ward, movement.room, movement.bed, None, movement.without_bed)
        if movement.kind is SourceKind.ADMIT:
            return self._admit_reported(d, visit, version, movement, place)
        if stay is None:
            raise NotFound("admission of visit", visit.source_visit, "sourceVisit")
        died_at = d.died_at(stay.patient)
        match movement.kind:
            case SourceKind.TRANSFER:
                if place is None:
                    raise InvalidInput("bed", "name a bed, or a place without one")
                stay.transfer(place, d.entry)
            case SourceKind.START_LEAVE:
                stay.start_leave(movement.keep_bed, None, d.entry, died_at)
            case SourceKind.END_LEAVE:
                stay.end_leave(place, d.entry, died_at)
            case SourceKind.DISCHARGE:
                self.discharge(d, stay, movement.disposition or Disposition.OTHER)
        return stay, Applied(version=version, movement=_last_movement(stay, 1))

    def _admit_reported(
        self,
        d: Decision,
        visit: SourceVisit,
        version: Version,
        movement: SourceMovement,
        place: Place | None,
    ) -> tuple[Stay, Applied]:
        if movement.patient_mrn is None:
            raise InvalidInput("patientMrn", "an admission names its patient")
        patient = d.patient(
            movement.patient_mrn, movement.mrn_authority or self.rules.mrn_authority
        )
        assert patient.about is not None
        what = f"stay of {visit.id} {version.source_id}"
        stay = d.new(Stay, what, replace(patient.about, stay=d.entry.id_of(what)))
        without_bed = place.without_bed if place else None
        stay.admit(
            patient.id,
            movement.admission_type or AdmissionType.EMERGENCY,
            d.entry,
            died_at=d.died_at(patient.id),
            without_bed=without_bed,
            confidentiality=patient.confidentiality,
        )
        if place is None or place.bed is None:
            return stay, Applied(version=version, movement=_last_movement(stay, 1))
        stay.allocate_room(place.bed, d.entry)
        return stay, Applied(
            version=version, movement=_last_movement(stay, 2), bed=_last_movement(stay, 1)
        )

    # -- what it waits for --

    def _waits_for(
        self, d: Decision, visit: SourceVisit, stay: UUID | None, pending: Iterable[Pending]
    ) -> tuple[UUID, ...]:
        found = self._subjects(d, visit, [p.version for p in pending])
        return tuple(sorted(found | ({stay} if stay else set())))

    def _subjects(self, d: Decision, visit: SourceVisit, versions: Iterable[Version]) -> set[UUID]:
        """The rooms and the person that these versions name, or what will name them."""
        names = set()
        for version in versions:
            said = version.movement
            if said and said.ward and said.room:
                names.add(unique.room_number(said.ward, said.room))
            if said and said.patient_mrn:
                authority = said.mrn_authority or self.rules.mrn_authority
                names.add(unique.mrn(authority, said.patient_mrn))
        found = {self.record.owner(*name) or unique.subject_of(name) for name in names}
        if visit.stay is not None:
            found |= {s.bed.room for s in d.trial().stay(visit.stay).stretches}
        return found

    def _about(self, d: Decision, version: Version) -> About | None:
        """Whom the report is about, where the patient is known."""
        said = version.movement
        if said is None or said.patient_mrn is None:
            return None
        authority = said.mrn_authority or self.rules.mrn_authority
        if self.record.owner(*unique.mrn(authority, said.patient_mrn)) is None:
            return None
        return d.patient(said.patient_mrn, authority).about


def _kind(version: Version) -> SourceKind | None:
    return version.movement.kind if version.movement else None


def _admission_first(version: Version) -> tuple[bool, datetime, bool, bytes]:
    return (_kind(version) is not SourceKind.ADMIT, *version.precedence())


def _still(visit: SourceVisit) -> list[Version]:
    """What is held true and still wanted as it is."""
    wanted = visit.wanted
    return [a.version for a in visit.applied if a.version in wanted]


def _last_movement(stay: Stay, back: int) -> UUID:
    """The id of the movement that was entered last, or before that."""
    movement = getattr(stay.pending_events[-back], "movement", None)
    assert isinstance(movement, UUID)
    return movement


def _touched(events: Iterable[Event]) -> set[UUID]:
    """The rooms, people and stays that a command changed, for those who wait for them."""
    found: set[UUID] = set()
    for event in events:
        name = unique.unique_of(event)
        if name is not None:
            found.add(unique.subject_of(name))
        if isinstance(event, Occupancy.StretchesChanged):
            found |= {event.room, event.stay, event.patient}
        elif isinstance(event, Stay.Event):
            found.add(event.originator_id)
    return found
