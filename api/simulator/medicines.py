"""Medicines: prescriptions and what becomes of them, and the doses of each round."""

from functools import partial

from api.simulator.clock import DAY, HOUR, MINUTE
from api.simulator.corrections import put_right
from api.simulator.formulary import AS_NEEDED, BY_KIND, HOURS, NEWBORN, ONCE, Drug
from api.simulator.inpatient import Dose, Inpatient, Life, Prescribed
from api.simulator.recording_queue import DOSE, ORDER, Telling
from api.simulator.texts import (
    CHANGED,
    DOSE_CANCELLED,
    DOSE_CORRECTED,
    HELD,
    NOT_GIVEN,
    STOPPED,
)
from domain.practitioner import Grade
from domain.prescription.course import Outside
from domain.stay.events import AdmissionType

FIRST_DRUGS: dict[AdmissionType, tuple[int, int]] = {
    AdmissionType.EMERGENCY: (3, 6),
    AdmissionType.ELECTIVE: (3, 6),
    AdmissionType.TRANSFER_IN: (4, 8),
    AdmissionType.MATERNITY: (1, 3),
    AdmissionType.DAY_CASE: (1, 2),
    AdmissionType.NEWBORN: (1, 1),
}
"""How many drugs at least and at most are prescribed on admission."""

NOT_GIVEN_SHARE = 0.05
OTHER_DOSE = 0.02
CORRECTED_DOSES = 0.004
CANCELLED_DOSES = 0.003
LATE_DOSES = 0.15
EMERGENCY_DOSES = 0.02


class Medicines:
    """Prescribing on admission and on rounds; giving at the usual hours."""

    def __init__(self, life: Life) -> None:
        self.life = life

    # -- prescribing --

    def begin(self, patient: Inpatient) -> None:
        lot = self.life.orders
        drugs = NEWBORN if patient.mother is not None else BY_KIND[patient.goes_to]
        wanted = lot.randint(*FIRST_DRUGS[patient.admission])
        for drug in lot.sample(drugs, min(wanted, len(drugs))):
            wait = lot.uniform(15, 120) * MINUTE
            self.life.agenda.after(wait, partial(self._prescribe, patient, drug))

    def review(self, patient: Inpatient) -> None:
        """Once a day: each prescription may be held, changed, stopped; a new one may be written."""
        lot = self.life.orders
        live = [p for p in patient.prescribed if p.is_live(self.life.now)]
        for prescribed in live:
            self._review(patient, prescribed, lot.random())
        if lot.random() < 0.16:
            kind = patient.bed.kind if patient.bed else patient.goes_to
            having = {p.drug for p in live}
            others = [drug for drug in BY_KIND[kind] if drug not in having]
            if others and patient.admission is not AdmissionType.NEWBORN:
                self._prescribe(patient, lot.choice(others))

    def _review(self, patient: Inpatient, prescribed: Prescribed, chance: float) -> None:
        drug, now = prescribed.drug, self.life.now
        if now <= prescribed.start:
            return
        if prescribed.held:
            if chance < 0.6:
                self._resume(patient, prescribed)
        elif drug.course and prescribed.stop is None and now - prescribed.start > drug.course * DAY:
            self._end(patient, prescribed, completed=True)
        elif chance < 0.03:
            self._hold(patient, prescribed)
        elif chance < 0.07:
            self._change(patient, prescribed)
        elif chance < 0.12:
            self._end(patient, prescribed, completed=False)

    def _prescribe(self, patient: Inpatient, drug: Drug) -> None:
        if not patient.is_here:
            return
        life, lot, now = self.life, self.life.orders, self.life.now
        start = now if lot.random() < 0.8 else now + lot.randint(1, 8) * 15 * MINUTE
        given = Prescribed(drug, lot.choice(drug.doses), lot.choice(drug.frequencies), start)
        given.about = (patient.person.mrn,)
        if drug.course and lot.random() < 0.5:
            given.stop = start + drug.course * DAY
        doctor = life.staff.doctor(lot, patient.specialty, Grade.RESIDENT, Grade.SPECIALIST)
        dose, frequency, stop = given.dose, given.frequency, given.stop
        given.recorded = life.desk.tell(
            lambda h, q: h.prescriptions.write_prescription(
                q,
                stay_id=patient.id,
                medication=drug.medication,
                dose=dose,
                route=drug.route,
                frequency=frequency,
                start=start,
                stop=stop,
                prescriber=doctor.number,
            ),
            at=now,
            by=doctor.actor,
            lag=ORDER.draw(lot),
            after=patient.opened,
            then=given.learn,
        )
        patient.orders_recorded = max(patient.orders_recorded, given.recorded)
        patient.prescribed.append(given)
        self._next_round(patient, given)
        if frequency == ONCE:
            done = start + lot.uniform(30, 60) * MINUTE
            life.agenda.at(done, lambda: self._complete_single(patient, given))

    def _complete_single(self, patient: Inpatient, prescribed: Prescribed) -> None:
        if patient.is_here:
            self._end(patient, prescribed, completed=True)

    def _hold(self, patient: Inpatient, prescribed: Prescribed) -> None:
        prescribed.held = True
        self._order(
            patient,
            prescribed,
            lambda h, q: h.prescriptions.hold_prescription(q, prescription_id=prescribed.id),
            self.life.orders.choice(HELD),
        )

    def _resume(self, patient: Inpatient, prescribed: Prescribed) -> None:
        prescribed.held = False
        self._order(
            patient,
            prescribed,
            lambda h, q: h.prescriptions.resume_prescription(q, prescription_id=prescribed.id),
        )

    def _change(self, patient: Inpatient, prescribed: Prescribed) -> None:
        """Another dose or frequency, or a day on which it ends."""
        lot, drug = self.life.orders, prescribed.drug
        dose = lot.choice([d for d in drug.doses if d != prescribed.dose] or [None])
        frequency = lot.choice([f for f in drug.frequencies if f != prescribed.frequency] or [None])
        stop = None
        if dose is None and frequency is None:
            stop = prescribed.stop = self.life.now + lot.randint(1, 4) * DAY
        prescribed.dose = dose or prescribed.dose
        prescribed.frequency = frequency or prescribed.frequency
        self._order(
            patient,
            prescribed,
            lambda h, q: h.prescriptions.change_prescription(
                q, prescription_id=prescribed.id, dose=dose, frequency=frequency, stop=stop
            ),
            lot.choice(CHANGED),
        )

    def _end(self, patient: Inpatient, prescribed: Prescribed, completed: bool) -> None:
        if not prescribed.is_live(self.life.now):
            return
        prescribed.ended_at = self.life.now
        if completed:
            self._order(
                patient,
                prescribed,
                lambda h, q: h.prescriptions.complete_prescription(
                    q, prescription_id=prescribed.id
                ),
            )
        else:
            self._order(
                patient,
                prescribed,
                lambda h, q: h.prescriptions.stop_prescription(q, prescription_id=prescribed.id),
                self.life.orders.choice(STOPPED),
            )

    def _order(
        self, patient: Inpatient, prescribed: Prescribed, telling: Telling, why: str | None = None
    ) -> None:
        """A change of a prescription; they are entered in order, and before the discharge."""
        life, lot = self.life, self.life.orders
        doctor = life.staff.doctor(lot, patient.specialty, Grade.RESIDENT, Grade.SPECIALIST)
        by = life.staff.pharmacist(lot) if lot.random() < 0.15 else doctor.actor
        prescribed.recorded = life.desk.tell(
            telling,
            at=life.now,
            by=by,
            lag=ORDER.draw(lot),
            after=prescribed.recorded,
            performed_by=doctor.name,
            reason=why,
            about=patient.mrns,
        )
        patient.orders_recorded = max(patient.orders_recorded, prescribed.recorded)

    # -- giving --

    def _next_round(self, patient: Inpatient, prescribed: Prescribed) -> None:
        """Note the next dose: at the usual hour, or when it is needed."""
        life, lot, last = self.life, self.life.care, prescribed.round
        if prescribed.frequency == ONCE:
            if last > prescribed.start:
                return
            at = prescribed.round = last + lot.uniform(2, 25) * MINUTE
        elif prescribed.frequency == AS_NEEDED:
            at = prescribed.round = last + lot.uniform(4, 28) * HOUR
        else:
            hours = HOURS[prescribed.frequency]
            prescribed.round = min(life.hours.next(last, hour) for hour in hours)
            at = prescribed.round + lot.triangular(0, 60, 20) * MINUTE
        life.agenda.at_second(at, lambda: self._round(patient, prescribed))

    def _round(self, patient: Inpatient, prescribed: Prescribed) -> None:
        now, lot = self.life.now, self.life.care
        if patient.gone or patient.died_at is not None:
            return
        if not prescribed.is_live(now):
            ended = prescribed.ended_at
            if ended and now - ended < HOUR and patient.is_here and lot.random() < LATE_DOSES:
                self._dose(prescribed, True, outside=Outside.LATE, why="prepared before the stop")
            return
        self._next_round(patient, prescribed)
        if lot.random() >= self.life.detail:
            return
        if patient.away:
            self._dose(prescribed, False, not_given="patient on leave")
        elif prescribed.held:
            if lot.random() < EMERGENCY_DOSES:
                self._dose(prescribed, True, outside=Outside.EMERGENCY, why="ordered by telephone")
            elif lot.random() < 0.3:
                self._dose(prescribed, False, not_given="prescription held")
        elif lot.random() < NOT_GIVEN_SHARE:
            self._dose(prescribed, False, not_given=lot.choice(NOT_GIVEN))
        else:
            self._dose(prescribed, True)

    def _dose(
        self,
        prescribed: Prescribed,
        given: bool,
        *,
        not_given: str | None = None,
        outside: Outside | None = None,
        why: str | None = None,
    ) -> None:
        life, lot = self.life, self.life.care
        nurse, witness = life.staff.nurse(lot), None
        if prescribed.drug.controlled and given:
            witness = life.staff.nurse(lot).subject
        another = None
        if given and lot.random() < OTHER_DOSE:
            another = f"half of {prescribed.dose}"
        dose = Dose()
        recorded = life.desk.tell(
            lambda h, q: h.prescriptions.record_administration(
                q,
                prescription_id=prescribed.id,
                given=given,
                dose_given=another,
                reason_not_given=not_given,
                outside_prescription=outside,
            ),
            at=life.now,
            by=nurse,
            lag=DOSE.draw(lot),
            after=prescribed.recorded,
            then=dose.learn,
            witnessed_by=witness,
            reason=why,
            about=prescribed.about,
        )
        if given and outside is None and lot.random() < CORRECTED_DOSES:
            put_right(
                life,
                lambda h, q: h.prescriptions.correct_administration(
                    q, administration_id=dose.id, dose_given=f"twice {prescribed.dose}"
                ),
                recorded,
                nurse,
                DOSE_CORRECTED,
                prescribed.about,
                corrects=True,
            )
        elif lot.random() < CANCELLED_DOSES:
            put_right(
                life,
                lambda h, q: h.prescriptions.cancel_administration(q, administration_id=dose.id),
                recorded,
                nurse,
                DOSE_CANCELLED,
                prescribed.about,
            )
