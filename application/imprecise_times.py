"""Facts whose time is known to the hour or the day: they contradict nothing of that hour or day.

Such a fact is recorded at the nearest moment of its day at which it fits, with its precision.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from application import hospital_days, lookups, persons
from application.unit_of_work import UnitOfWork
from domain.envelope import Envelope
from domain.patient import Patient
from domain.prescription.aggregate import Prescription
from domain.refusals import Refusal
from domain.stay.aggregate import Stay
from domain.time import Precision

T = TypeVar("T")


def fit(uow: UnitOfWork, known_moments: Iterable[datetime], act: Callable[[Envelope], T]) -> T:
    """Do an act at the nearest moment of its day at which it is not refused; return its result.

    ``known_moments``: those of what it may contradict. ``act`` refuses before it changes anything.
    Raises the refusal of the command's own moment.
    """
    try:
        return act(uow.entry)
    except Refusal as refusal:
        at, precision = uow.entry.occurred_at, uow.entry.precision
        for moment in hospital_days.other_moments(uow, at, precision, known_moments):
            try:
                return act(_at(uow, moment))
            except Refusal:
                continue
        raise refusal


def fit_in_stay(uow: UnitOfWork, stay: Stay, act: Callable[[Envelope], T]) -> T:
    """Do an act in a stay at the nearest moment of its day at which it is not refused."""
    return fit(uow, [fact.at for fact in stay.history.facts], act)


def fit_in_prescription(
    uow: UnitOfWork, prescription: Prescription, act: Callable[[Envelope], T]
) -> T:
    """Do an act on a prescription at the nearest moment of its day at which it is not refused."""
    return fit(uow, [fact.occurred_at for fact in prescription.all_facts()], act)


def entry_inside(uow: UnitOfWork, stay: Stay) -> Envelope:
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


def fit_correction(
    uow: UnitOfWork, known_moments: Iterable[datetime], act: Callable[[datetime | None], T]
) -> T:
    """Correct a fact to the nearest moment of the corrected day at which that is not refused."""
    if uow.times.corrected_at is None:
        return act(None)
    with uow.use_entry(_with_precision(uow, uow.times.corrected_at)):
        return fit(uow, known_moments, lambda entry: act(entry.occurred_at))


def fit_correction_in_stay(uow: UnitOfWork, stay: Stay, act: Callable[[datetime | None], T]) -> T:
    """Correct a fact of a stay to the nearest moment of its day at which that is not refused."""
    return fit_correction(uow, [fact.at for fact in stay.history.facts], act)


def corrected_time_inside(uow: UnitOfWork, stay: Stay, at: datetime) -> datetime:
    """Return the corrected time of a fact at a moment at which the stay is open, if its day has one."""
    with uow.use_entry(_with_precision(uow, at)):
        return entry_inside(uow, stay).occurred_at


def entry_after_all(uow: UnitOfWork, stay: Stay) -> Envelope:
    """Return the entry of a discharge after all that is recorded in the stay on its day."""
    first, last = _span(uow)
    if first == last:
        return uow.entry
    times = [fact.at for fact in stay.history.facts]
    for prescription in lookups.prescriptions_of(uow, stay):
        times += [fact.occurred_at for fact in prescription.facts()]
    of_day = [at for at in times if first <= at <= last]
    return _at(uow, max([uow.entry.occurred_at, *of_day]))


def entry_after_other_stays(uow: UnitOfWork, patient: Patient) -> Envelope:
    """Return the entry of an admission after the stays of the person that end on its day."""
    first, last = _span(uow)
    if first == last:
        return uow.entry
    ends = [stay.history.ended_at for stay in persons.stays_of(uow, patient.id)]
    of_day = [at for at in ends if at and first <= at <= last]
    return _at(uow, max([uow.entry.occurred_at, *of_day]))


def _with_precision(uow: UnitOfWork, at: datetime) -> Envelope:
    precision = uow.times.corrected_precision or Precision.MINUTE
    return replace(uow.entry, occurred_at=at, precision=precision)


def _span(uow: UnitOfWork) -> tuple[datetime, datetime]:
    return hospital_days.span_of(uow, uow.entry.occurred_at, uow.entry.precision)


def _at(uow: UnitOfWork, at: datetime) -> Envelope:
    return replace(uow.entry, occurred_at=at)
