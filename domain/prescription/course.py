"""The valid-time history of a prescription, as a pure value."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from domain.described_enum import DescribedEnum
from domain.prescription.schedule import Schedule
from domain.problems import Problem
from domain.time import Period, Precision, Span, SpanOf, is_later, minute_of, widest_span


class PrescriptionStatus(DescribedEnum):
    """State of a prescription at a moment (FHIR medicationrequest-status, as far as it goes)."""

    SCHEDULED = "SCHEDULED", "It begins later."
    ACTIVE = "ACTIVE", "It is to be given."
    HELD = "HELD", "It is not to be given until it is resumed."
    STOPPED = "STOPPED", "It was ended before its time."
    COMPLETED = "COMPLETED", "All of it was given, or its time is over."
    CANCELLED = "CANCELLED", "It never was valid."


class Outside(DescribedEnum):
    """Reason why a dose lies outside its prescription."""

    LATE = "LATE", "It was due within the prescription, and given after its end."
    EMERGENCY = "EMERGENCY", "There was no time to prescribe it."


class Basis(DescribedEnum):
    """On what a dose was given that was not prescribed in writing."""

    VERBAL_ORDER = "VERBAL_ORDER", "Somebody ordered it by word of mouth."
    PROTOCOL = "PROTOCOL", "A protocol of the house says so."
    EMERGENCY_DEPARTMENT = "EMERGENCY_DEPARTMENT", "It was ordered in the emergency department."


ENDED = (
    PrescriptionStatus.STOPPED,
    PrescriptionStatus.COMPLETED,
    PrescriptionStatus.CANCELLED,
)


WhyNot = tuple[Problem, str]
"""The reason why a step is not allowed: for programs, and in words."""


@dataclass(frozen=True, slots=True)
class Regimen:
    """Regimen of a prescription: dose, route, frequency, from when and (if planned) until when."""

    start: datetime
    stop: datetime | None
    dose: str | None
    route: str | None
    frequency: str | None
    schedule: Schedule | None = None
    """The frequency as a program reads it; without one nothing is claimed of when doses are due."""
    anchor: datetime | None = None
    """From when on the schedule holds, where a change gave it; else from the start."""


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a prescription: held, resumed, stopped, completed, or another regimen."""

    id: UUID
    kind: str
    at: datetime
    order: int
    changes: tuple[tuple[str, Any], ...] = ()
    discharge: UUID | None = None
    """The discharge that stopped it, if one did."""
    precision: Precision = Precision.MINUTE


@dataclass(frozen=True, slots=True)
class InfusionEnd:
    """The end of an infusion, and how precisely its time is known."""

    id: UUID
    at: datetime
    precision: Precision = Precision.MINUTE


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose given, or not given, and how precisely its time is known."""

    id: UUID
    at: datetime
    given: bool
    outside: Outside | None
    precision: Precision = Precision.MINUTE
    infusion: bool = False
    end: InfusionEnd | None = None
    """Of an infusion: it ran until then, exclusively. Until it is known, the infusion goes on."""


@dataclass(frozen=True)
class Course:
    """The valid-time history of a prescription, as a pure value."""

    written_at: datetime
    regimen: Regimen
    steps: tuple[Step, ...] = ()
    doses: tuple[Dose, ...] = ()
    cancelled: bool = False
    """Entered in error: it never was, for all valid time."""
    precision: Precision = Precision.MINUTE
    """Precision of the time of writing."""

    def dose(self, id: UUID) -> Dose | None:
        """Return the dose of an id, if it is held true."""
        return next((d for d in self.doses if d.id == id), None)

    def without_dose(self, id: UUID) -> "Course":
        """Return the course without a dose."""
        return replace(self, doses=tuple(d for d in self.doses if d.id != id))

    def with_replaced_dose(self, dose: Dose) -> "Course":
        """Return the course with a dose in the place of the one that had its id."""
        return replace(self, doses=tuple(dose if d.id == dose.id else d for d in self.doses))

    def step(self, id: UUID) -> Step | None:
        """Return the step of an id, if it is held true."""
        return next((s for s in self.steps if s.id == id), None)

    def without_step(self, id: UUID) -> "Course":
        """Return the course without a step."""
        return replace(self, steps=tuple(s for s in self.steps if s.id != id))

    def with_step(self, step: Step) -> "Course":
        """Return the course with a step, in the order of time, in the place of one with its id.

        In one minute they are in the order of their entry, but for what was before an end by its second.
        The end of the stay is the last of its minute.
        """
        steps = [*(s for s in self.steps if s.id != step.id), step]
        ends = [s for s in steps if s.kind in _ENDS and s.discharge is None]

        def order(step: Step) -> tuple[datetime, bool, bool, int]:
            minute = minute_of(step.at)
            is_before_end = any(step.at < e.at and minute == minute_of(e.at) for e in ends)
            return minute, step.discharge is not None, not is_before_end, step.order

        steps.sort(key=order)
        return replace(self, steps=tuple(steps))

    def segments(self) -> tuple[tuple[Period, PrescriptionStatus, Regimen], ...]:
        """Return status and regimen in order, each with its period. Illegal steps change nothing."""
        return self._folded[0]

    def problems(self, span_of: SpanOf) -> list[tuple[Step, WhyNot]]:
        """Return the steps that the status before them does not allow, with the reason."""
        problems = [*self._folded[1]]
        begin, known_ids = self._first(span_of), {step.id for step, _ in problems}
        for step in self.steps:
            if step.id not in known_ids and is_later(begin, step.at):
                problems.append((step, _not_written(step)))
        return problems

    def _first(self, span_of: SpanOf) -> datetime:
        """Return the first moment at which it may have been written, or starts."""
        return min(span_of(self.written_at, self.precision)[0], self.regimen.start)

    @cached_property
    def _folded(
        self,
    ) -> tuple[
        tuple[tuple[Period, PrescriptionStatus, Regimen], ...],
        tuple[tuple[Step, WhyNot], ...],
        tuple[tuple[datetime, PrescriptionStatus], ...],
    ]:
        """Return segments, problems, and each status with its beginning, also of no duration."""
        begin = min(self.written_at, self.regimen.start)
        if self.steps and begin == self.written_at:  # perhaps earlier on the day that is known
            begin = max(widest_span(begin, self.precision)[0], min(begin, self.steps[0].at))
        if self.cancelled:
            return ((Period(begin), PrescriptionStatus.CANCELLED, self.regimen),), (), ()
        states: list[tuple[datetime, PrescriptionStatus, Regimen]] = []
        problems: list[tuple[Step, WhyNot]] = []
        begins: list[tuple[datetime, PrescriptionStatus]] = []
        status, regimen = PrescriptionStatus.SCHEDULED, self.regimen

        def now(at: datetime) -> None:
            at = max(at, states[-1][0]) if states else at
            begins.append((at, status))
            if states and states[-1][0] == at:
                states.pop()
            if not states or states[-1][1:] != (status, regimen):
                states.append((at, status, regimen))

        def let_time_pass(until: datetime | None) -> None:
            nonlocal status
            called_off = regimen.stop is not None and regimen.stop < regimen.start
            if (
                status is PrescriptionStatus.SCHEDULED
                and not called_off
                and (until is None or not is_later(regimen.start, until))
            ):
                status = PrescriptionStatus.ACTIVE
                now(max(begin, regimen.start))
            if status not in ENDED and regimen.stop and (until is None or regimen.stop <= until):
                status = PrescriptionStatus.STOPPED if called_off else PrescriptionStatus.COMPLETED
                now(max(begin, regimen.stop))

        now(begin)
        for step in self.steps:
            let_time_pass(step.at)
            if step.discharge is not None and status in ENDED:
                continue  # the end of the stay ends what has not ended before
            problem = _why_not(step.kind, status)
            if is_later(begin, step.at):
                problem = _not_written(step)
            if problem:
                problems.append((step, problem))
                continue
            if step.kind == "changed":
                changes = dict(step.changes)
                regimen = replace(regimen, **changes)
                if "schedule" in changes:
                    regimen = replace(regimen, anchor=step.at)
            else:
                status = _AFTER[step.kind]
            now(step.at)
        let_time_pass(None)
        ends = [at for at, _, _ in states[1:]] + [None]
        segments = tuple(
            (Period(at, end), st, re) for (at, st, re), end in zip(states, ends, strict=True)
        )
        return segments, tuple(problems), tuple(begins)

    @property
    def has_schedule(self) -> bool:
        """Return whether it is known to a program when its doses are due, at any time."""
        return any(regimen.schedule is not None for _, _, regimen in self.segments())

    def status_at(self, moment: datetime) -> PrescriptionStatus | None:
        """Return the status at a moment; None before the prescription was written."""
        return next((s for p, s, _ in self.segments() if moment in p), None)

    def contains(self, dose: Dose, span_of: SpanOf) -> bool:
        """Return whether a dose may lie inside the prescription, its first and last minute included."""
        start, end = self.period.start, self.period.end
        begins = start if start != self.written_at else span_of(start, self.precision)[0]
        first, last = span_of(dose.at, dose.precision)
        return begins <= last and (
            end is None or (start <= end and first <= self._span_at(end, span_of)[1])
        )

    def allows(self, dose: Dose, span_of: SpanOf) -> bool:
        """Return whether a dose may lie inside the prescription, and not have been given while held.

        In the minute in which it is held, resumed or ended a dose may have been given before or after;
        so on the day, where no more is known. A hold pauses an infusion; an end ends it.
        """
        end = self.period.end
        if not self.contains(dose, span_of):
            return False
        if dose.end and end is not None:
            first_end = span_of(dose.end.at, dose.end.precision)[0]
            if first_end > self._span_at(end, span_of)[1]:
                return False
        first, last = span_of(dose.at, dose.precision)
        return not dose.given or not any(
            self._span_at(hold.start, span_of)[1] < first
            and (hold.end is None or last < self._span_at(hold.end, span_of)[0])
            for hold in self._holds
        )

    def _span_at(self, at: datetime, span_of: SpanOf) -> Span:
        """Return the span of the steps at a moment."""
        spans = [span_of(s.at, s.precision) for s in self.steps if s.at == at]
        firsts, lasts = (first for first, _ in spans), (last for _, last in spans)
        return min(firsts, default=at), max(lasts, default=at)

    @cached_property
    def _holds(self) -> list[Period]:
        """Return the periods in which it is held, whatever else changes meanwhile.

        Two of them, if it is resumed and held again at one moment: a dose of that moment was between.
        """
        holds: list[Period] = []
        held_since: datetime | None = None
        for at, status in self._folded[2]:
            if status is PrescriptionStatus.HELD:
                held_since = held_since or at
            elif held_since is not None:
                holds.append(Period(held_since, at))
                held_since = None
        return holds if held_since is None else [*holds, Period(held_since)]

    @property
    def period(self) -> Period:
        """Return the period from its start until it was stopped, completed, or is planned to stop."""
        ends = [p.start for p, status, _ in self.segments() if status in ENDED]
        return Period(self.regimen.start, ends[0] if ends else None)


_ENDS = ("stopped", "completed")
"""The kinds of steps that end it."""

_AFTER = {
    "held": PrescriptionStatus.HELD,
    "resumed": PrescriptionStatus.ACTIVE,
    "stopped": PrescriptionStatus.STOPPED,
    "completed": PrescriptionStatus.COMPLETED,
}


def _not_written(step: Step) -> WhyNot:
    return (
        Problem.PRESCRIPTION_NOT_WRITTEN,
        f"it is not written then, and cannot be {step.kind}",
    )


def _why_not(kind: str, status: PrescriptionStatus) -> WhyNot | None:
    """Return the reason why a step of that kind is not allowed in a status; None if it is."""
    if status in ENDED:
        return Problem.PRESCRIPTION_ENDED, f"it is {status.lower()} then, and cannot be {kind}"
    if kind == "held" and status is not PrescriptionStatus.ACTIVE:
        return (
            Problem.PRESCRIPTION_NOT_ACTIVE,
            f"only an active prescription can be held, and it is {status.lower()} then",
        )
    if kind == "resumed" and status is not PrescriptionStatus.HELD:
        return (
            Problem.PRESCRIPTION_NOT_HELD,
            f"only a held prescription can be resumed, and it is {status.lower()} then",
        )
    if kind == "completed" and status is PrescriptionStatus.SCHEDULED:
        return Problem.PRESCRIPTION_NOT_STARTED, ""
    return None
