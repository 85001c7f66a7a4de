"""Commands about stays: admission, moves, leave, visits, discharge."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from application import imprecise_times, lookups, persons
from application.authorization.roles import FRONT_DESK, PATIENT_FLOW
from application.command import BED_REFUSALS, STAY_REFUSALS, utc
from application.command_group import CommandGroup, command
from application.commands.expected_arrivals import convert
from application.commands.visits import LateVisit, record_visit_of
from application.sharers import Sharer, must_be_named_once, own_place, place_sharers
from application.stay_end import discharge_stay
from application.unit_of_work import UnitOfWork
from domain.bed_ref import BedRef
from domain.envelope import Envelope
from domain.patient import Confidentiality, Patient
from domain.problems import Problem
from domain.refusals import (
    BedNotOpen,
    BedOccupied,
    InvalidInput,
    MovementNotFound,
    PatientAlreadyAdmitted,
    PatientDied,
    PrescriptionStateBroken,
    RoomPolicyBroken,
    SharersUnplaced,
    StayStateBroken,
)
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType, VisitKind
from domain.stay.facts import DischargePlan, Disposition, Place
from domain.time import in_utc

ADMISSION_REFUSALS = (PatientAlreadyAdmitted, PatientDied, MovementNotFound)


class Stays(CommandGroup):
    """Commands for stays of patients."""

    @command(roles=PATIENT_FLOW, raises=(*ADMISSION_REFUSALS, *BED_REFUSALS, *STAY_REFUSALS))
    def admit_patient(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str,
        mrn_authority: str | None = None,
        admission_type: AdmissionType,
        attending: str | None = None,
        specialty: str | None = None,
        decided_to_admit_at: datetime | None = None,
        ward: str | None = None,
        room: str | None = None,
        bed: str | None = None,
        shares_bed_of: UUID | None = None,
        without_bed: str | None = None,
        confidentiality: Confidentiality | None = None,
        discharged_at: datetime | None = None,
        disposition: Disposition | None = None,
        destination: str | None = None,
        expected_arrival_id: UUID | None = None,
    ) -> None:
        """Open a stay, with a bed or without; both or neither.

        A past stay of somebody who may be in again is entered with its discharge
        (``discharged_at``, ``disposition``). ``expected_arrival_id``: the planned admission that it
        converts, for as long as the stay holds. Raises PatientAlreadyAdmitted, PatientDied,
        BedOccupied, BedNotOpen, RoomPolicyBroken.
        """
        patient = lookups.patient(uow, patient_mrn, mrn_authority)
        with uow.use_entry(imprecise_times.entry_after_other_stays(uow, patient)):
            stay = admit(
                uow,
                "stay",
                patient,
                admission_type,
                lookups.place(uow, ward, room, bed, shares_bed_of, without_bed),
                attending=attending,
                specialty=specialty,
                decided_to_admit_at=decided_to_admit_at,
                confidentiality=confidentiality,
                discharged_at=discharged_at,
                disposition=disposition,
                destination=destination,
            )
            if expected_arrival_id is not None:
                convert(uow, expected_arrival_id, stay)

    @command(roles=PATIENT_FLOW, raises=(PatientAlreadyAdmitted, PatientDied, *STAY_REFUSALS))
    def record_emergency_care(
        self, uow: UnitOfWork, *, stay_id: UUID, departed_at: datetime | None = None
    ) -> None:
        """Record when the patient came to the emergency department (``occurred_at``) and left it.

        Visits and doses of that time are of the stay, before its admission. Raises StayStateBroken.
        """
        stay = lookups.stay(uow, stay_id)
        left_at = past_moment(uow, departed_at, "departed_at")
        stay.record_emergency_care(left_at, uow.entry, persons.died_at(uow, stay.patient))

    @command(roles=PATIENT_FLOW, raises=(*BED_REFUSALS, *STAY_REFUSALS))
    def allocate_room(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        ward: str,
        room: str,
        bed: str,
        shares_bed_of: UUID | None = None,
    ) -> None:
        """Allocate the first bed. Raises BedOccupied, BedNotOpen, StayNotOpen, StayStateBroken."""
        stay, destination = lookups.stay(uow, stay_id), lookups.bed(uow, ward, room, bed)
        mother = None if shares_bed_of is None else lookups.mother(uow, shares_bed_of)
        imprecise_times.fit_in_stay(
            uow, stay, lambda entry: stay.allocate_room(destination, entry, mother)
        )

    @command(roles=PATIENT_FLOW, raises=(*BED_REFUSALS, *STAY_REFUSALS))
    def transfer_patient(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        ward: str | None = None,
        room: str | None = None,
        bed: str | None = None,
        shares_bed_of: UUID | None = None,
        without_bed: str | None = None,
        sharers: Sequence[Sharer] | None = None,
    ) -> None:
        """Move a patient to another bed, or to a place without one (``without_bed`` says where).

        ``sharers`` says where each child goes that shares the mother's bed.
        """
        place = lookups.place(uow, ward, room, bed, shares_bed_of, without_bed)
        if place is None:
            raise InvalidInput(
                "bed", "name a bed, or say in `without_bed` where the patient is put"
            )
        stay = lookups.stay(uow, stay_id)
        stay.transfer(place, imprecise_times.entry_inside(uow, stay))
        place_sharers(uow, sharers)

    @command(roles=PATIENT_FLOW, raises=(*BED_REFUSALS, *STAY_REFUSALS))
    def swap_beds(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        with_stay_id: UUID,
        sharers: Sequence[Sharer] | None = None,
    ) -> None:
        """Exchange the beds of two patients, in one act; ``sharers`` says where their children go."""
        if stay_id == with_stay_id:
            raise InvalidInput("with_stay_id", "a swap needs two different stays")
        one_stay, other_stay = (
            lookups.stay(uow, stay_id),
            lookups.stay(uow, with_stay_id, "with_stay_id"),
        )
        moments = [fact.at for stay in (one_stay, other_stay) for fact in stay.history.facts]
        entry, beds = imprecise_times.fit(
            uow, moments, lambda entry: _both_beds(one_stay, other_stay, entry)
        )
        one_stay.swap_bed(beds[1], other_stay.id, entry)
        other_stay.swap_bed(beds[0], one_stay.id, entry)
        place_sharers(uow, sharers)

    @command(roles=FRONT_DESK, raises=(PatientDied, *BED_REFUSALS, *STAY_REFUSALS))
    def start_leave(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        keep_bed: bool,
        expected_return: datetime | None = None,
        sharers: Sequence[Sharer] | None = None,
    ) -> None:
        """Start a leave: the patient leaves for a while; the bed is kept or released.

        ``sharers`` says where the children go that share a bed that is released: on leave with her, or
        to a place of their own.
        """
        stay = lookups.stay(uow, stay_id)
        back = utc(expected_return, "expected_return")
        died_at = persons.died_at(uow, stay.patient)
        imprecise_times.fit_in_stay(
            uow, stay, lambda entry: stay.start_leave(keep_bed, back, entry, died_at)
        )
        place_sharers(uow, sharers)

    @command(roles=FRONT_DESK, raises=(PatientDied, *BED_REFUSALS, *STAY_REFUSALS))
    def end_leave(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        ward: str | None = None,
        room: str | None = None,
        bed: str | None = None,
        shares_bed_of: UUID | None = None,
        without_bed: str | None = None,
        sharers: Sequence[Sharer] | None = None,
    ) -> None:
        """End a leave: the patient is back, in the kept bed or another, named if none was kept."""
        stay = lookups.stay(uow, stay_id)
        place = lookups.place(uow, ward, room, bed, shares_bed_of, without_bed)
        died_at = persons.died_at(uow, stay.patient)
        imprecise_times.fit_in_stay(uow, stay, lambda entry: stay.end_leave(place, entry, died_at))
        place_sharers(uow, sharers)

    @command(roles=FRONT_DESK, raises=STAY_REFUSALS)
    def change_attending(self, uow: UnitOfWork, *, stay_id: UUID, attending: str) -> None:
        """Make another doctor (by staff number) responsible."""
        stay, doctor = lookups.stay(uow, stay_id), lookups.practitioner(uow, attending, "attending")
        imprecise_times.fit_in_stay(uow, stay, lambda entry: stay.change_attending(doctor, entry))

    @command(roles=FRONT_DESK, raises=STAY_REFUSALS)
    def change_specialty(self, uow: UnitOfWork, *, stay_id: UUID, specialty: str) -> None:
        """Make another specialty responsible; the ward may be a different one (an outlier)."""
        stay = lookups.stay(uow, stay_id)
        imprecise_times.fit_in_stay(
            uow, stay, lambda entry: stay.change_specialty(specialty, entry)
        )

    @command(roles=FRONT_DESK, raises=STAY_REFUSALS)
    def change_admission_type(
        self, uow: UnitOfWork, *, stay_id: UUID, admission_type: AdmissionType
    ) -> None:
        """Make the stay one of another type from then on: a day case that became an inpatient."""
        stay = lookups.stay(uow, stay_id)
        imprecise_times.fit_in_stay(
            uow, stay, lambda entry: stay.change_admission_type(admission_type, entry)
        )

    @command(roles=FRONT_DESK, raises=(PatientDied, MovementNotFound, *STAY_REFUSALS))
    def record_visit(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        practitioner: str,
        kind: VisitKind,
        note: str | None = None,
        consult_id: UUID | None = None,
    ) -> None:
        """Record that a doctor saw the patient, perhaps in answer to a consult that was asked for.

        Raises OutsideStay, PatientDied, StayStateBroken for a consult that is not open.
        """
        visit = LateVisit(
            stay_id=stay_id, practitioner=practitioner, kind=kind, note=note, consult_id=consult_id
        )
        record_visit_of(uow, visit)

    @command(roles=PATIENT_FLOW, raises=STAY_REFUSALS)
    def plan_discharge(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        plan: DischargePlan | None = None,
        expected_at: datetime | None = None,
    ) -> None:
        """Plan a discharge, clear it medically, or drop the plan. It frees no bed.

        ``expected_at`` does not lie before the admission; the beginning of its day is a date alone.
        """
        stay, expected_time = lookups.stay(uow, stay_id), utc(expected_at, "expected_at")
        new_plan = plan or DischargePlan.PLANNED
        imprecise_times.fit_in_stay(
            uow, stay, lambda entry: stay.plan_discharge(new_plan, expected_time, entry)
        )

    @command(
        roles=FRONT_DESK,
        raises=(
            SharersUnplaced,
            PrescriptionStateBroken,
            PatientDied,
            *STAY_REFUSALS,
            BedNotOpen,
            BedOccupied,
            RoomPolicyBroken,
        ),
    )
    def discharge_patient(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        disposition: Disposition,
        destination: str | None = None,
        keep_prescriptions: Sequence[UUID] | None = None,
        sharers: Sequence[Sharer] | None = None,
    ) -> None:
        """Close a stay: its bed is released and its prescriptions stop, in the same act.

        Those in ``keep_prescriptions`` go on as discharge medicines. A child in ``sharers`` for whom no
        place is named is discharged together with its mother. As DIED it is the death too, if
        none is recorded; otherwise it is refused after one (PatientDied). Raises StayNotOpen,
        ContradictsLaterFacts (movements, visits, doses or prescriptions later than the discharge).
        """
        prescription_ids = tuple(dict.fromkeys(keep_prescriptions or ()))
        discharge_stay(uow, lookups.stay(uow, stay_id), disposition, destination, prescription_ids)
        must_be_named_once(sharers)
        stays = [sharer for sharer in sharers or () if not _is_discharged(uow, sharer, disposition)]
        place_sharers(uow, stays)


def admit(
    uow: UnitOfWork,
    name: str,
    patient: Patient,
    admission_type: AdmissionType,
    place: Place | None,
    *,
    attending: str | None = None,
    specialty: str | None = None,
    decided_to_admit_at: datetime | None = None,
    confidentiality: Confidentiality | None = None,
    discharged_at: datetime | None = None,
    disposition: Disposition | None = None,
    destination: str | None = None,
) -> Stay:
    """Open a stay within a command, and close it too if the patient has left. ``name``: its name."""
    assert patient.about is not None
    about = replace(patient.about, stay=uow.entry.id_of(name))
    stay = uow.new(Stay, name, about)
    stay.admit(
        patient.id,
        admission_type,
        uow.entry,
        died_at=persons.died_at(uow, patient.id),
        decided_to_admit_at=past_moment(uow, decided_to_admit_at, "decided_to_admit_at"),
        attending=lookups.practitioner_if_named(uow, attending, "attending"),
        specialty=specialty,
        without_bed=place.without_bed if place else None,
        confidentiality=confidentiality or persons.label_of(uow, patient.id),
    )
    if place and place.bed:
        stay.allocate_room(place.bed, uow.entry, place.shares_bed_of)
    if discharged_at is None:
        if disposition is not None or destination is not None:
            raise InvalidInput("discharged_at", "say when the patient was discharged")
        return stay
    if disposition is None:
        raise InvalidInput("disposition", "a discharge says where the patient went")
    left_at = uow.check_time(in_utc(discharged_at, "discharged_at"))
    if left_at < uow.entry.occurred_at:
        raise InvalidInput("discharged_at", "it lies before the admission")
    with uow.use_entry(replace(uow.entry, occurred_at=left_at)):
        discharge_stay(uow, stay, disposition, destination)
    return stay


def past_moment(uow: UnitOfWork, at: datetime | None, field: str) -> datetime | None:
    """Return a moment told beside the command's own, in UTC. Raises InvalidInput for one ahead."""
    moment = utc(at, field)
    if moment is not None and moment > uow.now + uow.rules.clock_tolerance:
        raise InvalidInput(field, "it lies in the future; record it when it has happened")
    return moment and min(moment, uow.now)


def _both_beds(first: Stay, second: Stay, entry: Envelope) -> tuple[Envelope, list[BedRef]]:
    """Return the entry of a swap with the beds of two stays then. Raises StayStateBroken."""
    states = [stay.history.at(entry.occurred_at) for stay in (first, second)]
    beds = [state.place.bed for state in states if state and state.place.bed]
    if len(beds) < 2:
        raise StayStateBroken(Problem.WITHOUT_BED)
    return entry, beds


def _is_discharged(uow: UnitOfWork, sharer: Sharer, mothers: Disposition) -> bool:
    """Discharge a child together with its mother, if no place is named for it; return whether it was."""
    if own_place(uow, sharer) is not None:
        return False
    disposition = sharer.disposition or mothers
    if sharer.disposition is None and mothers is Disposition.DIED:
        raise InvalidInput(
            "sharers", "the mother died; name a place or a disposition for the child"
        )
    child = lookups.stay(uow, sharer.stay_id, "sharers")
    name = f"discharge {child.id}"  # each has its own, to be corrected by itself
    discharge_stay(uow, child, disposition, name=name)
    return True
