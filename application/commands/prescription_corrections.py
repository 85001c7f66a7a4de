"""Corrections of what was written in a prescription, alone or among several facts put right together."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application import lookups, persons
from application.clinical_warnings import allergies_against, confirm
from application.command import utc
from application.stay_end import let_prescription_follow
from application.unit_of_work import UnitOfWork
from domain.clinical_refusals import ClinicalWarning
from domain.prescription.aggregate import Prescription
from domain.prescription.events import Medication
from domain.prescription.schedule import Schedule
from domain.refusals import InvalidInput
from domain.time import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionCorrection:
    """Something else was written in a prescription; what is absent stays as it was recorded."""

    prescription_id: UUID
    occurred_at: datetime | None = None
    occurred_at_precision: Precision | None = None
    medication: Medication | None = None
    dose: str | None = None
    route: str | None = None
    frequency: str | None = None
    schedule: Schedule | None = None
    start: datetime | None = None
    stop: datetime | None = None
    open_ended: bool | None = None
    prescriber: str | None = None
    confirmed_warnings: tuple[ClinicalWarning, ...] | None = None


def correct_written(uow: UnitOfWork, right: PrescriptionCorrection) -> None:
    """Correct what was written, or when (the command's corrected time).

    Raises InvalidInput, OutsideStay, PatientDied, WarningsUnconfirmed. Where checks are deferred,
    `check_written` looks at the end result.
    """
    prescription = lookups.prescription(uow, right.prescription_id)
    check_end(right.stop, right.open_ended)
    at, begins = uow.times.corrected_at, utc(right.start, "start")
    course = prescription.course
    regimen, until = course.regimen, utc(right.stop, "stop")
    if at is not None:
        if not uow.defers_checks:
            _check_time(uow, prescription, at)
        if begins is None and regimen.start == course.written_at:
            begins = at
    is_same = right.medication is None and begins is None and until is None and not right.open_ended
    warnings = allergies_against(
        uow,
        prescription.patient,
        right.medication or prescription.medication,
        begins or regimen.start,
        until or (None if right.open_ended else regimen.stop),
        prescription.confirmed if right.medication is None else (),
    )
    prescription.correct(
        prescription.next_event(
            Prescription.WrittenCorrected,
            uow.entry,
            at=at,
            precision=uow.times.corrected_precision,
            medication=right.medication,
            dose=right.dose,
            route=right.route,
            frequency=right.frequency,
            schedule=right.schedule,
            start=begins,
            stop=until,
            open_ended=bool(right.open_ended),
            prescriber=lookups.practitioner_if_named(uow, right.prescriber, "prescriber"),
            confirmed_warnings=confirm(uow, {} if is_same else warnings, right.confirmed_warnings),
        ),
        persons.died_at(uow, prescription.patient),
    )
    let_prescription_follow(uow, prescription)


def check_end(stop: datetime | None, open_ended: bool | None) -> None:
    """Refuse a prescription that is said to stop and not to stop. Raises InvalidInput."""
    if stop is not None and open_ended:
        raise InvalidInput("open_ended", "it stops, or it is open-ended; leave one out")


def check_written(uow: UnitOfWork, right: PrescriptionCorrection) -> None:
    """Refuse a prescription that was written after its stay, as both are held. Raises OutsideStay."""
    prescription = lookups.prescription(uow, right.prescription_id)
    if right.occurred_at is not None and not prescription.course.cancelled:
        _check_time(uow, prescription, prescription.course.written_at)


def _check_time(uow: UnitOfWork, prescription: Prescription, at: datetime) -> None:
    stay = lookups.stay_of(uow, prescription, "prescription_id")
    stay.must_not_have_ended(at, "The prescription")
