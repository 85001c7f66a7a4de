"""Beds are taken and left, and made ready in between."""

from datetime import datetime, timedelta

from api.simulator.clock import HOUR, MINUTE
from api.simulator.house import Bed, Kind
from api.simulator.inpatient import Inpatient, Life
from api.simulator.recording_queue import AT_ONCE, Telling

CLEANING_RECORDED = 0.75


class Beds:
    """What a movement does to the beds, in life; of the cleaning it tells."""

    def __init__(self, life: Life) -> None:
        self.life = life

    def take(self, patient: Inpatient, bed: Bed) -> None:
        patient.bed = bed
        if patient.mother is None:
            bed.taken(patient.person, patient.recorded)

    def empty(self, patient: Inpatient) -> None:
        """The patient has no bed any more."""
        bed, patient.bed = patient.bed, None
        if bed is not None and patient.mother is None:
            self.leave(bed, patient.recorded)

    def leave(self, bed: Bed, recorded: datetime) -> None:
        """A bed that was left is made ready; mostly that is recorded."""
        life = self.life
        bed.left(recorded)
        bed.blocked = True
        begins = life.now + life.moves.uniform(8, 50) * MINUTE
        takes = life.moves.uniform(15, 55) * MINUTE
        if bed.kind is Kind.INTENSIVE or bed.room.isolation:
            takes += HOUR
        if life.moves.random() < CLEANING_RECORDED:
            life.agenda.at(begins, lambda: self._start_cleaning(bed, takes))
        else:
            life.agenda.at(begins + takes, lambda: self._ready(bed))

    def _start_cleaning(self, bed: Bed, takes: timedelta) -> None:
        ward, room, code = bed.place
        self._tell(bed, lambda h, q: h.rooms.start_cleaning(q, ward=ward, room=room, bed=code))
        self.life.agenda.after(takes, lambda: self._finish_cleaning(bed))

    def _finish_cleaning(self, bed: Bed) -> None:
        ward, room, code = bed.place
        self._tell(bed, lambda h, q: h.rooms.finish_cleaning(q, ward=ward, room=room, bed=code))
        self._ready(bed)

    def _ready(self, bed: Bed) -> None:
        bed.blocked = False

    def _tell(self, bed: Bed, telling: Telling) -> None:
        recorded = self.life.desk.tell(
            telling,
            at=self.life.now,
            by=self.life.staff.nurse(self.life.moves),
            lag=AT_ONCE.draw(self.life.moves),
            after=bed.known_free,
        )
        bed.known_from(recorded)
