"""Movements: who goes where, in life and, some time later, in the record.

The record must be able to follow: what rests on a movement is entered after it (see
`RecordingQueue.put`), and a bed is given only once the record, too, shows it free (see `house`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import log
from typing import Any

from api.simulator.clock import DAY, HOUR, MINUTE
from api.simulator.house import Bed, Kind
from api.simulator.inpatient import Inpatient, Prescription, World
from api.simulator.recording_queue import (
    AT_ONCE,
    AT_THE_DESK,
    MOVEMENT,
    PROMPT,
    ExpectedArrival,
    Lag,
    Movement,
)
from api.simulator.staff import Doctor
from api.simulator.texts import CAME_BACK, WRONG_BED
from application.sharers import Sharer
from domain.envelope import Actor
from domain.practitioner import Grade
from domain.stay.events import AdmissionType
from domain.stay.facts import CancellationReason, DischargePlan, Disposition

ATTENDING_LATER = 0.1
CLEANING_RECORDED = 0.75
IN_WRONG_BED = 0.25
"""Per transfer; there is another bed to be mistaken for it in about a third of them."""


class Movements:
    """Movements that happen now; each method queues the command that records it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.here: list[Inpatient] = []

    # -- coming --

    def admit(
        self,
        patient: Inpatient,
        bed: Bed | None,
        without_bed: str | None = None,
        decided: datetime | None = None,
        expected: ExpectedArrival | None = None,
    ) -> None:
        """Admit a patient into a bed, or to a place without one."""
        world, person, mother = self.world, patient.person, patient.mother
        registrar = world.staff.pick("registrar", world.movement_rng)
        world.people.register(person, world.now, registrar)
        if world.movement_rng.random() >= ATTENDING_LATER:
            patient.attending = self._attending(patient.specialty)
        patient.touched = world.now
        patient.opened = patient.recorded = world.record(
            "admit_patient",
            registrar,
            AT_THE_DESK,
            world.movement_rng,
            after=max(
                world.now,
                *(fact.recorded for fact in (person, mother, expected) if fact and fact.recorded),
            ),
            creates=patient,
            about=patient.mrns,
            patient_mrn=person.mrn,
            admission_type=patient.admission,
            attending=patient.attending.number if patient.attending else None,
            specialty=patient.specialty,
            decided_to_admit_at=decided,
            shares_bed_of=mother,
            expected_arrival_id=expected,
            without_bed=without_bed,
            **(bed.place if bed else {}),
        )
        person.home_since = None
        self.here.append(patient)
        self._occupy(patient, bed)

    def give_birth(self, mother: Inpatient) -> Inpatient:
        """Admit a newborn, who shares its mother's bed."""
        now = self.world.now
        person = self.world.people.newborn(mother.person, now)
        child = Inpatient(person, AdmissionType.NEWBORN, Kind.MATERNITY, now, now + 3 * DAY)
        child.mother = mother
        mother.children.append(child)
        self.admit(child, mother.bed)
        return child

    def request_bed(self, patient: Inpatient) -> None:
        """Ask once for a bed of the ward where the patient is to go."""
        if not patient.has_requested_bed:
            patient.has_requested_bed = True
            ward = self.world.house.ward_of(patient.goes_to)
            self._record(patient, "request_bed", "bed_manager", AT_ONCE, ward=ward)

    def allocate(self, patient: Inpatient, bed: Bed) -> None:
        """Give the first bed to a patient who had none."""
        patient.recorded = self._record(patient, "allocate_room", "bed_manager", **bed.place)
        self._occupy(patient, bed)

    # -- moving --

    def transfer(self, patient: Inpatient, bed: Bed, reason: str | None = None) -> None:
        """Move a patient to another bed; children who share the old one come along.

        Now and then another bed is entered, and corrected hours later.
        """
        old, along, movement = patient.bed, patient.sharing, Movement()
        assert old is not None, "who has no bed is allocated one"
        is_alone = not patient.children and patient.mother is None
        wrong_bed = self._wrong_bed(patient, bed) if is_alone else None
        left_at = entered_at = self._record(
            patient,
            "transfer_patient",
            after=max(p.recorded for p in (patient, *patient.children)),
            creates=movement,
            reason=reason,
            sharers=lambda: [Sharer(stay_id=child.id, shares_bed=True) for child in along] or None,
            **(wrong_bed or bed).place,
        )
        if wrong_bed is not None:
            parameters = {"corrects": True, "movement_id": movement, **bed.place}
            reason = self.world.error_rng.choice(WRONG_BED)
            entered_at = self.correct(
                "correct_movement", left_at, reason, patient.mrns, **parameters
            )
            wrong_bed.mistake(patient.person, entered_at)
        patient.recorded = entered_at
        was_shared, patient.mother = patient.mother is not None, None
        for child in along:
            child.recorded, child.bed = entered_at, bed
        if not was_shared:
            self._vacate(old, left_at)
        self._occupy(patient, bed)

    def _wrong_bed(self, patient: Inpatient, bed: Bed) -> Bed | None:
        """Return, now and then, another bed than the one that the patient was moved to."""
        if self.world.error_rng.random() >= IN_WRONG_BED:
            return None
        return next(iter(self.world.house.others_like(bed, patient.person, self.world.now)), None)

    def correct(
        self, command: str, entered: datetime, reason: str, about: Sequence[str], **parameters: Any
    ) -> datetime:
        """Queue a correction, an hour to a day after the error was entered."""
        world, rng = self.world, self.world.error_rng
        return world.queue.put(
            command,
            at=entered + min(1 + rng.lognormvariate(log(4), 0.8), 24) * HOUR,
            by=world.staff.pick("nurse", rng),
            lag=PROMPT.draw(rng),
            after=entered,
            reason=reason,
            about=about,
            **parameters,
        )

    def enter_transfer(self, patient: Inpatient, bed: Bed, movement: Movement) -> datetime:
        """Queue a transfer that did not happen so; return when it is recorded."""
        parameters = {"creates": movement, **bed.place}
        return self._record(patient, "transfer_patient", lag=PROMPT, **parameters)

    def place_as_recorded(self, patient: Inpatient, bed: Bed, recorded: datetime) -> None:
        """Move a patient in life to the bed of a movement that is queued already."""
        assert patient.bed is not None
        patient.recorded = recorded
        self._vacate(patient.bed, recorded)
        self._occupy(patient, bed)

    def swap(self, one: Inpatient, other: Inpatient) -> None:
        """Let two patients exchange beds."""
        rests_on, beds = max(one.recorded, other.recorded), (other.bed, one.bed)
        other.touched = self.world.now
        one.recorded = other.recorded = self._record(
            one, "swap_beds", after=rests_on, about=one.mrns + other.mrns, with_stay_id=other
        )
        for patient, bed in zip((one, other), beds, strict=True):
            self._occupy(patient, bed)

    def change_specialty(self, patient: Inpatient, specialty: str) -> None:
        """Hand a patient over to another specialty, with another doctor."""
        if patient.specialty != specialty:
            patient.specialty, after = specialty, patient.opened
            parameters: dict[str, Any] = {"after": after, "specialty": specialty}
            self._record(patient, "change_specialty", "registrar", **parameters)
            self.change_attending(patient)

    def change_attending(self, patient: Inpatient) -> None:
        attending = self._attending(patient.specialty)
        if attending is not patient.attending:
            patient.attending = attending
            doctor, number = attending.actor, attending.number
            self._record(
                patient, "change_attending", doctor, after=patient.opened, attending=number
            )

    # -- leave --

    def start_leave(self, patient: Inpatient, back: datetime, keep_bed: bool) -> None:
        """Let a patient go home for a while; the bed is kept or given up."""
        patient.recorded = self._record(
            patient, "start_leave", keep_bed=keep_bed, expected_return=back
        )
        patient.away = True
        if not keep_bed:
            self._leave_bed(patient)

    def end_leave(self, patient: Inpatient, bed: Bed | None, without_bed: str | None) -> None:
        """Take a patient back into the kept bed, into another one, or without one."""
        place = bed.place if bed else {"without_bed": without_bed}
        patient.recorded = self._record(patient, "end_leave", **place)
        patient.away = False
        self._occupy(patient, bed or patient.bed)

    # -- going --

    def plan(
        self,
        patient: Inpatient,
        plan: DischargePlan,
        expected: datetime | None,
        reason: str | None = None,
    ) -> None:
        doctor = patient.attending or self._attending(patient.specialty)
        parameters = {
            "after": patient.opened,
            "reason": reason,
            "plan": plan,
            "expected_at": expected,
        }
        self._record(patient, "plan_discharge", doctor.actor, AT_THE_DESK, **parameters)

    def die(self, patient: Inpatient) -> None:
        patient.died_at = self.world.now
        doctor = self._attending(patient.specialty)
        after = max(patient.opened, patient.orders_recorded)
        entered_at = self._record(patient, "record_death", doctor.actor, Lag(20, 0.05), after=after)
        patient.recorded = max(patient.recorded, entered_at)

    def discharge(
        self, patient: Inpatient, disposition: Disposition, destination: str | None = None
    ) -> None:
        """Discharge a patient. Children in the mother's bed go with her, before her in the record."""
        for child in patient.sharing:
            self.discharge(child, Disposition.HOME)
        prescriptions = self._take_home(patient, disposition)
        patient.recorded = self._record(
            patient,
            "discharge_patient",
            "registrar",
            after=max(
                patient.recorded, patient.orders_recorded, *(c.recorded for c in patient.children)
            ),
            disposition=disposition,
            destination=destination,
            keep_prescriptions=lambda: [p.id for p in prescriptions] or None,
        )
        patient.gone = True
        self.here.remove(patient)
        self._leave_bed(patient)
        if disposition is not Disposition.DIED:
            self.world.people.go_home(patient.person, self.world.now, patient.recorded)

    def come_back(self, patient: Inpatient, bed: Bed) -> None:
        """Cancel a discharge on the same day: the patient was away in between."""
        reason = self.world.error_rng.choice(CAME_BACK)
        parameters = {"because": CancellationReason.DECISION_REVERSED, **bed.place}
        patient.recorded = self._record(
            patient, "cancel_discharge", "registrar", reason=reason, **parameters
        )
        patient.opened = patient.recorded  # before that the record shows a stay that has ended
        for prescription in patient.prescriptions:
            prescription.ended_at = prescription.ended_at or patient.person.home_since
        patient.prescriptions.clear()
        patient.gone = False
        self.world.people.come_back(patient.person)
        self.here.append(patient)
        self._occupy(patient, bed)

    def _take_home(self, patient: Inpatient, disposition: Disposition) -> Sequence[Prescription]:
        rng, now = self.world.order_rng, self.world.now
        live_prescriptions = [p for p in patient.prescriptions if p.is_live(now)]
        if disposition is not Disposition.HOME or not live_prescriptions or rng.random() > 0.4:
            return ()
        return rng.sample(live_prescriptions, min(len(live_prescriptions), rng.randint(1, 4)))

    # -- beds --

    def _occupy(self, patient: Inpatient, bed: Bed | None) -> None:
        patient.bed = bed
        if bed is not None and bed.kind is patient.goes_to:
            patient.has_requested_bed = False
        if bed is not None and patient.mother is None:
            bed.occupy(patient.person, patient.recorded)

    def _leave_bed(self, patient: Inpatient) -> None:
        bed, patient.bed = patient.bed, None
        if bed is not None and patient.mother is None:
            self._vacate(bed, patient.recorded)

    def _vacate(self, bed: Bed, recorded: datetime) -> None:
        """Leave a bed to be cleaned; mostly that is recorded."""
        world, rng = self.world, self.world.movement_rng
        bed.vacate(recorded)
        bed.blocked = True
        begins, duration = world.now + rng.uniform(8, 50) * MINUTE, rng.uniform(15, 55) * MINUTE
        if rng.random() < CLEANING_RECORDED:
            world.agenda.at(begins, lambda: self._clean(bed, duration))
        else:
            world.agenda.at(begins + duration, lambda: self._open(bed))

    def _clean(self, bed: Bed, duration: timedelta) -> None:
        self._record_of_bed(bed, "start_cleaning")
        self.world.agenda.after(duration, lambda: self._open(bed, "finish_cleaning"))

    def _open(self, bed: Bed, command: str | None = None) -> None:
        if command:
            self._record_of_bed(bed, command)
        bed.blocked = False

    def _record_of_bed(self, bed: Bed, command: str) -> None:
        parameters = {"after": bed.known_free, **bed.place}
        bed.known_from(
            self.world.record(command, "nurse", AT_ONCE, self.world.movement_rng, **parameters)
        )

    # -- recording --

    def _attending(self, specialty: str) -> Doctor:
        return self.world.staff.doctor(
            self.world.movement_rng, specialty, Grade.CONSULTANT, Grade.SPECIALIST
        )

    def _record(
        self,
        patient: Inpatient,
        command: str,
        by: Actor | str = "nurse",
        lag: Lag = MOVEMENT,
        **parameters: Any,
    ) -> datetime:
        """Queue a command about a stay, after the last of its movements."""
        patient.touched = self.world.now
        defaults = {"after": patient.recorded, "about": patient.mrns, "stay_id": patient}
        return self.world.record(command, by, lag, self.world.movement_rng, **defaults | parameters)
