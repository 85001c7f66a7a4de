"""The evolution of a stay: its history after each event, by assignments that never refuse."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar
from uuid import UUID

from domain.aggregate import Event, UnknownEvent
from domain.bed_ref import BedRef
from domain.stay.events import Observed, StayEvents
from domain.stay.facts import (
    KINDS,
    Admission,
    AttendingChange,
    CancellationReason,
    Discharge,
    EmergencyCare,
    Fact,
    LeaveEnd,
    LeaveStart,
    Move,
    Observation,
    Place,
    PlanChange,
    Reversal,
    SpecialtyChange,
    TypeChange,
    VoidedAdmission,
)
from domain.stay.history import History

F = TypeVar("F", bound=Fact)


def evolve(history: History, event: Event) -> History:
    """Return the history after an event of its stay."""
    match event:
        case Observed():  # the most frequent first
            fact: Fact = _fact(Observation, event.fact, event, name=event.OBSERVATION)
        case StayEvents.Admitted():
            fact = _fact(
                Admission,
                event.movement,
                event,
                admission_type=event.admission_type,
                decided_to_admit_at=event.decided_to_admit_at,
                attending=event.attending,
                specialty=event.specialty,
                without_bed=event.without_bed,
            )
        case StayEvents.EmergencyCareRecorded():
            fact = _fact(EmergencyCare, event.movement, event, departed_at=event.departed_at)
        case StayEvents.RoomAllocated():
            place = Place(event.bed, event.shares_bed_of)
            fact = _fact(Move, event.movement, event, place=place)
        case StayEvents.Transferred():
            place = Place(event.bed, event.shares_bed_of, event.without_bed)
            fact = _fact(Move, event.movement, event, place=place)
        case StayEvents.BedSwapped():
            fact = _fact(
                Move, event.movement, event, place=Place(event.bed), with_stay=event.with_stay
            )
        case StayEvents.LeaveStarted():
            fact = _fact(
                LeaveStart,
                event.movement,
                event,
                keeps_bed=event.keeps_bed,
                expected_return=event.expected_return,
            )
        case StayEvents.LeaveEnded():
            fact = _fact(LeaveEnd, event.movement, event, place=_place(event))
        case StayEvents.AttendingChanged():
            fact = _fact(AttendingChange, event.movement, event, attending=event.attending)
        case StayEvents.AdmissionTypeChanged():
            type = event.admission_type
            fact = _fact(TypeChange, event.movement, event, admission_type=type)
        case StayEvents.SpecialtyChanged():
            fact = _fact(SpecialtyChange, event.movement, event, specialty=event.specialty)
        case StayEvents.DischargePlanned():
            fact = _fact(
                PlanChange,
                event.movement,
                event,
                plan=event.plan,
                expected_discharge=event.expected_at,
            )
        case StayEvents.Discharged():
            fact = _fact(
                Discharge,
                event.movement,
                event,
                disposition=event.disposition,
                destination=event.destination,
                medicines=event.discharge_medicines,
            )
        case StayEvents.AdmissionCancelled():
            return _without_admission(history, event)
        case StayEvents.MovementCancelled():
            if event.because is CancellationReason.ENTERED_IN_ERROR:
                return history.without([event.movement])
            fact = _fact(Reversal, event.cancel, event, of=event.movement, place=_place(event))
        case StayEvents.DischargeCancelled():
            return _without_discharge(history, event)
        case StayEvents.MovementCorrected():
            return _with_corrected(history, event.movement, event, _place(event), _details(event))
        case StayEvents.PatientCorrected():
            return history
        case StayEvents.VisitAmended():
            return _with_corrected(history, event.visit, event)
        case StayEvents.VisitCancelled():
            return history.without([event.visit])
        case StayEvents.ConsultCorrected():
            return _with_corrected(history, event.consult, event)
        case StayEvents.ConsultCancelled():
            return history.without([event.consult])
        case StayEvents.ConsultWithdrawalCorrected():
            return _with_corrected(history, event.withdrawal, event)
        case StayEvents.ConsultWithdrawalCancelled():
            return history.without([event.withdrawal])
        case StayEvents.FlagCorrected():
            return _with_corrected(history, event.flag, event)
        case StayEvents.FlagCancelled():
            return history.without([event.flag])
        case StayEvents.FlagLoweringCorrected():
            return _with_corrected(history, event.lowering, event)
        case StayEvents.FlagLoweringCancelled():
            return history.without([event.lowering])
        case _:
            raise UnknownEvent(event)
    return history.with_added(fact)


def _without_admission(history: History, event: StayEvents.AdmissionCancelled) -> History:
    admission = history.admission
    if event.because is CancellationReason.ENTERED_IN_ERROR and admission is not None:
        voided_admission = _fact(VoidedAdmission, event.cancel, event, admission=admission)
        return History(history.stay, (replace(voided_admission, at=admission.at),))
    reversal = _fact(Reversal, event.cancel, event, of=event.movement)
    return history.without(event.voided).with_added(reversal)


def _without_discharge(history: History, event: StayEvents.DischargeCancelled) -> History:
    place = _place(event)
    if event.because is CancellationReason.DECISION_REVERSED:
        reversal = _fact(Reversal, event.cancel, event, of=event.movement, place=place)
        return history.with_added(reversal)
    discharge = history.fact(event.movement)
    history = history.without([event.movement])
    if place is None or discharge is None:
        return history
    move = _fact(Move, event.cancel, event, place=place)
    return history.with_added(replace(move, at=discharge.at, order=discharge.order))


def _with_corrected(
    history: History,
    id: UUID,
    event: StayEvents.MovementCorrected
    | StayEvents.VisitAmended
    | StayEvents.ConsultCorrected
    | StayEvents.ConsultWithdrawalCorrected
    | StayEvents.FlagCorrected
    | StayEvents.FlagLoweringCorrected,
    place: Place | None = None,
    details: Mapping[str, Any] | None = None,
) -> History:
    """Return the history with a fact corrected; unchanged if a read model skipped the fact."""
    fact = history.fact(id)
    if fact is None:
        return history
    precision = event.precision or fact.precision
    return history.with_replaced(
        replace(fact.with_correction(event.at, place, details), precision=precision)
    )


DETAILS = frozenset(name for kind in KINDS for name in kind.DETAILS) - {"without_bed"}
"""The fields of `MovementCorrected` beside the time and the place."""


def _details(event: StayEvents.MovementCorrected) -> dict[str, Any]:
    """Return the details that a correction changes beside the time and the place, by field."""
    details = {name: value for name in DETAILS if (value := getattr(event, name)) is not None}
    return {**details, **dict.fromkeys(detail.value.lower() for detail in event.unknown)}


def _fact(kind: Callable[..., F], id: UUID | None, event: Event, **data: Any) -> F:
    entry, order = event.entry, event.originator_version
    return kind(
        id=id,
        at=entry.occurred_at,
        order=order,
        act=entry.command_id,
        precision=entry.precision,
        **data,
    )


class _PlacedEvent(Protocol):
    @property
    def bed(self) -> BedRef | None: ...
    @property
    def shares_bed_of(self) -> UUID | None: ...
    @property
    def without_bed(self) -> str | None: ...


def _place(event: _PlacedEvent) -> Place | None:
    """Return the place that an event names; None if it names none."""
    place = Place(event.bed, event.shares_bed_of, event.without_bed)
    return None if place == Place() else place
