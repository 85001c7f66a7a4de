"""Data entry errors: a transfer that never happened, two in each other's beds, and corrections.

Life goes on as it was. Until the record is right, nobody is given a bed that it shows as taken, and
what rests on the wrong entry is entered after its correction (see `movements`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from api.simulator.clock import HOUR, MINUTE
from api.simulator.house import Bed
from api.simulator.inpatient import Inpatient, World
from api.simulator.movements import Movements
from api.simulator.recording_queue import Movement
from api.simulator.texts import BEDS_MIXED_UP, NEVER_MOVED
from application.commands.late_entries import Correction
from domain.envelope import Actor
from domain.stay.facts import CancellationReason

NEVER_MOVED_A_DAY = 0.004
MIXED_UP_A_DAY = 0.003
"""Per bed; when there is no bed to be mistaken for another, it happens some hours later."""


class DataEntryErrors:
    """Errors of a day, drawn each morning."""

    def __init__(self, world: World, movements: Movements) -> None:
        self.world, self.movements = world, movements

    def day(self) -> None:
        world = self.world
        world.agenda.at(world.hours.next(world.now + HOUR, 7), self.day)
        for _ in world.house.beds:
            if world.error_rng.random() < NEVER_MOVED_A_DAY:
                self._sometime(self._never_moved)
            if world.error_rng.random() < MIXED_UP_A_DAY:
                self._sometime(self._beds_mixed_up)

    def _sometime(self, error: Callable[[], None]) -> None:
        self.world.agenda.after(self.world.error_rng.triangular(1, 22, 6) * HOUR, error)

    def _never_moved(self) -> None:
        """Enter a transfer of a patient who stays in bed, and cancel it."""
        patient, beds, _ = self._mistakable()
        if patient is None or patient.bed is None:
            return
        if not beds:
            self._sometime(self._never_moved)
            return
        movement, reason = Movement(), self.world.error_rng.choice(NEVER_MOVED)
        entered_at = self.movements.enter_transfer(patient, beds[0], movement)
        cancel = {"movement_id": movement, "because": CancellationReason.ENTERED_IN_ERROR}
        patient.recorded = self.movements.correct(
            "cancel_movement", entered_at, reason, patient.mrns, **cancel
        )
        beds[0].mistake(patient.person, patient.recorded)
        patient.bed.known_from(patient.recorded)

    def _beds_mixed_up(self) -> None:
        """Move two patients at once, enter each in the bed of the other, and correct both."""
        patient, beds, others = self._mistakable()
        if patient is None:
            return
        if len(beds) < 2 or not others:
            self._sometime(self._beds_mixed_up)
            return
        other = self.world.error_rng.choice(others)
        movements = Movement(), Movement()
        entered_at = max(
            self.movements.enter_transfer(patient, beds[1], movements[0]),
            self.movements.enter_transfer(other, beds[0], movements[1]),
        )

        def corrections() -> list[Correction]:
            pairs = zip(movements, beds[:2], strict=True)
            return [Correction(movement_id=m.id, **bed.place) for m, bed in pairs]

        about = patient.mrns + other.mrns
        corrected_at = self.movements.correct(
            "correct_facts", entered_at, BEDS_MIXED_UP, about, corrections=corrections
        )
        self.movements.place_as_recorded(patient, beds[0], corrected_at)
        self.movements.place_as_recorded(other, beds[1], corrected_at)

    def _mistakable(self) -> tuple[Inpatient | None, list[Bed], list[Inpatient]]:
        """Return somebody alone in bed, not just moved; beds and patients to be mistaken for."""
        world, now = self.world, self.world.now
        patients = [
            (patient, patient.bed)
            for patient in self.movements.here
            if patient.bed
            and patient.is_alone_in_bed(now)
            and max(patient.recorded, patient.touched) < now
        ]
        if not patients:
            return None, [], []
        victim, bed = world.error_rng.choice(patients)
        others = [
            other
            for other, other_bed in patients
            if other is not victim
            and other_bed.kind is bed.kind
            and other.person.sex is victim.person.sex
        ]
        return victim, world.house.others_like(bed, victim.person, now), others


def correct_entry(
    world: World,
    entered: datetime,
    by: Actor,
    command: str,
    reasons: Sequence[str],
    **parameters: Any,
) -> None:
    """Correct a visit or a dose, some hours after its entry, by who entered it. Nothing rests on it."""
    at = entered + world.care_rng.uniform(0.2, 20) * HOUR
    reason = world.care_rng.choice(reasons)
    world.queue.put(command, at=at, by=by, lag=MINUTE, reason=reason, **parameters)
