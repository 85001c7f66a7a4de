"""Commands about the doses given: of a prescription, without one, and infusions."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from msgspec.structs import replace

from application import imprecise_times, lookups, persons
from application.authorization.roles import MEDICATION
from application.clinical_warnings import allergies_against, confirm
from application.command_group import CommandGroup, command, correction
from application.commands.dose_corrections import DoseCorrection, correct_dose, leave_warning
from application.commands.late_entries import entered_in_error_only
from application.commands.misplaced_facts import move_dose, move_unprescribed_dose
from application.unit_of_work import UnitOfWork
from domain.clinical_refusals import ClinicalWarning, WarningsUnconfirmed
from domain.envelope import Envelope
from domain.prescription.aggregate import Prescription
from domain.prescription.course import Basis, Outside
from domain.prescription.drug_chart import DrugChart
from domain.prescription.due import Warnings, dose_warnings
from domain.prescription.events import Medication
from domain.refusals import (
    InvalidInput,
    MovementNotFound,
    OutsideStay,
    PatientDied,
    PrescriptionStateBroken,
)
from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason
from domain.time import Precision, in_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class LateDose:
    """A dose of a prescription that was given, or not given and why."""

    prescription_id: UUID
    given: bool
    occurred_at: datetime | None = None
    occurred_at_precision: Precision | None = None
    dose_given: str | None = None
    reason_not_given: str | None = None
    outside_prescription: Outside | None = None
    infusion: bool | None = None
    ended_at: datetime | None = None
    confirmed_warnings: tuple[ClinicalWarning, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LateUnprescribedDose:
    """A dose that nobody prescribed in writing, and on what it was given."""

    stay_id: UUID
    medication: Medication
    basis: Basis
    occurred_at: datetime | None = None
    occurred_at_precision: Precision | None = None
    dose_given: str | None = None
    route: str | None = None
    ordered_by: str | None = None
    infusion: bool | None = None
    ended_at: datetime | None = None
    confirmed_warnings: tuple[ClinicalWarning, ...] | None = None


def record_dose(uow: UnitOfWork, late: LateDose) -> UUID:
    """Record a dose at the time of the command's entry; return its id.

    Where checks are deferred, `check_corrected_dose` looks at the end result.
    """
    prescription = lookups.prescription(uow, late.prescription_id)
    stay = lookups.stay_of(uow, prescription, "prescription_id")
    entry = uow.entry if uow.defers_checks else imprecise_times.entry_inside(uow, stay)
    if not uow.defers_checks:
        stay.must_include(entry.occurred_at, "The dose")
    warnings: Warnings = {}
    if late.given:
        warnings = _warnings(uow, prescription, entry)
        warnings |= leave_warning(uow, stay, entry.occurred_at, entry.precision)
    dose = prescription.record_administration(
        late.given,
        late.dose_given,
        late.reason_not_given,
        late.outside_prescription,
        entry,
        persons.died_at(uow, stay.patient),
        _is_infusion(late.infusion, late.ended_at),
        confirm(uow, warnings, late.confirmed_warnings),
    )
    _end(uow, prescription, stay, dose, late.ended_at)
    return dose


def give_unprescribed_dose(
    uow: UnitOfWork, late: LateUnprescribedDose, name: str = "prescription"
) -> UUID:
    """Record a dose without a prescription at the time of the command's entry; return its id.

    ``name``: of its order, within the command. Where checks are deferred, `check_corrected_dose`
    looks at the end result.
    """
    stay = lookups.stay(uow, late.stay_id)
    if late.basis is Basis.VERBAL_ORDER and not late.ordered_by:
        raise InvalidInput("ordered_by", "a verbal order is somebody's; say whose")
    orderer = lookups.practitioner_if_named(uow, late.ordered_by, "ordered_by")
    entry = uow.entry if uow.defers_checks else imprecise_times.entry_inside(uow, stay)
    at, patient = entry.occurred_at, lookups.patient_of(uow, stay)
    if not uow.defers_checks:
        stay.must_include(at, "The dose")
    warnings = {
        **allergies_against(uow, patient.id, late.medication, at, at),
        **leave_warning(uow, stay, at, entry.precision),
    }
    prescription = uow.new(Prescription, name, stay.about)
    dose = prescription.give_unprescribed(
        stay.id,
        patient.id,
        late.medication,
        late.basis,
        late.dose_given,
        late.route,
        orderer,
        _is_infusion(late.infusion, late.ended_at),
        entry,
        persons.died_at(uow, patient.id),
        confirm(uow, warnings, late.confirmed_warnings),
        uuid5(prescription.id, "administration") if uow.defers_checks else None,
    )
    _end(uow, prescription, stay, dose, late.ended_at)
    (chart,) = uow.load(DrugChart, DrugChart.id_for(stay.id))
    chart.about = stay.about
    chart.chart(stay.id, prescription.id, uow.entry)
    return dose


class Doses(CommandGroup):
    """Commands for doses."""

    @command(
        roles=MEDICATION,
        raises=(PrescriptionStateBroken, OutsideStay, PatientDied, WarningsUnconfirmed),
    )
    def record_administration(
        self,
        uow: UnitOfWork,
        *,
        prescription_id: UUID,
        given: bool,
        dose_given: str | None = None,
        reason_not_given: str | None = None,
        outside_prescription: Outside | None = None,
        infusion: bool | None = None,
        ended_at: datetime | None = None,
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None,
    ) -> None:
        """Record a dose given, or not given and why; of an infusion, when it began.

        ``ended_at``: when the infusion ended, if it has. Raises PrescriptionStateBroken if it lies
        outside the prescription and is not marked so.
        """
        dose = LateDose(
            prescription_id=prescription_id,
            given=given,
            dose_given=dose_given,
            reason_not_given=reason_not_given,
            outside_prescription=outside_prescription,
            infusion=infusion,
            ended_at=ended_at,
            confirmed_warnings=confirmed_warnings,
        )
        record_dose(uow, dose)

    @command(
        roles=MEDICATION,
        raises=(PrescriptionStateBroken, OutsideStay, PatientDied, WarningsUnconfirmed),
    )
    def record_unprescribed_dose(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        medication: Medication,
        basis: Basis,
        dose_given: str | None = None,
        route: str | None = None,
        ordered_by: str | None = None,
        infusion: bool | None = None,
        ended_at: datetime | None = None,
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None,
    ) -> None:
        """Record a dose that nobody prescribed in writing, and on what it was given.

        ``ordered_by``: the staff number of who ordered it; a verbal order names it. It is shown among
        the prescriptions of the stay, as an order that began and ended with its dose.
        """
        dose = LateUnprescribedDose(
            stay_id=stay_id,
            medication=medication,
            basis=basis,
            dose_given=dose_given,
            route=route,
            ordered_by=ordered_by,
            infusion=infusion,
            ended_at=ended_at,
            confirmed_warnings=confirmed_warnings,
        )
        give_unprescribed_dose(uow, dose)

    @correction(
        roles=MEDICATION,
        raises=(
            PrescriptionStateBroken,
            MovementNotFound,
            OutsideStay,
            PatientDied,
            WarningsUnconfirmed,
        ),
    )
    def correct_administration(
        self,
        uow: UnitOfWork,
        *,
        administration_id: UUID,
        given: bool | None = None,
        dose_given: str | None = None,
        reason_not_given: str | None = None,
        outside_prescription: Outside | None = None,
        medication: Medication | None = None,
        basis: Basis | None = None,
        route: str | None = None,
        ordered_by: str | None = None,
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None,
        prescription_id: UUID | None = None,
        stay_id: UUID | None = None,
    ) -> None:
        """Correct the time (``occurred_at``) or amount of a dose, or that it was not given.

        Of a dose that was not prescribed in writing, also the drug, its route and who ordered it.
        ``prescription_id``: the prescription that it was really given under, perhaps in another stay;
        ``stay_id``: the stay of a dose that was not prescribed in writing. It goes there at its right
        time (``occurred_at``), if the time was wrong too.
        """
        correction = DoseCorrection(
            administration_id=administration_id,
            given=given,
            dose_given=dose_given,
            reason_not_given=reason_not_given,
            outside_prescription=outside_prescription,
            medication=medication,
            basis=basis,
            route=route,
            ordered_by=ordered_by,
            confirmed_warnings=confirmed_warnings,
        )
        if prescription_id is None and stay_id is None:
            correct_dose(uow, correction)
            return
        nothing_else = DoseCorrection(
            administration_id=administration_id, confirmed_warnings=confirmed_warnings
        )
        if correction != nothing_else or None not in (prescription_id, stay_id):
            raise InvalidInput(
                "prescription_id" if stay_id is None else "stay_id",
                "move the dose, with its time if that was wrong too; then correct what else was"
                " different",
            )
        prescription = lookups.prescription_of_dose(uow, administration_id)
        _move(uow, prescription, administration_id, prescription_id, stay_id)

    @command(roles=MEDICATION, raises=(MovementNotFound,))
    def cancel_administration(
        self, uow: UnitOfWork, *, administration_id: UUID, because: CancellationReason | None = None
    ) -> None:
        """Cancel a dose that never was."""
        entered_in_error_only(uow, because)
        lookups.prescription_of_dose(uow, administration_id).cancel_administration(
            administration_id, uow.entry
        )

    @command(
        roles=MEDICATION,
        raises=(PrescriptionStateBroken, MovementNotFound, OutsideStay, PatientDied),
    )
    def end_infusion(self, uow: UnitOfWork, *, administration_id: UUID) -> None:
        """End an infusion at ``occurred_at``; it may end at the moment its prescription does."""
        prescription = lookups.prescription_of_dose(uow, administration_id)
        stay = lookups.stay_of(uow, prescription, "administration_id")
        _end_at(uow, prescription, stay, administration_id, imprecise_times.entry_inside(uow, stay))

    @correction(
        roles=MEDICATION,
        raises=(PrescriptionStateBroken, MovementNotFound, OutsideStay, PatientDied),
    )
    def correct_infusion_end(self, uow: UnitOfWork, *, administration_id: UUID) -> None:
        """Correct when an infusion ended: at ``occurred_at``."""
        prescription = lookups.prescription_of_dose(uow, administration_id)
        stay, at = lookups.stay_of(uow, prescription, "administration_id"), uow.times.corrected_at
        if at is not None:
            at = imprecise_times.corrected_time_inside(uow, stay, at)
            stay.must_include(at, "The end of the infusion")
        prescription.correct_infusion_end(
            administration_id,
            at,
            uow.times.corrected_precision,
            uow.entry,
            persons.died_at(uow, prescription.patient),
        )

    @command(roles=MEDICATION, raises=(PrescriptionStateBroken, MovementNotFound))
    def cancel_infusion_end(
        self, uow: UnitOfWork, *, administration_id: UUID, because: CancellationReason | None = None
    ) -> None:
        """Take back the end of an infusion: it goes on, or nobody knows when it ended."""
        entered_in_error_only(uow, because)
        lookups.prescription_of_dose(uow, administration_id).cancel_infusion_end(
            administration_id, uow.entry
        )


def _move(
    uow: UnitOfWork,
    wrong: Prescription,
    administration: UUID,
    prescription_id: UUID | None,
    stay_id: UUID | None,
) -> None:
    """Move a dose to another prescription, or to another stay. Raises InvalidInput for its own."""
    if prescription_id == wrong.id or stay_id == wrong.stay:
        field = "stay_id" if prescription_id is None else "prescription_id"
        raise InvalidInput(field, "the dose is there already")
    if prescription_id is not None:
        move_dose(uow, wrong, administration, lookups.prescription(uow, prescription_id))
    elif stay_id is not None:
        move_unprescribed_dose(uow, wrong, administration, lookups.stay(uow, stay_id))


def _warnings(
    uow: UnitOfWork, prescription: Prescription, entry: Envelope
) -> dict[ClinicalWarning, str]:
    """Return the warnings against a dose of a prescription: allergies, and doses given before."""
    at = entry.occurred_at
    allergies = allergies_against(
        uow, prescription.patient, prescription.medication, at, at, prescription.confirmed
    )
    if not prescription.course.has_schedule:
        return allergies
    days = uow.calendar.days
    return {**allergies, **dose_warnings(prescription.course, at, entry.precision, days)}


def _is_infusion(infusion: bool | None, ended_at: datetime | None) -> bool:
    """Return whether a dose is an infusion; one that has an end is."""
    if infusion is False and ended_at is not None:
        raise InvalidInput("ended_at", "only an infusion has an end")
    return bool(infusion) or ended_at is not None


def _end(
    uow: UnitOfWork, prescription: Prescription, stay: Stay, dose: UUID, ended_at: datetime | None
) -> None:
    """End an infusion in the command that records it. Raises InFuture, OutsideStay."""
    if ended_at is not None:
        at = uow.check_time(in_utc(ended_at, "ended_at"))
        entry = replace(uow.entry, occurred_at=at, precision=Precision.MINUTE)
        _end_at(uow, prescription, stay, dose, entry)


def _end_at(
    uow: UnitOfWork, prescription: Prescription, stay: Stay, dose: UUID, entry: Envelope
) -> None:
    if not uow.defers_checks:
        stay.must_include(entry.occurred_at, "The end of the infusion")
    prescription.end_infusion(dose, entry, persons.died_at(uow, stay.patient))
