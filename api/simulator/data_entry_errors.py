"""Days on which somebody is entered as moved who was not, or two in each other's beds."""

from collections.abc import Callable
from datetime import datetime

from api.simulator.clock import HOUR
from api.simulator.corrections import noticed
from api.simulator.house import Bed
from api.simulator.inpatient import Inpatient, Life, Moved
from api.simulator.movements import Movements
from api.simulator.recording_queue import AT_ONCE
from api.simulator.texts import EACH_OTHERS, NEVER_MOVED
from application.commands.corrections import Correction
from domain.stay.facts import CancellationReason

NEVER_MOVED_A_DAY = 0.005
EACH_OTHERS_A_DAY = 0.004
"""Per bed; when there is no bed to be mistaken for another, it happens some hours later."""


class Slips:
    """Each morning it is drawn what will be entered wrongly today."""

    def __init__(self, life: Life, movements: Movements) -> None:
        self.life, self.movements = life, movements

    def day(self) -> None:
        life = self.life
        life.agenda.at(life.hours.next(life.now + HOUR, 7), self.day)
        for _ in life.house.beds:
            if life.slips.random() < NEVER_MOVED_A_DAY:
                self._sometime(self._never_moved)
            if life.slips.random() < EACH_OTHERS_A_DAY:
                self._sometime(self._each_others_beds)

    def _sometime(self, happens: Callable[[], None]) -> None:
        self.life.agenda.after(self.life.slips.triangular(1, 22, 6) * HOUR, happens)

    def _never_moved(self) -> None:
        """A transfer is entered for a patient who lies where she lay, and is cancelled."""
        life = self.life
        fit = [p for p in self.movements.here if self._lies_quietly(p)]
        if not fit:
            return
        patient = life.slips.choice(fit)
        assert patient.bed is not None
        beds = life.house.others_like(patient.bed, patient.person, life.now)
        if not beds:
            self._sometime(self._never_moved)
            return
        moved = Moved()
        entered = self.movements.enter_move(patient, beds[0], moved)
        recorded = life.desk.tell(
            lambda h, q: h.corrections.cancel_movement(
                q, movement_id=moved.id, because=CancellationReason.ENTERED_IN_ERROR
            ),
            at=noticed(life, entered),
            by=life.staff.nurse(life.slips),
            lag=AT_ONCE.draw(life.slips),
            after=entered,
            reason=life.slips.choice(NEVER_MOVED),
            about=patient.mrns,
        )
        beds[0].mistaken_for(patient.person, recorded)
        patient.recorded = recorded
        patient.bed.known_from(recorded)

    def _each_others_beds(self) -> None:
        """Two are moved at once, and each is entered in the bed of the other."""
        life, now = self.life, self.life.now
        fit = [p for p in self.movements.here if self._lies_quietly(p)]
        if not fit:
            return
        one = life.slips.choice(fit)
        assert one.bed is not None
        beds = life.house.others_like(one.bed, one.person, now)
        others = [p for p in fit if self._alike(one, p)]
        if len(beds) < 2 or not others:
            self._sometime(self._each_others_beds)
            return
        other = life.slips.choice(others)
        moves = (Moved(), Moved())
        entered = max(
            self.movements.enter_move(one, beds[1], moves[0]),
            self.movements.enter_move(other, beds[0], moves[1]),
        )
        places = [bed.place for bed in beds[:2]]
        recorded = life.desk.tell(
            lambda h, q: h.corrections.correct_facts(
                q,
                corrections=[
                    Correction(movement_id=moved.id, ward=ward, room=room, bed=code)
                    for moved, (ward, room, code) in zip(moves, places, strict=True)
                ],
            ),
            at=noticed(life, entered),
            by=life.staff.nurse(life.slips),
            lag=AT_ONCE.draw(life.slips),
            after=entered,
            reason=EACH_OTHERS,
            about=one.mrns + other.mrns,
        )
        self._moved(one, beds[0], recorded)
        self._moved(other, beds[1], recorded)

    def _moved(self, patient: Inpatient, bed: Bed, recorded: datetime) -> None:
        old = patient.bed
        assert old is not None
        patient.recorded = recorded
        self.movements.beds.leave(old, recorded)
        self.movements.beds.take(patient, bed)

    def _alike(self, one: Inpatient, other: Inpatient) -> bool:
        assert one.bed is not None
        assert other.bed is not None
        return (
            one is not other
            and one.bed.kind is other.bed.kind
            and one.person.sex is other.person.sex
        )

    def _lies_quietly(self, patient: Inpatient) -> bool:
        """In a bed of her own, where the record shows her, and nothing happened just now."""
        now = self.life.now
        return (
            patient.bed is not None
            and patient.is_here
            and patient.mother is None
            and not patient.children
            and not patient.infectious
            and patient.settled < now
            and patient.touched < now
            and patient.bed.reserved(now) is None
        )
