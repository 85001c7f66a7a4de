"""Movements that other systems report: late, twice, out of order, a cancel before its original.

What is reported is kept. It is held true as soon as it fits the record, alone or together with what
is pending beside it; so any order of arrival of a set that is consistent ends in one history.
"""

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID, uuid5

from msgspec.structs import replace

from application import lookups
from application.aggregate_cache import current
from application.append import pending_events
from application.authorization.roles import SYSTEMS
from application.command import Recorded, Request
from application.command_group import CommandGroup, command
from application.command_pipeline import CommandPipeline, Invocation
from application.commands.movement_reports import MovementReport, movement_of
from application.commands.source_allergies import allergy_subject, hold_allergy, settle_allergy
from application.commands.source_beds import bed_subject, hold_bed_state, settle_bed_states
from application.commands.source_movement_reconciliation import ReconciliationPlan, reconcile
from application.commands.source_movement_selection import (
    Search,
    about_of,
    matches,
)
from application.commands.source_persons import (
    details_subject,
    hidden,
    hold_details,
    register_described,
    subject_of,
)
from application.ports import EventStore
from application.unit_of_work import UnitOfWork
from application.work_apart import WorkApart
from domain import unique_keys
from domain.aggregate import Event
from domain.envelope import Actor, Source
from domain.errors import WardbookError
from domain.patient import Patient
from domain.refusals import InvalidInput, NotFound, Refusal
from domain.room.aggregate import Room
from domain.room.occupancy import Occupancy
from domain.source_visit import (
    Pending,
    SourceKind,
    SourceMovement,
    SourceVisit,
    Version,
)
from domain.stay.aggregate import Stay
from domain.stay.events import Observed
from domain.text import clean_texts, line
from domain.time import in_utc

SETTLING = Actor(issuer="wardbook", subject="settling", role="service")

log = logging.getLogger(__name__)


MAX_TRIED = 12
"""The number of pending visits that are tried again within one command."""


LEAVES_NOTHING = (
    Observed,
    Stay.AttendingChanged,
    Stay.SpecialtyChanged,
    Stay.AdmissionTypeChanged,
    Stay.DischargePlanned,
)
"""Events of a stay after which it has its bed and its time as before."""


class NothingFits(WardbookError):
    """A retry changes nothing: nothing that was pending fits now."""


class SourceMovements(CommandGroup):
    """Movements that other systems report, and the hook that retries pending ones."""

    def __init__(self, pipeline: CommandPipeline) -> None:
        super().__init__(pipeline)
        pipeline.after_commit = self
        self._apart = WorkApart("pending movements")

    @command(roles=SYSTEMS)
    def record_source_movement(
        self,
        uow: UnitOfWork,
        *,
        system: str,
        source_id: str,
        source_visit: str | None = None,
        source_recorded_at: datetime,
        source_sequence: int | None = None,
        cancelled: bool | None = None,
        derived_id: bool | None = None,
        movement: MovementReport | None = None,
    ) -> None:
        """Keep what another system reports of one movement, and hold it true as soon as it fits.

        Of two versions of an id the one recorded later at the source holds, within one tick of its
        clock that of the greater ``source_sequence``; a cancel is final, unless the source gives no
        ids (``derived_id``). What is of no visit (a merge) is alone in one of its own.
        Raises InvalidInput for an id of another visit, and for a report that says nothing.
        """
        if movement is None and not cancelled:
            raise InvalidInput("movement", "say what happened, or that it is cancelled")
        system, source_id = line(system), line(source_id)
        if derived_id and source_visit is None:
            source_id = _id_of_persons(uow, system, source_id)
        source_visit = line(source_visit) if source_visit else source_id
        stored_movement = movement_of(uow, movement) if movement else None
        if stored_movement is not None and stored_movement.kind in HELD_APART:
            if cancelled:
                raise InvalidInput("cancelled", "what is now is told anew, and not cancelled")
            source_visit = _subject_of(uow, system, source_visit, source_id, stored_movement)
        id = SourceVisit.id_for(system, source_visit)
        if uow.owner(unique_keys.source(system, source_id)) not in (None, id):
            raise InvalidInput("source_visit", "that id was reported of another visit before")
        version = clean_texts(
            Version(
                source_id=source_id,
                recorded_at=in_utc(source_recorded_at, "source_recorded_at"),
                sequence=source_sequence,
                cancelled=bool(cancelled),
                derived=bool(derived_id),
                movement=stored_movement,
            )
        )
        uow.entry = replace(
            uow.entry,
            source=Source(system=system, id=source_id, recorded_at=version.recorded_at),
            reason=uow.entry.reason or f"as reported by {system}",
        )
        (visit,) = uow.load(SourceVisit, id)
        lookups.check_kept(uow, visit.patient, "source_visit")
        match version.kind:
            case SourceKind.DETAILS:
                hold_details(uow, visit, system, source_visit, version)
                return
            case SourceKind.ALLERGY:
                hold_allergy(uow, visit, system, source_visit, version)
                return
            case SourceKind.BED_STATE | SourceKind.RESERVATION:
                hold_bed_state(uow, visit, system, source_visit, version)
                return
        register_described(uow, version)
        visit.about = about_of(uow, [*visit.held.values(), version])
        visit.report(system, source_visit, version, uow.entry)
        _reconcile(uow, visit)

    def stay_of(self, system: str, source_visit: str) -> UUID | None:
        """Return the stay of a visit of another system, as it is held now."""
        visit = SourceVisit.empty(SourceVisit.id_for(line(system), line(source_visit)))
        return current(self.record, visit).stay

    def run(self, request: Request, result: Recorded) -> None:
        """Retry the pending visits that wait for what a command changed, and so on.

        `MAX_TRIED` of them are tried here, so that no command takes longer the more is pending; the
        rest apart. A visit that has just begun to wait for something unknown is retried too: it may
        have come meanwhile.
        """
        waiting_visits = self._retry_waiting(
            request, deque([(result, self._visits_to_retry(result))])
        )
        if waiting_visits:
            self._apart.put(partial(self._retry_waiting, request, waiting_visits, MAX_TRIED))

    def _retry_waiting(
        self,
        request: Request,
        left: "deque[tuple[Recorded, list[UUID]]]",
        attempts: int = MAX_TRIED,
    ) -> "deque[tuple[Recorded, list[UUID]]]":
        """Retry visits, and what each one that fits sets free; return those beyond so many."""
        while left and attempts:
            change, visits = left.popleft()
            while visits and attempts:
                attempts -= 1
                retry = self._retry(request, change, visits.pop(0))
                if retry is not None and not retry.repeated:
                    left.append((retry, self._visits_to_retry(retry)))
            if visits:
                left.appendleft((change, visits))
        return deque((change, visits) for change, visits in left if visits)

    def wait(self) -> None:
        """Wait until what is retried apart has been."""
        self._apart.wait()

    def close(self) -> None:
        """Stop retrying apart; what is left waits for the next fact."""
        self._apart.close()

    def claims_to_notify(self, uow: UnitOfWork) -> Sequence[str]:
        return _wait_claims(self.record, pending_events(uow))

    def _visits_to_retry(self, change: Recorded) -> list[UUID]:
        waiting = change.waiting
        if waiting is None:
            waiting = self.record.owners(_wait_claims(self.record, change.events))
        visit_starts = [
            event.originator_id
            for event in change.events
            if isinstance(event, SourceVisit.Settled)
            and event.waits_for
            and any(pending_version.why == NotFound.__name__ for pending_version in event.pending)
        ]
        return list(dict.fromkeys([*waiting, *visit_starts]))

    def _retry(self, request: Request, change: Recorded, id: UUID) -> Recorded | None:
        """Reconcile a pending visit in a command of its own; None if nothing of it fits now."""
        new_request = Request(
            command_id=uuid5(change.command_id, f"settle {id}"),
            by=SETTLING,
            reason="it was pending, and fits now",
            now=request.now,
        )

        def decide(uow: UnitOfWork) -> None:
            (visit,) = uow.load(SourceVisit, id)
            if not _settle(uow, visit):
                raise NothingFits

        self.pipeline.cache.forget([id])  # another process may have been told more of it
        try:
            return self.pipeline.execute_once(
                Invocation(new_request, "settle_source_visit", {"visit": id}, decide)
            )
        except NothingFits:
            return None
        except Refusal as refusal:  # it stays pending, until the next fact
            log.warning("a pending visit could not be tried again: %s", refusal.code)
            return None


def _settle(uow: UnitOfWork, visit: SourceVisit) -> bool:
    """Apply what fits by now of what was reported. Returns whether anything changed."""
    match next((version.kind for version in visit.held.values()), None):
        case SourceKind.BED_STATE | SourceKind.RESERVATION:
            return settle_bed_states(uow, visit)
        case SourceKind.ALLERGY:
            return settle_allergy(uow, visit)
    return _reconcile(uow, visit)


def _reconcile(uow: UnitOfWork, visit: SourceVisit) -> bool:
    """Apply what fits of a visit and of those that block it. Returns whether any changed."""
    search = None if _is_tried_whole(uow, visit) else Search(uow, visit)
    selection = search.selection if search else {visit.id: visit.wanted}
    visits = uow.load(SourceVisit, *selection)
    outcomes = reconcile(uow, [ReconciliationPlan(v, selection[v.id]) for v in visits])
    is_changed = False
    for each_visit in visits:
        each_visit.about = about_of(uow, each_visit.held.values())
        outcome = outcomes[each_visit.id]
        if each_visit is visit:
            reasons = {i: r[-1].code for i, r in search.refusals.items()} if search else {}
            subjects = search.waits() if search else set()
        else:
            reasons = {pending.version.source_id: pending.why for pending in each_visit.pending}
            subjects = set(each_visit.waits_for)
        pending = tuple(
            Pending(version=version, why=reasons[version.source_id])
            for version in sorted(each_visit.held.values(), key=each_visit.turn)
            if not matches(selection[each_visit.id], version)
        )
        if outcome.stay:
            subjects.add(unique_keys.visit_of(outcome.stay))
        waits_for = tuple(sorted(subjects)) if pending else ()
        is_changed |= each_visit.settle(
            outcome.stay, outcome.applied, pending, waits_for, uow.entry
        )
    return is_changed


def _is_tried_whole(uow: UnitOfWork, visit: SourceVisit) -> bool:
    """Return whether all of a visit is entered without a dry run; refused, it is searched anew.

    Most messages fit as they come. What is pending already is searched at once.
    """
    versions = visit.wanted.values()
    is_admitted = visit.stay is not None or visit.admission_among(versions) is not None
    uow.is_shortcut = not uow.refresh and not visit.pending and is_admitted
    return uow.is_shortcut


HELD_APART = (
    *(SourceKind.DETAILS, SourceKind.ALLERGY),
    *(SourceKind.BED_STATE, SourceKind.RESERVATION),
)
"""Kinds of which what the source says last holds, by its clock; none of them waits or is cancelled."""


def _id_of_persons(uow: UnitOfWork, system: str, id: str) -> str:
    """Return the id of what is of no visit, without the numbers of persons that it was made of.

    One that was told before with them, by an older program, stays.
    """
    name = unique_keys.source(system, id)
    return id if uow.owner(name) is not None else hidden(uow.record, name)


def _subject_of(
    uow: UnitOfWork, system: str, source_visit: str, source_id: str, movement: SourceMovement
) -> str:
    """Return the name under which what a source says of one thing is held. Raises InvalidInput."""
    match movement.kind:
        case SourceKind.DETAILS:
            return details_subject(uow, system, source_id, movement)
        case SourceKind.ALLERGY:
            return allergy_subject(uow, movement)
    return bed_subject(uow, source_visit, movement)


def _wait_claims(record: EventStore, events: Iterable[Event]) -> list[str]:
    """Return the kinds of the claims by which pending visits wait for a subject of some events."""
    return [unique_keys.waiting_for(subject) for subject in sorted(_subjects_in(record, events))]


def _subjects_in(record: EventStore, events: Iterable[Event]) -> set[UUID]:
    """Return the rooms, patients, stays and unique keys that some events change for who waits."""
    subjects: set[UUID] = set()
    for event in events:
        subject, about = event.originator_id, event.entry.about
        subjects.add(subject)
        if about is not None and about.stay:
            subjects |= {about.stay, unique_keys.visit_of(about.stay)}
        if isinstance(event, Occupancy.StretchesChanged) and event.ended:
            subjects |= {event.room, unique_keys.room_left_by(event.stay)}
        if isinstance(event, Occupancy.StretchesChanged):
            ends = [*event.ended, *(stretch for stretch in event.begun if stretch.until)]
            subjects |= {unique_keys.departures_from(event.room, stretch.bed) for stretch in ends}
        if isinstance(event, Patient.Merged):
            subjects |= {unique_keys.links_of(subject), unique_keys.links_of(event.into)}
        if isinstance(event, Patient.Unmerged):
            subjects.add(unique_keys.links_of(subject))
        if event.belongs_to(Room):
            subjects.add(unique_keys.openings_of(subject))
        if event.belongs_to(Stay) and not isinstance(event, LEAVES_NOTHING):
            subjects.add(unique_keys.room_left_by(subject))
        name = unique_keys.unique_of(event)
        if name is not None:  # in an older log a visit waits for a number in clear
            subjects |= {subject_of(record, name), unique_keys.subject_of(name)}
    return subjects
