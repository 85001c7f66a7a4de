"""Parts of a command that puts several facts right: visits, doses and changes of prescriptions."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application import imprecise_times, lookups, persons
from application.authorization.roles import may
from application.commands.dose_corrections import DoseCorrection, correct_dose
from application.commands.late_entries import Cancel, Correction, entered_in_error_only
from application.commands.misplaced_facts import move_visit
from application.commands.prescription_changes import (
    PrescriptionChangeCorrection,
    cancel_change_of,
    correct_change_of,
)
from application.unit_of_work import UnitOfWork
from domain.prescription.aggregate import Prescription
from domain.refusals import InvalidInput, MovementNotFound, NotAllowed
from domain.stay.aggregate import Stay
from domain.stay.events import VisitKind
from domain.stay.facts import CancellationReason, Observation
from domain.time import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitCorrection:
    """A visit was otherwise; what is absent stays as it was recorded."""

    visit_id: UUID
    occurred_at: datetime | None = None
    occurred_at_precision: Precision | None = None
    practitioner: str | None = None
    kind: VisitKind | None = None
    note: str | None = None


ClinicalCorrection = VisitCorrection | DoseCorrection | PrescriptionChangeCorrection


def fact_of(part: ClinicalCorrection | Correction | Cancel) -> UUID:
    """Return the fact that one of a command's several parts is about."""
    match part:
        case VisitCorrection():
            return part.visit_id
        case DoseCorrection():
            return part.administration_id
        case PrescriptionChangeCorrection():
            return part.change_id
        case _:
            return part.movement_id


def correct_clinical(uow: UnitOfWork, part: ClinicalCorrection) -> None:
    """Correct a visit, a dose or a change of a prescription, as the command for it alone does."""
    match part:
        case VisitCorrection():
            _check_role(uow, "amend_visit")
            amend_visit_of(uow, part)
        case DoseCorrection():
            _check_role(uow, "correct_administration")
            correct_dose(uow, part)
        case PrescriptionChangeCorrection():
            prescription = lookups.prescription_with_change(uow, part.change_id)
            if prescription is None:
                raise MovementNotFound("change", part.change_id, "change_id")
            correct_change_of(uow, prescription, part)


def cancel_clinical(uow: UnitOfWork, id: UUID, because: CancellationReason) -> bool:
    """Take back a visit, a dose or a change of a prescription; return whether the id is of one."""
    if changed_prescription := lookups.prescription_with_change(uow, id):
        cancel_change_of(uow, changed_prescription, id, because)
        return True
    streams = uow.streams_of(id)
    if any(prescription.exists for prescription in uow.load(Prescription, *streams)):
        prescription = lookups.prescription_of_dose(uow, id)
        _check_role(uow, "cancel_administration")
        entered_in_error_only(uow, because)
        prescription.cancel_administration(id, uow.entry)
        return True
    facts = [stay.history.fact(id) for stay in uow.load(Stay, *streams)]
    if any(isinstance(fact, Observation) and fact.name == "visit" for fact in facts):
        (stay,) = lookups.stays_with_movement(uow, id)
        _check_role(uow, "cancel_visit")
        entered_in_error_only(uow, because)
        stay.cancel_visit(id, uow.entry)
        return True
    return False


def amend_visit_of(
    uow: UnitOfWork,
    right: VisitCorrection,
    consult_id: UUID | None = None,
    stay_id: UUID | None = None,
) -> None:
    """Correct a visit at the command's corrected time, or put it into the stay that it was in."""
    visit, kind, note = right.visit_id, right.kind, right.note
    (stay,) = lookups.stays_with_movement(uow, visit, "visit_id")
    if stay_id is not None and stay_id != stay.id:
        other_stay = lookups.stay(uow, stay_id)
        if uow.corrected_at or right.practitioner or kind or note or consult_id:
            raise InvalidInput(
                "stay_id", "move the visit by itself; then amend what else was different"
            )
        move_visit(uow, stay, visit, other_stay)
        return
    died_at = persons.died_at(uow, stay.patient)
    doctor = lookups.practitioner_if_named(uow, right.practitioner, "practitioner")

    def amend(at: datetime | None) -> None:
        precision = uow.corrected_precision
        stay.check_amended(visit, consult_id, at, precision)
        stay.amend_visit(visit, at, precision, doctor, kind, note, uow.entry, died_at, consult_id)

    imprecise_times.corrected_in_stay(uow, stay, amend)


def _check_role(uow: UnitOfWork, command: str) -> None:
    """Refuse a role that may not give the command for such a fact alone. Raises NotAllowed."""
    if not may(uow.entry.recorded_by.role, command):
        raise NotAllowed("A part of this is not for your role: visits, doses or prescriptions")
