"""Data entry errors: a transfer that never happened, two in each other's beds, and corrections.

Life goes on as it was. Until the record is right, nobody is given a bed that it shows as taken, and
what rests on the wrong entry is entered after its correction (see `movements`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from api.simulator.clock import HOUR, MINUTE
from api.simulator.inpatient import Inpatient, World
from api.simulator.movements import Movements
from api.simulator.recording_queue import AT_ONCE, Movement
from api.simulator.texts import BEDS_MIXED_UP, NEVER_MOVED
from application.commands.corrections import Correction
from domain.envelope import Actor
from domain.stay.facts import CancellationReason

NEVER_MOVED_A_DAY = 0.005
MIXED_UP_A_DAY = 0.004
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
        world = self.world
        patients = self._undisturbed()
        if not patients:
            return
        patient = world.error_rng.choice(patients)
        assert patient.bed is not None
        beds = world.house.others_like(patient.bed, patient.person, world.now)
        if not beds:
            self._sometime(self._never_moved)
            return
        movement = Movement()
        entered = self.movements.enter_transfer(patient, beds[0], movement)
        recorded = self._correct(
            "cancel_movement",
            entered,
            world.error_rng.choice(NEVER_MOVED),
            patient.mrns,
            movement_id=movement,
            because=CancellationReason.ENTERED_IN_ERROR,
        )
        beds[0].mistake(patient.person, recorded)
        patient.recorded = recorded
        patient.bed.known_from(recorded)

    def _beds_mixed_up(self) -> None:
        """Move two patients at once, enter each in the bed of the other, and correct both."""
        world = self.world
        patients = self._undisturbed()
        if not patients:
            return
        one = world.error_rng.choice(patients)
        assert one.bed is not None
        beds = world.house.others_like(one.bed, one.person, world.now)
        others = [p for p in patients if p is not one and _alike(one, p)]
        if len(beds) < 2 or not others:
            self._sometime(self._beds_mixed_up)
            return
        other = world.error_rng.choice(others)
        movements = Movement(), Movement()
        entered = max(
            self.movements.enter_transfer(one, beds[1], movements[0]),
            self.movements.enter_transfer(other, beds[0], movements[1]),
        )
        recorded = self._correct(
            "correct_facts",
            entered,
            BEDS_MIXED_UP,
            one.mrns + other.mrns,
            corrections=lambda: [
                Correction(movement_id=movement.id, **bed.place)
                for movement, bed in zip(movements, beds[:2], strict=True)
            ],
        )
        self.movements.place_as_recorded(one, beds[0], recorded)
        self.movements.place_as_recorded(other, beds[1], recorded)

    def _correct(
        self, command: str, entered: datetime, reason: str, about: Sequence[str], **parameters: Any
    ) -> datetime:
        world = self.world
        return world.queue.put(
            command,
            at=self.movements.noticed(entered),
            by=world.staff.one("nurse", world.error_rng),
            lag=AT_ONCE.draw(world.error_rng),
            after=entered,
            reason=reason,
            about=about,
            **parameters,
        )

    def _undisturbed(self) -> list[Inpatient]:
        """Return patients alone in their beds, where the record shows them, and not just moved."""
        now = self.world.now
        return [
            patient
            for patient in self.movements.here
            if patient.is_alone_in_bed(now) and patient.recorded < now and patient.touched < now
        ]


def _alike(one: Inpatient, other: Inpatient) -> bool:
    """Return whether two patients may be taken for each other."""
    assert one.bed is not None
    assert other.bed is not None
    return one.bed.kind is other.bed.kind and one.person.sex is other.person.sex


def correct_entry(
    world: World,
    command: str,
    entered: datetime,
    by: Actor,
    reasons: Sequence[str],
    about: Sequence[str] = (),
    *,
    corrects: bool = False,
    **parameters: Any,
) -> None:
    """Correct a visit or a dose, some hours after its entry, by who entered it. Nothing rests on it."""
    world.queue.put(
        command,
        at=entered + world.care_rng.uniform(0.2, 20) * HOUR,
        by=by,
        lag=MINUTE,
        reason=world.care_rng.choice(reasons),
        corrects=corrects,
        about=about,
        **parameters,
    )
