"""The facts of a stay: when each happened, and the state that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from domain.bed_ref import BedRef
from domain.fact_ref import FactKind
from domain.problems import Problem
from domain.refusals import InvalidInput, StayStateBroken
from domain.stay.terms import AdmissionType as AdmissionType
from domain.stay.terms import CancellationReason as CancellationReason
from domain.stay.terms import DischargePlan as DischargePlan
from domain.stay.terms import Disposition as Disposition
from domain.stay.terms import MovementDetail as MovementDetail
from domain.stay.terms import Status as Status
from domain.time import Precision


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a patient: a bed (perhaps the mother's, shared), or somewhere without one."""

    bed: BedRef | None = None
    shares_bed_of: UUID | None = None
    without_bed: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The state of a stay at one moment."""

    status: Status
    place: Place
    attending: UUID | None
    specialty: str | None
    bed_kept: bool = False
    expected_return: datetime | None = None
    plan: DischargePlan = DischargePlan.NONE
    expected_discharge: datetime | None = None
    disposition: Disposition | None = None
    destination: str | None = None
    admission_type: AdmissionType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact of a stay, in the ``order`` of recording.

    ``act`` is the command that recorded it: an admission with a bed is two facts of one act.
    """

    ASPECT: ClassVar[str] = "place"
    """Aspect of the state that it changes: the latest fact of an aspect is the one in force."""

    id: UUID
    at: datetime
    order: int
    act: UUID | None = None
    precision: Precision = Precision.MINUTE

    DETAILS: ClassVar[Mapping[str, str]] = {}
    """Further fields that a correction may change: those of its event, each with its name here."""

    def after(self, state: State) -> State:
        """Return the state that follows. Raises StayStateBroken if the fact is not allowed there."""
        raise NotImplementedError

    def with_correction(
        self, at: datetime | None, place: "Place | None", details: Mapping[str, Any] | None = None
    ) -> Self:
        """Return the fact as it was at another time, place or otherwise. Raises InvalidInput.

        None leaves the time or the place; ``details`` has other fields of its event, None of one that
        is unknown.
        """
        fact = self if place is None else self.with_place(place)
        for field, value in (details or {}).items():
            if field not in self.DETAILS:
                raise InvalidInput(
                    "keep_bed" if field == "keeps_bed" else field if value else "unknown",
                    f"the {kind_of(self)} has none that could be corrected",
                )
            if value is None and self.DETAILS[field] not in self._optional_fields():
                raise InvalidInput(
                    "unknown", f"the {kind_of(self)} says nothing else; cancel it if it never was"
                )
            fact = replace(fact, **{self.DETAILS[field]: value})
        return fact if at is None else replace(fact, at=at)

    @classmethod
    def _optional_fields(cls) -> set[str]:
        return {field.name for field in fields(cls) if field.default is None}

    def with_place(self, place: "Place") -> Self:
        """Return the fact in another place. Raises InvalidInput if it has none of its own."""
        raise InvalidInput("bed", "this movement has a time but no place of its own")


def _must_be_present(state: State, fact: str) -> None:
    if state.status is Status.ON_LEAVE:
        raise StayStateBroken(
            Problem.ABSENT, f"{fact} needs the patient here, and the patient is on leave then"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission(Fact):
    ASPECT = "stay"
    DETAILS = {
        name: name
        for name in (
            *("admission_type", "decided_to_admit_at", "attending", "specialty"),
            "without_bed",
        )
    }
    admission_type: AdmissionType
    decided_to_admit_at: datetime | None = None
    attending: UUID | None = None
    specialty: str | None = None
    without_bed: str | None = None

    def after(self, state: State) -> State:
        raise StayStateBroken(Problem.ADMITTED_BEFORE)

    def with_place(self, place: Place) -> Self:
        if place.bed is not None:
            raise InvalidInput("bed", "the first bed is a movement of its own; correct that one")
        return replace(self, without_bed=place.without_bed)

    def first(self) -> State:
        """Return the first state of the stay."""
        place = Place(without_bed=self.without_bed)
        return State(
            Status.ADMITTED,
            place,
            self.attending,
            self.specialty,
            admission_type=self.admission_type,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyCare(Fact):
    """The patient came to the emergency department, and was admitted afterwards."""

    ASPECT = "emergency care"
    DETAILS = {"departed_at": "departed_at"}
    departed_at: datetime | None = None
    """Moment at which the patient left the department, mostly after the admission; None if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move(Fact):
    """A change of place: the first bed, a transfer, one half of a swap (with the other stay)."""

    place: Place
    with_stay: UUID | None = None

    def with_place(self, place: Place) -> Self:
        if self.with_stay is not None:
            raise InvalidInput("bed", "a swap has no bed; cancel it and enter what happened")
        return replace(self, place=place)

    def after(self, state: State) -> State:
        _must_be_present(state, "a move")
        return replace(state, place=self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveStart(Fact):
    DETAILS = {name: name for name in ("keeps_bed", "expected_return")}
    keeps_bed: bool
    expected_return: datetime | None = None

    def after(self, state: State) -> State:
        if state.status is Status.ON_LEAVE:
            raise StayStateBroken(Problem.ON_LEAVE)
        if self.keeps_bed and state.place.bed is None:
            raise StayStateBroken(Problem.NO_BED_TO_KEEP)
        return replace(
            state,
            status=Status.ON_LEAVE,
            bed_kept=self.keeps_bed,
            place=state.place if self.keeps_bed else Place(),
            expected_return=self.expected_return,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveEnd(Fact):
    """A return from leave: to the kept bed (``place`` None), or to another place."""

    place: Place | None = None

    def with_place(self, place: Place) -> Self:
        return replace(self, place=place)

    def after(self, state: State) -> State:
        if state.status is not Status.ON_LEAVE:
            raise StayStateBroken(Problem.NOT_ON_LEAVE)
        if self.place is None and not state.bed_kept:
            raise StayStateBroken(Problem.BED_RELEASED)
        return replace(
            state,
            status=Status.ADMITTED,
            bed_kept=False,
            place=self.place or state.place,
            expected_return=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendingChange(Fact):
    ASPECT = "attending"
    DETAILS = {"attending": "attending"}
    attending: UUID

    def after(self, state: State) -> State:
        return replace(state, attending=self.attending)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialtyChange(Fact):
    ASPECT = "specialty"
    DETAILS = {"specialty": "specialty"}
    specialty: str

    def after(self, state: State) -> State:
        return replace(state, specialty=self.specialty)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeChange(Fact):
    """From then on the stay is of another type: a day case that became an inpatient."""

    ASPECT = "type"
    DETAILS = {"admission_type": "admission_type"}
    admission_type: AdmissionType

    def after(self, state: State) -> State:
        return replace(state, admission_type=self.admission_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChange(Fact):
    ASPECT = "plan"
    DETAILS = {"plan": "plan", "expected_at": "expected_discharge"}
    plan: DischargePlan
    expected_discharge: datetime | None = None

    def after(self, state: State) -> State:
        return replace(state, plan=self.plan, expected_discharge=self.expected_discharge)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Fact):
    """A clinical fact that changes no state but lies within the stay: a visit, by ``name``."""

    ASPECT = "observation"
    name: str

    @property
    def is_called_off(self) -> bool:
        """Return whether it says that something will not be: it may be told of who has left or died."""
        return self.name in ("consult withdrawal", "flag lowering")

    def after(self, state: State) -> State:
        return state


@dataclass(frozen=True, slots=True, kw_only=True)
class Discharge(Fact):
    DETAILS = {name: name for name in ("disposition", "destination")}
    disposition: Disposition
    destination: str | None = None
    medicines: tuple[UUID, ...] = ()
    """The prescriptions that go on as discharge medicines."""

    def after(self, state: State) -> State:
        return replace(
            state,
            status=Status.DISCHARGED,
            place=Place(),
            bed_kept=False,
            expected_return=None,
            plan=DischargePlan.NONE,
            expected_discharge=None,
            disposition=self.disposition,
            destination=self.destination,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal(Fact):
    """A reversal: what held before the fact ``of`` holds again; ``place`` names another place."""

    of: UUID
    place: Place | None = None

    def with_place(self, place: Place) -> Self:
        return replace(self, place=place)

    def undoing(self, fact: Fact, state: State, before: State) -> State:
        """Return the state in which what ``fact`` changed is again as in ``before``."""
        if self.place is not None:
            self._may_lead_to(self.place, fact, before)
        match fact:
            case Admission():
                return replace(
                    state,
                    status=Status.CANCELLED,
                    place=Place(),
                    bed_kept=False,
                    expected_return=None,
                )
            case AttendingChange():
                return replace(state, attending=before.attending)
            case SpecialtyChange():
                return replace(state, specialty=before.specialty)
            case TypeChange():
                return replace(state, admission_type=before.admission_type)
            case PlanChange():
                return replace(
                    state, plan=before.plan, expected_discharge=before.expected_discharge
                )
            case Discharge() if self.place:
                return replace(
                    before,
                    status=Status.ADMITTED,
                    place=self.place,
                    bed_kept=False,
                    expected_return=None,
                )
            case Discharge():
                return before
        return replace(
            state,
            status=before.status,
            place=self.place or before.place,
            bed_kept=before.bed_kept,
            expected_return=before.expected_return,
        )

    def _may_lead_to(self, place: Place, fact: Fact, before: State) -> None:
        """Refuse a place that the reversal does not lead to. Raises InvalidInput."""
        if not isinstance(fact, Move | LeaveStart | LeaveEnd | Discharge):
            raise InvalidInput("bed", "what is reversed has no place; leave it out")
        if isinstance(fact, LeaveEnd) and not (before.bed_kept and place.bed):
            raise InvalidInput("bed", "on leave again, the patient has no place but a kept bed")


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidedAdmission(Fact):
    """The one fact of a stay whose admission was entered in error: that it was cancelled."""

    admission: Admission


OVER = (Status.DISCHARGED, Status.CANCELLED)
"""States in which a stay has ended. A discharge may be reversed; nothing else follows."""

KINDS: dict[type[Fact], FactKind] = {
    Admission: FactKind.ADMISSION,
    EmergencyCare: FactKind.EMERGENCY_CARE,
    Move: FactKind.MOVE,
    LeaveStart: FactKind.LEAVE_START,
    LeaveEnd: FactKind.LEAVE_END,
    AttendingChange: FactKind.ATTENDING_CHANGE,
    SpecialtyChange: FactKind.SPECIALTY_CHANGE,
    TypeChange: FactKind.TYPE_CHANGE,
    PlanChange: FactKind.DISCHARGE_PLAN,
    Discharge: FactKind.DISCHARGE,
    Reversal: FactKind.REVERSAL,
    VoidedAdmission: FactKind.ADMISSION_CANCEL,
}


def kind_of(fact: Fact) -> FactKind:
    """Return the kind of a fact, as refusals name it; OBSERVATION where it has none of its own."""
    if isinstance(fact, Observation):
        return FactKind.member_of(fact.name) or FactKind.OBSERVATION
    return KINDS[type(fact)]


def needs_life(fact: Fact) -> bool:
    """Return whether a dead patient cannot have a fact; the body may be moved, and discharged DIED."""
    if isinstance(fact, Discharge):
        return fact.disposition is not Disposition.DIED
    if isinstance(fact, Observation):
        return not fact.is_called_off
    return isinstance(fact, Admission | EmergencyCare | LeaveStart | LeaveEnd)
