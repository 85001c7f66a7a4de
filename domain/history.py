"""The valid-time history of a stay, as a pure value.

A history is the set of what is held to have happened, in the order in which it happened (ties in the
order of recording). Folding it gives the state of the stay at every moment, the stretches in which
its patient lay in a bed, and the facts that contradict those before them. Every rule of the stay is
checked here, on the history with the candidate in its place, never on the latest state alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from domain.refusals import (
    BedRef,
    ContradictsLaterFacts,
    FactRef,
    OutsideStay,
    PatientDied,
    Refusal,
    StayNotOpen,
    StayStateBroken,
)
from domain.time import Period


class Status(StrEnum):
    """Where a stay stands at a moment."""

    ADMITTED = "ADMITTED"
    ON_LEAVE = "ON_LEAVE"
    DISCHARGED = "DISCHARGED"
    CANCELLED = "CANCELLED"


class Plan(StrEnum):
    """How far the discharge is planned. Planning frees nothing."""

    NONE = "NONE"
    PLANNED = "PLANNED"
    CLEARED = "CLEARED"


class Disposition(StrEnum):
    """Where the patient went at discharge."""

    HOME = "HOME"
    TRANSFERRED = "TRANSFERRED"
    AGAINST_ADVICE = "AGAINST_ADVICE"
    DIED = "DIED"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a patient is put: in a bed (perhaps sharing the mother's), or somewhere without one."""

    bed: BedRef | None = None
    shares_bed_of: UUID | None = None
    without_bed: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What is true of a stay at one moment."""

    status: Status
    place: Place
    attending: UUID | None
    specialty: str | None
    bed_kept: bool = False
    expected_return: datetime | None = None
    plan: Plan = Plan.NONE
    expected_discharge: datetime | None = None
    disposition: Disposition | None = None
    destination: str | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """One bed's uninterrupted use by one stay: lying in it, or kept during a leave."""

    bed: BedRef
    period: Period
    kept: bool = False
    shares_bed_of: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened to a stay. ``order`` is its place in the order of recording."""

    id: UUID
    at: datetime
    order: int

    def after(self, state: State) -> State:
        """The state that follows; refuses what the state before it does not allow."""
        raise NotImplementedError


def _present(state: State, what: str) -> None:
    if state.status is Status.ON_LEAVE:
        raise StayStateBroken(f"{what} needs the patient here, and the patient is on leave then")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission(Fact):
    attending: UUID | None
    specialty: str | None
    without_bed: str | None = None

    def after(self, state: State) -> State:
        raise StayStateBroken("it was admitted before")

    def first(self) -> State:
        return State(
            Status.ADMITTED, Place(without_bed=self.without_bed), self.attending, self.specialty
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Move(Fact):
    """Any change of place: the first bed, a transfer, one half of a swap."""

    place: Place

    def after(self, state: State) -> State:
        _present(state, "a move")
        return replace(state, place=self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveStart(Fact):
    keeps_bed: bool
    expected_return: datetime | None = None

    def after(self, state: State) -> State:
        if state.status is Status.ON_LEAVE:
            raise StayStateBroken("the patient is already on leave then")
        if self.keeps_bed and state.place.bed is None:
            raise StayStateBroken("there is no bed to keep during the leave")
        return replace(
            state,
            status=Status.ON_LEAVE,
            bed_kept=self.keeps_bed,
            place=state.place if self.keeps_bed else Place(),
            expected_return=self.expected_return,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveEnd(Fact):
    """The patient is back: in the kept bed (``place`` None), or in another place."""

    place: Place | None = None

    def after(self, state: State) -> State:
        if state.status is not Status.ON_LEAVE:
            raise StayStateBroken("the patient is not on leave then")
        if self.place is None and not state.bed_kept:
            raise StayStateBroken("the bed was released for the leave; name a bed to return to")
        return replace(
            state,
            status=Status.ADMITTED,
            bed_kept=False,
            place=self.place or state.place,
            expected_return=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendingChange(Fact):
    attending: UUID

    def after(self, state: State) -> State:
        return replace(state, attending=self.attending)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialtyChange(Fact):
    specialty: str

    def after(self, state: State) -> State:
        return replace(state, specialty=self.specialty)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChange(Fact):
    plan: Plan
    expected_discharge: datetime | None

    def after(self, state: State) -> State:
        return replace(state, plan=self.plan, expected_discharge=self.expected_discharge)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Fact):
    """A visit: it changes no state but lies within the stay."""

    def after(self, state: State) -> State:
        return state


@dataclass(frozen=True, slots=True, kw_only=True)
class Discharge(Fact):
    disposition: Disposition
    destination: str | None = None

    def after(self, state: State) -> State:
        return replace(
            state,
            status=Status.DISCHARGED,
            place=Place(),
            bed_kept=False,
            expected_return=None,
            plan=Plan.NONE,
            expected_discharge=None,
            disposition=self.disposition,
            destination=self.destination,
        )


Segments = tuple[tuple[Period, State], ...]

NOT_AFTER_DEATH = (Admission, Seen, LeaveStart, LeaveEnd)
"""Kinds of fact that a dead patient cannot have; the body may still be moved and discharged."""

KINDS: dict[type[Fact], str] = {
    Admission: "admission",
    Move: "move",
    LeaveStart: "start of leave",
    LeaveEnd: "end of leave",
    AttendingChange: "change of attending",
    SpecialtyChange: "change of specialty",
    PlanChange: "discharge plan",
    Seen: "visit",
    Discharge: "discharge",
}


def _when(fact: Fact) -> tuple[datetime, int]:
    """By when it happened; ties in the order of recording."""
    return fact.at, fact.order


@dataclass(frozen=True)
class History:
    """All facts of a stay, ordered by when they happened."""

    stay: UUID
    facts: tuple[Fact, ...] = ()

    def adding(self, *facts: Fact) -> "History":
        together = (*self.facts, *facts)
        if len(facts) != 1 or (self.facts and _when(self.facts[-1]) > _when(facts[0])):
            together = tuple(sorted(together, key=_when))
        return History(self.stay, together)

    def without(self, ids: Iterable[UUID]) -> "History":
        gone = frozenset(ids)
        return History(self.stay, tuple(f for f in self.facts if f.id not in gone))

    @cached_property
    def _folded(self) -> tuple[Segments, tuple[tuple[Fact, Refusal], ...]]:
        problems: list[tuple[Fact, Refusal]] = []
        steps: list[tuple[datetime, State]] = []
        state: State | None = None
        for fact in self.facts:
            try:
                state = self._next(state, fact)
            except Refusal as refusal:
                problems.append((fact, refusal))
                continue
            if steps and steps[-1][0] == fact.at:
                steps.pop()
            if not steps or steps[-1][1] != state:
                steps.append((fact.at, state))
        ends = [at for at, _ in steps[1:]] + [None]
        periods = (Period(at, end) for (at, _), end in zip(steps, ends, strict=False))
        segments = tuple(zip(periods, (state for _, state in steps), strict=True))
        return segments, tuple(problems)

    @property
    def segments(self) -> Segments:
        """The states in order, each with the period in which it is true; the last is open."""
        return self._folded[0]

    @property
    def problems(self) -> tuple[tuple[Fact, Refusal], ...]:
        """The facts that contradict those before them, in order, with what they break."""
        return self._folded[1]

    def _next(self, state: State | None, fact: Fact) -> State:
        if state is None:
            if isinstance(fact, Admission):
                return fact.first()
            raise OutsideStay(self.stay, f"The {KINDS[type(fact)]}")
        if state.status is Status.DISCHARGED:
            assert self.discharge is not None
            if isinstance(fact, Seen):
                if fact.at == self.discharge.at:
                    return state  # the moment of discharge still belongs to the stay
                raise OutsideStay(self.stay, "The visit")
            raise StayNotOpen(self.stay, self.discharge.at)
        return fact.after(state)

    def check(
        self,
        candidates: Iterable[UUID],
        died_at: datetime | None = None,
        also: Sequence[FactRef] = (),
    ) -> None:
        """Refuse the history if a candidate is illegal in its place, or makes a later fact so.

        ``also``: facts of other histories that a candidate makes illegal, named with its own.
        """
        new = frozenset(candidates)
        problems = list(self.problems)
        if died_at is not None:
            problems += [
                (f, PatientDied(died_at))
                for f in self.facts
                if f.at > died_at and isinstance(f, NOT_AFTER_DEATH)
            ]
        for fact, refusal in problems:
            if fact.id in new:
                raise refusal
        if problems or also:
            raise ContradictsLaterFacts((*(self.ref(fact) for fact, _ in problems), *also))

    def ref(self, fact: Fact) -> FactRef:
        return FactRef(fact.id, KINDS[type(fact)], fact.at, self.stay)

    @cached_property
    def admission(self) -> Admission | None:
        return next((f for f in self.facts if isinstance(f, Admission)), None)

    @cached_property
    def discharge(self) -> Discharge | None:
        return next((f for f in self.facts if isinstance(f, Discharge)), None)

    @property
    def period(self) -> Period | None:
        """From admission to discharge; open while the patient is here; None before any fact."""
        if self.admission is None:
            return None
        return Period(self.admission.at, self.discharge.at if self.discharge else None)

    def at(self, moment: datetime) -> State | None:
        """The state at that moment; None before the admission."""
        return next((s for p, s in reversed(self.segments) if moment in p), None)

    def includes(self, moment: datetime) -> bool:
        """Whether the stay was open at that moment; the moment of discharge still belongs to it."""
        period = self.period
        return period is not None and (moment in period or moment == period.end)

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """Where the patient lay, in order; adjoining stretches of one bed are one."""
        found: list[Stretch] = []
        for period, state in self.segments:
            if state.place.bed is None or period.is_empty:
                continue
            stretch = Stretch(state.place.bed, period, state.bed_kept, state.place.shares_bed_of)
            last = found[-1] if found else None
            if last and last.period.end == period.start and replace(last, period=period) == stretch:
                found[-1] = replace(last, period=Period(last.period.start, period.end))
            else:
                found.append(stretch)
        return tuple(found)
