"""Care: the first review, rounds and consults; and on the rounds, what is prescribed."""

from datetime import datetime
from math import log

from api.simulator.clock import HOUR, MINUTE
from api.simulator.corrections import put_right
from api.simulator.inpatient import Inpatient, Life, Seen
from api.simulator.medicines import Medicines
from api.simulator.movements import Movements
from api.simulator.recording_queue import NOTE
from api.simulator.staff import Doctor
from api.simulator.texts import AMENDED, CONSULT, FIRST_REVIEW, ROUND, VISIT_CANCELLED
from domain.practitioner import Grade
from domain.stay.events import AdmissionType, VisitKind

MONDAY, SATURDAY = 0, 5
WEEKEND_ROUNDS = 0.7
CONSULTS = 0.07
EVENING_REVIEWS = 0.5
DOCTORS_ROTATE = 0.2
AMENDED_NOTES = 0.015
CANCELLED_NOTES = 0.005
FROM_PAPER_AFTER = 6 * HOUR


class Care:
    """What doctors do for a patient, from admission until the stay ends."""

    def __init__(self, life: Life, movements: Movements, medicines: Medicines) -> None:
        self.life, self.movements, self.medicines = life, movements, medicines

    def begin(self, patient: Inpatient) -> None:
        life = self.life
        self.medicines.begin(patient)
        if patient.admission is AdmissionType.NEWBORN:
            first = life.now + life.orders.uniform(8, 30) * HOUR  # the newborn examination
        else:
            first = life.now + min(life.orders.lognormvariate(log(4.5), 0.8), 34) * HOUR
        life.agenda.at_second(first, lambda: self._first_review(patient))
        self._round_tomorrow(patient, life.now + 3 * HOUR)

    def _first_review(self, patient: Inpatient) -> None:
        if not patient.is_here:
            return
        life = self.life
        if patient.attending is None:
            self.movements.change_attending(patient)
        seen_by = patient.attending
        if seen_by is None or seen_by.grade is not Grade.CONSULTANT:
            seen_by = life.staff.doctor(life.orders, patient.specialty, Grade.CONSULTANT)
        self._seen(patient, seen_by, VisitKind.REVIEW, FIRST_REVIEW)

    def _round_tomorrow(self, patient: Inpatient, after: datetime) -> None:
        at = self.life.hours.next(after, self.life.orders.triangular(7.5, 12, 9))
        self.life.agenda.at(at, lambda: self._round(patient))

    def _round(self, patient: Inpatient) -> None:
        if patient.gone or patient.died_at is not None:
            return
        life = self.life
        self._round_tomorrow(patient, life.now + 6 * HOUR)
        if patient.away:
            return
        weekday = life.hours.local(life.now).weekday()
        if weekday == MONDAY and life.orders.random() < DOCTORS_ROTATE:
            self.movements.change_attending(patient)
        self.medicines.review(patient)
        chance = life.care.random()
        if weekday >= SATURDAY and chance > WEEKEND_ROUNDS and not patient.is_critical:
            return
        if life.care.random() < life.detail:
            wait = life.care.uniform(1, 12) * MINUTE
            by_attending = chance < 0.4
            life.agenda.at_second(life.now + wait, lambda: self._on_round(patient, by_attending))
        if life.care.random() < CONSULTS * life.detail:
            wait = life.care.uniform(1, 7) * HOUR
            life.agenda.at_second(life.now + wait, lambda: self._consult(patient))
        if patient.is_critical and life.care.random() < EVENING_REVIEWS * life.detail:
            wait = life.care.uniform(8, 12) * HOUR
            life.agenda.at_second(life.now + wait, lambda: self._evening_review(patient))

    def _on_round(self, patient: Inpatient, by_attending: bool) -> None:
        if patient.is_here:
            doctor = patient.attending if by_attending else None
            self._seen(patient, doctor or self._resident(patient), VisitKind.ROUND, ROUND)

    def _consult(self, patient: Inpatient) -> None:
        if patient.is_here:
            doctor = self.life.staff.consulted(self.life.care)
            self._seen(patient, doctor, VisitKind.CONSULT, CONSULT)

    def _evening_review(self, patient: Inpatient) -> None:
        if patient.is_here:
            self._seen(patient, self._resident(patient), VisitKind.REVIEW, ROUND)

    def _resident(self, patient: Inpatient) -> Doctor:
        return self.life.staff.doctor(
            self.life.care, patient.specialty, Grade.RESIDENT, Grade.SPECIALIST
        )

    def _seen(
        self, patient: Inpatient, doctor: Doctor, kind: VisitKind, notes: tuple[str, ...]
    ) -> None:
        """Noted by the doctor, or from paper by somebody else when that was forgotten."""
        life = self.life
        note = life.care.choice(notes) if life.care.random() < 0.9 else None
        lag = NOTE.draw(life.care) + MINUTE
        forgotten = lag > FROM_PAPER_AFTER
        seen = Seen()
        recorded = life.desk.tell(
            lambda h, q: h.stays.record_visit(
                q, stay_id=patient.id, practitioner=doctor.number, kind=kind, note=note
            ),
            at=life.now,
            by=life.staff.registrar(life.care) if forgotten else doctor.actor,
            lag=lag,
            after=patient.opened,
            then=seen.learn,
            performed_by=doctor.name if forgotten else None,
        )
        if note is not None and life.care.random() < AMENDED_NOTES:
            other = life.care.choice([n for n in notes if n != note])
            put_right(
                life,
                lambda h, q: h.corrections.amend_visit(q, visit_id=seen.id, note=other),
                recorded,
                doctor.actor,
                AMENDED,
                corrects=True,
            )
        elif life.care.random() < CANCELLED_NOTES:
            put_right(
                life,
                lambda h, q: h.corrections.cancel_visit(q, visit_id=seen.id),
                recorded,
                doctor.actor,
                VISIT_CANCELLED,
            )
