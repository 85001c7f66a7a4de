"""Corrections and cancels of what changed a prescription, by whichever command they are given."""

from datetime import datetime
from uuid import UUID

from application import imprecise_times, persons
from application.authorization.roles import may
from application.command import utc
from application.commands.late_entries import entered_in_error_only
from application.stay_end import let_prescription_follow
from application.unit_of_work import UnitOfWork
from domain.prescription.aggregate import Prescription
from domain.prescription.schedule import Schedule
from domain.refusals import NotAllowed
from domain.stay.facts import CancellationReason


def cancel_change_of(
    uow: UnitOfWork, prescription: Prescription, change: UUID, because: CancellationReason | None
) -> None:
    """Take back a change of a prescription; the end of its stay stops what it would have."""
    _may_change(uow, "cancel_prescription_change")
    entered_in_error_only(uow, because)
    prescription.cancel_change(change, uow.entry)
    let_prescription_follow(uow, prescription)


def correct_change_of(
    uow: UnitOfWork,
    prescription: Prescription,
    change: UUID,
    dose: str | None = None,
    route: str | None = None,
    frequency: str | None = None,
    stop: datetime | None = None,
    schedule: Schedule | None = None,
) -> None:
    """Correct the time (``occurred_at``) or the content of a change of a prescription."""
    _may_change(uow, "correct_prescription_change")
    until, died_at = utc(stop, "stop"), persons.died_at(uow, prescription.patient)
    entry, precision = uow.entry, uow.corrected_precision
    imprecise_times.fitting_correction(
        uow,
        [fact.occurred_at for fact in prescription.all_facts()],
        lambda at: prescription.correct_change(
            change, at, precision, dose, route, frequency, until, entry, died_at, schedule
        ),
    )
    let_prescription_follow(uow, prescription)


def _may_change(uow: UnitOfWork, command: str) -> None:
    """Refuse a role that may not change prescriptions, whichever command it gives."""
    if not may(uow.entry.recorded_by.role, command):
        raise NotAllowed("Only who may change prescriptions may put right a change of one")
