"""A stay: one patient's time in the hospital, from admission to discharge."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Event, event
from domain.envelope import Envelope, Sealed, Text
from domain.patient import Confidentiality
from domain.refusals import (
    BedRef,
    ContradictsLaterFacts,
    FactRef,
    InvalidInput,
    MovementNotFound,
    OutsideStay,
    StayNotOpen,
    StayStateBroken,
)
from domain.stay.facts import (
    Admission,
    AttendingChange,
    CancellationReason,
    Discharge,
    DischargePlan,
    Disposition,
    Fact,
    LeaveEnd,
    LeaveStart,
    Move,
    Place,
    PlanChange,
    Reversal,
    SpecialtyChange,
    Status,
    VisitFact,
    VoidedAdmission,
)
from domain.stay.history import History, Stretch
from domain.time import Moment, Precision

F = TypeVar("F", bound=Fact)


class AdmissionType(StrEnum):
    """How the patient came in."""

    EMERGENCY = "EMERGENCY"
    ELECTIVE = "ELECTIVE"
    MATERNITY = "MATERNITY"
    NEWBORN = "NEWBORN"
    TRANSFER_IN = "TRANSFER_IN"
    DAY_CASE = "DAY_CASE"


class VisitKind(StrEnum):
    """What kind of visit a doctor paid."""

    ROUND = "ROUND"
    REVIEW = "REVIEW"
    CONSULT = "CONSULT"


class Stay(Aggregate):
    """The movements, visits and discharge of one stay; its rules are those of its `History`."""

    TOPIC = "stay"

    class Admitted(Event):
        TOPIC = "stay.admitted"
        movement: UUID
        patient: UUID
        admission_type: AdmissionType
        decided_to_admit_at: Moment | None
        attending: UUID | None
        specialty: Text | None
        without_bed: Text | None
        confidentiality: Confidentiality

    class RoomAllocated(Event):
        TOPIC = "stay.room-allocated"
        movement: UUID
        bed: BedRef
        shares_bed_of: UUID | None

    class Transferred(Event):
        TOPIC = "stay.transferred"
        movement: UUID
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: Text | None

    class BedSwapped(Event):
        """One half of a swap; the other half has the same movement id, in the other stay."""

        TOPIC = "stay.bed-swapped"
        movement: UUID
        with_stay: UUID
        bed: BedRef

    class LeaveStarted(Event):
        TOPIC = "stay.leave-started"
        movement: UUID
        keeps_bed: bool
        expected_return: Moment | None

    class LeaveEnded(Event):
        TOPIC = "stay.leave-ended"
        movement: UUID
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: Text | None

    class AttendingChanged(Event):
        TOPIC = "stay.attending-changed"
        movement: UUID
        attending: UUID

    class SpecialtyChanged(Event):
        TOPIC = "stay.specialty-changed"
        movement: UUID
        specialty: Text

    class VisitRecorded(Event):
        TOPIC = "stay.visit-recorded"
        visit: UUID
        practitioner: UUID
        visit_kind: VisitKind
        note: Sealed | None

    class DischargePlanned(Event):
        TOPIC = "stay.discharge-planned"
        movement: UUID
        plan: DischargePlan
        expected_at: Moment | None

    class Discharged(Event):
        TOPIC = "stay.discharged"
        movement: UUID
        disposition: Disposition
        destination: Text | None
        discharge_medicines: tuple[UUID, ...]

    class AdmissionCancelled(Event):
        """``voided``: the visits that are taken back with an admission entered in error."""

        TOPIC = "stay.admission-cancelled"
        cancel: UUID
        movement: UUID
        because: CancellationReason
        voided: tuple[UUID, ...]

    class MovementCancelled(Event):
        """Reversed, the place before it holds again, unless another is named."""

        TOPIC = "stay.movement-cancelled"
        cancel: UUID
        movement: UUID
        because: CancellationReason
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: Text | None

    class DischargeCancelled(Event):
        """Reversed, the patient comes back to the place that is named."""

        TOPIC = "stay.discharge-cancelled"
        cancel: UUID
        movement: UUID
        because: CancellationReason
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: Text | None

    class MovementCorrected(Event):
        """It happened at another time (``at``) or in another place; what is absent stays."""

        TOPIC = "stay.movement-corrected"
        movement: UUID
        at: Moment | None
        precision: Precision | None
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: Text | None

    class VisitAmended(Event):
        """What is absent stays as it was."""

        TOPIC = "stay.visit-amended"
        visit: UUID
        at: Moment | None
        precision: Precision | None
        practitioner: UUID | None
        visit_kind: VisitKind | None
        note: Sealed | None

    class VisitCancelled(Event):
        """Entered in error: it never was."""

        TOPIC = "stay.visit-cancelled"
        visit: UUID

    def __init__(self) -> None:
        self.history = History(self.id)
        self.together: set[UUID] | None = None
        self.patient: UUID | None = None

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        return self.history.stretches

    # -- decide: rules run once, when the command is given --

    def admit(
        self,
        patient: UUID,
        admission_type: AdmissionType,
        entry: Envelope,
        *,
        died_at: datetime | None = None,
        decided_to_admit_at: datetime | None = None,
        attending: UUID | None = None,
        specialty: str | None = None,
        without_bed: str | None = None,
        confidentiality: Confidentiality = Confidentiality.NORMAL,
    ) -> None:
        movement = self._new_id(entry, "admission")
        self._may(
            died_at,
            self._fact(Admission, movement, entry, attending=attending, specialty=specialty),
        )
        self._admitted(
            movement=movement,
            patient=patient,
            admission_type=admission_type,
            decided_to_admit_at=decided_to_admit_at,
            attending=attending,
            specialty=specialty,
            without_bed=without_bed,
            confidentiality=confidentiality,
            entry=entry,
        )

    def allocate_room(
        self, bed: BedRef, entry: Envelope, shares_bed_of: UUID | None = None
    ) -> None:
        """The first bed. Refused where the patient already has one: that is a transfer."""
        movement = self._new_id(entry, "allocation")
        self._may(None, self._move(movement, entry, Place(bed, shares_bed_of)))
        state = self.history.at(entry.occurred_at)
        if self.together is None and state and state.place.bed:
            raise StayStateBroken(
                f"the patient already has bed {state.place.bed.bed} then; transfer instead"
            )
        self._room_allocated(movement=movement, bed=bed, shares_bed_of=shares_bed_of, entry=entry)

    def transfer(self, place: Place, entry: Envelope) -> None:
        """To another bed, or to a place without one (corridor, trolley), which is said."""
        movement = self._new_id(entry, "transfer")
        self._may(None, self._move(movement, entry, place))
        state = self.history.at(entry.occurred_at)
        if self.together is None and state and state.place == place:
            raise StayStateBroken("the patient is in that place then already")
        self._transferred(
            movement=movement,
            bed=place.bed,
            shares_bed_of=place.shares_bed_of,
            without_bed=place.without_bed,
            entry=entry,
        )

    def swap_bed(self, bed: BedRef, with_stay: UUID, entry: Envelope) -> None:
        movement = entry.id_of("swap")
        self._may(None, self._move(movement, entry, Place(bed), with_stay))
        self._bed_swapped(movement=movement, with_stay=with_stay, bed=bed, entry=entry)

    def start_leave(
        self,
        keeps_bed: bool,
        expected_return: datetime | None,
        entry: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        movement = self._new_id(entry, "leave")
        self._may(
            died_at,
            self._fact(LeaveStart, movement, entry, keeps_bed=keeps_bed),
        )
        self._leave_started(
            movement=movement, keeps_bed=keeps_bed, expected_return=expected_return, entry=entry
        )

    def end_leave(
        self, place: Place | None, entry: Envelope, died_at: datetime | None = None
    ) -> None:
        """Back to the kept bed (``place`` None), or to the place that is named."""
        movement = self._new_id(entry, "return")
        if place == Place():
            place = None  # a place that says nothing is none, as the event will have it
        self._may(
            died_at,
            self._fact(LeaveEnd, movement, entry, place=place),
        )
        self._leave_ended(
            movement=movement,
            bed=place.bed if place else None,
            shares_bed_of=place.shares_bed_of if place else None,
            without_bed=place.without_bed if place else None,
            entry=entry,
        )

    def change_attending(self, attending: UUID, entry: Envelope) -> None:
        movement = entry.id_of("attending")
        fact = self._fact(AttendingChange, movement, entry, attending=attending)
        self._may(None, fact)
        self._attending_changed(movement=movement, attending=attending, entry=entry)

    def change_specialty(self, specialty: str, entry: Envelope) -> None:
        movement = entry.id_of("specialty")
        fact = self._fact(SpecialtyChange, movement, entry, specialty=specialty)
        self._may(None, fact)
        self._specialty_changed(movement=movement, specialty=specialty, entry=entry)

    def record_visit(
        self,
        practitioner: UUID,
        visit_kind: VisitKind,
        note: str | None,
        entry: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        visit = entry.id_of("visit")
        self._may(
            died_at,
            self._fact(
                VisitFact,
                visit,
                entry,
            ),
        )
        self._visit_recorded(
            visit=visit, practitioner=practitioner, visit_kind=visit_kind, note=note, entry=entry
        )

    def plan_discharge(
        self, plan: DischargePlan, expected_at: datetime | None, entry: Envelope
    ) -> None:
        movement = entry.id_of("discharge-plan")
        fact = self._fact(
            PlanChange,
            movement,
            entry,
            plan=plan,
            expected_discharge=expected_at,
        )
        self._may(None, fact)
        self._discharge_planned(movement=movement, plan=plan, expected_at=expected_at, entry=entry)

    def discharge(
        self,
        disposition: Disposition,
        destination: str | None,
        discharge_medicines: tuple[UUID, ...],
        entry: Envelope,
        also_later: Sequence[FactRef] = (),
    ) -> UUID:
        """Close the stay. Returns the id of the movement, which each stopped prescription names.

        ``also_later``: doses and prescriptions that lie after it, which are refused with its own.
        """
        movement = self._new_id(entry, "discharge")
        fact = self._fact(
            Discharge, movement, entry, disposition=disposition, destination=destination
        )
        if self.together is not None:
            self.together.add(movement)
        else:
            self.history.adding(fact).check([movement], also=also_later)
        self._discharged(
            movement=movement,
            disposition=disposition,
            destination=destination,
            discharge_medicines=discharge_medicines,
            entry=entry,
        )
        return movement

    # -- decide: taking back and putting right --

    def cancel_admission(
        self,
        because: CancellationReason,
        void_clinical_facts: bool,
        entry: Envelope,
        died_at: datetime | None = None,
        clinical: Sequence[FactRef] = (),
    ) -> None:
        """Take the whole stay back. ``clinical``: the prescriptions and doses recorded in it.

        Clinical facts stop it, unless they are to be voided too.
        """
        admission = self.history.admission
        if admission is None or self.history.ended_at is not None:
            at = self.history.ended_at or entry.occurred_at
            raise StayNotOpen(self.id, at)
        visits = [f for f in self.history.facts if isinstance(f, VisitFact)]
        recorded = [self.history.ref(f) for f in visits] + list(clinical)
        if recorded and not void_clinical_facts:
            raise ContradictsLaterFacts(tuple(recorded))
        voided = tuple(v.id for v in visits)
        cancel = self._new_id(entry, "cancel")
        if because is CancellationReason.DECISION_REVERSED:
            reversal = self._fact(Reversal, cancel, entry, of=admission.id)
            self.history.without(voided).adding(reversal).check([cancel], died_at)
        self._admission_cancelled(
            cancel=cancel, movement=admission.id, because=because, voided=voided, entry=entry
        )

    def cancel_movement(
        self,
        movement: UUID,
        because: CancellationReason,
        place: Place | None,
        entry: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        """Take a movement back; reversed, ``place`` may name another place than the one before."""
        cancel = self._new_id(entry, "cancel")
        if because is CancellationReason.ENTERED_IN_ERROR:
            if place is not None:
                raise InvalidInput(
                    "bed", "what was entered in error leads nowhere; to name a bed, correct it"
                )
            self._may(died_at, without=[movement])
        else:
            self._may(died_at, self._fact(Reversal, cancel, entry, of=movement, place=place))
        named = place or Place()
        self._movement_cancelled(
            cancel=cancel,
            movement=movement,
            because=because,
            bed=named.bed,
            shares_bed_of=named.shares_bed_of,
            without_bed=named.without_bed,
            entry=entry,
        )

    def cancel_discharge(
        self,
        discharge: Discharge,
        because: CancellationReason,
        place: Place | None,
        entry: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        """Take a discharge back. Reversed, it must be said where the patient comes back to.

        Entered in error, the patient never left; a place that is named is where the patient was
        from the time of the discharge on.
        """
        cancel = self._new_id(entry, "cancel")
        if because is CancellationReason.DECISION_REVERSED:
            if place is None:
                raise InvalidInput("bed", "name the bed, or the place, that the patient returns to")
            self._may(died_at, self._fact(Reversal, cancel, entry, of=discharge.id, place=place))
        elif place is None:
            self._may(died_at, without=[discharge.id])
        else:
            moved = Move(
                id=cancel, at=discharge.at, order=discharge.order, act=entry.command_id, place=place
            )
            self._may(died_at, moved, without=[discharge.id])
        named = place or Place()
        self._discharge_cancelled(
            cancel=cancel,
            movement=discharge.id,
            because=because,
            bed=named.bed,
            shares_bed_of=named.shares_bed_of,
            without_bed=named.without_bed,
            entry=entry,
        )

    def correct_movement(
        self,
        movement: UUID,
        at: datetime | None,
        precision: Precision | None,
        place: Place | None,
        entry: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        """It happened at another time, or in another place. An admission takes its bed along."""
        fact = self.movement(movement)
        facts = [fact.corrected(at, place)]
        if isinstance(fact, Admission) and at is not None:
            facts += [
                f.corrected(at, None)
                for f in self.history.facts
                if isinstance(f, Move) and f.act == fact.act and f.at == fact.at
            ]
        if not [f for f in facts if f != self.history.fact(f.id)]:
            raise InvalidInput("movementId", "the movement is so already; say what is different")
        self._may(died_at, *facts)
        for corrected in facts:
            named = (place if corrected.id == movement else None) or Place()
            self._movement_corrected(
                movement=corrected.id,
                at=at,
                precision=precision,
                bed=named.bed,
                shares_bed_of=named.shares_bed_of,
                without_bed=named.without_bed,
                entry=entry,
            )

    def amend_visit(
        self,
        visit: UUID,
        at: datetime | None,
        precision: Precision | None,
        practitioner: UUID | None,
        visit_kind: VisitKind | None,
        note: str | None,
        entry: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        """Say what was different about a visit: its time, the doctor, the kind, the note."""
        if at is None and practitioner is None and visit_kind is None and note is None:
            raise InvalidInput(
                "note", "say what was different: occurredAt, practitioner, kind, note"
            )
        self._may(died_at, self.visit(visit).corrected(at, None))
        self._visit_amended(
            visit=visit,
            at=at,
            precision=precision,
            practitioner=practitioner,
            visit_kind=visit_kind,
            note=note,
            entry=entry,
        )

    def cancel_visit(self, visit: UUID, entry: Envelope) -> None:
        """The visit never was."""
        self.visit(visit)
        self._visit_cancelled(visit=visit, entry=entry)

    def movement(self, id: UUID, field: str = "movementId") -> Fact:
        """A movement that is held true."""
        fact = self.history.fact(id)
        if fact is None or isinstance(fact, VisitFact | VoidedAdmission):
            raise MovementNotFound("movement", id, field, cancelled=True)
        return fact

    def visit(self, id: UUID) -> VisitFact:
        """A visit that is held true."""
        fact = self.history.fact(id)
        if not isinstance(fact, VisitFact):
            raise MovementNotFound("visit", id, "visitId", cancelled=True)
        return fact

    def defer_checks(self) -> None:
        """From now on decide without looking; `check_together` looks at what comes out of it."""
        self.together = set()

    def check_together(self, died_at: datetime | None) -> None:
        """Refuse the end result of what was decided together, if it breaks a rule."""
        assert self.together is not None
        self.history.check(self.together, died_at)
        self.together = None

    def must_include(self, moment: datetime, what: str) -> None:
        """Refuse a clinical fact that lies outside the stay."""
        if not self.history.includes(moment):
            raise OutsideStay(self.id, what)

    def must_outlive(self, died_at: datetime) -> None:
        """Refuse a time of death that this stay's clinical facts contradict."""
        self.history.check((), died_at)

    def _move(
        self, movement: UUID, entry: Envelope, place: Place, with_stay: UUID | None = None
    ) -> Move:
        return self._fact(Move, movement, entry, place=place, with_stay=with_stay)

    def _fact(self, kind: Callable[..., F], id: UUID, entry: Envelope, **data: Any) -> F:
        return kind(
            id=id, at=entry.occurred_at, order=self.version + 1, act=entry.command_id, **data
        )

    def _new_id(self, entry: Envelope, what: str) -> UUID:
        """The id of a new movement; a command that makes several of a kind gets several ids."""
        id = entry.id_of(what)
        return id if self.together is None else uuid5(id, f"{self.id} {self.version}")

    def _may(
        self, died_at: datetime | None, *candidates: Fact, without: Iterable[UUID] = ()
    ) -> None:
        ids = [c.id for c in candidates]
        if self.together is not None:
            self.together.update(ids)
        else:
            self.history.without(without).putting(*candidates).check(ids, died_at)

    # -- evolve: assignments only, run on every replay, never refuse --

    @event(Admitted)
    def _admitted(
        self,
        movement: UUID,
        patient: UUID,
        admission_type: AdmissionType,
        decided_to_admit_at: datetime | None,
        attending: UUID | None,
        specialty: str | None,
        without_bed: str | None,
        confidentiality: Confidentiality,
        entry: Envelope,
    ) -> None:
        self.patient = patient
        self.admission_type = admission_type
        self.decided_to_admit_at = decided_to_admit_at
        self.confidentiality = confidentiality
        self._happened(
            self._fact(
                Admission,
                movement,
                entry,
                attending=attending,
                specialty=specialty,
                without_bed=without_bed,
            )
        )

    @event(RoomAllocated)
    def _room_allocated(
        self, movement: UUID, bed: BedRef, shares_bed_of: UUID | None, entry: Envelope
    ) -> None:
        self._happened(self._move(movement, entry, Place(bed, shares_bed_of)))

    @event(Transferred)
    def _transferred(
        self,
        movement: UUID,
        bed: BedRef | None,
        shares_bed_of: UUID | None,
        without_bed: str | None,
        entry: Envelope,
    ) -> None:
        self._happened(self._move(movement, entry, Place(bed, shares_bed_of, without_bed)))

    @event(BedSwapped)
    def _bed_swapped(self, movement: UUID, with_stay: UUID, bed: BedRef, entry: Envelope) -> None:
        self._happened(self._move(movement, entry, Place(bed), with_stay))

    @event(LeaveStarted)
    def _leave_started(
        self, movement: UUID, keeps_bed: bool, expected_return: datetime | None, entry: Envelope
    ) -> None:
        self._happened(
            self._fact(
                LeaveStart,
                movement,
                entry,
                keeps_bed=keeps_bed,
                expected_return=expected_return,
            )
        )

    @event(LeaveEnded)
    def _leave_ended(
        self,
        movement: UUID,
        bed: BedRef | None,
        shares_bed_of: UUID | None,
        without_bed: str | None,
        entry: Envelope,
    ) -> None:
        place = _named(bed, shares_bed_of, without_bed)
        self._happened(self._fact(LeaveEnd, movement, entry, place=place))

    @event(AttendingChanged)
    def _attending_changed(self, movement: UUID, attending: UUID, entry: Envelope) -> None:
        self._happened(self._fact(AttendingChange, movement, entry, attending=attending))

    @event(SpecialtyChanged)
    def _specialty_changed(self, movement: UUID, specialty: str, entry: Envelope) -> None:
        self._happened(self._fact(SpecialtyChange, movement, entry, specialty=specialty))

    @event(VisitRecorded)
    def _visit_recorded(
        self,
        visit: UUID,
        practitioner: UUID,
        visit_kind: VisitKind,
        note: str | None,
        entry: Envelope,
    ) -> None:
        self._happened(
            self._fact(
                VisitFact,
                visit,
                entry,
            )
        )

    @event(DischargePlanned)
    def _discharge_planned(
        self, movement: UUID, plan: DischargePlan, expected_at: datetime | None, entry: Envelope
    ) -> None:
        self._happened(
            self._fact(
                PlanChange,
                movement,
                entry,
                plan=plan,
                expected_discharge=expected_at,
            )
        )

    @event(Discharged)
    def _discharged(
        self,
        movement: UUID,
        disposition: Disposition,
        destination: str | None,
        discharge_medicines: tuple[UUID, ...],
        entry: Envelope,
    ) -> None:
        self._happened(
            self._fact(
                Discharge,
                movement,
                entry,
                disposition=disposition,
                destination=destination,
            )
        )

    @event(AdmissionCancelled)
    def _admission_cancelled(
        self,
        cancel: UUID,
        movement: UUID,
        because: CancellationReason,
        voided: tuple[UUID, ...],
        entry: Envelope,
    ) -> None:
        admission = self.history.admission
        if because is CancellationReason.ENTERED_IN_ERROR and admission is not None:
            never = self._fact(VoidedAdmission, cancel, entry, admission=admission)
            self.history = History(self.id, (replace(never, at=admission.at),))
        else:
            self.history = self.history.without(voided)
            self._happened(self._fact(Reversal, cancel, entry, of=movement))

    @event(MovementCancelled)
    def _movement_cancelled(
        self,
        cancel: UUID,
        movement: UUID,
        because: CancellationReason,
        bed: BedRef | None,
        shares_bed_of: UUID | None,
        without_bed: str | None,
        entry: Envelope,
    ) -> None:
        if because is CancellationReason.ENTERED_IN_ERROR:
            self.history = self.history.without([movement])
        else:
            place = _named(bed, shares_bed_of, without_bed)
            self._happened(self._fact(Reversal, cancel, entry, of=movement, place=place))

    @event(DischargeCancelled)
    def _discharge_cancelled(
        self,
        cancel: UUID,
        movement: UUID,
        because: CancellationReason,
        bed: BedRef | None,
        shares_bed_of: UUID | None,
        without_bed: str | None,
        entry: Envelope,
    ) -> None:
        place = _named(bed, shares_bed_of, without_bed)
        if because is CancellationReason.DECISION_REVERSED:
            self._happened(self._fact(Reversal, cancel, entry, of=movement, place=place))
            return
        discharge = self.history.fact(movement)
        self.history = self.history.without([movement])
        if place is not None and discharge is not None:
            self._happened(
                Move(
                    id=cancel,
                    at=discharge.at,
                    order=discharge.order,
                    act=entry.command_id,
                    place=place,
                )
            )

    @event(MovementCorrected)
    def _movement_corrected(
        self,
        movement: UUID,
        at: datetime | None,
        precision: Precision | None,
        bed: BedRef | None,
        shares_bed_of: UUID | None,
        without_bed: str | None,
        entry: Envelope,
    ) -> None:
        self._became(movement, at, _named(bed, shares_bed_of, without_bed))

    @event(VisitAmended)
    def _visit_amended(
        self,
        visit: UUID,
        at: datetime | None,
        precision: Precision | None,
        practitioner: UUID | None,
        visit_kind: VisitKind | None,
        note: str | None,
        entry: Envelope,
    ) -> None:
        self._became(visit, at, None)

    @event(VisitCancelled)
    def _visit_cancelled(self, visit: UUID, entry: Envelope) -> None:
        self.history = self.history.without([visit])

    def _became(self, id: UUID, at: datetime | None, place: Place | None) -> None:
        """A fact is otherwise; one that is not held (a reader may leave it out) stays unheld."""
        fact = self.history.fact(id)
        if fact is not None:
            self.history = self.history.putting(fact.corrected(at, place))

    def _happened(self, fact: Fact) -> None:
        self.history = self.history.adding(fact)

    @property
    def is_open(self) -> bool:
        """Whether the patient is in the hospital (or on leave) as held now."""
        return bool(self.history.segments) and self.history.segments[-1][1].status in (
            Status.ADMITTED,
            Status.ON_LEAVE,
        )


def _named(bed: BedRef | None, shares_bed_of: UUID | None, without_bed: str | None) -> Place | None:
    """The place that an event names; None if it names none."""
    place = Place(bed, shares_bed_of, without_bed)
    return None if place == Place() else place
