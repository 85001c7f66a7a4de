"""The aggregate of a stay: one patient's time in the hospital, from admission to discharge."""

from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.aggregate import Event
from domain.bed_ref import BedRef
from domain.envelope import About, Envelope
from domain.fact_ref import FactRef
from domain.patient import Confidentiality
from domain.problems import Problem
from domain.refusals import (
    ContradictsLaterFacts,
    InvalidInput,
    StayNotOpen,
    StayStateBroken,
)
from domain.stay.events import AdmissionType, Observed
from domain.stay.evolution import evolve
from domain.stay.facts import (
    Admission,
    CancellationReason,
    Discharge,
    DischargePlan,
    Disposition,
    Fact,
    Move,
    MovementDetail,
    Observation,
    Place,
)
from domain.stay.flags import StayFlags
from domain.things import Thing
from domain.time import Precision, corrected_time

DECIDED_AFTERWARDS = timedelta(days=1)
"""Longest time from the admission to a decision to admit that is recorded after it: a patient may
be put in a bed first, and the doctor who decides come on the next round."""


class Stay(StayFlags):
    """The commands to a stay. Each makes its event, has the history after it checked, and adds it."""

    TOPIC = "stay"
    THING = Thing.STAY

    # -- movements --

    def admit(
        self,
        patient: UUID,
        admission_type: AdmissionType,
        envelope: Envelope,
        *,
        died_at: datetime | None = None,
        decided_to_admit_at: datetime | None = None,
        attending: UUID | None = None,
        specialty: str | None = None,
        without_bed: str | None = None,
        confidentiality: Confidentiality = Confidentiality.NORMAL,
    ) -> None:
        """Admit the patient. Raises StayStateBroken, PatientDied."""
        movement = self._new_id(envelope, "admission")
        _check_decision(decided_to_admit_at, envelope.occurred_at)
        self._record(
            Stay.Admitted,
            envelope,
            died_at,
            movement=movement,
            patient=patient,
            admission_type=admission_type,
            decided_to_admit_at=decided_to_admit_at,
            attending=attending,
            specialty=specialty,
            without_bed=without_bed,
            confidentiality=confidentiality,
        )

    def allocate_room(
        self, bed: BedRef, envelope: Envelope, shares_bed_of: UUID | None = None
    ) -> None:
        """Give the patient the first bed. Raises StayStateBroken if there is one: transfer then."""
        movement = self._new_id(envelope, "allocation")
        event = self.next_event(
            Stay.RoomAllocated, envelope, movement=movement, bed=bed, shares_bed_of=shares_bed_of
        )
        self._check(event, movement)
        state = self.history.at(envelope.occurred_at)
        if self.deferred is None and state and state.place.bed:
            raise StayStateBroken(
                Problem.HAS_BED,
                f"the patient already has bed {state.place.bed.bed} then; transfer instead",
            )
        self.add(event)

    def transfer(self, place: Place, envelope: Envelope, movement: UUID | None = None) -> None:
        """Move the patient to another bed, or to a named place without one (corridor, trolley)."""
        movement = movement or self._new_id(envelope, "transfer")
        event = self.next_event(Stay.Transferred, envelope, movement=movement, **_fields(place))
        self._check(event, movement)
        state = self.history.at(envelope.occurred_at)
        if self.deferred is None and state and state.place == place:
            raise StayStateBroken(Problem.IN_THAT_PLACE)
        self.add(event)

    def swap_bed(self, bed: BedRef, with_stay: UUID, envelope: Envelope) -> None:
        """Move the patient to the bed of another stay, whose patient comes to this one's."""
        movement = envelope.id_of("swap")
        self._record(Stay.BedSwapped, envelope, movement=movement, with_stay=with_stay, bed=bed)

    def start_leave(
        self,
        keeps_bed: bool,
        expected_return: datetime | None,
        envelope: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        """Send the patient on leave, with or without the bed kept."""
        self._record(
            Stay.LeaveStarted,
            envelope,
            died_at,
            movement=self._new_id(envelope, "leave"),
            keeps_bed=keeps_bed,
            expected_return=expected_return,
        )

    def end_leave(
        self, place: Place | None, envelope: Envelope, died_at: datetime | None = None
    ) -> None:
        """Bring the patient back to the kept bed (``place`` None), or to the named place."""
        movement = self._new_id(envelope, "return")
        self._record(Stay.LeaveEnded, envelope, died_at, movement=movement, **_fields(place))

    def change_attending(self, attending: UUID, envelope: Envelope) -> None:
        """Name another attending doctor."""
        movement = self._new_id(envelope, "attending")
        self._record(Stay.AttendingChanged, envelope, movement=movement, attending=attending)

    def change_specialty(self, specialty: str, envelope: Envelope) -> None:
        """Put the stay under another specialty."""
        movement = self._new_id(envelope, "specialty")
        self._record(Stay.SpecialtyChanged, envelope, movement=movement, specialty=specialty)

    def change_admission_type(self, admission_type: AdmissionType, envelope: Envelope) -> None:
        """Make the stay one of another type, from then on."""
        movement = self._new_id(envelope, "admission-type")
        self._record(
            Stay.AdmissionTypeChanged, envelope, movement=movement, admission_type=admission_type
        )

    def observe(
        self,
        event_class: type[Observed],
        envelope: Envelope,
        died_at: datetime | None = None,
        **fields: object,
    ) -> None:
        """Record an observation, such as a visit. Raises OutsideStay, PatientDied.

        ``fields``: those of the event but for the id of the fact, which is made here.
        """
        assert issubclass(event_class, Event)
        assert event_class.FACT is not None
        id = self._new_id(envelope, event_class.OBSERVATION)
        self._record(event_class, envelope, died_at, **{event_class.FACT: id}, **fields)

    def plan_discharge(
        self, plan: DischargePlan, expected_at: datetime | None, envelope: Envelope
    ) -> None:
        """Plan the discharge, clear it medically, or drop the plan."""
        movement = self._new_id(envelope, "discharge-plan")
        self._record(
            Stay.DischargePlanned, envelope, movement=movement, plan=plan, expected_at=expected_at
        )

    def discharge(
        self,
        disposition: Disposition,
        destination: str | None,
        discharge_medicines: tuple[UUID, ...],
        envelope: Envelope,
        also_later: Sequence[FactRef] = (),
        died_at: datetime | None = None,
        name: str = "discharge",
    ) -> UUID:
        """Close the stay. Returns the id of the movement, which each stopped prescription names.

        ``also_later``: doses and prescriptions that lie after it, which are refused with its own.
        ``name``: of the movement within the command.
        """
        movement = self._new_id(envelope, name)
        event = self.next_event(
            Stay.Discharged,
            envelope,
            movement=movement,
            disposition=disposition,
            destination=destination,
            discharge_medicines=discharge_medicines,
        )
        self._check(event, movement, died_at=died_at, other_facts=also_later)
        self.add(event)
        return movement

    # -- cancels and corrections --

    def cancel_admission(
        self,
        because: CancellationReason,
        void_clinical_facts: bool,
        envelope: Envelope,
        died_at: datetime | None = None,
        clinical: Sequence[FactRef] = (),
    ) -> None:
        """Take the whole stay back. ``clinical``: the prescriptions and doses recorded in it.

        Raises ContradictsLaterFacts if there are clinical facts that are not to be voided too.
        """
        admission = self.history.admission
        ended_at = self.history.ended_at
        is_void = admission is not None and because is CancellationReason.ENTERED_IN_ERROR
        if admission is None or (
            ended_at is not None and (self.history.discharge is not None or not is_void)
        ):
            raise StayNotOpen(self.id, ended_at or envelope.occurred_at)
        observations = [f for f in self.history.facts if isinstance(f, Observation)]
        blocking_facts = [self.history.ref(f) for f in observations] + list(clinical)
        if blocking_facts and not void_clinical_facts:
            raise ContradictsLaterFacts(tuple(blocking_facts))
        cancel = self._new_id(envelope, "cancel")
        event = self.next_event(
            Stay.AdmissionCancelled,
            envelope,
            cancel=cancel,
            movement=admission.id,
            because=because,
            voided=tuple(f.id for f in observations),
        )
        if because is CancellationReason.DECISION_REVERSED:
            evolve(self.history, event).check([cancel], died_at)
        self.add(event)

    def cancel_movement(
        self,
        movement: UUID,
        because: CancellationReason,
        place: Place | None,
        envelope: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        """Take a movement back; reversed, ``place`` may name another place than the one before."""
        error = because is CancellationReason.ENTERED_IN_ERROR
        if error and place is not None:
            raise InvalidInput(
                "bed", "what was entered in error leads nowhere; to name a bed, correct it"
            )
        self._cancel(Stay.MovementCancelled, movement, because, place, envelope, died_at)

    def cancel_discharge(
        self,
        discharge: Discharge,
        because: CancellationReason,
        place: Place | None,
        envelope: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        """Take a discharge back. Reversed, ``place`` says where the patient comes back to.

        Entered in error, the patient never left; a place that is named is where the patient was
        from the time of the discharge on.
        """
        if because is CancellationReason.DECISION_REVERSED and place is None:
            raise InvalidInput("bed", "name the bed, or the place, that the patient returns to")
        self._cancel(Stay.DischargeCancelled, discharge.id, because, place, envelope, died_at)

    def _cancel(
        self,
        event_class: type[Event],
        movement: UUID,
        because: CancellationReason,
        place: Place | None,
        envelope: Envelope,
        died_at: datetime | None,
    ) -> None:
        cancel = self._new_id(envelope, "cancel")
        event = self.next_event(
            event_class,
            envelope,
            cancel=cancel,
            movement=movement,
            because=because,
            **_fields(place),
        )
        is_fact = because is CancellationReason.DECISION_REVERSED or place is not None
        self._check(event, *([cancel] if is_fact else []), died_at=died_at)
        self.add(event)

    def correct_movement(
        self,
        movement: UUID,
        at: datetime | None,
        precision: Precision | None,
        place: Place | None,
        envelope: Envelope,
        died_at: datetime | None = None,
        *,
        movements_with_time: Container[UUID] = (),
        **details: object,
    ) -> None:
        """Correct a movement. The time of an admission takes its bed along.

        ``movements_with_time``: those whose time the command says itself. ``details``: other
        fields of the movement's event, None of what is unknown. With checks deferred, a part that
        changes nothing is no fault.
        """
        fact = self.movement(movement)
        at = corrected_time(at, precision, fact.at)
        facts = [_known(fact.with_correction(at, place, details), precision)]
        if isinstance(facts[0], Admission):
            _check_decision(facts[0].decided_to_admit_at, facts[0].at)
        if isinstance(fact, Admission) and at is not None:
            facts += [
                _known(f.with_correction(at, None), precision)
                for f in self.history.facts
                if isinstance(f, Move)
                and f.act == fact.act
                and f.at == fact.at
                and f.id not in movements_with_time
            ]
        if not [f for f in facts if f != self.history.fact(f.id)]:
            if self.deferred is not None:
                return
            raise InvalidInput("movement_id", "the movement is so already; say what is different")
        self._check_history(self.history.with_replaced(*facts), [f.id for f in facts], died_at)
        for corrected_fact in facts:
            named_details = details if corrected_fact.id == movement else {}
            known_details = {k: value for k, value in named_details.items() if value is not None}
            self.record(
                Stay.MovementCorrected,
                envelope,
                movement=corrected_fact.id,
                at=at,
                precision=precision,
                **_fields(place if corrected_fact.id == movement else None),
                **known_details,
                unknown=tuple(
                    MovementDetail(name.upper())
                    for name in named_details
                    if name not in known_details
                ),
            )

    def retime(self, fact: UUID, at: datetime, precision: Precision, envelope: Envelope) -> None:
        if isinstance(self.history.fact(fact), Observation):
            super().retime(fact, at, precision, envelope)
        else:
            self.correct_movement(fact, at, precision, None, envelope)

    def correct_patient(self, patient: UUID, about: About, envelope: Envelope) -> None:
        """Record that the stay is of another patient. Raises InvalidInput if it is already."""
        if patient == self.patient:
            raise InvalidInput("patient_mrn", "the stay is of that patient already")
        self.about = about
        self.record(Stay.PatientCorrected, envelope, patient=patient)


def _known(fact: Fact, precision: Precision | None) -> Fact:
    """Return a fact with how precisely its time is known; None leaves that."""
    return fact if precision is None else replace(fact, precision=precision)


def _check_decision(decided_at: datetime | None, admitted_at: datetime) -> None:
    """Refuse a decision to admit that came long after the admission. Raises InvalidInput."""
    if decided_at is not None and decided_at - admitted_at > DECIDED_AFTERWARDS:
        raise InvalidInput(
            "decided_to_admit_at",
            "it lies more than a day after the admission; correct one of them",
        )


def _fields(place: Place | None) -> dict[str, BedRef | UUID | str | None]:
    """Return a place as the fields of an event that names one."""
    place = place or Place()
    return {
        "bed": place.bed,
        "shares_bed_of": place.shares_bed_of,
        "without_bed": place.without_bed,
    }
