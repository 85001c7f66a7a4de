"""The valid-time history of a stay, as a pure value.

A history is the set of what is held to have happened, in the order in which it happened (ties in the
order of recording). Folding it gives the state of the stay at every moment, the stretches in which
its patient lay in a bed, and the facts that contradict those before them. Every rule of the stay is
checked here, on the history with the candidate in its place, never on the latest state alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from uuid import UUID

from domain.bed_ref import BedRef
from domain.fact_ref import FactRef
from domain.refusals import ContradictsLaterFacts, PatientDied, Refusal
from domain.stay.facts import (
    OVER,
    Admission,
    Discharge,
    Disposition,
    EmergencyCare,
    Fact,
    Move,
    Reversal,
    State,
    Status,
    kind_of,
    needs_life,
)
from domain.stay.fold import Fold
from domain.time import MINUTE, KnownTime, Period, is_later, minute_of

NOT_REVERSED = "a death is not reversed: if it never was, cancel it as entered in error"
AS_DIED = "a discharge after it is one as DIED, and a death that never was is cancelled first"


@dataclass(frozen=True, slots=True)
class Stretch:
    """An uninterrupted use of one bed by one stay: lying in it, or kept during a leave."""

    bed: BedRef
    period: Period
    kept: bool = False
    shares_bed_of: UUID | None = None

    def touches(self, instant: "Stretch") -> bool:
        """Return whether one of no duration lies in this one, or at its edges."""
        at, end = instant.period.start, self.period.end
        return self.bed == instant.bed and self.period.start <= at and (end is None or at <= end)


Segments = tuple[tuple[Period, State], ...]


@dataclass(frozen=True)
class History:
    """All facts of a stay that are held true, ordered by when they happened."""

    stay: UUID
    facts: tuple[Fact, ...] = ()

    def with_added(self, *facts: Fact) -> "History":
        """Return the history with more facts, in the order of time."""
        if len(facts) != 1 or not self._goes_last(facts[0]):
            every = (*self.facts, *facts)
            return History(self.stay, tuple(sorted(every, key=_order_of(every))))
        history = History(self.stay, (*self.facts, *facts))
        if "_fold" in vars(self):  # what is folded already goes on
            fold = vars(history)["_fold"] = self._fold.copy()
            fold.go_on(facts[0])
        return history

    def _goes_last(self, fact: Fact) -> bool:
        """Return whether a fact comes after all others in the order of time."""
        if not self.facts:
            return True
        last = self.facts[-1]
        if fact.at >= last.at and fact.order > last.order and not isinstance(fact, _AT_BEGINNING):
            return True  # as the order below says of most, without looking at each fact
        order = _order_of((*self.facts, fact))
        return order(fact) > order(last)

    def without(self, ids: Iterable[UUID]) -> "History":
        """Return the history without the facts of some ids."""
        removed_ids = frozenset(ids)
        facts = (
            tuple(f for f in self.facts if f.id not in removed_ids) if removed_ids else self.facts
        )
        return self if len(facts) == len(self.facts) else History(self.stay, facts)

    def fact(self, id: UUID) -> Fact | None:
        """Return the fact of an id, if it is held true."""
        return next((f for f in self.facts if f.id == id), None)

    def with_replaced(self, *facts: Fact) -> "History":
        """Return the history with facts in the place of those that had their ids."""
        return self.without(f.id for f in facts).with_added(*facts)

    @cached_property
    def _fold(self) -> Fold:
        fold = Fold(self.stay)
        for fact in self.facts:
            fold.go_on(fact)
        return fold

    @cached_property
    def segments(self) -> Segments:
        """Return the states in order, each with the period in which it is true; the last is open."""
        steps = self._fold.steps
        ends = [at for at, _ in steps[1:]] + [None]
        periods = (Period(at, end) for (at, _), end in zip(steps, ends, strict=False))
        return tuple(zip(periods, (state for _, state in steps), strict=True))

    @property
    def problems(self) -> tuple[tuple[Fact, Refusal], ...]:
        """Return the facts that contradict those before them, in order, with what they break."""
        return tuple(self._fold.problems)

    def check(
        self,
        candidates: Iterable[UUID],
        died_at: datetime | None = None,
        other_facts: Sequence[FactRef] = (),
    ) -> None:
        """Refuse the history if a candidate is illegal in its place, or makes a later fact so.

        ``other_facts``: facts of other histories that a candidate makes illegal, named with its own.
        """
        checked_ids = frozenset(candidates)
        problems = list(self.problems)
        if died_at is not None:
            problems += [
                (
                    f,
                    PatientDied(died_at, AS_DIED)
                    if isinstance(f, Discharge)
                    else PatientDied(died_at),
                )
                for f in self.facts
                if is_later(f.at, died_at) and (needs_life(f) or self._brings_back(f))
            ]
        problems += [
            (f, PatientDied(discharge.at, NOT_REVERSED))
            for f in self.facts
            if (discharge := self._death_reversed_by(f)) and checked_ids & {f.id, discharge.id}
        ]
        for fact, refusal in problems:
            if fact.id in checked_ids:
                raise refusal
        if problems or other_facts:
            raise ContradictsLaterFacts((*(self.ref(fact) for fact, _ in problems), *other_facts))

    def _brings_back(self, fact: Fact) -> bool:
        """Return whether a fact is the reversal of a discharge: the patient came back."""
        return isinstance(fact, Reversal) and isinstance(self.fact(fact.of), Discharge)

    def _death_reversed_by(self, fact: Fact) -> Discharge | None:
        """Return the discharge as DIED that a fact reverses: nobody comes back from it."""
        discharge = self.fact(fact.of) if isinstance(fact, Reversal) else None
        if isinstance(discharge, Discharge) and discharge.disposition is Disposition.DIED:
            return discharge
        return None

    def ref(self, fact: Fact) -> FactRef:
        """Return a fact as refusals refer to it."""
        return FactRef(fact.id, kind_of(fact), fact.at, self.stay)

    @cached_property
    def admission(self) -> Admission | None:
        """Return the admission; None if there was none, or only one entered in error."""
        return next((f for f in self.facts if isinstance(f, Admission)), None)

    @cached_property
    def discharge(self) -> Discharge | None:
        """Return the discharge that ended the stay; None if it has not ended, or by being cancelled."""
        if not self.segments or self.segments[-1][1].status is not Status.DISCHARGED:
            return None
        return next((f for f in reversed(self.facts) if isinstance(f, Discharge)), None)

    @property
    def ends(self) -> dict[UUID, KnownTime]:
        """Return the times of the discharges and of the reversal of the admission, by id."""
        return {f.id: KnownTime(f.at, f.precision) for f in self.facts if self._is_end(f)}

    @property
    def ended_by(self) -> Fact | None:
        """Return the fact that ended the stay for good: discharge, or the reversal of the admission."""
        if self.ended_at is None:
            return None
        return next((fact for fact in reversed(self.facts) if self._is_end(fact)), None)

    def _is_end(self, fact: Fact) -> bool:
        admission = self.admission
        return isinstance(fact, Discharge) or (
            isinstance(fact, Reversal) and admission is not None and fact.of == admission.id
        )

    @property
    def left_from(self) -> State | None:
        """Return the state in which the discharge that ended the stay found it."""
        discharge = self.discharge
        in_force = (facts[-1] for facts in self._fold.in_force.values() if facts)
        return next((before for fact, before in in_force if fact is discharge), None)

    @property
    def ended_at(self) -> datetime | None:
        """Return the moment at which the stay ended for good: by discharge, or by being cancelled."""
        last = self.segments[-1] if self.segments else None
        return last[0].start if last and last[1].status in OVER else None

    @property
    def period(self) -> Period | None:
        """Return the period from admission to the end; open while here; None if never admitted.

        A time away between a discharge and its reversal belongs to it: it is one stay.
        """
        if self.admission is None:
            return None
        return Period(self.admission.at, self.ended_at)

    @cached_property
    def care(self) -> EmergencyCare | None:
        """Return the emergency care before the admission, if there was any."""
        return next((f for f in self.facts if isinstance(f, EmergencyCare)), None)

    @property
    def presence(self) -> Period | None:
        """Return the period of the stay, with the emergency care before it."""
        period, care = self.period, self.care
        return period if period is None or care is None else Period(care.at, period.end)

    def collides(self, other: "History") -> bool:
        """Return whether one person could not have been in both stays, one after the other.

        Two of no duration at one moment are one that was entered twice.
        """
        own_periods, other_periods = self.presence, other.presence
        if own_periods is None or other_periods is None:
            return False
        is_same_moment = own_periods == other_periods and own_periods.is_empty
        return is_same_moment or own_periods.collides(other_periods)

    @property
    def open_periods(self) -> tuple[Period, ...]:
        """Return the periods here or on leave, without those between a discharge and its reversal."""
        return tuple(p for p, state in self.segments if state.status not in OVER)

    @cached_property
    def leaves(self) -> tuple[Period, ...]:
        """Return the periods on leave, whatever else changes meanwhile."""
        leaves: list[Period] = []
        for period, state in self.segments:
            if state.status is Status.ON_LEAVE:
                follows = leaves and leaves[-1].end == period.start
                start = leaves.pop().start if follows else period.start
                leaves.append(Period(start, period.end))
        return tuple(leaves)

    def leave_during(self, first: datetime, last: datetime) -> Period | None:
        """Return the leave in which a patient was away from one moment to another, if any.

        In the minutes of leaving and of coming back the patient was here, too.
        """
        return next(
            (
                leave
                for leave in self.leaves
                if minute_of(leave.start) + MINUTE <= first
                and (leave.end is None or last < minute_of(leave.end))
            ),
            None,
        )

    def at(self, moment: datetime) -> State | None:
        """Return the state at a moment; None before the admission."""
        return next((s for p, s in reversed(self.segments) if moment in p), None)

    def includes(self, moment: datetime) -> bool:
        """Return whether the stay was open at a moment.

        The minutes of the admission and of the discharge belong to it.
        """
        if self.period is None:
            return False
        minute = minute_of(moment)
        if self.care is not None and minute_of(self.care.at) <= minute < self.period.start:
            return True
        return any(
            minute == minute_of(p.start) or (moment in p and s.status not in OVER)
            for p, s in self.segments
        )

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """Return the stretches with a bed, in order; adjoining ones of a bed are one."""
        stretches: list[Stretch] = []
        for period, state in self.segments:
            if state.place.bed is None or period.is_empty:
                continue
            stretch = Stretch(state.place.bed, period, state.bed_kept, state.place.shares_bed_of)
            last = stretches[-1] if stretches else None
            if last and last.period.end == period.start and replace(last, period=period) == stretch:
                stretches[-1] = replace(last, period=Period(last.period.start, period.end))
            else:
                stretches.append(stretch)
        return tuple(stretches)

    @cached_property
    def instants(self) -> tuple[Stretch, ...]:
        """Return the stretches of no duration: in a bed that the stay had neither before nor after."""
        instants = {
            Stretch(s.place.bed, Period(at, at), s.bed_kept, s.place.shares_bed_of)
            for at, s in self._fold.passed
            if s.place.bed is not None
        }
        detached_instants = [i for i in instants if not any(s.touches(i) for s in self.stretches)]
        return tuple(
            sorted(detached_instants, key=lambda i: (i.period.start, i.bed.room, i.bed.bed))
        )


_AT_BEGINNING = Admission, EmergencyCare, Move
"""The facts that may come before others of their minute."""


def _order_of(facts: Iterable[Fact]) -> Callable[[Fact], tuple[datetime, bool, int]]:
    """Return the sort key of the facts of a stay, by their times and the order of their entry.

    An admission is the first of its minute, with the bed into which it was, after the care before.
    """
    admitted_at = next((fact.at for fact in facts if isinstance(fact, Admission)), None)

    def order(fact: Fact) -> tuple[datetime, bool, int]:
        is_first = isinstance(fact, Admission | EmergencyCare) or (
            isinstance(fact, Move) and fact.at == admitted_at
        )
        at = minute_of(fact.at) if is_first else fact.at
        return at, not isinstance(fact, EmergencyCare), fact.order

    return order
