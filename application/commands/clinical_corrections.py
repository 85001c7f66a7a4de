"""Parts of a command that puts several facts right: visits, doses and changes of prescriptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from application import imprecise_times, lookups, persons
from application.authorization.roles import may
from application.commands.dose_corrections import (
    DoseCorrection,
    check_corrected_dose,
    check_inside,
    correct_dose,
)
from application.commands.doses import (
    LateDose,
    LateUnprescribedDose,
    give_unprescribed_dose,
    record_dose,
)
from application.commands.late_entries import (
    Cancel,
    Correction,
    corrected_moment_of,
    entered_in_error_only,
)
from application.commands.misplaced_facts import move_visit
from application.commands.prescription_changes import (
    PrescriptionChangeCorrection,
    cancel_change_of,
    correct_change_of,
)
from application.commands.prescription_corrections import (
    PrescriptionCorrection,
    check_written,
    correct_written,
)
from application.commands.visits import LateVisit, record_visit_of
from application.unit_of_work import UnitOfWork
from domain.prescription.aggregate import Prescription
from domain.refusals import InvalidInput, MovementNotFound, NotAllowed
from domain.stay.aggregate import Stay
from domain.stay.events import VisitKind
from domain.stay.facts import CancellationReason, Observation
from domain.things import Thing
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
    consult_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InfusionEndCorrection:
    """An infusion ended at another time."""

    administration_id: UUID
    occurred_at: datetime | None = None
    occurred_at_precision: Precision | None = None


@dataclass(frozen=True, slots=True)
class InfusionEndCancel:
    """An infusion did not end then: it goes on, or nobody knows when it ended."""

    administration_id: UUID
    occurred_at: None = None
    occurred_at_precision: None = None


ClinicalCorrection = (
    VisitCorrection
    | DoseCorrection
    | InfusionEndCorrection
    | InfusionEndCancel
    | PrescriptionCorrection
    | PrescriptionChangeCorrection
)
NewFact = LateVisit | LateDose | LateUnprescribedDose
ClinicalPart = ClinicalCorrection | NewFact


def fact_of(part: ClinicalPart | Correction | Cancel) -> object:
    """Return the fact that one of a command's several parts is about."""
    match part:
        case VisitCorrection():
            return part.visit_id
        case DoseCorrection():
            return part.administration_id
        case InfusionEndCorrection() | InfusionEndCancel():
            return "end", part.administration_id
        case PrescriptionCorrection():
            return part.prescription_id
        case LateVisit() | LateDose() | LateUnprescribedDose():
            return id(part)
        case PrescriptionChangeCorrection():
            return part.change_id
        case _:
            return part.movement_id


def put_right(uow: UnitOfWork, parts: Sequence[ClinicalPart]) -> list[UUID]:
    """Take back and correct clinical facts, then enter new ones, as the command for each alone does.

    Returns the doses that are new. `check_put_right` looks at the end result.
    """
    new_doses: list[UUID] = []
    for number, part in sorted(enumerate(parts), key=_turn):
        at, precision = corrected_moment_of(uow, part, f"clinical {number}")
        if not isinstance(part, NewFact):
            with uow.times.use_correction(at, precision):
                _correct(uow, part)
            continue
        known_to = precision or uow.entry.precision
        with uow.use_entry(
            replace(uow.entry, occurred_at=at or uow.entry.occurred_at, precision=known_to)
        ):
            if isinstance(part, LateVisit):
                _check_role(uow, "record_visit")
                record_visit_of(uow, part)
            elif isinstance(part, LateDose):
                _check_role(uow, "record_administration")
                new_doses.append(record_dose(uow, part))
            else:
                _check_role(uow, "record_unprescribed_dose")
                new_doses.append(give_unprescribed_dose(uow, part, f"prescription {number}"))
    return new_doses


def _turn(part: tuple[int, ClinicalPart]) -> int:
    """Return the turn of a part: cancels, then corrections, then what is new."""
    return 0 if isinstance(part[1], InfusionEndCancel) else 2 if isinstance(part[1], NewFact) else 1


def check_put_right(
    uow: UnitOfWork, parts: Sequence[ClinicalPart], new_doses: Sequence[UUID]
) -> None:
    """Refuse clinical facts, and doses that are new, as all are held in the end."""
    for prescription in uow.all_of(Prescription):
        for dose in prescription.course.doses:
            if dose.id in new_doses:
                check_inside(lookups.stay_of(uow, prescription, "prescription_id"), dose)
    for part in parts:
        match part:
            case DoseCorrection():
                check_corrected_dose(uow, part)
            case InfusionEndCorrection():
                check_corrected_dose(uow, DoseCorrection(administration_id=part.administration_id))
            case PrescriptionCorrection():
                check_written(uow, part)


def _correct(uow: UnitOfWork, part: ClinicalCorrection) -> None:
    match part:
        case VisitCorrection():
            _check_role(uow, "amend_visit")
            amend_visit_of(uow, part, part.consult_id)
        case DoseCorrection():
            _check_role(uow, "correct_administration")
            correct_dose(uow, part)
        case InfusionEndCorrection():
            _check_role(uow, "correct_infusion_end")
            prescription = lookups.prescription_of_dose(uow, part.administration_id)
            died_at = persons.died_at(uow, prescription.patient)
            prescription.correct_infusion_end(
                part.administration_id,
                uow.times.corrected_at,
                uow.times.corrected_precision,
                uow.entry,
                died_at,
            )
        case InfusionEndCancel():
            _check_role(uow, "cancel_infusion_end")
            dose = part.administration_id
            lookups.prescription_of_dose(uow, dose).cancel_infusion_end(dose, uow.entry)
        case PrescriptionCorrection():
            _check_role(uow, "correct_prescription")
            correct_written(uow, part)
        case PrescriptionChangeCorrection():
            prescription_changed = lookups.prescription_with_change(uow, part.change_id)
            if prescription_changed is None:
                raise MovementNotFound(Thing.CHANGE, part.change_id, "change_id")
            correct_change_of(uow, prescription_changed, part)


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
    """Correct a visit at the command's corrected time, or put it into the stay that it was in then."""
    visit, kind, note = right.visit_id, right.kind, right.note
    (stay,) = lookups.stays_with_movement(uow, visit, "visit_id")
    changes_more = right.practitioner or kind or note or consult_id
    times = uow.times.corrected_at, uow.times.corrected_precision
    if stay_id == stay.id and not changes_more and times == (None, None):
        raise InvalidInput("stay_id", "the visit is there already")
    if stay_id is not None and stay_id != stay.id:
        other_stay = lookups.stay(uow, stay_id)
        if changes_more:
            raise InvalidInput(
                "stay_id",
                "move the visit, with its time if that was wrong too; then amend what else was"
                " different",
            )
        move_visit(uow, stay, visit, other_stay)
        return
    died_at = persons.died_at(uow, stay.patient)
    doctor = lookups.practitioner_if_named(uow, right.practitioner, "practitioner")
    if consult_id is not None:
        lookups.check_consult_of(uow, stay, consult_id)

    def amend(at: datetime | None) -> None:
        precision = uow.times.corrected_precision
        stay.check_amended(visit, consult_id, at, precision)
        stay.amend_visit(visit, at, precision, doctor, kind, note, uow.entry, died_at, consult_id)

    imprecise_times.fit_correction_in_stay(uow, stay, amend)


def _check_role(uow: UnitOfWork, command: str) -> None:
    """Refuse a role that may not give the command for such a fact alone. Raises NotAllowed."""
    if not may(uow.entry.recorded_by.role, command):
        raise NotAllowed("A part of this is not for your role: visits, doses or prescriptions")
