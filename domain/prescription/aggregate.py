"""The aggregate of a prescription: its changes, and the doses given."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Event, UnknownEvent
from domain.envelope import About, Envelope
from domain.prescription.course import ENDED, Course, Dose, Outside, Regimen, Step
from domain.prescription.events import Medication, PrescriptionEvents
from domain.refusals import (
    ContradictsLaterFacts,
    FactRef,
    InvalidInput,
    MovementNotFound,
    PatientDied,
    PrescriptionStateBroken,
)
from domain.time import Precision

ORDERS = ("changed", "held", "resumed")
"""Steps that are clinical orders; stopping and completing may be written after a death."""


class Prescription(PrescriptionEvents, Aggregate):
    """A medicine prescribed in a stay, its changes, and the doses given."""

    TOPIC = "prescription"

    def __init__(self) -> None:
        self.stay: UUID | None = None

    # -- decide --

    def write(
        self,
        stay: UUID,
        patient: UUID,
        medication: Medication,
        regimen: Regimen,
        prescriber: UUID | None,
        envelope: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        """Write the prescription. Raises InvalidInput, PatientDied."""
        if regimen.stop is not None and regimen.stop < regimen.start:
            raise InvalidInput("stop", "a prescription cannot stop before it starts")
        if died_at is not None and max(regimen.start, envelope.occurred_at) > died_at:
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
        )

    def change(
        self,
        dose: str | None,
        route: str | None,
        frequency: str | None,
        stop: datetime | None,
        envelope: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        """Change the regimen from a time on; None leaves a value. Raises PrescriptionStateBroken."""
        if dose is None and route is None and frequency is None and stop is None:
            raise InvalidInput("dose", "say what changes: dose, route, frequency or stop")
        if stop is not None and stop < max(self.course.regimen.start, envelope.occurred_at):
            raise InvalidInput("stop", "the new stop lies before the change or the start")
        step = self._next_step("changed", envelope, _changes(dose, route, frequency, stop))
        self._check_step(step, died_at)
        self.record(
            Prescription.Changed,
            envelope,
            change=step.id,
            dose=dose,
            route=route,
            frequency=frequency,
            stop=stop,
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
        self._check_step(step)
        self.record(Prescription.Stopped, envelope, change=step.id, discharge=discharge)

    def complete(self, envelope: Envelope) -> None:
        """Complete the prescription. Raises PrescriptionStateBroken."""
        step = self._next_step("completed", envelope)
        self._check_step(step)
        self.record(Prescription.Completed, envelope, change=step.id)

    def record_administration(
        self,
        given: bool,
        dose_given: str | None,
        reason_not_given: str | None,
        outside: Outside | None,
        envelope: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        """Record a dose given, or not given and why. Raises PrescriptionStateBroken, PatientDied."""
        if given and reason_not_given:
            raise InvalidInput("reason_not_given", "the dose was given; leave this out")
        if not given and not reason_not_given:
            raise InvalidInput("reason_not_given", "say why the dose was not given")
        if not given and dose_given:
            raise InvalidInput("dose_given", "the dose was not given; leave this out")
        dose = Dose(envelope.id_of("administration"), envelope.occurred_at, given, outside)
        self._check_dose(dose, died_at)
        self.record(
            Prescription.AdministrationRecorded,
            envelope,
            administration=dose.id,
            given=given,
            dose_given=dose_given,
            reason_not_given=reason_not_given,
            outside_prescription=outside,
        )

    def correct_administration(
        self,
        administration: UUID,
        at: datetime | None,
        precision: Precision | None,
        given: bool | None,
        dose_given: str | None,
        reason_not_given: str | None,
        outside: Outside | None,
        envelope: Envelope,
        died_at: datetime | None = None,
    ) -> datetime:
        """Correct a dose. Returns when it was given, as held now."""
        dose = self._dose(administration)
        if {at, given, dose_given, reason_not_given, outside} == {None}:
            raise InvalidInput(
                "dose_given",
                "say what was different: `occurred_at`, given, `dose_given`, `reason_not_given`",
            )
        was_given = dose.given if given is None else given
        if was_given and reason_not_given:
            raise InvalidInput("reason_not_given", "the dose was given; leave this out")
        if not was_given and dose_given:
            raise InvalidInput("dose_given", "the dose was not given; leave this out")
        if dose.given and not was_given and not reason_not_given:
            raise InvalidInput("reason_not_given", "say why the dose was not given")
        corrected = Dose(dose.id, at or dose.at, was_given, outside or dose.outside)
        self._check_dose(corrected, died_at)
        self.record(
            Prescription.AdministrationCorrected,
            envelope,
            administration=administration,
            at=at,
            precision=precision,
            given=given,
            dose_given=dose_given,
            reason_not_given=reason_not_given,
            outside_prescription=outside,
        )
        return corrected.at

    def cancel_administration(self, administration: UUID, envelope: Envelope) -> None:
        """Take back a dose that was entered in error."""
        self._dose(administration)
        self.record(Prescription.AdministrationCancelled, envelope, administration=administration)

    def cancel(self, envelope: Envelope) -> None:
        """Take back a prescription that was entered in error, with its doses that were not given.

        Refused once a dose was given: what was given was prescribed.
        """
        if self.course.cancelled:
            raise PrescriptionStateBroken("it was cancelled before")
        if any(d.given for d in self.course.doses):
            raise PrescriptionStateBroken(
                "a dose was given; stop the prescription, or cancel the dose first"
            )
        self.record(Prescription.Cancelled, envelope)

    def void(self, envelope: Envelope) -> None:
        """Take back a prescription of a stay that never was, with all its doses."""
        for dose in self.course.doses:
            self.record(Prescription.AdministrationCancelled, envelope, administration=dose.id)
        if not self.course.cancelled:
            self.record(Prescription.Cancelled, envelope)

    def correct_stop(self, discharge: UUID, at: datetime | None, envelope: Envelope) -> None:
        """Move the stop with its discharge, or take it back where that never was (``at`` None)."""
        stop = next((s for s in self.course.steps if s.discharge == discharge), None)
        if stop is None or self.course.cancelled:
            return
        self._check_course(self.course.with_moved(stop.id, at), stop)
        self.record(
            Prescription.StopCorrected, envelope, change=stop.id, discharge=discharge, at=at
        )

    def is_live_at(self, moment: datetime) -> bool:
        """Return whether a discharge at that moment has to stop the prescription."""
        return self.course.status_at(moment) not in (*ENDED, None)

    def must_outlive(self, died_at: datetime) -> None:
        """Refuse a time of death that a later order or dose contradicts; it may end afterwards."""
        orders = [s for s in self.course.steps if s.kind in ORDERS and not self.course.cancelled]
        facts = self.facts_after(died_at) + [self._ref(s) for s in orders if s.at > died_at]
        if facts:
            raise ContradictsLaterFacts(tuple(facts))

    def facts_after(self, moment: datetime) -> list[FactRef]:
        """Return the writing of the prescription and the doses, as far as they lie after a moment."""
        return [f for f in self.facts() if f.occurred_at > moment]

    def facts(self) -> list[FactRef]:
        """Return the writing of the prescription and its doses, as far as they are held true."""
        if self.course.cancelled:
            return []
        written = FactRef(self.id, "prescription", self.course.written_at, self.stay)
        return [written, *(FactRef(d.id, "dose", d.at, self.stay) for d in self.course.doses)]

    def _next_step(
        self, kind: str, envelope: Envelope, changes: tuple[tuple[str, Any], ...] = ()
    ) -> Step:
        id = uuid5(envelope.id_of(kind), str(self.id))
        return Step(id, kind, envelope.occurred_at, self.version + 1, changes)

    def _ref(self, step: Step) -> FactRef:
        return FactRef(step.id, f"prescription {step.kind}", step.at, self.stay)

    def _check_step(self, candidate: Step, died_at: datetime | None = None) -> None:
        """Refuse a step that does not fit. ``died_at`` where it is an order: none is for the dead."""
        if died_at is not None and candidate.at > died_at:
            raise PatientDied(died_at)
        if self.course.cancelled:
            raise PrescriptionStateBroken("it was cancelled: it was entered in error")
        self._check_course(self.course.with_added(candidate), candidate)

    def _check_course(self, course: Course, candidate: Step) -> None:
        """Refuse a course in which the candidate does not fit, or a later step or dose does not."""
        problems = course.problems()
        for step, why in problems:
            if step.id == candidate.id:
                raise PrescriptionStateBroken(why)
        facts = [self._ref(s) for s, _ in problems]
        facts += [
            FactRef(d.id, "dose", d.at, self.stay)
            for d in course.doses
            if d.outside is None and d.at in self.course.period and not course.allows(d)
        ]
        if facts:
            raise ContradictsLaterFacts(tuple(facts))

    def _dose(self, id: UUID) -> Dose:
        dose = self.course.dose(id)
        if dose is None:
            raise MovementNotFound("dose", id, "administration_id", cancelled=True)
        return dose

    def _check_dose(self, dose: Dose, died_at: datetime | None) -> None:
        """Refuse a dose that lies outside the prescription and is not marked so."""
        if died_at is not None and dose.at > died_at:
            raise PatientDied(died_at)
        if self.course.cancelled:
            raise PrescriptionStateBroken("it was cancelled: it was entered in error")
        if dose.outside is not None or self.course.allows(dose):
            return
        if dose.at in self.course.period:
            raise PrescriptionStateBroken(
                "it is held then; mark a dose given all the same with `outside_prescription`"
            )
        raise PrescriptionStateBroken(
            "the dose lies outside the prescription; mark it with `outside_prescription`"
        )

    def correct_patient(self, patient: UUID, about: About | None, envelope: Envelope) -> None:
        """Record that the stay, and the prescription with it, is of another patient."""
        self.about = about
        self.record(Prescription.PatientCorrected, envelope, patient=patient)

    # -- evolve --

    def apply(self, event: Event) -> None:
        match event:
            case Prescription.Written():
                self.stay, self.patient = event.stay, event.patient
                self.medication, self.prescriber = event.medication, event.prescriber
                regimen = Regimen(event.start, event.stop, event.dose, event.route, event.frequency)
                self.course = Course(event.entry.occurred_at, regimen)
            case Prescription.PatientCorrected():
                self.patient, self.about = event.patient, event.entry.about
            case Prescription.Changed():
                changes = _changes(event.dose, event.route, event.frequency, event.stop)
                self._add_step("changed", event.change, event, changes)
            case Prescription.Held():
                self._add_step("held", event.change, event)
            case Prescription.Resumed():
                self._add_step("resumed", event.change, event)
            case Prescription.Stopped():
                self._add_step("stopped", event.change, event, discharge=event.discharge)
            case Prescription.Completed():
                self._add_step("completed", event.change, event)
            case Prescription.StopCorrected():
                self.course = self.course.with_moved(event.change, event.at)
            case Prescription.Cancelled():
                self.course = replace(self.course, cancelled=True, doses=())
            case Prescription.AdministrationRecorded():
                dose = Dose(
                    event.administration,
                    event.entry.occurred_at,
                    event.given,
                    event.outside_prescription,
                )
                self.course = replace(self.course, doses=(*self.course.doses, dose))
            case Prescription.AdministrationCorrected():
                self._correct_dose(event)
            case Prescription.AdministrationCancelled():
                self.course = self.course.without_dose(event.administration)
            case _:
                raise UnknownEvent(event)

    def _add_step(
        self,
        kind: str,
        id: UUID,
        event: Event,
        changes: tuple[tuple[str, Any], ...] = (),
        discharge: UUID | None = None,
    ) -> None:
        at, order = event.entry.occurred_at, event.originator_version
        self.course = self.course.with_added(Step(id, kind, at, order, changes, discharge))

    def _correct_dose(self, event: "Prescription.AdministrationCorrected") -> None:
        dose = self.course.dose(event.administration)
        if dose is None:
            return  # a read model may skip it
        self.course = self.course.with_replaced_dose(
            Dose(
                dose.id,
                event.at or dose.at,
                dose.given if event.given is None else event.given,
                event.outside_prescription or dose.outside,
            )
        )


def _changes(
    dose: str | None, route: str | None, frequency: str | None, stop: datetime | None
) -> tuple[tuple[str, Any], ...]:
    values = {"dose": dose, "route": route, "frequency": frequency, "stop": stop}
    return tuple((name, value) for name, value in values.items() if value is not None)
