"""The aggregate of a prescription: its changes, and the doses given."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from msgspec import structs

from domain.aggregate import Event
from domain.envelope import About, Envelope
from domain.prescription.course import Course, Step
from domain.prescription.schedule import Schedule
from domain.prescription.state import ORDERS, changes_of, merged_changes
from domain.prescription.writing import PrescriptionWriting, check_life, check_schedule
from domain.problems import Problem
from domain.refusals import (
    ContradictsLaterFacts,
    InvalidInput,
    MovementNotFound,
    PatientDied,
    PrescriptionStateBroken,
)
from domain.things import Thing
from domain.time import KnownTime, Precision, corrected_time, is_later


class Prescription(PrescriptionWriting):
    """A medicine prescribed in a stay, its changes, and the doses given: what it decides."""

    TOPIC = "prescription"
    THING = Thing.PRESCRIPTION

    def change(
        self,
        dose: str | None,
        route: str | None,
        frequency: str | None,
        stop: datetime | None,
        envelope: Envelope,
        died_at: datetime | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        """Change the regimen from a time on; None leaves a value. Raises PrescriptionStateBroken."""
        changes = changes_of(dose, route, frequency, stop, schedule)
        if not changes:
            raise InvalidInput("dose", "say what changes: dose, route, frequency, schedule or stop")
        check_schedule(schedule)
        if stop is not None and stop < envelope.occurred_at:
            raise InvalidInput("stop", "the new stop lies before the change")
        step = self._next_step("changed", envelope, changes)
        self._check_step(step, died_at)
        self.record(
            Prescription.Changed,
            envelope,
            change=step.id,
            dose=dose,
            route=route,
            frequency=frequency,
            stop=stop,
            schedule=schedule,
        )

    def hold(
        self, envelope: Envelope, died_at: datetime | None = None, until: datetime | None = None
    ) -> None:
        """Hold the prescription; ``until``: it was resumed then, as is told in the same act.

        Raises PrescriptionStateBroken, PatientDied, ContradictsLaterFacts.
        """
        self._record_step("held", "resumed", envelope, died_at, until)

    def resume(
        self, envelope: Envelope, died_at: datetime | None = None, until: datetime | None = None
    ) -> None:
        """Resume the prescription after a hold; ``until``: it was held again then.

        Raises PrescriptionStateBroken, PatientDied, ContradictsLaterFacts.
        """
        self._record_step("resumed", "held", envelope, died_at, until)

    def _record_step(
        self,
        kind: str,
        next_kind: str,
        envelope: Envelope,
        died_at: datetime | None,
        until: datetime | None,
    ) -> None:
        """Record a step, with the one that ends it where that is told in the same act."""
        steps = [(self._next_step(kind, envelope), envelope)]
        if until is not None:
            if until <= envelope.occurred_at:
                raise InvalidInput("until", f"it was {next_kind} after it was {kind}")
            envelope = structs.replace(envelope, occurred_at=until)
            end = self._next_step(next_kind, envelope)
            steps.append((replace(end, order=end.order + 1), envelope))
        course = self.course
        for step, _ in steps:
            self._check_is_order(step, died_at)
            course = course.with_step(step)
        for step, _ in steps:
            self._check_course(course, step)
        for step, entry in steps:
            self.record(_EVENTS[step.kind], entry, change=step.id)

    def stop(self, envelope: Envelope, discharge: UUID | None = None) -> None:
        """Stop the prescription, perhaps by a discharge. Raises PrescriptionStateBroken."""
        step = self._next_step("stopped", envelope)
        if discharge is not None and self.course.step(step.id):  # by another end of the stay
            step = replace(step, id=uuid5(step.id, str(discharge)))
        self._check_step(step)
        self.record(Prescription.Stopped, envelope, change=step.id, discharge=discharge)

    def complete(self, envelope: Envelope) -> None:
        """Complete the prescription. Raises PrescriptionStateBroken."""
        step = self._next_step("completed", envelope)
        self._check_step(step)
        self.record(Prescription.Completed, envelope, change=step.id)

    def take_step(self, step: Step, envelope: Envelope) -> None:
        """Record a change, hold, resumption or end as it is held in another stay, with its id."""
        self._check_step(step)
        if step.kind == "changed":
            values = {"dose": None, "route": None, "frequency": None, "stop": None}
            values |= dict(step.changes)
        else:
            values = {"discharge": None} if step.kind == "stopped" else {}
        self.record(_EVENTS[step.kind], envelope, change=step.id, **values)

    def cancel(self, envelope: Envelope) -> None:
        """Take back a prescription that was entered in error, with its doses that were not given.

        Refused once a dose was given: what was given was prescribed.
        """
        if self.course.cancelled:
            raise PrescriptionStateBroken(Problem.PRESCRIPTION_CANCELLED, "it was cancelled before")
        if any(d.given for d in self.course.doses):
            raise PrescriptionStateBroken(Problem.DOSE_GIVEN)
        self.record(Prescription.Cancelled, envelope)

    def void(self, envelope: Envelope) -> None:
        """Take back a prescription of a stay that never was, with all its doses."""
        for dose in self.course.doses:
            self.cancel_administration(dose.id, envelope)
        if not self.course.cancelled:
            self.record(Prescription.Cancelled, envelope)

    def correct_change(
        self,
        change: UUID,
        at: datetime | None,
        precision: Precision | None,
        dose: str | None,
        route: str | None,
        frequency: str | None,
        stop: datetime | None,
        envelope: Envelope,
        died_at: datetime | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        """Correct the time of a change, a hold, a resumption or an end, or what was changed.

        Raises MovementNotFound, PrescriptionStateBroken, ContradictsLaterFacts, PatientDied.
        """
        step = self._own_step(change)
        at = corrected_time(at, precision, step.at)
        changes = changes_of(dose, route, frequency, stop, schedule)
        check_schedule(schedule)
        if at is None and not changes:
            raise InvalidInput(
                "occurred_at", "say what was different: `occurred_at`, dose, route, frequency, stop"
            )
        if changes and step.kind != "changed":
            raise InvalidInput(changes[0][0], f"it was {step.kind} then, with no other regimen")
        new_step = replace(
            step,
            at=at or step.at,
            changes=merged_changes(step.changes, changes),
            precision=precision or step.precision,
        )
        planned_stop = dict(new_step.changes).get("stop")
        if planned_stop is not None and planned_stop < new_step.at:
            raise InvalidInput(
                "occurred_at" if stop is None else "stop", "the new stop lies before the change"
            )
        self._check_step(new_step, died_at if step.kind in ORDERS else None)
        self.record(
            Prescription.ChangeCorrected,
            envelope,
            change=change,
            at=at,
            precision=precision,
            dose=dose,
            route=route,
            frequency=frequency,
            stop=stop,
            schedule=schedule,
        )

    def cancel_change(self, change: UUID, envelope: Envelope) -> None:
        """Take back a change, a hold, a resumption or an end that was entered in error.

        Raises MovementNotFound, PrescriptionStateBroken, ContradictsLaterFacts.
        """
        step = self._own_step(change)
        self._check_course(self.course.without_step(change), step)
        self.record(Prescription.ChangeCancelled, envelope, change=change)

    def follow_stay(
        self, ends: Mapping[UUID, KnownTime], ended_by: UUID | None, envelope: Envelope
    ) -> None:
        """Stop the prescription by the end of its stay, as held now. Raises ContradictsLaterFacts.

        ``ends``: the times of the stay's discharges and of the reversal of its admission, by
        id; what an end stopped that never was goes on. ``ended_by``: the one that stops whatever is
        not kept; None while the stay is open, or where this is a discharge medicine.
        """
        if self.course.cancelled:
            return
        stops = {s.discharge: s for s in self.course.steps if s.discharge is not None}
        for discharge, stop in stops.items():
            if discharge not in ends:
                self._correct_stop(stop, None, envelope)
        for end, time in sorted(ends.items(), key=lambda item: item[1].at):
            stop_held = stops.get(end)
            course = self.course.without_step(stop_held.id) if stop_held else self.course
            ended_at = course.period.end
            is_ended = ended_at is not None and not is_later(ended_at, time.at)
            if stop_held is not None and (is_ended or (stop_held.at, stop_held.precision) != time):
                self._correct_stop(stop_held, None if is_ended else time, envelope)
            elif (
                stop_held is None
                and not is_ended
                and self.basis is None
                and (end == ended_by or end in self.stopped_by)
            ):
                entry = structs.replace(envelope, occurred_at=time.at, precision=time.precision)
                self.stop(entry, end)

    def _correct_stop(self, stop: Step, time: KnownTime | None, envelope: Envelope) -> None:
        """Let the stop by an end of the stay follow it; None where it stops nothing any more."""
        course = self.course.without_step(stop.id)
        if time:
            course = course.with_step(replace(stop, at=time.at, precision=time.precision))
        self._check_course(course, stop)
        self.record(
            Prescription.StopCorrected,
            envelope,
            change=stop.id,
            discharge=stop.discharge,
            at=time and time.at,
            precision=time and time.precision,
        )

    def retime(self, fact: UUID, at: datetime, precision: Precision, envelope: Envelope) -> None:
        course, nothing_else = self.course, (None, None, None, None)
        of_end = next((dose.id for dose in course.doses if dose.end and dose.end.id == fact), None)
        if fact == self.id:
            self.rewrite_at(at, precision, envelope)
        elif course.step(fact):
            self.correct_change(fact, at, precision, *nothing_else, envelope)
        elif course.dose(fact):
            self.correct_administration(fact, at, precision, *nothing_else, envelope)
        elif of_end:
            self.correct_infusion_end(of_end, at, precision, envelope)

    def _next_step(
        self, kind: str, envelope: Envelope, changes: tuple[tuple[str, Any], ...] = ()
    ) -> Step:
        id = uuid5(envelope.id_of(kind), str(self.id))
        at, order = envelope.occurred_at, self.version + 1
        return Step(id, kind, at, order, changes, precision=envelope.precision)

    def _own_step(self, change: UUID) -> Step:
        step = self.course.step(change)
        if step is None or self.course.cancelled:
            raise MovementNotFound(Thing.CHANGE, change, "change_id", cancelled=True)
        if step.discharge is not None:
            raise PrescriptionStateBroken(Problem.STOPPED_BY_DISCHARGE)
        return step

    def _check_step(self, candidate: Step, died_at: datetime | None = None) -> None:
        """Refuse a step that does not fit. ``died_at`` where it is an order: none is for the dead."""
        self._check_is_order(candidate, died_at)
        self._check_course(self.course.with_step(candidate), candidate)

    def _check_is_order(self, candidate: Step, died_at: datetime | None) -> None:
        if died_at is not None and self.deferred is None and is_later(candidate.at, died_at):
            raise PatientDied(died_at)
        self._must_not_be_cancelled()

    def check_deferred(self, died_at: datetime | None) -> None:
        """Refuse the course that came out of the commands since `defer_checks`, if it is illegal.

        Raises PrescriptionStateBroken, ContradictsLaterFacts, PatientDied.
        """
        fact_ids, before = self.deferred, self.course_before
        self.deferred = self.course_before = None
        if not fact_ids or self.course.cancelled:
            return
        if self.id in fact_ids:
            check_life(self.course, died_at)
        for step, problem in self.course.problems(self.span_of):
            if step.id in fact_ids:
                raise PrescriptionStateBroken(*problem)
        for dose in self.course.doses:
            if dose.id in fact_ids:
                self._check_dose(dose, died_at)
                if dose.end:
                    self._check_end(dose, dose.end, died_at)
        for step in self.course.steps:
            if step.id in fact_ids and step.kind in ORDERS and died_at is not None:
                self._check_step(step, died_at)
        facts = [self.ref(step) for step, _ in self.course.problems(self.span_of)]
        facts += self._contradicted_doses(self.course, before)
        if facts:
            raise ContradictsLaterFacts(tuple(facts))

    def _check_course(self, course: Course, candidate: Step) -> None:
        """Refuse a course in which the candidate does not fit, or a later step or dose does not."""
        if self.deferred is not None:
            self.deferred.add(candidate.id)
            return
        problems = course.problems(self.span_of)
        for step, problem in problems:
            if step.id == candidate.id:
                raise PrescriptionStateBroken(*problem)
        facts = [self.ref(s) for s, _ in problems]
        facts += self._contradicted_doses(course)
        if facts:
            raise ContradictsLaterFacts(tuple(facts))

    def correct_patient(self, patient: UUID, about: About | None, envelope: Envelope) -> None:
        """Record that the stay, and the prescription with it, is of another patient."""
        self.about = about
        self.record(Prescription.PatientCorrected, envelope, patient=patient)


_EVENTS: Mapping[str, type[Event]] = {
    "changed": Prescription.Changed,
    "held": Prescription.Held,
    "resumed": Prescription.Resumed,
    "stopped": Prescription.Stopped,
    "completed": Prescription.Completed,
}
