"""Care: the first review, rounds and consults; and on the rounds, what is prescribed."""

from datetime import datetime
from functools import partial
from math import log

from api.simulator.assessment import Assessment
from api.simulator.clock import HOUR, MINUTE
from api.simulator.data_entry_errors import correct_entry
from api.simulator.inpatient import Inpatient, World
from api.simulator.medicines import Medicines
from api.simulator.movements import Movements
from api.simulator.recording_queue import NOTE, Visit
from api.simulator.staff import CONSULTED, Doctor
from api.simulator.texts import AMENDED, CONSULT, FIRST_REVIEW, ROUND, VISIT_CANCELLED
from domain.practitioner import Grade
from domain.stay.events import VisitKind

MONDAY, SATURDAY = 0, 5
WEEKEND_ROUNDS = 0.7
CONSULTS = 0.07
DOCTORS_ROTATE = 0.2
AMENDED_NOTES = 0.015
CANCELLED_NOTES = 0.015
FROM_PAPER_AFTER = 6 * HOUR


class Care:
    """Visits of doctors, from admission until the stay ends."""

    def __init__(self, world: World, movements: Movements, medicines: Medicines) -> None:
        self.world, self.movements, self.medicines = world, movements, medicines
        self.assessment = Assessment(world)

    def begin(self, patient: Inpatient) -> None:
        world = self.world
        self.medicines.begin(patient)
        self.assessment.begin(patient)
        first = world.now + min(world.order_rng.lognormvariate(log(4.5), 0.8), 34) * HOUR
        world.agenda.at_second(first, lambda: self._first_review(patient))
        self._note_round(patient, world.now + 3 * HOUR)

    def _first_review(self, patient: Inpatient) -> None:
        if patient.is_here:
            if patient.attending is None:
                self.movements.change_attending(patient)
            rng, specialty = self.world.order_rng, patient.specialty
            consultant = self.world.staff.doctor(rng, specialty, Grade.CONSULTANT)
            self._visit(patient, consultant, VisitKind.REVIEW, FIRST_REVIEW)

    def _note_round(self, patient: Inpatient, after: datetime) -> None:
        at = self.world.hours.next(after, self.world.order_rng.triangular(7.5, 12, 9))
        self.world.agenda.at(at, lambda: self._round(patient))

    def _round(self, patient: Inpatient) -> None:
        world, rng = self.world, self.world.care_rng
        if patient.gone or patient.died_at is not None:
            return
        self._note_round(patient, world.now + 6 * HOUR)
        if patient.away:
            return
        weekday = world.hours.local(world.now).weekday()
        if weekday == MONDAY and world.order_rng.random() < DOCTORS_ROTATE:
            self.movements.change_attending(patient)
        self.medicines.review(patient)
        if weekday >= SATURDAY and rng.random() > WEEKEND_ROUNDS and not patient.is_critical:
            return
        if rng.random() < world.detail:
            at = world.now + rng.uniform(1, 12) * MINUTE
            world.agenda.at_second(at, lambda: self._see_on_round(patient))
        if rng.random() < CONSULTS * world.detail:
            at = world.now + rng.uniform(1, 7) * HOUR
            world.agenda.at_second(at, lambda: self._consult(patient))

    def _see_on_round(self, patient: Inpatient) -> None:
        rng = self.world.care_rng
        if patient.is_here:
            doctor = patient.attending if rng.random() < 0.4 else None
            resident = self.world.staff.doctor(rng, patient.specialty, Grade.RESIDENT)
            self._visit(patient, doctor or resident, VisitKind.ROUND, ROUND)

    def _consult(self, patient: Inpatient) -> None:
        rng = self.world.care_rng
        if patient.is_here:
            doctor = self.world.staff.doctor(rng, rng.choice(CONSULTED))
            self._visit(patient, doctor, VisitKind.CONSULT, CONSULT)

    def _visit(
        self, patient: Inpatient, doctor: Doctor, kind: VisitKind, notes: tuple[str, ...]
    ) -> None:
        """Record a visit: by the doctor, or from paper by somebody else when that was forgotten."""
        world, rng = self.world, self.world.care_rng
        note = rng.choice(notes)
        lag = NOTE.draw(rng) + MINUTE
        is_forgotten = lag > FROM_PAPER_AFTER
        visit = Visit()
        entered_at = world.queue.put(
            "record_visit",
            at=world.now,
            by=world.staff.pick("registrar", rng) if is_forgotten else doctor.actor,
            lag=lag,
            after=patient.opened,
            creates=visit,
            performed_by=doctor.name if is_forgotten else None,
            stay_id=patient,
            practitioner=doctor.number,
            kind=kind,
            note=note,
        )
        entry = partial(correct_entry, world, entered_at, doctor.actor, visit_id=visit)
        if rng.random() < AMENDED_NOTES:
            other_note = rng.choice([other for other in notes if other != note])
            entry("amend_visit", AMENDED, corrects=True, note=other_note)
        elif rng.random() < CANCELLED_NOTES:
            entry("cancel_visit", VISIT_CANCELLED)
