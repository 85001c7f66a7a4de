"""Movements that other systems report: late, twice, out of order, a cancel before its original.

What is reported is kept. It is held true as soon as it fits the record, alone or together with what
is pending beside it; so any order of arrival of a set that is consistent ends in one history.
"""

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from uuid import UUID, uuid5

from msgspec.structs import replace

from application import lookups
from application.aggregate_cache import current
from application.append import pending_events
from application.authorization.roles import SYSTEMS
from application.command import Recorded, Request, utc
from application.command_group import CommandGroup, command
from application.command_pipeline import CommandPipeline, Invocation
from application.commands.source_movement_reconciliation import ReconciliationPlan, reconcile
from application.commands.source_movement_selection import (
    Search,
    about_of,
    matches,
)
from application.commands.source_persons import hold_details, register_described
from application.hospital_days import today
from application.unit_of_work import UnitOfWork
from application.work_apart import WorkApart
from domain import unique_keys
from domain.aggregate import Event
from domain.envelope import Actor, Source
from domain.errors import WardbookError
from domain.patient import PatientDetail, Sex
from domain.refusals import InvalidInput, NotFound, Refusal
from domain.room.aggregate import Room
from domain.room.occupancy import Occupancy
from domain.source_visit import (
    PatientDetails,
    Pending,
    SourceKind,
    SourceMovement,
    SourceVisit,
    Version,
)
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType, Observed
from domain.stay.facts import Disposition
from domain.text import clean_texts, code, line
from domain.time import Precision, in_utc

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientReport:
    """A patient as far as another system knows one; to be registered if unknown here."""

    family_name: str | None = None
    given_name: str | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    unknown: Sequence[PatientDetail] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementReport:
    """A movement as another system reports it; ``occurred_at`` is the command's own, if absent."""

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
    destination: str | None = None
    attending: str | None = None
    specialty: str | None = None
    occurred_at_precision: Precision | None = None
    patient: PatientReport | None = None
    former_mrn: str | None = None
    former_mrn_authority: str | None = None
    expected_at: datetime | None = None


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
        source_visit = line(source_visit) if source_visit else source_id
        is_of_details = movement is not None and movement.kind is SourceKind.DETAILS
        if movement is not None and is_of_details:
            source_visit = _details_of(uow, movement, cancelled)
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
                movement=_movement_of(uow, movement) if movement else None,
            )
        )
        uow.entry = replace(
            uow.entry,
            source=Source(system=system, id=source_id, recorded_at=version.recorded_at),
            reason=uow.entry.reason or f"as reported by {system}",
        )
        (visit,) = uow.load(SourceVisit, id)
        lookups.check_kept(uow, visit.patient, "source_visit")
        if is_of_details:
            hold_details(uow, visit, system, source_visit, version)
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
        return _wait_claims(pending_events(uow))

    def _visits_to_retry(self, change: Recorded) -> list[UUID]:
        waiting = change.waiting
        if waiting is None:
            waiting = self.record.owners(_wait_claims(change.events))
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
            if not _reconcile(uow, visit):
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
    uow.is_trial = not uow.refresh and not visit.pending and is_admitted
    return uow.is_trial


def _details_of(uow: UnitOfWork, report: MovementReport, is_cancelled: bool | None) -> str:
    """Return the visit that all details of a number are reported of. Raises InvalidInput."""
    if is_cancelled:
        raise InvalidInput("cancelled", "details are told anew, and not cancelled")
    if report.patient_mrn is None or report.patient is None:
        raise InvalidInput("patient_mrn", "say whose details they are, and which")
    if report.patient.birth_date is not None and report.patient.birth_date > today(uow):
        raise InvalidInput("birth_date", "it lies in the future")
    authority = report.mrn_authority or uow.rules.mrn_authority
    return f"details of {code(authority)} {code(report.patient_mrn)}"


def _movement_of(uow: UnitOfWork, report: MovementReport) -> SourceMovement:
    """Return what is stored of a report. Raises InFuture, InvalidInput."""
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
        destination=report.destination,
        attending=report.attending,
        specialty=report.specialty,
        precision=report.occurred_at_precision,
        patient=_patient_of(report.patient),
        former_mrn=report.former_mrn,
        former_mrn_authority=report.former_mrn_authority,
        expected_at=utc(report.expected_at, "expected_at"),
    )


def _patient_of(report: PatientReport | None) -> PatientDetails | None:
    if report is None:
        return None
    unknown = tuple(dict.fromkeys(report.unknown or ()))
    return PatientDetails(**{**asdict(report), "unknown": unknown})


def _wait_claims(events: Iterable[Event]) -> list[str]:
    """Return the kinds of the claims by which pending visits wait for a subject of some events."""
    return [unique_keys.waiting_for(subject) for subject in sorted(_subjects_in(events))]


def _subjects_in(events: Iterable[Event]) -> set[UUID]:
    """Return the rooms, patients, stays and unique keys that some events change for who waits."""
    subjects: set[UUID] = set()
    for event in events:
        subject, about = event.originator_id, event.entry.about
        subjects.add(subject)
        if about is not None and about.stay:
            subjects |= {about.stay, unique_keys.visit_of(about.stay)}
        if isinstance(event, Occupancy.StretchesChanged) and event.ended:
            subjects |= {event.room, unique_keys.room_left_by(event.stay)}
        if event.belongs_to(Room):
            subjects.add(unique_keys.openings_of(subject))
        if event.belongs_to(Stay) and not isinstance(event, LEAVES_NOTHING):
            subjects.add(unique_keys.room_left_by(subject))
        name = unique_keys.unique_of(event)
        if name is not None:
            subjects.add(unique_keys.subject_of(name))
    return subjects
