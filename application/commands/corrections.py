"""Commands that take facts back, or put them right: by id, each with its reason.

What is corrected is checked on the whole history with the fact in its new place, like a late entry.
"""

from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from application import imprecise_times, lookups, persons
from application.authorization.roles import CLINICAL, FRONT_DESK, PATIENT_FLOW
from application.command import BED_REFUSALS, STAY_REFUSALS, reason_needed
from application.command_group import CommandGroup, command, correction
from application.commands.clinical_corrections import (
    ClinicalPart,
    InfusionEndCancel,
    InfusionEndCorrection,
    VisitCorrection,
    amend_visit_of,
    cancel_clinical,
    check_put_right,
    fact_of,
    put_right,
)
from application.commands.dose_corrections import DoseCorrection
from application.commands.doses import LateDose, LateUnprescribedDose
from application.commands.late_entries import (
    Cancel,
    Correction,
    LateEntry,
    corrected_moment_of,
    details_of,
    enter,
    entered_in_error_only,
    entry_of,
    in_order,
)
from application.commands.prescription_changes import (
    PrescriptionChangeCorrection,
    cancel_change_of,
    correct_change_of,
)
from application.commands.prescription_corrections import PrescriptionCorrection
from application.commands.visits import LateVisit
from application.sharers import Sharer, mother_in, place_sharers, placed_by, shares_bed
from application.stay_end import check_deferred, let_prescriptions_follow
from application.unit_of_work import UnitOfWork
from domain.clinical_refusals import WarningsUnconfirmed
from domain.problems import Problem
from domain.refusals import (
    InvalidInput,
    MovementNotFound,
    PatientAlreadyAdmitted,
    PatientDied,
    PrescriptionStateBroken,
)
from domain.stay.aggregate import Stay
from domain.stay.events import VisitKind
from domain.stay.facts import (
    Admission,
    AdmissionType,
    CancellationReason,
    Discharge,
    DischargePlan,
    Disposition,
    MovementDetail,
    Place,
)
from domain.time import Precision

MOVEMENT_CORRECTION_REFUSALS = (
    PatientDied,
    PatientAlreadyAdmitted,
    MovementNotFound,
    PrescriptionStateBroken,
    *BED_REFUSALS,
    *STAY_REFUSALS,
)


class Corrections(CommandGroup):
    """Commands that correct facts of stays."""

    @command(roles=FRONT_DESK, raises=(PatientDied, *BED_REFUSALS, *STAY_REFUSALS))
    def cancel_admission(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        because: CancellationReason,
        void_clinical_facts: bool | None = None,
        sharers: Sequence[Sharer] | None = None,
    ) -> None:
        """Take a whole stay back; its bed is free in the same act.

        Entered in error it never was; reversed it ends at ``occurred_at``. Clinical facts recorded
        in it stop it (ContradictsLaterFacts lists them), unless they are to be voided too.
        """
        reason_needed(uow.entry, Problem.CANCEL)
        cancel_admission_of(uow, lookups.stay(uow, stay_id), because, bool(void_clinical_facts))
        place_sharers(uow, sharers)

    @command(roles=FRONT_DESK, raises=MOVEMENT_CORRECTION_REFUSALS)
    def cancel_discharge(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        because: CancellationReason,
        ward: str | None = None,
        room: str | None = None,
        bed: str | None = None,
        without_bed: str | None = None,
        sharers: Sequence[Sharer] | None = None,
    ) -> None:
        """Take a discharge back, naming where the patient is: the old bed may be taken.

        Entered in error, the patient never left and the prescriptions were never stopped. Reversed,
        the patient was away from the discharge until ``occurred_at``; they stay stopped. Children who
        were discharged with their mother come back with her if ``sharers`` names them, and else not.
        """
        reason_needed(uow.entry, Problem.CANCEL)
        stay = lookups.stay(uow, stay_id)
        discharge = stay.history.discharge
        if discharge is None:
            raise InvalidInput("stay_id", "the stay is not discharged")
        cancel_discharge_of(
            uow, stay, discharge, because, lookups.place(uow, ward, room, bed, None, without_bed)
        )
        place_sharers(uow, sharers)

    @command(roles=PATIENT_FLOW, raises=MOVEMENT_CORRECTION_REFUSALS)
    def cancel_movement(
        self,
        uow: UnitOfWork,
        *,
        movement_id: UUID,
        because: CancellationReason,
        ward: str | None = None,
        room: str | None = None,
        bed: str | None = None,
        without_bed: str | None = None,
        sharers: Sequence[Sharer] | None = None,
    ) -> None:
        """Take back any movement by its id; a swap, in both stays. Or a change of a prescription.

        Reversed, the bed before it must be free, or another is named.
        """
        reason_needed(uow.entry, Problem.CANCEL)
        place = lookups.place(uow, ward, room, bed, None, without_bed)
        if prescription := lookups.prescription_with_change(uow, movement_id):
            cancel_change_of(uow, prescription, movement_id, because)
        else:
            _cancel(uow, movement_id, because, place)
        place_sharers(uow, sharers)

    @correction(roles=PATIENT_FLOW, raises=MOVEMENT_CORRECTION_REFUSALS)
    def correct_movement(
        self,
        uow: UnitOfWork,
        *,
        movement_id: UUID,
        ward: str | None = None,
        room: str | None = None,
        bed: str | None = None,
        shares_bed_of: UUID | None = None,
        without_bed: str | None = None,
        admission_type: AdmissionType | None = None,
        decided_to_admit_at: datetime | None = None,
        attending: str | None = None,
        specialty: str | None = None,
        keep_bed: bool | None = None,
        expected_return: datetime | None = None,
        plan: DischargePlan | None = None,
        expected_at: datetime | None = None,
        disposition: Disposition | None = None,
        destination: str | None = None,
        departed_at: datetime | None = None,
        unknown: Sequence[MovementDetail] | None = None,
        sharers: Sequence[Sharer] | None = None,
    ) -> None:
        """Correct a movement: its time (``occurred_at``), its place, or what else was said of it.

        ``unknown`` names what was said of it and nobody knows.
        A child that was moved along in the mother's bed follows her; the first bed of an admission
        follows its time; the prescriptions that a discharge stopped follow it.
        """
        if prescription := lookups.prescription_with_change(uow, movement_id):
            correct_change_of(
                uow, prescription, PrescriptionChangeCorrection(change_id=movement_id)
            )
            return
        corrected_movement = Correction(
            movement_id=movement_id,
            ward=ward,
            room=room,
            bed=bed,
            shares_bed_of=shares_bed_of,
            without_bed=without_bed,
            admission_type=admission_type,
            decided_to_admit_at=decided_to_admit_at,
            attending=attending,
            specialty=specialty,
            keep_bed=keep_bed,
            expected_return=expected_return,
            plan=plan,
            expected_at=expected_at,
            disposition=disposition,
            destination=destination,
            departed_at=departed_at,
            unknown=unknown,
        )
        _correct(uow, corrected_movement, uow.times.corrected_at, uow.times.corrected_precision)
        place_sharers(uow, sharers)

    @command(roles=PATIENT_FLOW, raises=(*MOVEMENT_CORRECTION_REFUSALS, WarningsUnconfirmed))
    def correct_facts(
        self,
        uow: UnitOfWork,
        *,
        corrections: Sequence[Correction] | None = None,
        cancels: Sequence[Cancel] | None = None,
        entries: Sequence[LateEntry] | None = None,
        visits: Sequence[VisitCorrection] | None = None,
        doses: Sequence[DoseCorrection] | None = None,
        prescription_changes: Sequence[PrescriptionChangeCorrection] | None = None,
        infusion_ends: Sequence[InfusionEndCorrection] | None = None,
        cancelled_infusion_ends: Sequence[UUID] | None = None,
        prescriptions: Sequence[PrescriptionCorrection] | None = None,
        new_visits: Sequence[LateVisit] | None = None,
        new_doses: Sequence[LateDose] | None = None,
        new_unprescribed_doses: Sequence[LateUnprescribedDose] | None = None,
        sharers: Sequence[Sharer] | None = None,
    ) -> None:
        """Record several corrections, cancels and late entries, of several stays, by the result.

        Two patients entered in each other's beds can only be put right so. The parts are held in
        whichever order they are given; so each fact is corrected by one part. ``cancels`` may name
        visits, doses and changes of prescriptions, too; ``cancelled_infusion_ends`` the doses whose
        end never was.
        """
        reason_needed(uow.entry, Problem.CORRECTION)
        clinical_parts: list[ClinicalPart] = [*(visits or ()), *(doses or ()), *(new_visits or ())]
        clinical_parts += [*(prescriptions or ()), *(prescription_changes or ())]
        clinical_parts += [*(infusion_ends or ()), *(new_doses or ())]
        clinical_parts += new_unprescribed_doses or ()
        clinical_parts += map(InfusionEndCancel, cancelled_infusion_ends or ())
        parts = [*(corrections or ()), *(cancels or ()), *clinical_parts]
        if not (parts or entries):
            raise InvalidInput("corrections", "say what to correct, to cancel or to enter")
        if len({fact_of(part) for part in parts}) < len(parts):
            raise InvalidInput(
                "corrections" if corrections else "cancels",
                "name each fact once, with all that was different",
            )
        uow.defer_checks()
        for number, cancel in enumerate(in_order(uow, cancels or ())):
            with uow.use_entry(entry_of(uow, cancel, f"cancels {number}")):
                place = lookups.place(
                    uow, cancel.ward, cancel.room, cancel.bed, None, cancel.without_bed
                )
                if not cancel_clinical(uow, cancel.movement_id, cancel.because):
                    _cancel(uow, cancel.movement_id, cancel.because, place)
        movements_with_time = {part.movement_id for part in corrections or () if part.occurred_at}
        for number, part in enumerate(corrections or ()):
            at, precision = corrected_moment_of(uow, part, f"corrections {number}")
            _correct(uow, part, at, precision, movements_with_time)
        enter(uow, entries or ())
        new_dose_ids = put_right(uow, clinical_parts)
        place_sharers(uow, sharers)
        check_deferred(uow)
        check_put_right(uow, clinical_parts, new_dose_ids)
        if not any(stay.pending_events for stay in uow.loaded.values()):
            raise InvalidInput("corrections", "all of it is so already; say what is different")

    @correction(roles=CLINICAL, raises=(MovementNotFound, PatientDied, *STAY_REFUSALS))
    def amend_visit(
        self,
        uow: UnitOfWork,
        *,
        visit_id: UUID,
        practitioner: str | None = None,
        kind: VisitKind | None = None,
        note: str | None = None,
        consult_id: UUID | None = None,
        stay_id: UUID | None = None,
    ) -> None:
        """Correct the time (``occurred_at``), doctor, kind or note of a visit; what is absent stays.

        ``consult_id``: the consult that it really answers.
        ``stay_id``: the stay that it really was in, where it was recorded in the wrong one; it goes
        there at its right time (``occurred_at``), if the time was wrong too.
        """
        amendment = VisitCorrection(
            visit_id=visit_id, practitioner=practitioner, kind=kind, note=note
        )
        amend_visit_of(uow, amendment, consult_id, stay_id)

    @command(roles=CLINICAL, raises=(MovementNotFound,))
    def cancel_visit(
        self, uow: UnitOfWork, *, visit_id: UUID, because: CancellationReason | None = None
    ) -> None:
        """Cancel a visit that never was."""
        entered_in_error_only(uow, because)
        (stay,) = lookups.stays_with_movement(uow, visit_id, "visit_id")
        stay.cancel_visit(visit_id, uow.entry)


def _cancel(
    uow: UnitOfWork, movement: UUID, because: CancellationReason, place: Place | None
) -> None:
    for stay in lookups.stays_with_movement(uow, movement):
        fact = stay.movement(movement)
        if isinstance(fact, Admission):
            if place is not None:
                raise InvalidInput("bed", "a cancelled admission leads nowhere; leave it out")
            cancel_admission_of(uow, stay, because, False)
        elif isinstance(fact, Discharge):
            cancel_discharge_of(uow, stay, fact, because, place)
        else:
            died_at, ends = persons.recorded_death_at(uow, stay.patient), stay.history.ends
            stay.cancel_movement(movement, because, place, uow.entry, died_at)
            if stay.history.ends != ends:
                let_prescriptions_follow(uow, stay)


def cancel_admission_of(
    uow: UnitOfWork, stay: Stay, because: CancellationReason, void_clinical_facts: bool
) -> None:
    """Cancel the admission of a stay and void its prescriptions."""
    prescriptions = lookups.prescriptions_of(uow, stay)
    stay.cancel_admission(
        because,
        void_clinical_facts,
        uow.entry,
        persons.recorded_death_at(uow, stay.patient),
        [fact for p in prescriptions for fact in p.facts()],
    )
    for prescription in prescriptions:
        prescription.void(uow.entry)


def cancel_discharge_of(
    uow: UnitOfWork,
    stay: Stay,
    discharge: Discharge,
    because: CancellationReason,
    place: Place | None,
) -> None:
    """Cancel the discharge of a stay; the prescriptions that it stopped follow."""
    stay.cancel_discharge(
        discharge, because, place, uow.entry, persons.recorded_death_at(uow, stay.patient)
    )
    let_prescriptions_follow(uow, stay)


def _correct(
    uow: UnitOfWork,
    right: Correction,
    at: datetime | None,
    precision: Precision | None,
    movements_with_time: Container[UUID] = (),
) -> None:
    movement, details = right.movement_id, details_of(uow, right)
    stays = lookups.stays_with_movement(uow, movement)
    names = (right.ward, right.room, right.bed, right.shares_bed_of, right.without_bed)
    place = lookups.place(uow, *names, at or stays[0].movement(movement).at)
    stay_ids = {stay.id for stay in stays}
    placed_stays = placed_by(movement, stays, place, details)
    for stay in stays:
        if stay not in placed_stays and at is None:
            continue
        ends, destination = stay.history.ends, place if stay in placed_stays else None
        if destination is not None and shares_bed(stay, movement, stay_ids):
            destination = replace(destination, shares_bed_of=mother_in(stay, movement))

        def correct(
            at: datetime | None, stay: Stay = stay, place: Place | None = destination
        ) -> None:
            died_at = persons.recorded_death_at(uow, stay.patient)
            stay.correct_movement(
                movement,
                at,
                precision,
                place,
                uow.entry,
                died_at,
                movements_with_time=movements_with_time,
                **details,
            )

        if len(stays) == 1 and at == uow.times.corrected_at:
            imprecise_times.fit_correction_in_stay(uow, stay, correct)
        else:
            correct(at)
        if stay.history.ends != ends:
            let_prescriptions_follow(uow, stay)
