"""Upkeep: beds closed and opened, patients moved or sent on leave, day by day."""

from collections.abc import Callable
from datetime import datetime
from math import log
from typing import Any

from api.simulator.clock import DAY, HOUR
from api.simulator.course import Course
from api.simulator.house import Bed, Kind
from api.simulator.inpatient import Inpatient, World
from api.simulator.movements import Movements
from api.simulator.recording_queue import AT_ONCE
from api.simulator.texts import BED_CLOSED, TRANSFER

SATURDAY = 5
WARDS = (Kind.MEDICINE, Kind.SURGERY, Kind.PAEDIATRICS)

CLOSED_A_DAY = 0.006
SWAPS_A_DAY = 0.012
"""Per bed."""

TO_ANOTHER_ROOM = 0.05
"""Per patient and day."""

ON_WEEKEND_LEAVE = 0.2
BED_KEPT = 0.8


class Upkeep:
    """Acts for the house as a whole, drawn each morning."""

    def __init__(self, world: World, movements: Movements, course: Course) -> None:
        self.world, self.movements, self.course = world, movements, course

    def day(self) -> None:
        world, rng = self.world, self.world.movement_rng
        world.agenda.at(world.hours.next(world.now + HOUR, 7), self.day)
        for _ in world.house.beds:
            if rng.random() < CLOSED_A_DAY:
                self._sometime(self._close_bed)
            if rng.random() < SWAPS_A_DAY:
                self._sometime(self._swap)
        is_saturday = world.hours.local(world.now).weekday() == SATURDAY
        for patient in self.movements.here:
            self._day_of(patient, is_saturday)

    def _day_of(self, patient: Inpatient, is_saturday: bool) -> None:
        rng, now, bed = self.world.movement_rng, self.world.now, patient.bed
        if bed is None or not patient.is_here or patient.mother is not None:
            return
        if rng.random() < TO_ANOTHER_ROOM and bed.kind is patient.goes_to:
            self._sometime(lambda: self._to_another_room(patient))
        elif is_saturday and bed.kind in WARDS and rng.random() < ON_WEEKEND_LEAVE:
            long_here = now - patient.admitted_at > 3 * DAY
            if long_here and patient.ends_at - now > 2.5 * DAY:
                self._sometime(lambda: self._weekend(patient))

    def _sometime(self, action: Callable[[], None]) -> None:
        self.world.agenda.after(self.world.movement_rng.triangular(1, 14, 4) * HOUR, action)

    # -- patients --

    def _to_another_room(self, patient: Inpatient) -> None:
        world, old = self.world, patient.bed
        if not patient.is_here or old is None or patient.is_critical:
            return
        bed = world.house.bed_for(patient.person, world.now, old.kind)
        if bed is not None and bed.room is not old.room:
            reason = world.movement_rng.choice(TRANSFER)
            self.movements.transfer(patient, bed, reason)

    def _weekend(self, patient: Inpatient) -> None:
        if patient.is_here and patient.bed is not None and not patient.is_critical:
            self.course.weekend(patient, self.world.movement_rng.random() < BED_KEPT)

    def _swap(self) -> None:
        """Let two patients of one sex and one kind of ward exchange beds."""
        rng, now = self.world.movement_rng, self.world.now
        patients = [(p, p.bed) for p in self.movements.here if p.bed and p.is_alone_in_bed(now)]
        if not patients:
            return
        patient, bed = rng.choice(patients)
        others = [
            other
            for other, other_bed in patients
            if other_bed.kind is bed.kind
            and other_bed.room is not bed.room
            and other.person.sex is patient.person.sex
        ]
        if others:
            self.movements.swap(patient, rng.choice(others))

    # -- beds --

    def _close_bed(self) -> None:
        """Close a bed for a time that is known beforehand, or until somebody reopens it."""
        world, rng, now = self.world, self.world.movement_rng, self.world.now
        free_beds = [bed for bed in world.house.beds if bed.is_free(now)]
        if not free_beds:
            return
        bed = rng.choice(free_beds)
        duration = min(rng.lognormvariate(log(20), 0.8), 120) * HOUR
        ends = (now + duration).replace(minute=0, second=0, microsecond=0) + HOUR
        planned_end = ends if rng.random() < 0.4 else None
        bed.blocked = True
        self._record(bed, "close_bed", reason=rng.choice(BED_CLOSED), until=planned_end)
        world.agenda.at(ends, lambda: self._reopen(bed, planned_end))

    def _reopen(self, bed: Bed, planned: datetime | None) -> None:
        bed.blocked = False
        if planned is None:
            self._record(bed, "reopen_bed")

    def _record(self, bed: Bed, command: str, **parameters: Any) -> None:
        world, parameters = self.world, {"after": bed.known_free, **bed.place, **parameters}
        bed.known_from(
            world.record(command, "bed_manager", AT_ONCE, world.movement_rng, **parameters)
        )
