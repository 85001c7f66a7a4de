"""The writing of a prescription, and how it is put right."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.clinical_refusals import ClinicalWarning
from domain.envelope import Envelope
from domain.fact_ref import FactKind, FactRef
from domain.prescription.course import Course, Regimen
from domain.prescription.doses import PrescriptionDoses
from domain.prescription.events import Medication, PrescriptionEvents
from domain.prescription.schedule import Schedule
from domain.prescription.state import corrected_regimen
from domain.problems import Problem
from domain.refusals import (
    ContradictsLaterFacts,
    InvalidInput,
    PatientDied,
    PrescriptionStateBroken,
)
from domain.time import Precision, is_later


class PrescriptionWriting(PrescriptionDoses):
    """The commands to what is written in a prescription."""

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
        check_regimen(regimen, envelope.occurred_at)
        check_life(Course(envelope.occurred_at, regimen), died_at)
        self.record(
            PrescriptionEvents.Written,
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
        self, right: PrescriptionEvents.WrittenCorrected, died_at: datetime | None = None
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
        check_regimen(course.regimen, course.written_at)
        if self.deferred is None:
            check_life(course, died_at)
        else:
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

    def rewrite_at(self, at: datetime, precision: Precision, envelope: Envelope) -> None:
        """Correct when it was written, and no more; one that began as it was written goes on to."""
        starts = self.course.regimen.start == self.course.written_at
        event = self.next_event(
            PrescriptionEvents.WrittenCorrected,
            envelope,
            at=at,
            precision=precision,
            medication=None,
            dose=None,
            route=None,
            frequency=None,
            start=at if starts else None,
            stop=None,
            open_ended=False,
            prescriber=None,
        )
        self.correct(event)

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


def check_schedule(schedule: Schedule | None) -> None:
    if schedule is not None:
        schedule.check()


def check_regimen(regimen: Regimen, written_at: datetime) -> None:
    check_schedule(regimen.schedule)
    if regimen.stop is not None and regimen.stop < min(regimen.start, written_at):
        raise InvalidInput("stop", "a prescription cannot stop before it is written and starts")


def check_life(course: Course, died_at: datetime | None) -> None:
    """Refuse what is written, or begins, after a death. Raises PatientDied."""
    if died_at is not None and is_later(max(course.regimen.start, course.written_at), died_at):
        raise PatientDied(died_at)
