"""The state of a stay: how it evolves by its events, and the check of a new event."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Event, UnknownEvent
from domain.bed_ref import BedRef
from domain.envelope import Envelope
from domain.fact_ref import FactRef
from domain.refusals import (
    ContradictsLaterFacts,
    InvalidInput,
    MovementNotFound,
    OutsideStay,
)
from domain.stay.events import Observed, StayEvents
from domain.stay.facts import (
    KINDS,
    Admission,
    AdmissionType,
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
    Status,
    TypeChange,
    VoidedAdmission,
)
from domain.stay.history import History, Stretch
from domain.things import Thing
from domain.time import Precision, is_after, minute_of

F = TypeVar("F", bound=Fact)


class StayState(StayEvents, Aggregate):
    """The history of a stay, which each new event must leave legal.

    Commands that are only right together defer the check to their common end (`defer_checks`,
    `check_deferred`).
    """

    def __init__(self) -> None:
        self.history = History(self.id)
        self.deferred: set[UUID] | None = None
        """The facts that are recorded and not checked yet; None if each is checked at once."""
        self.patient: UUID | None = None

    def apply(self, event: Event) -> None:
        if isinstance(event, StayEvents.Admitted):
            self.patient = event.patient
            self.confidentiality = event.confidentiality
        elif isinstance(event, StayEvents.PatientCorrected):
            self.patient, self.about = event.patient, event.entry.about
        self.history = evolve(self.history, event)

    @property
    def admission_type(self) -> AdmissionType:
        """Return the way the patient came in, as held now."""
        return self._admission.admission_type

    def type_at(self, moment: datetime) -> AdmissionType:
        """Return the type of the stay at a moment; before the admission, that of the admission."""
        state = self.history.at(moment)
        return (state and state.admission_type) or self.admission_type

    @property
    def decided_to_admit_at(self) -> datetime | None:
        """Return the moment of the decision to admit, as held now."""
        return self._admission.decided_to_admit_at

    @property
    def _admission(self) -> Admission:
        """Return the admission, also one that was entered in error."""
        facts = (f.admission if isinstance(f, VoidedAdmission) else f for f in self.history.facts)
        return next(f for f in facts if isinstance(f, Admission))

    def movement(self, id: UUID, field: str = "movement_id") -> Fact:
        """Return a movement that is held true. Raises MovementNotFound."""
        fact = self.history.fact(id)
        if fact is None or isinstance(fact, Observation | VoidedAdmission):
            raise MovementNotFound(Thing.MOVEMENT, id, field, cancelled=fact is None)
        return fact

    def visit(self, id: UUID) -> Observation:
        """Return a visit that is held true. Raises MovementNotFound."""
        fact = self.history.fact(id)
        if not isinstance(fact, Observation) or fact.name != "visit":
            raise MovementNotFound(Thing.VISIT, id, "visit_id", cancelled=fact is None)
        return fact

    def timed_facts(self) -> list[Fact]:
        return [fact for fact in self.history.facts if not isinstance(fact, VoidedAdmission)]

    def defer_checks(self) -> None:
        """Accept all from now on; `check_deferred` checks the history that comes out of it."""
        self.deferred = set()

    def check_deferred(self, died_at: datetime | None) -> None:
        """Refuse the history that came out of the commands since `defer_checks`, if it is illegal."""
        assert self.deferred is not None
        self._check_expectations(self.history, self.deferred)
        self.history.check(self.deferred, died_at)
        self.deferred = None

    def must_include(self, moment: datetime, fact: str) -> None:
        """Refuse a clinical fact that lies outside the stay. Raises OutsideStay."""
        if not self.history.includes(moment):
            raise OutsideStay(self.id, fact)

    def must_not_have_ended(self, moment: datetime, fact: str) -> None:
        """Refuse a clinical fact after the stay, or while its patient was away between two parts of it.

        It may lie before the admission. Raises OutsideStay.
        """
        admission, end = self.history.admission, self.history.ended_at
        if admission is None or moment >= admission.at:
            self.must_include(moment, fact)
        if end is not None and is_after(moment, end):
            raise OutsideStay(self.id, fact)

    def must_outlive(self, died_at: datetime) -> None:
        """Refuse a time of death that this stay's clinical facts contradict."""
        self.history.check((), died_at)

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """Return the stretches in which the patient had a bed, in order."""
        return self.history.stretches

    @property
    def is_open(self) -> bool:
        """Return whether the patient is in the hospital (or on leave) as held now."""
        return bool(self.history.segments) and self.history.segments[-1][1].status in (
            Status.ADMITTED,
            Status.ON_LEAVE,
        )

    def _new_id(self, envelope: Envelope, name: str) -> UUID:
        """Return the id of a new movement; a command that makes several of a kind gets several."""
        id = envelope.id_of(name)
        return id if self.deferred is None else uuid5(id, f"{self.id} {self.version}")

    def _record(
        self,
        event_class: type[Event],
        envelope: Envelope,
        died_at: datetime | None = None,
        **fields: object,
    ) -> None:
        """Record an event that tells one fact, if the history after it is legal."""
        event = self.next_event(event_class, envelope, **fields)
        assert event.fact is not None
        self._check(event, event.fact, died_at=died_at)
        self.add(event)

    def _check(
        self,
        event: Event,
        *facts: UUID,
        died_at: datetime | None = None,
        other_facts: Sequence[FactRef] = (),
    ) -> None:
        """Refuse an event after which one of its facts, or what is recorded later, is illegal."""
        self._check_history(evolve(self.history, event), facts, died_at, other_facts)

    def _check_history(
        self,
        history: History,
        facts: Sequence[UUID],
        died_at: datetime | None,
        other_facts: Sequence[FactRef] = (),
    ) -> None:
        if self.deferred is not None:
            self.deferred.update(facts)
        else:
            self._check_expectations(history, facts)
            history.check(facts, died_at, other_facts)

    def _check_expectations(self, history: History, ids: Iterable[UUID]) -> None:
        """Refuse a return expected before its leave, and a discharge expected before the admission."""
        for fact in map(history.fact, ids):
            if isinstance(fact, LeaveStart) and fact.expected_return is not None:
                if fact.expected_return < minute_of(self.earliest(fact)):
                    raise InvalidInput(
                        "expected_return",
                        "the leave begins after it; correct one of them, or say that it is unknown",
                    )
            elif isinstance(fact, PlanChange) and self._is_before_admission(history, fact):
                raise InvalidInput(
                    "expected_at",
                    "the admission was after it; correct one of them, or say that it is unknown",
                )
            elif isinstance(fact, Admission):
                plans = (f for f in history.facts if isinstance(f, PlanChange))
                if early := [p for p in plans if self._is_before_admission(history, p)]:
                    raise ContradictsLaterFacts(tuple(history.ref(plan) for plan in early))

    def _is_before_admission(self, history: History, plan: PlanChange) -> bool:
        """Return whether a discharge is expected before the admission.

        The beginning of the day of the admission stands for that day: a date alone was said.
        """
        admission, expected_at = history.admission, plan.expected_discharge
        if admission is None or expected_at is None:
            return False
        day = self.span_of(admission.at, Precision.DAY)[0]
        return expected_at != day and expected_at < minute_of(self.earliest(admission))


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
