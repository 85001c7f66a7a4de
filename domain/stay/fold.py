"""The fold of a stay's facts: the state after each, and the facts that do not follow."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.problems import Problem
from domain.refusals import OutsideStay, Refusal, StayNotOpen, StayStateBroken
from domain.stay.facts import (
    OVER,
    Admission,
    Discharge,
    EmergencyCare,
    Fact,
    Observation,
    Place,
    Reversal,
    State,
    Status,
    VoidedAdmission,
    kind_of,
)
from domain.time import is_after, minute_of


class Fold:
    """A fold of the facts in order: the state after each, and those that do not follow."""

    def __init__(self, stay: UUID) -> None:
        self.stay = stay
        self.state: State | None = None
        self.ended: Fact | None = None
        self.care: EmergencyCare | None = None
        """The emergency care before the admission."""
        self.in_force: dict[str, list[tuple[Fact, State | None]]] = {}
        """Per aspect the facts that are in force, the latest last, each with the state before it."""
        self.steps: list[tuple[datetime, State]] = []
        """The states that differ from those before them, each from when on it was true."""
        self.passed: list[tuple[datetime, State]] = []
        """The states that another followed at the same moment."""
        self.problems: list[tuple[Fact, Refusal]] = []

    def copy(self) -> "Fold":
        """Return a copy of the fold, to continue it with other facts."""
        fold = Fold(self.stay)
        fold.state, fold.ended, fold.care = self.state, self.ended, self.care
        fold.in_force = {aspect: list(facts) for aspect, facts in self.in_force.items()}
        fold.steps, fold.problems = list(self.steps), list(self.problems)
        fold.passed = list(self.passed)
        return fold

    def go_on(self, fact: Fact) -> None:
        """Take the next fact; one that does not follow changes nothing and is a problem."""
        try:
            if self._is_before_admission(fact):
                return
            state = self.take(fact)
        except Refusal as refusal:
            self.problems.append((fact, refusal))
            return
        at = fact.at
        if self.steps and (at < self.steps[-1][0] or self._is_of_last_minute(fact)):
            at = self.steps[-1][0]
        if self.steps and self.steps[-1][0] == at:
            self.passed.append(self.steps.pop())
        if not self.steps or self.steps[-1][1] != state:
            self.steps.append((at, state))
        self._retry(fact)

    def _retry(self, fact: Fact) -> None:
        """Take the facts that did not follow, of the minute of a fact and entered after it.

        Who went on leave at 10:00:40 and came back at 10:00:10 was away within a minute.
        """
        for problem in list(self.problems):
            later, refusal = problem
            if (
                isinstance(refusal, StayStateBroken)
                and later.order > fact.order
                and minute_of(later.at) == minute_of(fact.at)
                and problem in self.problems
            ):
                self.problems.remove(problem)
                self.go_on(later)

    def _is_of_last_minute(self, fact: Fact) -> bool:
        """Return whether a fact after the end lies in its minute, and so before it."""
        end = self.ended
        return end is not None and end is not fact and minute_of(end.at) == minute_of(fact.at)

    def _is_before_admission(self, fact: Fact) -> bool:
        """Return whether a fact is of the emergency care, which has no state. Raises StayStateBroken."""
        if not isinstance(fact, EmergencyCare):
            return self.state is None and self.care is not None and isinstance(fact, Observation)
        if self.steps:
            raise StayStateBroken(Problem.EMERGENCY_CARE_AFTER_ADMISSION)
        if self.care is not None:
            raise StayStateBroken(Problem.EMERGENCY_CARE_RECORDED)
        if fact.departed_at is not None and fact.departed_at < fact.at:
            raise StayStateBroken(Problem.EMERGENCY_CARE_REVERSED)
        self.care = fact
        return True

    def take(self, fact: Fact) -> State:
        """Return the state after a fact. Raises the refusal of a fact that does not follow."""
        state = self._after(fact)
        self.state = state
        if state.status not in OVER:
            self.ended = None
        elif self.ended is None:
            self.ended = fact
        return state

    def _after(self, fact: Fact) -> State:
        before = self.state
        if isinstance(fact, Reversal):
            return self._undone(fact)
        if before is None:
            if isinstance(fact, Admission):
                state = fact.first()
            elif isinstance(fact, VoidedAdmission):
                return replace(fact.admission.first(), status=Status.CANCELLED, place=Place())
            else:
                raise OutsideStay(self.stay, f"The {kind_of(fact)}")
        elif self.ended is not None:
            if not isinstance(fact, Observation):
                return self._before_discharge(fact)
            # the minute of discharge still belongs to the stay
            is_void = isinstance(self.ended, VoidedAdmission)
            if is_void or not (self._is_of_last_minute(fact) or fact.is_called_off):
                raise OutsideStay(self.stay, f"The {fact.name}")
            return before
        else:
            state = fact.after(before)
        self.in_force.setdefault(fact.ASPECT, []).append((fact, before))
        return state

    def _before_discharge(self, fact: Fact) -> State:
        """Return the state after a discharge in whose minute something happened before it.

        Raises StayNotOpen if it did not happen in that minute.
        """
        discharge = self.ended
        if (
            not isinstance(discharge, Discharge)
            or isinstance(fact, Admission | Discharge)
            or not self._is_of_last_minute(fact)
            or is_after(fact.at, discharge.at)
        ):
            assert discharge is not None
            raise StayNotOpen(self.stay, discharge.at)
        _, present = self.in_force[discharge.ASPECT][-1]
        assert present is not None
        state = fact.after(present)
        self.in_force[discharge.ASPECT].pop()
        self.in_force.setdefault(fact.ASPECT, []).append((fact, present))
        self.in_force[discharge.ASPECT].append((discharge, state))
        self.passed.append((self.steps[-1][0], state))
        return discharge.after(state)

    def _undone(self, reversal: Reversal) -> State:
        if self.state is None:
            raise OutsideStay(self.stay, "The reversal")
        for facts in self.in_force.values():
            if facts and facts[-1][0].id == reversal.of:
                fact, before = facts[-1]
                if self.ended not in (None, fact):
                    break
                facts.pop()
                if isinstance(fact, Admission):
                    facts.append((fact, before))  # it ended the stay; nothing follows
                return reversal.undoing(fact, self.state, before or self.state)
        if self.ended is not None:
            raise StayNotOpen(self.stay, self.ended.at)
        raise StayStateBroken(Problem.NOT_IN_FORCE)
