"""Visits as they are recorded, by the command for one alone or among several facts put right."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application import imprecise_times, lookups, persons
from application.unit_of_work import UnitOfWork
from domain.stay.aggregate import Stay
from domain.stay.events import VisitKind
from domain.time import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class LateVisit:
    """A visit: a doctor saw the patient."""

    stay_id: UUID
    practitioner: str
    kind: VisitKind
    occurred_at: datetime | None = None
    occurred_at_precision: Precision | None = None
    note: str | None = None
    consult_id: UUID | None = None


def record_visit_of(uow: UnitOfWork, visit: LateVisit) -> None:
    """Record a visit at the time of the command's entry. Raises OutsideStay, StayStateBroken."""
    stay = lookups.stay(uow, visit.stay_id)
    doctor = lookups.practitioner(uow, visit.practitioner, "practitioner")
    died_at = persons.died_at(uow, stay.patient)
    entry = uow.entry if uow.defers_checks else imprecise_times.entry_inside(uow, stay)
    if visit.consult_id is not None:
        lookups.check_consult_of(uow, stay, visit.consult_id)
        stay.check_answer(visit.consult_id, entry.occurred_at, entry.precision)
    stay.observe(
        Stay.VisitRecorded,
        entry,
        died_at,
        practitioner=doctor,
        visit_kind=visit.kind,
        note=visit.note,
        consult=visit.consult_id,
    )
