"""Facts whose time is known to the hour or the day: they contradict nothing of that hour or day.

Such a fact is recorded at the nearest moment of its day at which it fits, with its precision.
"""

from datetime import datetime

from msgspec.structs import replace

from application import hospital_days, lookups, persons
from application.unit_of_work import UnitOfWork
from domain.envelope import Envelope
from domain.patient import Patient
from domain.stay.aggregate import Stay


def inside(uow: UnitOfWork, stay: Stay) -> Envelope:
    """Return the command's entry at a moment at which the stay is open, if its day has one."""
    at = uow.entry.occurred_at
    first, last = _span(uow)
    if first == last or stay.history.includes(at):
        return uow.entry
    open_ = [(max(p.start, first), p.end) for p in stay.history.open_periods]
    fits = [
        since
        for since, end in open_
        if since <= min(last, uow.now) and (end is None or since <= end)
    ]
    return _at(uow, min(fits, default=at, key=lambda moment: abs(moment - at)))


def after_all(uow: UnitOfWork, stay: Stay) -> Envelope:
    """Return the entry of a discharge after all that is recorded in the stay on its day."""
    first, last = _span(uow)
    if first == last:
        return uow.entry
    times = [fact.at for fact in stay.history.facts]
    for prescription in lookups.prescriptions_of(uow, stay):
        times += [fact.occurred_at for fact in prescription.facts()]
    of_day = [at for at in times if first <= at <= last]
    return _at(uow, max([uow.entry.occurred_at, *of_day]))


def after_other_stays(uow: UnitOfWork, patient: Patient) -> Envelope:
    """Return the entry of an admission after the stays of the person that end on its day."""
    first, last = _span(uow)
    if first == last:
        return uow.entry
    ends = [stay.history.ended_at for stay in persons.stays_of(uow, patient.id)]
    of_day = [at for at in ends if at and first <= at <= last]
    return _at(uow, max([uow.entry.occurred_at, *of_day]))


def _span(uow: UnitOfWork) -> tuple[datetime, datetime]:
    return hospital_days.span_of(uow, uow.entry.occurred_at, uow.entry.precision)


def _at(uow: UnitOfWork, at: datetime) -> Envelope:
    return replace(uow.entry, occurred_at=at)
