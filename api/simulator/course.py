"""Course of a stay: to a ward, to intensive care and back, a birth, home for a weekend, home."""

from datetime import datetime
from math import log

from api.simulator.care import Care
from api.simulator.clock import DAY, HOUR, MINUTE
from api.simulator.house import Bed, Kind
from api.simulator.inpatient import SPECIALTIES, Inpatient, World
from api.simulator.movements import Movements
from api.simulator.texts import CORRIDORS, DESTINATIONS, NOT_FIT
from domain.stay.events import AdmissionType
from domain.stay.facts import DischargePlan, Disposition

ADULTS = (Kind.MEDICINE, Kind.SURGERY)
CRITICAL = 0.08
DEATHS = 0.025
DEATHS_AFTER_INTENSIVE_CARE = 0.14
AGAINST_ADVICE = 0.02
TO_ANOTHER_HOSPITAL = 0.09
NOT_FIT_TO_GO = 0.12
NOT_FETCHED = 0.025
BIRTHS = 0.88
DAY_CASE_STAYS = 0.04


class Course:
    """Course of each patient's stay, from the door to the door."""

    def __init__(self, world: World, movements: Movements, care: Care) -> None:
        self.world, self.movements, self.care = world, movements, care
        self.somebody_came_back = False

    def begin(self, patient: Inpatient) -> None:
        world, rng = self.world, self.world.movement_rng
        self.care.begin(patient)
        if patient.admission is AdmissionType.DAY_CASE and rng.random() > DAY_CASE_STAYS:
            evening = world.hours.next(world.now, rng.triangular(14, 19, 16))
            world.agenda.at(evening, lambda: self._discharge(patient, Disposition.HOME))
            return
        self.in_bed(patient)
        if patient.admission is AdmissionType.MATERNITY and rng.random() < BIRTHS:
            labour = min(rng.lognormvariate(log(7), 0.7), 30) * HOUR
            world.agenda.after(labour, lambda: self._birth(patient))
        length = patient.ends_at - world.now
        if patient.goes_to in ADULTS and rng.random() < CRITICAL:
            world.agenda.after(rng.uniform(0.05, 0.5) * length, lambda: self._worsen(patient))
        plan = max(world.now + HOUR, patient.ends_at - rng.uniform(10, 26) * HOUR)
        world.agenda.at(plan, lambda: self._plan(patient))

    def in_bed(self, patient: Inpatient) -> None:
        """Go on from a patient's first bed: from the emergency unit to a ward."""
        world, rng = self.world, self.world.movement_rng
        if patient.bed is None:
            return
        if patient.bed.kind is Kind.EMERGENCY and patient.goes_to is not Kind.EMERGENCY:
            wait = min(rng.lognormvariate(log(9), 0.6), 40) * HOUR
            world.agenda.after(wait, lambda: self._to_ward(patient, Kind.EMERGENCY))
        elif patient.is_critical:
            self._intensive_care(patient)
        else:
            self.movements.change_specialty(patient, SPECIALTIES[patient.goes_to])

    # -- from ward to ward --

    def _to_ward(self, patient: Inpatient, out_of: Kind) -> None:
        """Transfer out of the emergency unit or intensive care, as soon as there is a bed."""
        world = self.world
        if not patient.is_here or patient.bed is None or patient.bed.kind is not out_of:
            return
        bed = world.house.bed_for(patient.person, world.now, patient.goes_to)
        if bed is None:
            self.movements.request_bed(patient)
            wait = world.movement_rng.uniform(0.5, 2) * HOUR
            world.agenda.after(wait, lambda: self._to_ward(patient, out_of))
            return
        self.movements.transfer(patient, bed)
        self.movements.change_specialty(patient, SPECIALTIES[patient.goes_to])

    def _worsen(self, patient: Inpatient) -> None:
        """Transfer to intensive care, if it has a bed."""
        world = self.world
        if not patient.is_here or patient.bed is None or patient.is_critical:
            return
        bed = world.house.bed_for(patient.person, world.now, Kind.INTENSIVE)
        if bed is not None:
            self.movements.transfer(patient, bed)
            self.movements.change_specialty(patient, SPECIALTIES[Kind.INTENSIVE])
            self._intensive_care(patient)

    def _intensive_care(self, patient: Inpatient) -> None:
        world, rng = self.world, self.world.movement_rng
        patient.was_critical = True
        if patient.goes_to is Kind.INTENSIVE:
            patient.goes_to = Kind.MEDICINE
        recovery_at = world.now + min(rng.lognormvariate(log(2.6), 0.7), 30) * DAY
        patient.ends_at = max(patient.ends_at, recovery_at + rng.uniform(1, 5) * DAY)
        world.agenda.at(
            world.hours.next(recovery_at, rng.triangular(8, 20, 13)),
            lambda: self._to_ward(patient, Kind.INTENSIVE),
        )

    def _birth(self, mother: Inpatient) -> None:
        world = self.world
        if mother.is_here and mother.bed is not None:
            self.care.begin(self.movements.give_birth(mother))
            stays = world.movement_rng.uniform(30, 70) * HOUR
            mother.ends_at = max(mother.ends_at, world.now + stays)

    # -- leave --

    def weekend(self, patient: Inpatient, keep_bed: bool) -> None:
        """Let a patient go home until Sunday evening."""
        world, rng = self.world, self.world.movement_rng
        sunday = 6
        days = (sunday - world.hours.local(world.now).weekday()) % 7
        back = world.hours.next(world.now, rng.triangular(16, 20.5, 18), days)
        self.movements.start_leave(patient, back, keep_bed)
        world.agenda.at(back + rng.uniform(-90, 60) * MINUTE, lambda: self._return(patient))

    def _return(self, patient: Inpatient) -> None:
        world = self.world
        bed: Bed | None = None
        if patient.bed is None:
            bed = world.house.bed_for(patient.person, world.now, patient.goes_to)
        has_no_bed = patient.bed is None and bed is None
        self.movements.end_leave(patient, bed, CORRIDORS[0] if has_no_bed else None)

    # -- the end --

    def _plan(self, patient: Inpatient) -> None:
        """Plan how and when a stay ends; not for who leaves against advice or dies."""
        world, rng, now = self.world, self.world.movement_rng, self.world.now
        if patient.gone or patient.died_at is not None:
            return
        if patient.away or now < patient.ends_at - 30 * HOUR:
            later_time = max(now + 8 * HOUR, patient.ends_at - rng.uniform(10, 26) * HOUR)
            world.agenda.at(later_time, lambda: self._plan(patient))
            return
        deaths = DEATHS if patient.goes_to in ADULTS else 0
        if patient.was_critical:
            deaths = DEATHS_AFTER_INTENSIVE_CARE
        if not patient.children and rng.random() < deaths:
            world.agenda.at(patient.ends_at, lambda: self._die(patient))
        elif patient.is_critical:
            world.agenda.after(12 * HOUR, lambda: self._plan(patient))
        elif rng.random() < AGAINST_ADVICE and not patient.children:
            disposition = Disposition.AGAINST_ADVICE
            world.agenda.at(patient.ends_at, lambda: self._discharge(patient, disposition))
        else:
            noon = rng.triangular(9.5, 18, 12)
            leaves = world.hours.next(max(patient.ends_at, now + 2 * HOUR), noon)
            self.movements.plan(patient, DischargePlan.PLANNED, leaves)
            clear = leaves - rng.uniform(0.6, 5) * HOUR
            world.agenda.at(clear, lambda: self._clear(patient, leaves))

    def _clear(self, patient: Inpatient, leaves: datetime) -> None:
        """Clear a patient on the day itself, or drop the plan."""
        world, rng = self.world, self.world.movement_rng
        if not patient.is_here:
            world.agenda.after(DAY, lambda: self._plan(patient))
            return
        if rng.random() < NOT_FIT_TO_GO or patient.is_critical:
            self.movements.plan(patient, DischargePlan.NONE, None, rng.choice(NOT_FIT))
            patient.ends_at = world.now + rng.uniform(0.7, 2.2) * DAY
            world.agenda.after(6 * HOUR, lambda: self._plan(patient))
            return
        self.movements.plan(patient, DischargePlan.CLEARED, leaves)
        disposition, destination = Disposition.HOME, None
        if rng.random() < TO_ANOTHER_HOSPITAL and patient.goes_to is not Kind.MATERNITY:
            disposition, destination = Disposition.TRANSFERRED, rng.choice(DESTINATIONS)
        at = max(leaves, world.now + 10 * MINUTE) + rng.uniform(-20, 60) * MINUTE
        world.agenda.at(at, lambda: self._discharge(patient, disposition, destination))

    def _discharge(
        self, patient: Inpatient, disposition: Disposition, destination: str | None = None
    ) -> None:
        """Discharge a patient, unless something came between."""
        world = self.world
        if patient.gone or patient.died_at is not None:
            return
        if patient.is_critical or patient.away:
            patient.ends_at = world.now + DAY
            world.agenda.after(12 * HOUR, lambda: self._plan(patient))
            return
        if max(p.touched for p in (patient, *patient.sharing)) >= world.now:
            # nothing comes before a discharge in the same minute: it might be entered after it
            retry_at = world.now + MINUTE
            world.agenda.at(retry_at, lambda: self._discharge(patient, disposition, destination))
            return
        self.movements.discharge(patient, disposition, destination)
        is_alone = not patient.children and patient.mother is None
        not_fetched = world.error_rng.random() < NOT_FETCHED or not self.somebody_came_back
        if disposition is Disposition.HOME and is_alone and not_fetched:
            self.somebody_came_back = True
            wait = world.error_rng.uniform(1.2, 4) * HOUR
            world.agenda.after(wait, lambda: self._come_back(patient))

    def _come_back(self, patient: Inpatient) -> None:
        """Put a patient whom nobody took home back into a bed, if there is one."""
        world = self.world
        bed = world.house.bed_for(patient.person, world.now, patient.goes_to)
        if bed is None or patient.person.home_since is None:
            self.somebody_came_back = False
            return
        self.movements.come_back(patient, bed)
        self.care.medicines.begin(patient)
        patient.ends_at = world.now + world.error_rng.uniform(0.7, 2) * DAY
        world.agenda.after(6 * HOUR, lambda: self._plan(patient))

    def _die(self, patient: Inpatient) -> None:
        world = self.world
        if not patient.is_here:
            world.agenda.after(DAY, lambda: self._plan(patient))
            return
        self.movements.die(patient)
        wait = world.movement_rng.uniform(1, 5) * HOUR
        world.agenda.after(wait, lambda: self.movements.discharge(patient, Disposition.DIED))
