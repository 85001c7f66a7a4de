"""The state of a stay, and the check of a new event."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Event
from domain.envelope import Envelope
from domain.fact_ref import FactRef
from domain.refusals import (
    ContradictsLaterFacts,
    InvalidInput,
    MovementNotFound,
    OutsideStay,
)
from domain.stay.events import StayEvents
from domain.stay.evolution import evolve
from domain.stay.facts import (
    Admission,
    AdmissionType,
    Fact,
    LeaveStart,
    Observation,
    PlanChange,
    Status,
    VoidedAdmission,
)
from domain.stay.history import History, Stretch
from domain.things import Thing
from domain.time import Precision, is_after, minute_of


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
