"""The daily running of the house: beds closed and opened, patients moved for the sake of others."""

from collections.abc import Callable, Sequence
from datetime import datetime
from math import log
from random import Random

from api.simulator.clock import DAY, HOUR
from api.simulator.course import OUTLIERS, Course
from api.simulator.house import Bed, Kind
from api.simulator.inpatient import Inpatient, Life
from api.simulator.movements import Movements
from api.simulator.recording_queue import AT_ONCE, Telling
from api.simulator.texts import BED_CLOSED

SATURDAY = 5
WARDS = (Kind.MEDICINE, Kind.SURGERY, Kind.PAEDIATRICS)

CLOSED_A_DAY = 0.006
SWAPS_A_DAY = 0.012
"""Per bed."""

TO_ANOTHER_ROOM = 0.02
OUTLIERS_RETURN = 0.6
"""Per patient and day."""

ON_WEEKEND_LEAVE = 0.2
BED_KEPT = 0.8


class Upkeep:
    """What is done day by day for the house as a whole."""

    def __init__(self, life: Life, movements: Movements, course: Course) -> None:
        self.life, self.movements, self.course = life, movements, course

    def day(self) -> None:
        """Each morning: see what is to be done today, at some hour."""
        life, lot = self.life, self.life.moves
        life.agenda.at(life.hours.next(life.now + HOUR, 7), self.day)
        beds = len(life.house.beds)
        for _ in range(_some(lot, beds * CLOSED_A_DAY)):
            self._sometime(self._close_a_bed)
        for _ in range(_some(lot, beds * SWAPS_A_DAY)):
            self._sometime(self._swap)
        saturday = life.hours.local(life.now).weekday() == SATURDAY
        for patient in self.movements.here:
            self._today(patient, saturday)

    def _today(self, patient: Inpatient, saturday: bool) -> None:
        lot, now, bed = self.life.moves, self.life.now, patient.bed
        if bed is None or not patient.is_here or patient.mother is not None:
            return
        outlier = bed.kind in OUTLIERS and patient.goes_to in OUTLIERS
        if outlier and bed.kind is not patient.goes_to and lot.random() < OUTLIERS_RETURN:
            self._sometime(lambda: self._return(patient))
        elif lot.random() < TO_ANOTHER_ROOM and bed.kind is patient.goes_to:
            self._sometime(lambda: self._other_room(patient))
        elif saturday and bed.kind in WARDS and lot.random() < ON_WEEKEND_LEAVE:
            long_here = now - patient.admitted_at > 3 * DAY
            if long_here and patient.ends_at - now > 2.5 * DAY:
                self._sometime(lambda: self._weekend(patient))

    def _sometime(self, happens: Callable[[], None]) -> None:
        self.life.agenda.after(self.life.moves.triangular(1, 14, 4) * HOUR, happens)

    # -- patients --

    def _return(self, patient: Inpatient) -> None:
        """An outlier goes to a ward of its own specialty."""
        self._move(patient, (patient.goes_to,), self.movements.transfer)

    def _other_room(self, patient: Inpatient) -> None:
        if patient.bed is not None:
            self._move(patient, (patient.bed.kind,), self.movements.within)

    def _move(
        self,
        patient: Inpatient,
        kinds: Sequence[Kind],
        move: Callable[[Inpatient, Bed], None],
    ) -> None:
        life, old = self.life, patient.bed
        if not patient.is_here or old is None or patient.is_critical:
            return
        bed = life.house.bed_for(patient.person, kinds, life.now, patient.infectious)
        if bed is not None and bed.room is not old.room:
            move(patient, bed)

    def _weekend(self, patient: Inpatient) -> None:
        if patient.is_here and patient.bed is not None and not patient.is_critical:
            self.course.weekend(patient, self.life.moves.random() < BED_KEPT)

    def _swap(self) -> None:
        """Two patients of one sex and one kind of ward exchange beds."""
        lot = self.life.moves
        fit = [p for p in self.movements.here if self._may_swap(p)]
        if not fit:
            return
        one = lot.choice(fit)
        others = [p for p in fit if self._may_exchange(one, p)]
        if others:
            self.movements.swap(one, lot.choice(others))

    def _may_swap(self, patient: Inpatient) -> bool:
        bed = patient.bed
        return (
            bed is not None
            and patient.is_here
            and patient.mother is None
            and not patient.children
            and not patient.infectious
            and bed.reserved(self.life.now) is None
        )

    def _may_exchange(self, one: Inpatient, other: Inpatient) -> bool:
        assert one.bed is not None
        assert other.bed is not None
        return (
            one.bed.kind is other.bed.kind
            and one.bed.room is not other.bed.room
            and one.person.sex is other.person.sex
        )

    # -- beds --

    def _close_a_bed(self) -> None:
        """For a time that is known beforehand, or until somebody reopens it."""
        life, lot, now = self.life, self.life.moves, self.life.now
        free = [b for b in life.house.beds if b.is_free(now) and b.reserved(now) is None]
        if not free:
            return
        bed = lot.choice(free)
        ward, room, code = bed.place
        takes = min(lot.lognormvariate(log(20), 0.8), 120) * HOUR
        ends = (now + takes).replace(minute=0, second=0, microsecond=0) + HOUR
        planned = ends if lot.random() < 0.4 else None
        bed.blocked = True
        self._tell(
            bed,
            lambda h, q: h.rooms.close_bed(q, ward=ward, room=room, bed=code, until=planned),
            lot.choice(BED_CLOSED),
        )
        life.agenda.at(ends, lambda: self._reopen(bed, planned))

    def _reopen(self, bed: Bed, planned: datetime | None) -> None:
        bed.blocked = False
        if planned is None:
            ward, room, code = bed.place
            self._tell(
                bed, lambda h, q: h.rooms.reopen_bed(q, ward=ward, room=room, bed=code), None
            )

    def _tell(self, bed: Bed, telling: Telling, reason: str | None) -> None:
        life = self.life
        bed.known_from(
            life.desk.tell(
                telling,
                at=life.now,
                by=life.staff.bed_manager(life.moves),
                lag=AT_ONCE.draw(life.moves),
                after=bed.known_free,
                reason=reason,
            )
        )


def _some(lot: Random, expected: float) -> int:
    """A whole number, on average the expected one."""
    whole = int(expected)
    return whole + (lot.random() < expected - whole)
