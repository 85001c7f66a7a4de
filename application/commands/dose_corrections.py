"""Corrections of doses, alone or among several facts that are put right together."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application import hospital_days, imprecise_times, lookups, persons
from application.clinical_warnings import allergies_against, confirm
from application.unit_of_work import UnitOfWork
from domain.clinical_refusals import ClinicalWarning
from domain.prescription.aggregate import Prescription
from domain.prescription.course import Basis, Dose, Outside
from domain.prescription.due import Warnings, dose_warnings
from domain.prescription.events import Medication
from domain.stay.aggregate import Stay
from domain.time import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseCorrection:
    """A dose was otherwise; what is absent stays as it was recorded."""

    administration_id: UUID
    occurred_at: datetime | None = None
    occurred_at_precision: Precision | None = None
    given: bool | None = None
    dose_given: str | None = None
    reason_not_given: str | None = None
    outside_prescription: Outside | None = None
    medication: Medication | None = None
    basis: Basis | None = None
    route: str | None = None
    ordered_by: str | None = None
    confirmed_warnings: tuple[ClinicalWarning, ...] | None = None


def correct_dose(uow: UnitOfWork, right: DoseCorrection) -> None:
    """Correct a dose, at the command's corrected time. Raises WarningsUnconfirmed, OutsideStay.

    Where checks are deferred, `check_corrected_dose` looks at the end result.
    """
    prescription = lookups.prescription_of_dose(uow, right.administration_id)
    stay = lookups.stay_of(uow, prescription, "administration_id")
    orderer = lookups.practitioner_if_named(uow, right.ordered_by, "ordered_by")
    died_at = persons.died_at(uow, prescription.patient)
    dose = prescription.course.dose(right.administration_id)

    def correct(at: datetime | None) -> None:
        warnings_seen = right.confirmed_warnings
        if dose and not uow.defers_checks:
            if at is not None:
                stay.must_include(at, "The dose")
            warnings_seen = confirm(
                uow, _warnings_of(uow, prescription, stay, dose, right, at), warnings_seen
            )
        prescription.correct_administration(
            right.administration_id,
            at,
            uow.times.corrected_precision,
            right.given,
            right.dose_given,
            right.reason_not_given,
            right.outside_prescription,
            uow.entry,
            died_at,
            right.medication,
            right.basis,
            right.route,
            orderer,
            warnings_seen,
        )

    facts = [fact.at for fact in stay.history.facts]
    facts += [fact.occurred_at for fact in prescription.all_facts()]
    imprecise_times.fit_correction(uow, facts, correct)


def check_corrected_dose(uow: UnitOfWork, right: DoseCorrection) -> None:
    """Refuse a dose that was corrected among other facts, as all of them are held afterwards.

    Raises WarningsUnconfirmed, OutsideStay.
    """
    prescription = lookups.prescription_of_dose(uow, right.administration_id)
    stay = lookups.stay_of(uow, prescription, "administration_id")
    dose = prescription.course.dose(right.administration_id)
    if dose is None:
        return
    check_inside(stay, dose)
    at = dose.at if right.occurred_at else None
    with uow.times.use_correction(at, dose.precision if at else None):
        warnings = _warnings_of(uow, prescription, stay, dose, right, at)
        confirm(uow, warnings, right.confirmed_warnings)


def check_inside(stay: Stay, dose: Dose) -> None:
    """Refuse a dose, or the end of an infusion, that lies outside its stay. Raises OutsideStay."""
    stay.must_include(dose.at, "The dose")
    if dose.end is not None:
        stay.must_include(dose.end.at, "The end of the infusion")


def _warnings_of(
    uow: UnitOfWork,
    prescription: Prescription,
    stay: Stay,
    dose: Dose,
    right: DoseCorrection,
    at: datetime | None,
) -> Warnings:
    """Return the warnings against a dose as a correction says it was. ``at``: its corrected time."""
    moment, precision = at or dose.at, uow.times.corrected_precision or dose.precision
    warnings: Warnings = {}
    if right.medication is not None:
        warnings = allergies_against(uow, prescription.patient, right.medication, moment, moment)
    if right.given or (right.given is None and at is not None and dose.given):
        warnings |= leave_warning(uow, stay, moment, precision)
    if at is not None and dose.given and prescription.course.has_schedule:
        days = uow.calendar.days
        warnings |= dose_warnings(prescription.course, at, precision, days, dose.id)
    return warnings


def leave_warning(uow: UnitOfWork, stay: Stay, at: datetime, precision: Precision) -> Warnings:
    """Return the warning that the patient was away as a dose was given."""
    leave = stay.history.leave_during(*hospital_days.span_of(uow, at, precision))
    if leave is None:
        return {}
    return {ClinicalWarning.ON_LEAVE: f"The patient is on leave from {leave.start.isoformat()} on"}
