"""Corrections and cancels of what changed a prescription, by whichever command they are given."""

from dataclasses import dataclass
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
from domain.time import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionChangeCorrection:
    """A change, hold, resumption or end of a prescription was otherwise; what is absent stays."""

    change_id: UUID
    occurred_at: datetime | None = None
    occurred_at_precision: Precision | None = None
    dose: str | None = None
    route: str | None = None
    frequency: str | None = None
    schedule: Schedule | None = None
    stop: datetime | None = None


def cancel_change_of(
    uow: UnitOfWork, prescription: Prescription, change: UUID, because: CancellationReason | None
) -> None:
    """Take back a change of a prescription; the end of its stay stops what it would have."""
    _may_change(uow, "cancel_prescription_change")
    entered_in_error_only(uow, because)
    prescription.cancel_change(change, uow.entry)
    let_prescription_follow(uow, prescription)


def correct_change_of(
    uow: UnitOfWork, prescription: Prescription, right: PrescriptionChangeCorrection
) -> None:
    """Correct the time (the command's corrected one) or the content of a change of a prescription."""
    _may_change(uow, "correct_prescription_change")
    until, died_at = utc(right.stop, "stop"), persons.died_at(uow, prescription.patient)
    entry, precision = uow.entry, uow.times.corrected_precision
    imprecise_times.fit_correction(
        uow,
        [fact.occurred_at for fact in prescription.all_facts()],
        lambda at: prescription.correct_change(
            right.change_id,
            at,
            precision,
            right.dose,
            right.route,
            right.frequency,
            until,
            entry,
            died_at,
            right.schedule,
        ),
    )
    let_prescription_follow(uow, prescription)


def _may_change(uow: UnitOfWork, command: str) -> None:
    """Refuse a role that may not change prescriptions, whichever command it gives."""
    if not may(uow.entry.recorded_by.role, command):
        raise NotAllowed("Only who may change prescriptions may put right a change of one")
