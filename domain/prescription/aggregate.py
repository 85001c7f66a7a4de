"""The aggregate of a prescription: its changes, and the doses given."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from msgspec import structs

from domain.aggregate import Aggregate
from domain.envelope import About, Envelope
from domain.prescription.course import ENDED, Course, Dose, Outside, Regimen, Step
from domain.prescription.events import Medication
from domain.prescription.state import ORDERS, PrescriptionState, changes_of, merged
from domain.refusals import (
    ContradictsLaterFacts,
    FactRef,
    InvalidInput,
    MovementNotFound,
    PatientDied,
    PrescriptionStateBroken,
)
from domain.time import Precision


class Prescription(PrescriptionState, Aggregate):
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
    ) -> None:
        """Write the prescription. Raises InvalidInput, PatientDied.

        One that stops before it starts was called off in between, and never active.
        """
        _check_regimen(regimen, envelope.occurred_at)
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
        if stop is not None and stop < envelope.occurred_at:
            raise InvalidInput("stop", "the new stop lies before the change")
        step = self._next_step("changed", envelope, changes_of(dose, route, frequency, stop))
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
        dose = Dose(
            envelope.id_of("administration"),
            envelope.occurred_at,
            given,
            outside,
            envelope.precision,
        )
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
        corrected = Dose(
            dose.id,
            at or dose.at,
            was_given,
            outside or dose.outside,
            precision or dose.precision,
        )
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
    ) -> None:
        """Correct the time of a change, a hold, a resumption or an end, or what was changed.

        Raises MovementNotFound, PrescriptionStateBroken, ContradictsLaterFacts, PatientDied.
        """
        step = self._own_step(change)
        changes = changes_of(dose, route, frequency, stop)
        if at is None and not changes:
            raise InvalidInput(
                "occurred_at", "say what was different: `occurred_at`, dose, route, frequency, stop"
            )
        if changes and step.kind != "changed":
            raise InvalidInput(changes[0][0], f"it was {step.kind} then, with no other regimen")
        moved = replace(step, at=at or step.at, changes=merged(step.changes, changes))
        self._check_step(moved, died_at if step.kind in ORDERS else None)
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
        for stop in [s for s in self.course.steps if s.discharge is not None]:
            assert stop.discharge is not None
            at = ends.get(stop.discharge)
            if at == stop.at:
                continue
            course = self.course.without_step(stop.id)
            self._check_course(course.with_step(replace(stop, at=at)) if at else course, stop)
            self.record(
                Prescription.StopCorrected,
                envelope,
                change=stop.id,
                discharge=stop.discharge,
                at=at,
            )
        if ended_by is None or any(s.discharge == ended_by for s in self.course.steps):
            return
        at = ends[ended_by]
        if self.course.status_at(at) not in ENDED:
            self.stop(structs.replace(envelope, occurred_at=at), ended_by)

    def _next_step(
        self, kind: str, envelope: Envelope, changes: tuple[tuple[str, Any], ...] = ()
    ) -> Step:
        id = uuid5(envelope.id_of(kind), str(self.id))
        return Step(id, kind, envelope.occurred_at, self.version + 1, changes)

    def _own_step(self, change: UUID) -> Step:
        step = self.course.step(change)
        if step is None or self.course.cancelled:
            raise MovementNotFound("change", change, "change_id", cancelled=True)
        if step.discharge is not None:
            raise PrescriptionStateBroken(
                "the end of the stay stopped it: correct or cancel that, and the stop follows"
            )
        return step

    def _check_step(self, candidate: Step, died_at: datetime | None = None) -> None:
        """Refuse a step that does not fit. ``died_at`` where it is an order: none is for the dead."""
        if died_at is not None and candidate.at > died_at:
            raise PatientDied(died_at)
        if self.course.cancelled:
            raise PrescriptionStateBroken("it was cancelled: it was entered in error")
        self._check_course(self.course.with_step(candidate), candidate)

    def _check_course(self, course: Course, candidate: Step) -> None:
        """Refuse a course in which the candidate does not fit, or a later step or dose does not."""
        problems = course.problems()
        for step, why in problems:
            if step.id == candidate.id:
                raise PrescriptionStateBroken(why)
        facts = [self.ref(s) for s, _ in problems]
        facts += [
            FactRef(d.id, "dose", d.at, self.stay)
            for d in course.doses
            if d.outside is None and self.course.contains(d) and not course.allows(d)
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
        if self.course.contains(dose):
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


def _check_regimen(regimen: Regimen, written_at: datetime) -> None:
    if regimen.stop is not None and regimen.stop < min(regimen.start, written_at):
        raise InvalidInput("stop", "a prescription cannot stop before it is written and starts")
