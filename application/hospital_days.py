"""The hospital's own days, as its commands need them: today, midnight, what a precision spans."""

from collections.abc import Iterable
from datetime import date, datetime

from application.unit_of_work import UnitOfWork
from domain.time import MINUTE, Precision


def today(uow: UnitOfWork) -> date:
    """Return the current day in the hospital's time zone."""
    return date_of(uow, uow.now)


def date_of(uow: UnitOfWork, moment: datetime) -> date:
    """Return the hospital's day of a moment."""
    return uow.calendar.days.date_of(moment)


def local(uow: UnitOfWork, moment: datetime) -> datetime:
    """Return a moment as the clocks of the hospital show it."""
    days = uow.calendar.days
    return moment.astimezone(days.zone_on(days.date_of(moment)))


def midnight(uow: UnitOfWork, day: date) -> datetime:
    """Return the beginning of a day of the hospital's calendar, in UTC."""
    return uow.calendar.days.midnight(day)


def span_of(uow: UnitOfWork, moment: datetime, precision: Precision) -> tuple[datetime, datetime]:
    """Return the first and the last moment at which something was that is known so precisely."""
    if precision in (Precision.MINUTE, Precision.ESTIMATED):
        return moment, moment  # for most; the calendar is not read
    return uow.calendar.days.span_of(moment, precision)


def other_moments(
    uow: UnitOfWork, at: datetime, precision: Precision, known_moments: Iterable[datetime]
) -> list[datetime]:
    """Return the other moments at which a fact may be held, the nearest first, none of them to come.

    Before, at and after those of what it may contradict, and the ends of its day, is enough to try.
    """
    first, last = span_of(uow, at, precision)
    near = {moment for t in known_moments for moment in (t - MINUTE, t, t + MINUTE)}
    inside = {m for m in near | {first, last} if first <= m <= min(last, uow.now)} - {at}
    return sorted(inside, key=lambda moment: (abs(moment - at), moment))
