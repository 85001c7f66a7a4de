"""The course of a stay: to a ward, to intensive care and back, a birth, home for a weekend, home."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from math import log

from api.simulator.care import Care
from api.simulator.clock import DAY, HOUR, MINUTE
from api.simulator.house import Bed, Kind
from api.simulator.inpatient import SPECIALTIES, Inpatient, Life
from api.simulator.movements import Movements
from api.simulator.people import Person
from api.simulator.texts import CORRIDORS, DESTINATIONS, NOT_FIT
from domain.stay.events import AdmissionType
from domain.stay.facts import DischargePlan, Disposition

DEATHS: dict[Kind, float] = {Kind.MEDICINE: 0.035, Kind.SURGERY: 0.01, Kind.EMERGENCY: 0.004}
DEATHS_AFTER_INTENSIVE_CARE = 0.14
AGAINST_ADVICE = 0.02
TO_ANOTHER_HOUSE = 0.09
ELSEWHERE = 0.01
"""Where the stays end that are no deaths; the rest go home."""

SLIPS = 0.12
NOT_FETCHED = 0.025
BIRTHS = 0.88
TWINS = 0.015
CHILD_NEEDS_OWN_BED = 0.06
DAY_CASE_STAYS = 0.04
APPOINTMENTS = 0.05
OUTLIERS: dict[Kind, tuple[Kind, ...]] = {
    Kind.MEDICINE: (Kind.SURGERY,),
    Kind.SURGERY: (Kind.MEDICINE,),
}
"""Which other kind of ward takes a patient for whom there has been no bed for hours."""


class Course:
    """What happens to each patient from the door to the door.

    ``critical``: the share of adult patients who come to need intensive care. ``appoint`` hears of
    those who are to come again.
    """

    def __init__(self, life: Life, movements: Movements, care: Care, critical: float) -> None:
        self.life, self.movements, self.care = life, movements, care
        self.critical = critical
        self.somebody_came_back = False
        self.appoint: Callable[[Person, Kind, datetime], None] | None = None

    def begin(self, patient: Inpatient) -> None:
        life, lot = self.life, self.life.moves
        self.care.begin(patient)
        if patient.admission is AdmissionType.DAY_CASE and lot.random() > DAY_CASE_STAYS:
            evening = life.hours.next(life.now, lot.triangular(14, 19, 16))
            life.agenda.at(evening, lambda: self._go(patient, Disposition.HOME))
            return
        self.in_bed(patient)
        if patient.admission is AdmissionType.MATERNITY and lot.random() < BIRTHS:
            labour = min(lot.lognormvariate(log(7), 0.7), 30) * HOUR
            life.agenda.after(labour, lambda: self._birth(patient))
        length = patient.ends_at - life.now
        if patient.goes_to in OUTLIERS and lot.random() < self.critical:
            life.agenda.after(lot.uniform(0.05, 0.5) * length, lambda: self._worse(patient))
        life.agenda.at(
            max(life.now + HOUR, patient.ends_at - lot.uniform(10, 26) * HOUR),
            lambda: self._plan(patient),
        )

    def in_bed(self, patient: Inpatient) -> None:
        """A bed was found; from the emergency unit it goes on to a ward."""
        life, lot = self.life, self.life.moves
        if patient.bed is None:
            return
        if patient.bed.kind is Kind.EMERGENCY and patient.goes_to is not Kind.EMERGENCY:
            wait = min(lot.lognormvariate(log(9), 0.6), 40) * HOUR
            life.agenda.after(wait, lambda: self._to_ward(patient, Kind.EMERGENCY, life.now))
        elif patient.is_critical:
            self._critical(patient)
        else:
            self.movements.change_specialty(patient, SPECIALTIES[patient.goes_to])

    # -- from ward to ward --

    def _to_ward(self, patient: Inpatient, out_of: Kind, since: datetime) -> None:
        """Out of the emergency unit or intensive care, as soon as there is a bed."""
        life = self.life
        if not patient.is_here or patient.bed is None or patient.bed.kind is not out_of:
            return
        kinds: tuple[Kind, ...] = (patient.goes_to,)
        if life.now - since > 8 * HOUR:
            kinds += OUTLIERS.get(patient.goes_to, ())
        bed = life.house.bed_for(patient.person, kinds, life.now, patient.infectious)
        if bed is None:
            life.agenda.after(
                life.moves.uniform(0.5, 2) * HOUR, lambda: self._to_ward(patient, out_of, since)
            )
            return
        self.movements.transfer(patient, bed)
        self.movements.change_specialty(patient, SPECIALTIES[patient.goes_to])

    def _worse(self, patient: Inpatient) -> None:
        """To intensive care, if it has a bed."""
        life = self.life
        if not patient.is_here or patient.bed is None or patient.is_critical:
            return
        bed = life.house.bed_for(patient.person, (Kind.INTENSIVE,), life.now)
        if bed is None:
            return
        self.movements.transfer(patient, bed)
        self.movements.change_specialty(patient, SPECIALTIES[Kind.INTENSIVE])
        self._critical(patient)

    def _critical(self, patient: Inpatient) -> None:
        life, lot = self.life, self.life.moves
        patient.was_critical = True
        if patient.goes_to is Kind.INTENSIVE:
            patient.goes_to = Kind.MEDICINE
        better = life.now + min(lot.lognormvariate(log(2.6), 0.7), 30) * DAY
        patient.ends_at = max(patient.ends_at, better + lot.uniform(1, 5) * DAY)
        life.agenda.at(
            life.hours.next(better, lot.triangular(8, 20, 13)),
            lambda: self._to_ward(patient, Kind.INTENSIVE, life.now),
        )

    # -- birth --

    def _birth(self, mother: Inpatient) -> None:
        life, lot = self.life, self.life.moves
        if not mother.is_here or mother.bed is None:
            return
        for _ in range(2 if lot.random() < TWINS else 1):
            child = self.movements.born(mother)
            self.care.begin(child)
            if lot.random() < CHILD_NEEDS_OWN_BED:
                wait = lot.uniform(1, 20) * HOUR
                life.agenda.after(wait, partial(self._to_own_bed, child))
        mother.ends_at = max(mother.ends_at, life.now + lot.uniform(30, 70) * HOUR)

    def _to_own_bed(self, child: Inpatient) -> None:
        """A child that is not well goes to the paediatric ward, and home from there."""
        life, lot = self.life, self.life.moves
        bed = life.house.bed_for(child.person, (Kind.PAEDIATRICS,), life.now)
        if not child.is_here or child.mother is None or bed is None:
            return
        self.movements.transfer(child, bed)
        child.goes_to = Kind.PAEDIATRICS
        self.movements.change_specialty(child, SPECIALTIES[Kind.PAEDIATRICS])
        child.ends_at = life.now + lot.uniform(1, 8) * DAY
        life.agenda.at(child.ends_at - HOUR, lambda: self._plan(child))

    # -- leave --

    def weekend(self, patient: Inpatient, bed_kept: bool) -> None:
        """Home for the weekend. A few do not come back."""
        life, lot = self.life, self.life.moves
        sunday = 6
        days = (sunday - life.hours.local(life.now).weekday()) % 7
        back = life.hours.next(life.now, lot.triangular(16, 20.5, 18), days)
        self.movements.start_leave(patient, back, bed_kept)
        if lot.random() < 0.04:
            missed = back + lot.uniform(12, 18) * HOUR
            life.agenda.at(missed, lambda: self._go(patient, Disposition.AGAINST_ADVICE, away=True))
        else:
            comes = back + lot.uniform(-90, 60) * MINUTE
            life.agenda.at(comes, lambda: self._back(patient))

    def _back(self, patient: Inpatient) -> None:
        life = self.life
        if patient.gone:
            return
        bed: Bed | None = None
        if patient.bed is None:
            kinds = (patient.goes_to, *OUTLIERS.get(patient.goes_to, ()))
            bed = life.house.bed_for(patient.person, kinds, life.now, patient.infectious)
        nowhere = patient.bed is None and bed is None
        self.movements.end_leave(patient, bed, CORRIDORS[0] if nowhere else None)

    # -- the end --

    def _plan(self, patient: Inpatient) -> None:
        """How and when it will end. Who leaves against advice or dies does not by plan."""
        life, lot, now = self.life, self.life.moves, self.life.now
        if patient.gone or patient.died_at is not None:
            return
        if patient.away or now < patient.ends_at - 30 * HOUR:
            later = max(now + 8 * HOUR, patient.ends_at - lot.uniform(10, 26) * HOUR)
            life.agenda.at(later, lambda: self._plan(patient))
            return
        deaths = (
            DEATHS_AFTER_INTENSIVE_CARE if patient.was_critical else DEATHS.get(patient.goes_to, 0)
        )
        if not patient.children and lot.random() < deaths:
            life.agenda.at(patient.ends_at, lambda: self._die(patient))
            return
        if patient.is_critical:
            life.agenda.after(12 * HOUR, lambda: self._plan(patient))
            return
        if lot.random() < AGAINST_ADVICE and not patient.children:
            life.agenda.at(patient.ends_at, lambda: self._go(patient, Disposition.AGAINST_ADVICE))
            return
        leaves = life.hours.next(max(patient.ends_at, now + 2 * HOUR), lot.triangular(9.5, 18, 12))
        self.movements.plan(patient, DischargePlan.PLANNED, leaves)
        life.agenda.at(leaves - lot.uniform(0.6, 5) * HOUR, lambda: self._clear(patient, leaves))

    def _clear(self, patient: Inpatient, leaves: datetime) -> None:
        """On the day itself: fit to go, or not yet."""
        life, lot = self.life, self.life.moves
        if not patient.is_here:
            if not patient.gone and patient.died_at is None:
                life.agenda.after(DAY, lambda: self._plan(patient))
            return
        if lot.random() < SLIPS or patient.is_critical:
            self.movements.plan(patient, DischargePlan.NONE, None, lot.choice(NOT_FIT))
            patient.ends_at = life.now + lot.uniform(0.7, 2.2) * DAY
            life.agenda.after(6 * HOUR, lambda: self._plan(patient))
            return
        self.movements.plan(patient, DischargePlan.CLEARED, leaves)
        chance, destination = lot.random(), None
        disposition = Disposition.HOME
        if chance < TO_ANOTHER_HOUSE and patient.goes_to is not Kind.MATERNITY:
            disposition, destination = Disposition.TRANSFERRED, lot.choice(DESTINATIONS)
        elif chance < TO_ANOTHER_HOUSE + ELSEWHERE:
            disposition = Disposition.OTHER
        life.agenda.at(
            max(leaves, life.now + 10 * MINUTE) + lot.uniform(-20, 60) * MINUTE,
            lambda: self._go(patient, disposition, destination),
        )

    def _go(
        self,
        patient: Inpatient,
        disposition: Disposition,
        destination: str | None = None,
        away: bool = False,
    ) -> None:
        """Out of the house, unless something came between."""
        life = self.life
        if patient.gone or patient.died_at is not None:
            return
        if patient.is_critical or patient.away is not away:
            patient.ends_at = life.now + DAY
            life.agenda.after(12 * HOUR, lambda: self._plan(patient))
            return
        if max(p.touched for p in (patient, *patient.sharing)) >= life.now:
            # nothing comes before a discharge in the same minute: it might be entered after it
            again = life.now + MINUTE
            life.agenda.at(again, lambda: self._go(patient, disposition, destination, away))
            return
        self.movements.discharge(patient, disposition, destination)
        alone = not patient.children and patient.mother is None
        not_fetched = life.slips.random() < NOT_FETCHED or not self.somebody_came_back
        if disposition is Disposition.HOME and alone and not_fetched:
            self.somebody_came_back = True
            life.agenda.after(life.slips.uniform(1.2, 4) * HOUR, lambda: self._not_fetched(patient))
            return
        returns = disposition is Disposition.HOME and patient.goes_to in OUTLIERS
        if self.appoint and returns and life.moves.random() < APPOINTMENTS:
            day = life.now + life.moves.uniform(6, 26) * DAY
            self.appoint(patient.person, patient.goes_to, day)

    def _not_fetched(self, patient: Inpatient) -> None:
        """Nobody was there to take the patient home; back into a bed, if there is one."""
        life = self.life
        bed = life.house.bed_for(patient.person, (patient.goes_to,), life.now, patient.infectious)
        if bed is None or patient.person.home_since is None:
            self.somebody_came_back = False
            return
        self.movements.comes_back(patient, bed)
        self.care.medicines.begin(patient)
        patient.ends_at = life.now + life.slips.uniform(0.7, 2) * DAY
        life.agenda.after(6 * HOUR, lambda: self._plan(patient))

    def _die(self, patient: Inpatient) -> None:
        life = self.life
        if not patient.is_here:
            life.agenda.after(DAY, lambda: self._plan(patient))
            return
        self.movements.die(patient)
        life.agenda.after(
            life.moves.uniform(1, 5) * HOUR,
            lambda: self.movements.discharge(patient, Disposition.DIED),
        )
