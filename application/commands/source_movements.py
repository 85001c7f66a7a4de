"""Movements that other systems report: late, twice, out of order, a cancel before its original.

What is reported is kept. It is held true as soon as it fits the record, alone or together with what
is pending beside it; so any order of arrival of a set that is consistent ends in one history.
"""

import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from msgspec.structs import replace

from application import lookups
from application.append import pending_events
from application.authorization.roles import SYSTEMS
from application.bed_consistency import check_bed_consistency
from application.command import Recorded, Request
from application.command_group import CommandGroup, command
from application.command_pipeline import CommandPipeline, Invocation
from application.commands.source_movement_reconciliation import ReconciliationPlan, reconcile
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.aggregate import Event
from domain.envelope import About, Actor, Source
from domain.errors import WardbookError
from domain.refusals import InvalidInput, NotFound, Refusal
from domain.room.occupancy import Occupancy
from domain.source_visit import Pending, SourceKind, SourceMovement, SourceVisit, Version
from domain.stay.events import AdmissionType
from domain.stay.facts import Disposition
from domain.time import in_utc

MOST_TOGETHER = 12
"""How many visits that wait for the same rooms and people are tried together."""

SETTLING = Actor(issuer="wardbook", subject="settling", role="service")

log = logging.getLogger(__name__)

Versions = Mapping[str, Version]


class NothingToSettle(WardbookError):
    """Nothing that was pending fits now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementReport:
    """What another system says that happened; ``occurred_at`` is the command's own, if absent."""

    kind: SourceKind
    occurred_at: datetime | None = None
    patient_mrn: str | None = None
    mrn_authority: str | None = None
    admission_type: AdmissionType | None = None
    ward: str | None = None
    room: str | None = None
    bed: str | None = None
    without_bed: str | None = None
    keep_bed: bool = True
    disposition: Disposition | None = None


class SourceMovements(CommandGroup):
    """Movements that other systems report, and the hook that retries pending ones."""

    def __init__(self, pipeline: CommandPipeline) -> None:
        super().__init__(pipeline)
        pipeline.after_commit = self

    @command(roles=SYSTEMS)
    def record_source_movement(
        self,
        uow: UnitOfWork,
        *,
        system: str,
        source_id: str,
        source_visit: str,
        source_recorded_at: datetime,
        cancelled: bool | None = None,
        movement: MovementReport | None = None,
    ) -> None:
        """Keep what another system reports of one movement, and hold it true as soon as it fits.

        Of two versions of an id the one recorded later at the source holds. Raises InvalidInput for
        an id that was reported of another visit, and for a report that says nothing.
        """
        if movement is None and not cancelled:
            raise InvalidInput("movement", "say what happened, or that it is cancelled")
        id = SourceVisit.id_for(system, source_visit)
        if uow.owner(unique_keys.source(system, source_id)) not in (None, id):
            raise InvalidInput("source_visit", "that id was reported of another visit before")
        version = Version(
            source_id=source_id,
            recorded_at=in_utc(source_recorded_at, "source_recorded_at"),
            cancelled=bool(cancelled),
            movement=self._said(uow, movement) if movement else None,
        )
        uow.entry = replace(
            uow.entry,
            source=Source(system=system, id=source_id, recorded_at=version.recorded_at),
            reason=uow.entry.reason or f"as reported by {system}",
        )
        (visit,) = uow.load(SourceVisit, id)
        visit.about = self._about(uow, [*visit.held.values(), version])
        visit.report(system, source_visit, version, uow.entry)
        self._settle(uow, visit)

    def run(self, request: Request, recorded: Recorded) -> None:
        """Whatever waits for what a command changed is tried again, in commands of their own.

        What has just begun to wait for something unknown is tried too: it may have come meanwhile.
        """
        changes = deque([recorded])
        while changes:
            change = changes.popleft()
            for visit in self._waiting(change):
                settled = self._settle_alone(request, change, visit)
                if settled is not None and not settled.repeated:
                    changes.append(settled)

    def claims_to_notify(self, uow: UnitOfWork) -> Sequence[str]:
        return _waiting_for_any(pending_events(uow))

    def _waiting(self, change: Recorded) -> list[UUID]:
        found = change.waiting
        if found is None:
            found = self.record.owners(_waiting_for_any(change.events))
        begun = [
            event.originator_id
            for event in change.events
            if isinstance(event, SourceVisit.Settled)
            and any(pending.why == NotFound.__name__ for pending in event.pending)
        ]
        return list(dict.fromkeys([*found, *begun]))

    def _settle_alone(self, request: Request, change: Recorded, visit: UUID) -> Recorded | None:
        """Try again what is pending of a visit; None if nothing of it fits now."""
        again = Request(
            command_id=uuid5(change.command_id, f"settle {visit}"),
            by=SETTLING,
            reason="it was pending, and fits now",
            now=request.now,
        )

        def decide(uow: UnitOfWork) -> None:
            (found,) = uow.load(SourceVisit, visit)
            if not self._settle(uow, found):
                raise NothingToSettle

        self.pipeline.cache.forget([visit])  # another process may have been told more of it
        try:
            return self.pipeline.execute_once(
                Invocation(again, "settle_source_visit", {"visit": visit}, decide)
            )
        except NothingToSettle:
            return None
        except Refusal as refusal:  # it stays pending, until the next fact
            log.warning("a pending visit could not be tried again: %s", refusal.code)
            return None

    # -- what fits --

    def _settle(self, uow: UnitOfWork, visit: SourceVisit) -> bool:
        """Hold true what fits, of this visit and of those it may depend on. Whether any changed."""
        visits = self._together(uow, visit)
        chosen, whys = self._best(uow, visits)
        held = reconcile(uow, [ReconciliationPlan(v, chosen[v.id]) for v in visits])
        changed = False
        for each in visits:
            each.about = self._about(uow, each.held.values())
            pending = tuple(
                Pending(version=version, why=whys[each.id, version.source_id])
                for version in sorted(each.held.values(), key=Version.turn)
                if not _is_so(chosen[each.id], version)
            )
            now = held[each.id]
            waits_for = {*self._subjects(uow, each), *({now.stay} if now.stay else ())}
            waits = tuple(sorted(waits_for)) if pending else ()
            changed |= each.settle(now.stay, now.applied, pending, waits, uow.entry)
        return changed

    def _best(
        self, uow: UnitOfWork, visits: Sequence[SourceVisit]
    ) -> tuple[dict[UUID, Versions], dict[tuple[UUID, str], str]]:
        """All that is wanted, if it fits together; else as much as does, in the source's order.

        Says too why each of the others does not fit.
        """
        wanted: dict[UUID, Versions] = {v.id: v.wanted for v in visits}
        if self._refused(uow, visits, wanted) is None:
            return wanted, {}
        chosen: dict[UUID, Versions] = {v.id: v.true for v in visits}
        whys: dict[tuple[UUID, str], str] = {}
        turns = sorted(
            ((visit, version) for visit in visits for version in visit.held.values()),
            key=lambda turn: turn[1].turn(),
        )
        progress = True
        while progress:
            progress = False
            for visit in visits:
                tried = {**chosen, visit.id: wanted[visit.id]}
                if tried != chosen and self._refused(uow, visits, tried) is None:
                    chosen, progress = tried, True
            for visit, version in turns:
                if _is_so(chosen[visit.id], version):
                    continue
                for step in _steps(chosen[visit.id], version):
                    tried = {**chosen, visit.id: step}
                    refusal = self._refused(uow, visits, tried)
                    if refusal is None:
                        chosen, progress = tried, True
                        break
                    whys[visit.id, version.source_id] = refusal.code
        return chosen, whys

    def _refused(
        self, uow: UnitOfWork, visits: Sequence[SourceVisit], chosen: Mapping[UUID, Versions]
    ) -> Refusal | None:
        """Why these versions cannot be held true together; None if they can."""
        dry_run = uow.dry_run()
        try:
            reconcile(dry_run, [ReconciliationPlan(v, chosen[v.id]) for v in visits])
            check_bed_consistency(dry_run)
        except Refusal as refusal:
            return refusal
        return None

    def _together(self, uow: UnitOfWork, visit: SourceVisit) -> list[SourceVisit]:
        """The visit; those that wait for the rooms or the person that it names; and so on."""
        found = {visit.id: visit}
        asked: set[UUID] = set()
        unasked = [visit]
        while unasked and len(found) < MOST_TOGETHER:
            subjects = self._subjects(uow, unasked.pop(0)) - asked
            asked |= subjects
            others = self.record.owners(unique_keys.waiting_for(s) for s in sorted(subjects))
            for other in uow.load(SourceVisit, *(o for o in others if o not in found)):
                if len(found) < MOST_TOGETHER:
                    found[other.id] = other
                    unasked.append(other)
        return list(found.values())

    # -- what it waits for --

    def _subjects(self, uow: UnitOfWork, visit: SourceVisit) -> set[UUID]:
        """The rooms and people that a visit is about, or what will name them."""
        names = set()
        for version in visit.held.values():
            said = version.movement
            if said and said.ward and said.room:
                names.add(unique_keys.room_number(said.ward, said.room))
            if said and said.patient_mrn:
                authority = said.mrn_authority or self.rules.mrn_authority
                names.add(unique_keys.mrn(authority, said.patient_mrn))
        found = {uow.owner(name) or unique_keys.subject_of(name) for name in names}
        if visit.stay is not None:
            found |= {s.bed.room for s in lookups.stay(uow.dry_run(), visit.stay).stretches}
        return found

    def _about(self, uow: UnitOfWork, versions: Iterable[Version]) -> About | None:
        """Whom a visit is about, where that patient is known."""
        for version in sorted(versions, key=Version.precedence, reverse=True):
            said = version.movement
            if said and said.patient_mrn:
                authority = said.mrn_authority or uow.rules.mrn_authority
                if uow.owner(unique_keys.mrn(authority, said.patient_mrn)) is not None:
                    return lookups.patient(uow, said.patient_mrn, authority).about
        return None

    def _said(self, uow: UnitOfWork, report: MovementReport) -> SourceMovement:
        """What is kept of a report. Raises InFuture, InvalidInput."""
        at = report.occurred_at
        occurred_at = uow.entry.occurred_at if at is None else in_utc(at, "occurred_at")
        uow.check_time(occurred_at)
        return SourceMovement(
            kind=report.kind,
            occurred_at=occurred_at,
            patient_mrn=report.patient_mrn,
            mrn_authority=report.mrn_authority,
            admission_type=report.admission_type,
            ward=report.ward,
            room=report.room,
            bed=report.bed,
            without_bed=report.without_bed,
            keep_bed=report.keep_bed,
            disposition=report.disposition,
        )


def _is_so(chosen: Versions, version: Version) -> bool:
    """Whether all is as a version says: it is held true, or nothing of its id is, if cancelled."""
    return chosen.get(version.source_id) == (None if version.cancelled else version)


def _steps(chosen: Versions, version: Version) -> list[Versions]:
    """What would be nearer to what a version says: as it says, or at least not what it replaces."""
    before = chosen.get(version.source_id)
    without = {id: v for id, v in chosen.items() if id != version.source_id}
    if before and before.kind is SourceKind.ADMIT:
        without = {}  # nothing is left of a stay without its admission
    as_it_says = without if version.cancelled else {**chosen, version.source_id: version}
    return [as_it_says, without] if before else [as_it_says]


def _waiting_for_any(events: Iterable[Event]) -> list[str]:
    """The kinds of claims of all that wait for something that these events tell of."""
    return [unique_keys.waiting_for(subject) for subject in sorted(_touched(events))]


def _touched(events: Iterable[Event]) -> set[UUID]:
    """The rooms, people and stays that a command changed, for those who wait for them."""
    found: set[UUID] = set()
    for event in events:
        found.add(event.originator_id)
        about = event.entry.about
        if about is not None:
            found |= {about.patient} | ({about.stay} if about.stay else set())
        if isinstance(event, Occupancy.StretchesChanged):
            found |= {event.room}
        name = unique_keys.unique_of(event)
        if name is not None:
            found.add(unique_keys.subject_of(name))
    return found
