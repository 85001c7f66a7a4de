"""A stay: one patient's time in the hospital, from admission to discharge."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from domain.aggregate import Aggregate, Event, event
from domain.entry import Entry, Sealed, Text
from domain.facts import (
    Admission,
    AttendingChange,
    Discharge,
    Disposition,
    Fact,
    LeaveEnd,
    LeaveStart,
    Move,
    Place,
    Plan,
    PlanChange,
    Seen,
    SpecialtyChange,
    Status,
)
from domain.history import History, Stretch
from domain.patient import Confidentiality
from domain.refusals import BedRef, FactRef, OutsideStay, StayStateBroken
from domain.time import Moment

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
        plan: Plan
        expected_at: Moment | None

    class Discharged(Event):
        TOPIC = "stay.discharged"
        movement: UUID
        disposition: Disposition
        destination: Text | None
        discharge_medicines: tuple[UUID, ...]

    def __init__(self) -> None:
        self.history = History(self.id)
        self.patient: UUID | None = None

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        return self.history.stretches

    # -- decide: rules run once, when the command is given --

    def admit(
        self,
        patient: UUID,
        admission_type: AdmissionType,
        entry: Entry,
        *,
        died_at: datetime | None = None,
        decided_to_admit_at: datetime | None = None,
        attending: UUID | None = None,
        specialty: str | None = None,
        without_bed: str | None = None,
        confidentiality: Confidentiality = Confidentiality.NORMAL,
    ) -> None:
        movement = entry.id_of("admission")
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

    def allocate_room(self, bed: BedRef, entry: Entry, shares_bed_of: UUID | None = None) -> None:
        """The first bed. Refused where the patient already has one: that is a transfer."""
        movement = entry.id_of("allocation")
        self._may(None, self._move(movement, entry, Place(bed, shares_bed_of)))
        state = self.history.at(entry.occurred_at)
        if state and state.place.bed:
            raise StayStateBroken(
                f"the patient already has bed {state.place.bed.bed} then; transfer instead"
            )
        self._room_allocated(movement=movement, bed=bed, shares_bed_of=shares_bed_of, entry=entry)

    def transfer(self, place: Place, entry: Entry) -> None:
        """To another bed, or to a place without one (corridor, trolley), which is said."""
        movement = entry.id_of("transfer")
        self._may(None, self._move(movement, entry, place))
        state = self.history.at(entry.occurred_at)
        if state and state.place == place:
            raise StayStateBroken("the patient is in that place then already")
        self._transferred(
            movement=movement,
            bed=place.bed,
            shares_bed_of=place.shares_bed_of,
            without_bed=place.without_bed,
            entry=entry,
        )

    def swap_bed(self, bed: BedRef, with_stay: UUID, entry: Entry) -> None:
        movement = entry.id_of("swap")
        self._may(None, self._move(movement, entry, Place(bed)))
        self._bed_swapped(movement=movement, with_stay=with_stay, bed=bed, entry=entry)

    def start_leave(
        self,
        keeps_bed: bool,
        expected_return: datetime | None,
        entry: Entry,
        died_at: datetime | None = None,
    ) -> None:
        movement = entry.id_of("leave")
        self._may(
            died_at,
            self._fact(LeaveStart, movement, entry, keeps_bed=keeps_bed),
        )
        self._leave_started(
            movement=movement, keeps_bed=keeps_bed, expected_return=expected_return, entry=entry
        )

    def end_leave(self, place: Place | None, entry: Entry, died_at: datetime | None = None) -> None:
        """Back to the kept bed (``place`` None), or to the place that is named."""
        movement = entry.id_of("return")
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

    def change_attending(self, attending: UUID, entry: Entry) -> None:
        movement = entry.id_of("attending")
        fact = self._fact(AttendingChange, movement, entry, attending=attending)
        self._may(None, fact)
        self._attending_changed(movement=movement, attending=attending, entry=entry)

    def change_specialty(self, specialty: str, entry: Entry) -> None:
        movement = entry.id_of("specialty")
        fact = self._fact(SpecialtyChange, movement, entry, specialty=specialty)
        self._may(None, fact)
        self._specialty_changed(movement=movement, specialty=specialty, entry=entry)

    def record_visit(
        self,
        practitioner: UUID,
        visit_kind: VisitKind,
        note: str | None,
        entry: Entry,
        died_at: datetime | None = None,
    ) -> None:
        visit = entry.id_of("visit")
        self._may(
            died_at,
            self._fact(
                Seen,
                visit,
                entry,
            ),
        )
        self._visit_recorded(
            visit=visit, practitioner=practitioner, visit_kind=visit_kind, note=note, entry=entry
        )

    def plan_discharge(self, plan: Plan, expected_at: datetime | None, entry: Entry) -> None:
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
        entry: Entry,
        also_later: Sequence[FactRef] = (),
    ) -> UUID:
        """Close the stay. Returns the id of the movement, which each stopped prescription names.

        ``also_later``: doses and prescriptions that lie after it, which are refused with its own.
        """
        movement = entry.id_of("discharge")
        fact = self._fact(
            Discharge, movement, entry, disposition=disposition, destination=destination
        )
        self.history.adding(fact).check([movement], also=also_later)
        self._discharged(
            movement=movement,
            disposition=disposition,
            destination=destination,
            discharge_medicines=discharge_medicines,
            entry=entry,
        )
        return movement

    def must_include(self, moment: datetime, what: str) -> None:
        """Refuse a clinical fact that lies outside the stay."""
        if not self.history.includes(moment):
            raise OutsideStay(self.id, what)

    def must_outlive(self, died_at: datetime) -> None:
        """Refuse a time of death that this stay's clinical facts contradict."""
        self.history.check((), died_at)

    def _move(self, movement: UUID, entry: Entry, place: Place) -> Move:
        return self._fact(Move, movement, entry, place=place)

    def _fact(self, kind: Callable[..., F], id: UUID, entry: Entry, **data: Any) -> F:
        return kind(id=id, at=entry.occurred_at, order=self.version + 1, **data)

    def _may(self, died_at: datetime | None, candidate: Fact) -> None:
        self.history.adding(candidate).check([candidate.id], died_at)

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
        entry: Entry,
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
        self, movement: UUID, bed: BedRef, shares_bed_of: UUID | None, entry: Entry
    ) -> None:
        self._happened(self._move(movement, entry, Place(bed, shares_bed_of)))

    @event(Transferred)
    def _transferred(
        self,
        movement: UUID,
        bed: BedRef | None,
        shares_bed_of: UUID | None,
        without_bed: str | None,
        entry: Entry,
    ) -> None:
        self._happened(self._move(movement, entry, Place(bed, shares_bed_of, without_bed)))

    @event(BedSwapped)
    def _bed_swapped(self, movement: UUID, with_stay: UUID, bed: BedRef, entry: Entry) -> None:
        self._happened(self._move(movement, entry, Place(bed)))

    @event(LeaveStarted)
    def _leave_started(
        self, movement: UUID, keeps_bed: bool, expected_return: datetime | None, entry: Entry
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
        entry: Entry,
    ) -> None:
        named = Place(bed, shares_bed_of, without_bed)
        self._happened(
            self._fact(
                LeaveEnd,
                movement,
                entry,
                place=None if named == Place() else named,
            )
        )

    @event(AttendingChanged)
    def _attending_changed(self, movement: UUID, attending: UUID, entry: Entry) -> None:
        self._happened(self._fact(AttendingChange, movement, entry, attending=attending))

    @event(SpecialtyChanged)
    def _specialty_changed(self, movement: UUID, specialty: str, entry: Entry) -> None:
        self._happened(self._fact(SpecialtyChange, movement, entry, specialty=specialty))

    @event(VisitRecorded)
    def _visit_recorded(
        self,
        visit: UUID,
        practitioner: UUID,
        visit_kind: VisitKind,
        note: str | None,
        entry: Entry,
    ) -> None:
        self._happened(
            self._fact(
                Seen,
                visit,
                entry,
            )
        )

    @event(DischargePlanned)
    def _discharge_planned(
        self, movement: UUID, plan: Plan, expected_at: datetime | None, entry: Entry
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
        entry: Entry,
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

    def _happened(self, fact: Fact) -> None:
        self.history = self.history.adding(fact)

    @property
    def is_open(self) -> bool:
        """Whether the patient is in the hospital (or on leave) as held now."""
        return bool(self.history.segments) and self.history.segments[-1][1].status in (
            Status.ADMITTED,
            Status.ON_LEAVE,
        )
