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
from api.simulator.recording_queue import AT_ONCE, AT_THE_DESK, MOVEMENT, Lag, Movement, Recordable
from api.simulator.staff import Doctor
from api.simulator.texts import CAME_BACK, TRANSFER, WRONG_BED
from application.commands.stays import Sharer
from domain.envelope import Actor
from domain.practitioner import Grade
from domain.stay.events import AdmissionType
from domain.stay.facts import CancellationReason, DischargePlan, Disposition

ATTENDING_LATER = 0.1
CLEANING_RECORDED = 0.75
IN_WRONG_BED = 0.2
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
        *,
        without_bed: str | None = None,
        decided: datetime | None = None,
    ) -> None:
        """Admit a patient into a bed, or to a place without one."""
        world, person, mother = self.world, patient.person, patient.mother
        by = world.staff.one("registrar", world.movement_rng)
        world.people.register(person, world.now, by)
        if world.movement_rng.random() >= ATTENDING_LATER:
            patient.attending = self._attending(patient.specialty)
        patient.opened = patient.recorded = self._record(
            patient,
            "admit_patient",
            by,
            AT_THE_DESK,
            after=max(person.recorded or world.now, mother.recorded if mother else world.now),
            creates=patient,
            patient_mrn=person.mrn,
            admission_type=patient.admission,
            attending=patient.attending.number if patient.attending else None,
            specialty=patient.specialty,
            decided_to_admit_at=decided,
            shares_bed_of=mother,
            without_bed=without_bed,
            **(bed.place if bed else {}),
        )
        person.home_since = None
        self.here.append(patient)
        if bed is not None:
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

    def allocate(self, patient: Inpatient, bed: Bed) -> None:
        """Give the first bed to a patient who had none."""
        patient.recorded = self._record(
            patient,
            "allocate_room",
            self.world.staff.one("bed_manager", self.world.movement_rng),
            after=patient.recorded,
            stay_id=patient,
            **bed.place,
        )
        self._occupy(patient, bed)

    # -- moving --

    def transfer(self, patient: Inpatient, bed: Bed, reason: str | None = None) -> None:
        """Move a patient to another bed; children who share the old one come along.

        Now and then another bed is entered, and corrected hours later.
        """
        world, old = self.world, patient.bed
        assert old is not None, "who has no bed is allocated one"
        is_alone = not patient.children and patient.mother is None
        wrong = self._wrong_bed(patient, bed) if is_alone else None
        along = patient.sharing
        movement = Movement()
        left = recorded = self._record(
            patient,
            "transfer_patient",
            world.staff.one("nurse", world.movement_rng),
            after=max(p.recorded for p in (patient, *patient.children)),
            creates=movement,
            reason=reason,
            stay_id=patient,
            sharers=lambda: [Sharer(stay_id=child.id, shares_bed=True) for child in along] or None,
            **(wrong or bed).place,
        )
        if wrong is not None:
            recorded = world.queue.put(
                "correct_movement",
                at=self.noticed(recorded),
                by=world.staff.one("nurse", world.error_rng),
                lag=AT_ONCE.draw(world.error_rng),
                after=recorded,
                reason=world.error_rng.choice(WRONG_BED),
                corrects=True,
                about=patient.mrns,
                movement_id=movement,
                **bed.place,
            )
            wrong.mistake(patient.person, recorded)
        patient.recorded = recorded
        shared, patient.mother = patient.mother is not None, None
        for child in along:
            child.recorded, child.bed = recorded, bed
        if not shared:
            self._vacate(old, left)
        bed.occupy(patient.person, recorded)
        patient.bed = bed

    def _wrong_bed(self, patient: Inpatient, bed: Bed) -> Bed | None:
        """Return, now and then, another bed than the one that the patient was moved to."""
        if self.world.error_rng.random() >= IN_WRONG_BED:
            return None
        return next(iter(self.world.house.others_like(bed, patient.person, self.world.now)), None)

    def noticed(self, entered: datetime) -> datetime:
        """Return when an error is noticed: an hour to a day after it was entered."""
        return entered + min(1 + self.world.error_rng.lognormvariate(log(4), 0.8), 24) * HOUR

    def enter_transfer(self, patient: Inpatient, bed: Bed, movement: Movement) -> datetime:
        """Queue a transfer that did not happen so; return when it is recorded."""
        return self._record(
            patient,
            "transfer_patient",
            self.world.staff.one("nurse", self.world.error_rng),
            after=patient.recorded,
            creates=movement,
            stay_id=patient,
            **bed.place,
        )

    def place_as_recorded(self, patient: Inpatient, bed: Bed, recorded: datetime) -> None:
        """Move a patient in life to the bed of a movement that is queued already."""
        assert patient.bed is not None
        patient.recorded = recorded
        self._vacate(patient.bed, recorded)
        self._occupy(patient, bed)

    def transfer_within_ward(self, patient: Inpatient, bed: Bed) -> None:
        self.transfer(patient, bed, self.world.movement_rng.choice(TRANSFER))

    def swap(self, one: Inpatient, other: Inpatient) -> None:
        """Let two patients exchange beds."""
        assert one.bed is not None
        assert other.bed is not None
        other.touched = self.world.now
        recorded = self._record(
            one,
            "swap_beds",
            self.world.staff.one("nurse", self.world.movement_rng),
            after=max(one.recorded, other.recorded),
            about=one.mrns + other.mrns,
            stay_id=one,
            with_stay_id=other,
        )
        for patient, bed in ((one, other.bed), (other, one.bed)):
            patient.recorded = recorded
            self._occupy(patient, bed)

    def change_specialty(self, patient: Inpatient, specialty: str) -> None:
        """Hand a patient over to another specialty, with another doctor."""
        if patient.specialty != specialty:
            patient.specialty = specialty
            by = self.world.staff.one("registrar", self.world.movement_rng)
            self._record(
                patient,
                "change_specialty",
                by,
                after=patient.opened,
                stay_id=patient,
                specialty=specialty,
            )
            self.change_attending(patient)

    def change_attending(self, patient: Inpatient) -> None:
        attending = self._attending(patient.specialty)
        if attending is not patient.attending:
            patient.attending = attending
            self._record(
                patient,
                "change_attending",
                attending.actor,
                after=patient.opened,
                stay_id=patient,
                attending=attending.number,
            )

    # -- leave --

    def start_leave(self, patient: Inpatient, back: datetime, keep_bed: bool) -> None:
        """Let a patient go home for a while; the bed is kept or given up."""
        patient.recorded = self._record(
            patient,
            "start_leave",
            self.world.staff.one("nurse", self.world.movement_rng),
            after=patient.recorded,
            stay_id=patient,
            keep_bed=keep_bed,
            expected_return=back,
        )
        patient.away = True
        if not keep_bed:
            self._leave_bed(patient)

    def end_leave(self, patient: Inpatient, bed: Bed | None, without_bed: str | None) -> None:
        """Take a patient back into the kept bed, into another one, or without one."""
        patient.recorded = self._record(
            patient,
            "end_leave",
            self.world.staff.one("nurse", self.world.movement_rng),
            after=patient.recorded,
            stay_id=patient,
            without_bed=without_bed,
            **(bed.place if bed else {}),
        )
        patient.away = False
        if bed is not None:
            self._occupy(patient, bed)

    # -- going --

    def plan(
        self,
        patient: Inpatient,
        plan: DischargePlan,
        expected: datetime | None,
        reason: str | None = None,
    ) -> None:
        doctor = patient.attending or self._attending(patient.specialty)
        self._record(
            patient,
            "plan_discharge",
            doctor.actor,
            AT_THE_DESK,
            after=patient.opened,
            reason=reason,
            stay_id=patient,
            plan=plan,
            expected_at=expected,
        )

    def die(self, patient: Inpatient) -> None:
        patient.died_at = self.world.now
        doctor = self.world.staff.doctor(
            self.world.movement_rng, patient.specialty, Grade.SPECIALIST, Grade.RESIDENT
        )
        recorded = self._record(
            patient,
            "record_death",
            doctor.actor,
            Lag(20, 0.05),
            after=max(patient.opened, patient.orders_recorded),
            stay_id=patient,
        )
        patient.recorded = max(patient.recorded, recorded)

    def discharge(
        self, patient: Inpatient, disposition: Disposition, destination: str | None = None
    ) -> None:
        """Discharge a patient. Children in the mother's bed go with her, before her in the record."""
        world = self.world
        for child in patient.sharing:
            self.discharge(child, Disposition.HOME)
        prescriptions = self._take_home(patient, disposition)
        rests_on = [patient.recorded, patient.orders_recorded]
        rests_on += [child.recorded for child in patient.children]
        patient.recorded = self._record(
            patient,
            "discharge_patient",
            world.staff.one("registrar", world.movement_rng),
            after=max(rests_on),
            stay_id=patient,
            disposition=disposition,
            destination=destination,
            keep_prescriptions=lambda: [p.id for p in prescriptions] or None,
        )
        patient.gone = True
        self.here.remove(patient)
        self._leave_bed(patient)
        if disposition is not Disposition.DIED:
            world.people.go_home(patient.person, world.now, patient.recorded)

    def come_back(self, patient: Inpatient, bed: Bed) -> None:
        """Cancel a discharge on the same day: the patient was away in between."""
        world, person = self.world, patient.person
        patient.recorded = self._record(
            patient,
            "cancel_discharge",
            world.staff.one("registrar", world.error_rng),
            after=patient.recorded,
            reason=world.error_rng.choice(CAME_BACK),
            stay_id=patient,
            because=CancellationReason.DECISION_REVERSED,
            **bed.place,
        )
        patient.opened = patient.recorded  # before that the record shows a stay that has ended
        for prescription in patient.prescriptions:
            prescription.ended_at = prescription.ended_at or person.home_since  # by the discharge
        patient.prescriptions.clear()
        patient.gone = False
        world.people.come_back(person)
        self.here.append(patient)
        self._occupy(patient, bed)

    def _take_home(self, patient: Inpatient, disposition: Disposition) -> Sequence[Prescription]:
        rng, now = self.world.order_rng, self.world.now
        live = [p for p in patient.prescriptions if p.is_live(now)]
        if disposition is not Disposition.HOME or not live or rng.random() > 0.4:
            return ()
        return rng.sample(live, min(len(live), rng.randint(1, 4)))

    # -- beds --

    def _occupy(self, patient: Inpatient, bed: Bed) -> None:
        patient.bed = bed
        if patient.mother is None:
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
        rng = self.world.movement_rng
        by = self.world.staff.one("nurse", rng)
        bed.known_from(
            self.world.record(command, by, AT_ONCE, rng, after=bed.known_free, **bed.place)
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
        by: Actor,
        lag: Lag = MOVEMENT,
        *,
        creates: Recordable | None = None,
        about: Sequence[str] | None = None,
        **named: Any,
    ) -> datetime:
        patient.touched = self.world.now
        named |= {"creates": creates, "about": about or patient.mrns}
        return self.world.record(command, by, lag, self.world.movement_rng, **named)
