"""The aggregate of a prescription: its changes, and the doses given."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from msgspec import structs

from domain.aggregate import Event
from domain.clinical_refusals import ClinicalWarning
from domain.envelope import About, Envelope
from domain.fact_ref import FactKind, FactRef
from domain.prescription.course import Course, Regimen, Step
from domain.prescription.doses import PrescriptionDoses
from domain.prescription.events import Medication
from domain.prescription.schedule import Schedule
from domain.prescription.state import ORDERS, changes_of, corrected_regimen, merged_changes
from domain.problems import Problem
from domain.refusals import (
    ContradictsLaterFacts,
    InvalidInput,
    MovementNotFound,
    PatientDied,
    PrescriptionStateBroken,
)
from domain.time import Precision, corrected_time, is_after, is_later


class Prescription(PrescriptionDoses):
    """A medicine prescribed in a stay, its changes, and the doses given: what it decides."""

    TOPIC = "prescription"

    def write(
        self,
        stay: UUID,
        patient: UUID,
        medication: Medication,
        regimen: Regimen,
        prescriber: UUID | None,
        envelope: Envelope,
        died_at: datetime | None = None,
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None,
    ) -> None:
        """Write the prescription. Raises InvalidInput, PatientDied.

        One that stops before it starts was called off in between, and never active.
        """
        _check_regimen(regimen, envelope.occurred_at)
        if died_at is not None and is_after(max(regimen.start, envelope.occurred_at), died_at):
            raise PatientDied(died_at)
        self.record(
            Prescription.Written,
            envelope,
            stay=stay,
            patient=patient,
            medication=medication,
            dose=regimen.dose,
            route=regimen.route,
            frequency=regimen.frequency,
            start=regimen.start,
            stop=regimen.stop,
            prescriber=prescriber,
            confirmed_warnings=confirmed_warnings,
            schedule=regimen.schedule,
        )

    def correct(
        self, right: "Prescription.WrittenCorrected", died_at: datetime | None = None
    ) -> None:
        """Correct what was written, by an event that says it; what was given is judged by it.

        Raises InvalidInput, PrescriptionStateBroken, ContradictsLaterFacts, PatientDied.
        """
        if self.basis is not None:
            raise PrescriptionStateBroken(
                Problem.DOSE_NOT_PRESCRIBED, "nothing was prescribed in writing: correct the dose"
            )
        self._must_not_be_cancelled()
        before = self.course
        course = replace(
            before,
            written_at=right.at or before.written_at,
            precision=right.precision or before.precision,
            regimen=corrected_regimen(before.regimen, right),
        )
        contents = (right.medication or self.medication, right.prescriber or self.prescriber)
        if course == before and contents == (self.medication, self.prescriber):
            raise InvalidInput("prescription_id", "it is written so already; say what is different")
        _check_regimen(course.regimen, course.written_at)
        if died_at is not None and is_after(max(course.regimen.start, course.written_at), died_at):
            raise PatientDied(died_at)
        if self.deferred is not None:
            self.deferred.add(self.id)
            self.add(right)
            return
        known_problems = {step.id for step, _ in before.problems(self.span_of)}
        facts = [
            self.ref(step)
            for step, _ in course.problems(self.span_of)
            if step.id not in known_problems
        ]
        facts += self._contradicted_doses(course)
        if facts:
            raise ContradictsLaterFacts(tuple(facts))
        self.add(right)

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
            raise InvalidInput("dose", "say what changes: dose, route, frequency or stop")
        _check_schedule(schedule)
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

    def hold(self, envelope: Envelope, died_at: datetime | None = None) -> None:
        """Hold the prescription. Raises PrescriptionStateBroken, PatientDied."""
        step = self._next_step("held", envelope)
        self._check_step(step, died_at)
        self.record(Prescription.Held, envelope, change=step.id)

    def resume(self, envelope: Envelope, died_at: datetime | None = None) -> None:
        """Resume the prescription after a hold. Raises PrescriptionStateBroken, PatientDied."""
        step = self._next_step("resumed", envelope)
        self._check_step(step, died_at)
        self.record(Prescription.Resumed, envelope, change=step.id)

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
        _check_schedule(schedule)
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
        self, ends: Mapping[UUID, datetime], ended_by: UUID | None, envelope: Envelope
    ) -> None:
        """Stop the prescription by the end of its stay, as held now. Raises ContradictsLaterFacts.

        ``ends``: the moments (UTC) of the stay's discharges and of the reversal of its admission, by
        id; what an end stopped that never was goes on. ``ended_by``: the one that stops whatever is
        not kept; None while the stay is open, or where this is a discharge medicine.
        """
        if self.course.cancelled:
            return
        stops = {s.discharge: s for s in self.course.steps if s.discharge is not None}
        for discharge, stop in stops.items():
            if discharge not in ends:
                self._correct_stop(stop, None, envelope)
        for end, at in sorted(ends.items(), key=lambda item: item[1]):
            stop_held = stops.get(end)
            course = self.course.without_step(stop_held.id) if stop_held else self.course
            ended_at = course.period.end
            is_ended = ended_at is not None and not is_later(ended_at, at)
            if stop_held is not None and (is_ended or stop_held.at != at):
                self._correct_stop(stop_held, None if is_ended else at, envelope)
            elif (
                stop_held is None
                and not is_ended
                and self.basis is None
                and (end == ended_by or end in self.stopped_by)
            ):
                self.stop(structs.replace(envelope, occurred_at=at), end)

    def _correct_stop(self, stop: Step, at: datetime | None, envelope: Envelope) -> None:
        """Let the stop by an end of the stay follow it; None where it stops nothing any more."""
        course = self.course.without_step(stop.id)
        self._check_course(course.with_step(replace(stop, at=at)) if at else course, stop)
        self.record(
            Prescription.StopCorrected,
            envelope,
            change=stop.id,
            discharge=stop.discharge,
            at=at,
        )

    def _next_step(
        self, kind: str, envelope: Envelope, changes: tuple[tuple[str, Any], ...] = ()
    ) -> Step:
        id = uuid5(envelope.id_of(kind), str(self.id))
        at, order = envelope.occurred_at, self.version + 1
        return Step(id, kind, at, order, changes, precision=envelope.precision)

    def _own_step(self, change: UUID) -> Step:
        step = self.course.step(change)
        if step is None or self.course.cancelled:
            raise MovementNotFound("change", change, "change_id", cancelled=True)
        if step.discharge is not None:
            raise PrescriptionStateBroken(Problem.STOPPED_BY_DISCHARGE)
        return step

    def _check_step(self, candidate: Step, died_at: datetime | None = None) -> None:
        """Refuse a step that does not fit. ``died_at`` where it is an order: none is for the dead."""
        if died_at is not None and self.deferred is None and is_after(candidate.at, died_at):
            raise PatientDied(died_at)
        self._must_not_be_cancelled()
        self._check_course(self.course.with_step(candidate), candidate)

    def check_deferred(self, died_at: datetime | None) -> None:
        """Refuse the course that came out of the commands since `defer_checks`, if it is illegal.

        Raises PrescriptionStateBroken, ContradictsLaterFacts, PatientDied.
        """
        fact_ids, before = self.deferred, self.course_before
        self.deferred = self.course_before = None
        if not fact_ids or self.course.cancelled:
            return
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

    def _contradicted_doses(self, course: Course, before: Course | None = None) -> list[FactRef]:
        """Return the doses that another course does not allow, and that lay inside the one before."""
        before = before or self.course
        return [
            FactRef(d.id, FactKind.DOSE, d.at, self.stay)
            for d in course.doses
            if self.basis is None
            and d.outside is None
            and before.contains(d, self.span_of)
            and not course.allows(d, self.span_of)
        ]

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


def _check_schedule(schedule: Schedule | None) -> None:
    if schedule is not None:
        schedule.check()


def _check_regimen(regimen: Regimen, written_at: datetime) -> None:
    _check_schedule(regimen.schedule)
    if regimen.stop is not None and regimen.stop < min(regimen.start, written_at):
        raise InvalidInput("stop", "a prescription cannot stop before it is written and starts")
