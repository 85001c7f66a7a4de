"""Prescriptions and what becomes of them, and the doses of each round."""

from dataclasses import dataclass
from datetime import time
from functools import partial
from typing import Any

from api.simulator.clock import DAY, HOUR, MINUTE
from api.simulator.data_entry_errors import correct_entry
from api.simulator.house import Kind
from api.simulator.inpatient import Inpatient, Prescription, World
from api.simulator.recording_queue import DOSE, ORDER, Administration
from api.simulator.texts import CHANGED, DOSE_CANCELLED, DOSE_CORRECTED, HELD, NOT_GIVEN, STOPPED
from domain.practitioner import Grade
from domain.prescription.events import Medication
from domain.prescription.schedule import Schedule
from domain.stay.events import AdmissionType

HOURS: dict[str, tuple[int, ...]] = {
    "once daily": (8,),
    "at night": (22,),
    "twice daily": (8, 20),
    "three times daily": (8, 14, 22),
    "four times daily": (6, 12, 18, 22),
}
"""The usual hours of the drug rounds, in local time. What is not listed is given as needed."""

ONCE = "once"
AS_NEEDED = "as needed"

SCHEDULES = {
    **{
        name: Schedule(times_of_day=tuple(time(hour) for hour in hours))
        for name, hours in HOURS.items()
    },
    AS_NEEDED: Schedule(as_needed=True, min_interval_minutes=180, max_per_day=8),
}
"""By text of the frequency; a medicine given once has none."""


@dataclass(frozen=True, slots=True)
class Drug:
    """``course``: usual days of treatment; None: goes on. ``controlled``: given with a witness."""

    name: str
    atc: str
    doses: tuple[str, ...]
    route: str
    frequencies: tuple[str, ...]
    course: int | None = None
    controlled: bool = False

    @property
    def medication(self) -> Medication:
        return Medication(name=self.name, code=self.atc, system="http://www.whocc.no/atc")


DRUGS = (
    Drug("Paracetamol", "N02BE01", ("1 g", "500 mg"), "oral", ("four times daily", AS_NEEDED)),
    Drug("Enoxaparin", "B01AB05", ("40 mg", "60 mg"), "subcutaneous", ("at night",)),
    Drug("Pantoprazole", "A02BC02", ("40 mg", "20 mg"), "oral", ("once daily",)),
    Drug("Morphine", "N02AA01", ("5 mg", "2.5 mg"), "subcutaneous", (AS_NEEDED,), None, True),
    Drug("Ceftriaxone", "J01DD04", ("2 g", "1 g"), "intravenous", ("once daily",), 7),
    Drug("Cefazolin", "J01DB04", ("2 g",), "intravenous", (ONCE,)),
    Drug("Furosemide", "C03CA01", ("40 mg", "20 mg"), "oral", ("once daily",)),
    Drug("Ramipril", "C09AA05", ("5 mg", "2.5 mg"), "oral", ("once daily", "twice daily")),
    Drug("Metformin", "A10BA02", ("850 mg", "500 mg"), "oral", ("twice daily",)),
    Drug("Prednisolone", "H02AB06", ("40 mg", "20 mg"), "oral", ("once daily",), 5),
)
CHILDREN = (
    Drug("Paracetamol", "N02BE01", ("240 mg", "120 mg"), "oral", ("four times daily", AS_NEEDED)),
    Drug("Ibuprofen", "M01AE01", ("100 mg",), "oral", ("three times daily",), 3),
    Drug("Amoxicillin", "J01CA04", ("250 mg",), "oral", ("three times daily",), 5),
)
NEWBORNS = (Drug("Phytomenadione", "B02BA01", ("2 mg",), "oral", (ONCE,)),)

FIRST_DRUGS = {AdmissionType.MATERNITY: (1, 3), AdmissionType.DAY_CASE: (1, 2)}
"""Fewest and most drugs that are prescribed on admission; 3 to 6 on others."""

NOT_GIVEN_SHARE = 0.05
OTHER_DOSE = 0.02
CORRECTED_DOSES = 0.006
CANCELLED_DOSES = 0.006


class Medicines:
    """Prescribing on admission and on rounds; giving at the usual hours."""

    def __init__(self, world: World) -> None:
        self.world = world

    # -- prescribing --

    def begin(self, patient: Inpatient) -> None:
        rng, drugs = self.world.order_rng, _drugs_for(patient)
        count = rng.randint(*FIRST_DRUGS.get(patient.admission, (3, 6)))
        for drug in rng.sample(drugs, min(count, len(drugs))):
            wait = rng.uniform(15, 120) * MINUTE
            self.world.agenda.after(wait, partial(self._prescribe, patient, drug))

    def review(self, patient: Inpatient) -> None:
        """Hold, change or stop some prescriptions once a day, and write a new one now and then."""
        rng = self.world.order_rng
        live_prescriptions = [p for p in patient.prescriptions if p.is_live(self.world.now)]
        for prescription in live_prescriptions:
            self._review(patient, prescription, rng.random())
        others = [
            drug for drug in _drugs_for(patient) if drug not in {p.drug for p in live_prescriptions}
        ]
        if rng.random() < 0.16 and others and patient.admission is not AdmissionType.NEWBORN:
            self._prescribe(patient, rng.choice(others))

    def _review(self, patient: Inpatient, prescription: Prescription, chance: float) -> None:
        drug, age = prescription.drug, self.world.now - prescription.start
        reason = self.world.order_rng.choice
        if age <= 0 * DAY:
            return
        if prescription.held:
            if chance < 0.6:
                prescription.held = False
                self._order(patient, prescription, "resume_prescription")
        elif drug.course and prescription.stop is None and age > drug.course * DAY:
            self._end(patient, prescription, "complete_prescription", None)
        elif chance < 0.03:
            prescription.held = True
            self._order(patient, prescription, "hold_prescription", reason(HELD))
        elif chance < 0.07:
            self._change(patient, prescription)
        elif chance < 0.12:
            self._end(patient, prescription, "stop_prescription", reason(STOPPED))

    def _prescribe(self, patient: Inpatient, drug: Drug) -> None:
        if not patient.is_here:
            return
        world, rng, now = self.world, self.world.order_rng, self.world.now
        start = now if rng.random() < 0.8 else now + rng.randint(1, 8) * 15 * MINUTE
        dose, frequency = rng.choice(drug.doses), rng.choice(drug.frequencies)
        prescription = Prescription(drug, dose, frequency, start)
        if drug.course and rng.random() < 0.5:
            prescription.stop = start + drug.course * DAY
        doctor = world.staff.doctor(rng, patient.specialty, Grade.RESIDENT, Grade.SPECIALIST)
        prescription.recorded = world.record(
            "write_prescription",
            doctor.actor,
            ORDER,
            rng,
            after=patient.opened,
            creates=prescription,
            stay_id=patient,
            medication=drug.medication,
            dose=dose,
            route=drug.route,
            frequency=frequency,
            schedule=SCHEDULES.get(frequency),
            start=start,
            stop=prescription.stop,
            prescriber=doctor.number,
        )
        patient.orders_recorded = max(patient.orders_recorded, prescription.recorded)
        patient.prescriptions.append(prescription)
        self._next_round(patient, prescription)
        if frequency == ONCE:
            done_at = start + rng.uniform(30, 60) * MINUTE
            world.agenda.at(
                done_at, lambda: self._end(patient, prescription, "complete_prescription", None)
            )

    def _change(self, patient: Inpatient, prescription: Prescription) -> None:
        """Order another dose, or a day on which it ends."""
        rng = self.world.order_rng
        doses = [dose for dose in prescription.drug.doses if dose != prescription.dose]
        changes: dict[str, Any]
        if doses:
            prescription.dose = rng.choice(doses)
            changes = {"dose": prescription.dose}
        else:
            prescription.stop = self.world.now + rng.randint(1, 4) * DAY
            changes = {"stop": prescription.stop}
        self._order(patient, prescription, "change_prescription", rng.choice(CHANGED), **changes)

    def _end(
        self, patient: Inpatient, prescription: Prescription, command: str, reason: str | None
    ) -> None:
        if patient.is_here and prescription.is_live(self.world.now):
            prescription.ended_at = self.world.now
            self._order(patient, prescription, command, reason)

    def _order(
        self,
        patient: Inpatient,
        prescription: Prescription,
        command: str,
        reason: str | None = None,
        **parameters: Any,
    ) -> None:
        """Queue a change of a prescription: entered in order, and before the discharge."""
        world, rng = self.world, self.world.order_rng
        doctor = world.staff.doctor(rng, patient.specialty, Grade.RESIDENT, Grade.SPECIALIST)
        by = "pharmacist" if rng.random() < 0.15 else doctor.actor
        parameters |= {
            "after": prescription.recorded,
            "performed_by": doctor.name,
            "reason": reason,
        }
        parameters |= {"about": patient.mrns, "prescription_id": prescription}
        prescription.recorded = world.record(command, by, ORDER, rng, **parameters)
        patient.orders_recorded = max(patient.orders_recorded, prescription.recorded)

    # -- giving --

    def _next_round(self, patient: Inpatient, prescription: Prescription) -> None:
        """Note the next dose: at the usual hour, or when it is needed."""
        world, rng, last = self.world, self.world.care_rng, prescription.round
        if prescription.frequency == ONCE:
            if last > prescription.start:
                return
            at = prescription.round = last + rng.uniform(2, 25) * MINUTE
        elif prescription.frequency == AS_NEEDED:
            at = prescription.round = last + rng.uniform(4, 28) * HOUR
        else:
            hours = HOURS[prescription.frequency]
            prescription.round = min(world.hours.next(last, hour) for hour in hours)
            at = prescription.round + rng.triangular(0, 60, 20) * MINUTE
        world.agenda.at_second(at, lambda: self._round(patient, prescription))

    def _round(self, patient: Inpatient, prescription: Prescription) -> None:
        rng = self.world.care_rng
        if patient.gone or patient.died_at or not prescription.is_live(self.world.now):
            return
        self._next_round(patient, prescription)
        if rng.random() >= self.world.detail:
            return
        reason = rng.choice(NOT_GIVEN) if rng.random() < NOT_GIVEN_SHARE else None
        if patient.away:
            reason = "patient on leave"
        elif prescription.held:
            reason = "prescription held"
        self._administer(patient, prescription, reason)

    def _administer(
        self, patient: Inpatient, prescription: Prescription, reason_not_given: str | None
    ) -> None:
        world, rng, is_given = self.world, self.world.care_rng, reason_not_given is None
        nurse, about = world.staff.pick("nurse", rng), (patient.person.mrn,)
        witness = prescription.drug.controlled and is_given
        half = is_given and rng.random() < OTHER_DOSE
        administration = Administration()
        entered_at = world.record(
            "record_administration",
            nurse,
            DOSE,
            rng,
            after=prescription.recorded,
            creates=administration,
            witnessed_by=world.staff.pick("nurse", rng).subject if witness else None,
            about=about,
            prescription_id=prescription,
            given=is_given,
            dose_given=f"half of {prescription.dose}" if half else None,
            reason_not_given=reason_not_given,
        )
        entry = partial(correct_entry, world, entered_at, nurse, about=about)
        if is_given and rng.random() < CORRECTED_DOSES:
            parameters = {"corrects": True, "dose_given": f"twice {prescription.dose}"}
            command = "correct_administration"
            entry(command, DOSE_CORRECTED, administration_id=administration, **parameters)
        elif rng.random() < CANCELLED_DOSES:
            entry("cancel_administration", DOSE_CANCELLED, administration_id=administration)


def _drugs_for(patient: Inpatient) -> tuple[Drug, ...]:
    if patient.mother is not None:
        return NEWBORNS
    return CHILDREN if patient.goes_to is Kind.PAEDIATRICS else DRUGS
