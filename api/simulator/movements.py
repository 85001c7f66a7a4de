"""Movements: who goes where, in life and, some time later, in the record.

The record must be able to follow: what rests on a movement is entered after it (see
`Desk.tell`), and a bed is taken only once the record, too, shows it free (see `house`).
"""

from datetime import datetime

from api.simulator.beds import Beds
from api.simulator.clock import DAY
from api.simulator.corrections import put_in_right_bed, wrong_bed
from api.simulator.house import Bed, Kind
from api.simulator.inpatient import Inpatient, Life, Moved, Prescribed
from api.simulator.recording_queue import (
    AT_THE_DESK,
    FORGOTTEN,
    MOVEMENT,
    Known,
    Lag,
    Telling,
)
from api.simulator.staff import Doctor
from api.simulator.texts import CAME_BACK, TRANSFER
from application.commands.stays import Sharer
from domain.envelope import Actor
from domain.practitioner import Grade
from domain.stay.events import AdmissionType
from domain.stay.facts import CancellationReason, DischargePlan, Disposition

TRANSFER_FORGOTTEN = 0.03
ATTENDING_LATER = 0.1


class Movements:
    """Each method is something that happens now, and tells of it."""

    def __init__(self, life: Life) -> None:
        self.life, self.beds = life, Beds(life)
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
        """Into a bed, or to a place without one."""
        life, person, mother = self.life, patient.person, patient.mother
        by = life.staff.registrar(life.moves)
        life.people.register(person, life.now, by)
        attending: Doctor | None = self._attending(patient.specialty)
        if life.moves.random() < ATTENDING_LATER:
            attending = None
        patient.attending, specialty = attending, patient.specialty
        ward, room, code = bed.place if bed else (None, None, None)
        patient.opened = patient.recorded = self._tell(
            patient,
            lambda h, q: h.stays.admit_patient(
                q,
                patient_mrn=person.mrn,
                admission_type=patient.admission,
                attending=attending.number if attending else None,
                specialty=specialty,
                decided_to_admit_at=decided,
                ward=ward,
                room=room,
                bed=code,
                shares_bed_of=mother.id if mother else None,
                without_bed=without_bed,
            ),
            by,
            AT_THE_DESK,
            after=max(person.recorded or life.now, mother.settled if mother else life.now),
            creates=patient,
        )
        person.home_since = None
        self.here.append(patient)
        if bed is not None:
            self.beds.take(patient, bed)

    def born(self, mother: Inpatient) -> Inpatient:
        """A child, which shares its mother's bed."""
        life = self.life
        person = life.people.newborn(mother.person, life.now)
        child = Inpatient(
            person, AdmissionType.NEWBORN, Kind.MATERNITY, life.now, life.now + 3 * DAY
        )
        child.mother = mother
        mother.children.append(child)
        self.admit(child, mother.bed)
        return child

    def allocate(self, patient: Inpatient, bed: Bed) -> None:
        """The first bed of one who had none."""
        ward, room, code = bed.place
        patient.recorded = self._tell(
            patient,
            lambda h, q: h.stays.allocate_room(
                q, stay_id=patient.id, ward=ward, room=room, bed=code
            ),
            self.life.staff.bed_manager(self.life.moves),
            MOVEMENT,
            after=patient.settled,
        )
        self.beds.take(patient, bed)

    # -- moving --

    def transfer(self, patient: Inpatient, bed: Bed, reason: str | None = None) -> None:
        """To another bed; children who share the old one come along.

        Now and then it is forgotten and entered when the patient has long been moved again.
        """
        life, old, now = self.life, patient.bed, self.life.now
        assert old is not None, "who has no bed is allocated one"
        lag, after = MOVEMENT, patient.settled
        pending = patient.forgotten_until > now
        if pending and patient.forgotten_in is not bed:
            after = patient.recorded
        free_to_forget = not pending and not patient.children and patient.mother is None
        forgotten = free_to_forget and life.moves.random() < TRANSFER_FORGOTTEN
        entered = bed
        if free_to_forget and not forgotten:
            entered = wrong_bed(life, patient, bed) or bed
        if forgotten:
            lag = FORGOTTEN
        along = patient.sharing
        after = max([after, *(child.settled for child in patient.children)])
        ward, room, code = entered.place
        moved = Moved()
        recorded = self._tell(
            patient,
            lambda h, q: h.stays.transfer_patient(
                q,
                stay_id=patient.id,
                ward=ward,
                room=room,
                bed=code,
                sharers=[Sharer(stay_id=child.id, shares_bed=True) for child in along] or None,
            ),
            life.staff.nurse(life.moves),
            lag,
            after=after,
            creates=moved,
            reason=reason,
        )
        left = recorded
        if entered is not bed:
            recorded = put_in_right_bed(life, patient, moved, entered, bed, recorded)
        if forgotten:
            patient.forgotten_until, patient.forgotten_in = recorded, old
        else:
            patient.recorded = recorded
        shared = patient.mother is not None
        patient.mother = None
        for child in along:
            child.recorded, child.bed = recorded, bed
        if not shared:
            self.beds.leave(old, left)
        bed.taken(patient.person, recorded)
        patient.bed = bed

    def enter_move(self, patient: Inpatient, bed: Bed, moved: Moved) -> datetime:
        """Tell of a move to a bed, whether or not it was so. Returns when it is recorded."""
        ward, room, code = bed.place
        return self._tell(
            patient,
            lambda h, q: h.stays.transfer_patient(
                q, stay_id=patient.id, ward=ward, room=room, bed=code
            ),
            self.life.staff.nurse(self.life.slips),
            MOVEMENT,
            after=patient.settled,
            creates=moved,
        )

    def within(self, patient: Inpatient, bed: Bed) -> None:
        """To another room of the same ward, for a reason."""
        self.transfer(patient, bed, self.life.moves.choice(TRANSFER))

    def swap(self, one: Inpatient, other: Inpatient) -> None:
        """Two patients exchange beds."""
        assert one.bed is not None
        assert other.bed is not None
        other.touched = self.life.now
        recorded = self._tell(
            one,
            lambda h, q: h.stays.swap_beds(q, stay_id=one.id, with_stay_id=other.id),
            self.life.staff.nurse(self.life.moves),
            MOVEMENT,
            after=max(one.settled, other.settled),
            besides=other,
        )
        for patient, bed in ((one, other.bed), (other, one.bed)):
            patient.recorded = recorded
            self.beds.take(patient, bed)

    def change_specialty(self, patient: Inpatient, specialty: str) -> None:
        """Another specialty takes over, mostly with another doctor."""
        if patient.specialty == specialty:
            return
        patient.specialty = specialty
        self._tell(
            patient,
            lambda h, q: h.stays.change_specialty(q, stay_id=patient.id, specialty=specialty),
            self.life.staff.registrar(self.life.moves),
            MOVEMENT,
            after=patient.opened,
        )
        if self.life.moves.random() < 0.85:
            self.change_attending(patient)

    def change_attending(self, patient: Inpatient) -> None:
        attending = self._attending(patient.specialty)
        if attending is patient.attending:
            return
        patient.attending = attending
        self._tell(
            patient,
            lambda h, q: h.stays.change_attending(
                q, stay_id=patient.id, attending=attending.number
            ),
            attending.actor,
            MOVEMENT,
            after=patient.opened,
        )

    # -- leave --

    def start_leave(self, patient: Inpatient, back: datetime, keep: bool) -> None:
        """Home for a while; the bed is kept or given up."""
        patient.recorded = self._tell(
            patient,
            lambda h, q: h.stays.start_leave(
                q, stay_id=patient.id, keep_bed=keep, expected_return=back
            ),
            self.life.staff.nurse(self.life.moves),
            MOVEMENT,
            after=patient.settled,
        )
        patient.away = True
        if not keep:
            self.beds.empty(patient)

    def end_leave(self, patient: Inpatient, bed: Bed | None, without_bed: str | None) -> None:
        """Back in the kept bed, in another one, or without one."""
        ward, room, code = bed.place if bed else (None, None, None)
        patient.recorded = self._tell(
            patient,
            lambda h, q: h.stays.end_leave(
                q,
                stay_id=patient.id,
                ward=ward,
                room=room,
                bed=code,
                without_bed=without_bed,
            ),
            self.life.staff.nurse(self.life.moves),
            MOVEMENT,
            after=patient.settled,
        )
        patient.away = False
        if bed is not None:
            self.beds.take(patient, bed)

    # -- going --

    def plan(
        self,
        patient: Inpatient,
        plan: DischargePlan,
        expected: datetime | None,
        why: str | None = None,
    ) -> None:
        """How far the discharge is planned."""
        doctor = patient.attending or self._attending(patient.specialty)
        self._tell(
            patient,
            lambda h, q: h.stays.plan_discharge(
                q, stay_id=patient.id, plan=plan, expected_at=expected
            ),
            doctor.actor,
            AT_THE_DESK,
            after=patient.opened,
            reason=why,
        )

    def die(self, patient: Inpatient) -> None:
        life = self.life
        patient.died_at = life.now
        doctor = life.staff.doctor(life.moves, patient.specialty, Grade.SPECIALIST, Grade.RESIDENT)
        recorded = self._tell(
            patient,
            lambda h, q: h.patients.record_death(q, stay_id=patient.id),
            doctor.actor,
            Lag(20, 0.05),
            after=max(patient.opened, patient.orders_recorded),
        )
        patient.recorded = max(patient.recorded, recorded)

    def discharge(
        self, patient: Inpatient, disposition: Disposition, destination: str | None = None
    ) -> None:
        """Out of the house. Children in the mother's bed go with her, before her in the record."""
        life = self.life
        for child in patient.sharing:
            self.discharge(child, Disposition.HOME)
        takes_home = self._takes_home(patient, disposition)
        rests_on = [patient.recorded, patient.orders_recorded]
        rests_on += [child.settled for child in patient.children]
        if patient.away:
            rests_on.append(patient.settled)
        patient.recorded = self._tell(
            patient,
            lambda h, q: h.stays.discharge_patient(
                q,
                stay_id=patient.id,
                disposition=disposition,
                destination=destination,
                keep_prescriptions=[p.id for p in takes_home] or None,
            ),
            life.staff.registrar(life.moves),
            MOVEMENT,
            after=max(rests_on),
        )
        patient.gone = True
        self.here.remove(patient)
        self.beds.empty(patient)
        if disposition is not Disposition.DIED:
            life.people.went_home(patient.person, life.now, patient.settled)

    def comes_back(self, patient: Inpatient, bed: Bed) -> None:
        """The discharge is taken back on the same day: the patient was away in between."""
        life, person = self.life, patient.person
        ward, room, code = bed.place
        patient.recorded = self._tell(
            patient,
            lambda h, q: h.corrections.cancel_discharge(
                q,
                stay_id=patient.id,
                because=CancellationReason.DECISION_REVERSED,
                ward=ward,
                room=room,
                bed=code,
            ),
            life.staff.registrar(life.slips),
            MOVEMENT,
            after=patient.settled,
            reason=life.slips.choice(CAME_BACK),
        )
        patient.opened = patient.recorded  # before that the record shows a stay that has ended
        for prescribed in patient.prescribed:
            prescribed.ended_at = prescribed.ended_at or person.home_since  # the discharge did
        patient.prescribed.clear()
        patient.gone = False
        life.people.leave_alone(person)
        person.home_since = None
        self.here.append(patient)
        self.beds.take(patient, bed)

    # -- telling --

    def _takes_home(self, patient: Inpatient, disposition: Disposition) -> list[Prescribed]:
        lot, now = self.life.orders, self.life.now
        live = [p for p in patient.prescribed if p.is_live(now)]
        if disposition is not Disposition.HOME or not live or lot.random() > 0.4:
            return []
        return lot.sample(live, min(len(live), lot.randint(1, 4)))

    def _attending(self, specialty: str) -> Doctor:
        return self.life.staff.doctor(
            self.life.moves, specialty, Grade.CONSULTANT, Grade.SPECIALIST
        )

    def _tell(
        self,
        patient: Inpatient,
        telling: Telling,
        by: Actor,
        lag: Lag,
        *,
        after: datetime,
        creates: Known | None = None,
        reason: str | None = None,
        besides: Inpatient | None = None,
    ) -> datetime:
        patient.touched = self.life.now
        return self.life.desk.tell(
            telling,
            at=self.life.now,
            by=by,
            lag=lag.draw(self.life.moves),
            after=after,
            then=creates.learn if creates else None,
            reason=reason,
            about=patient.mrns + (besides.mrns if besides else ()),
        )
