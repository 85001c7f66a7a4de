"""Query of the doses that are due in a ward, by the schedules of prescriptions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, DateTime, Table, and_, any_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.described_enum import DescribedEnum
from domain.hospital_calendar import LocalDays
from domain.prescription.course import PrescriptionStatus, Regimen
from domain.prescription.due import due_times
from domain.prescription.schedule import LONGEST_REACH, Schedule, slot_of
from domain.stay.facts import Status
from domain.time import Period, is_later
from infrastructure.queries.as_of import AsOf, in_time, since, until
from infrastructure.queries.compiled import (
    CompiledStatement,
    equals,
    is_one_of,
    literal_values,
    parameter,
)
from infrastructure.queries.row_security import known
from infrastructure.queries.stay_search import ORDERS, StayOrder, with_places
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.patients import deaths_of_persons, patients
from infrastructure.read_models.prescriptions import doses, prescriptions
from infrastructure.read_models.rooms import rooms
from infrastructure.read_models.stays import OPEN, stays

REACHES = 3
"""The number of reaches before a period within which a dose decides about one that is due."""

GIVEN = (PrescriptionStatus.SCHEDULED.value, PrescriptionStatus.ACTIVE.value)
"""The states of prescriptions in which doses are due."""


class DoseStatus(DescribedEnum):
    """State of a dose that is due, at a moment."""

    OVERDUE = "OVERDUE", "Its time is over, and nobody recorded that it was given, or why not."
    DUE = "DUE", "It is time to give it."
    UPCOMING = "UPCOMING", "It is due later."


class DoseOrder(DescribedEnum):
    """The order of the doses that are due."""

    DUE = "DUE", "The one that is due first is the first."
    PATIENT_NAME = "PATIENT_NAME", "By the patient's family name, given name, and when it is due."
    PLACE = "PLACE", "By room and bed, as on a round, and when it is due."


@dataclass(frozen=True, slots=True)
class DueView:
    """A dose that is due and has not been recorded."""

    prescription: UUID
    stay: UUID
    due_at: datetime
    status: DoseStatus


def _until_now(table: Table, at: AsOf) -> ColumnElement[bool]:
    """Return the condition for the rows of all valid time up to the moment, as known."""
    has_begun = (func.lower(table.c.during) <= at.as_of).is_(True)
    return and_(known(table, at.known), at.visible(table), has_begun)


def _not_over(table: Table) -> ColumnElement[bool]:
    """Return the condition for the rows that end after a moment, the parameter ``begin``."""
    end = func.upper(table.c.during)
    return or_(end.is_(None), end > parameter("begin", DateTime(timezone=True)))


def _of_ward(table: Table, at: AsOf) -> ColumnElement[bool]:
    """Return the condition for the rows of the open stays of those who lie in a ward.

    As an array, which is looked up by the index on stays whatever the planner thinks of it.
    """
    in_ward = (
        select(stays.c.stay)
        .join_from(stays, rooms, and_(rooms.c.room == stays.c.room, at.holds_as_filter(rooms)))
        .where(
            equals(rooms.c.ward, "ward"),
            stays.c.status.in_(literal_values("open", OPEN)),
            at.holds(stays),
        )
        .correlate(None)
    )
    return table.c.stay == any_(func.array(in_ward.scalar_subquery()))


_courses = CompiledStatement(
    lambda at: (
        select(prescriptions, since(prescriptions), until(prescriptions))
        .where(
            _of_ward(prescriptions, at),
            _until_now(prescriptions, at),
            prescriptions.c.schedule.is_not(None),
            prescriptions.c.status.in_(GIVEN),
            _not_over(prescriptions),
        )
        .order_by(prescriptions.c.prescription, in_time(prescriptions))
    )
)
"""The parts of courses, with a schedule and after a moment, in which doses are due."""

_leaves = CompiledStatement(
    lambda at: select(stays.c.stay, since(stays), until(stays)).where(
        _of_ward(stays, at), stays.c.status == Status.ON_LEAVE.value, _until_now(stays, at)
    )
)
_doses = CompiledStatement(
    lambda at: select(doses.c.prescription, since(doses)).where(
        is_one_of(doses.c.prescription, "prescriptions"),
        at.holds_as_filter(doses),
        (func.lower(doses.c.during) > parameter("begin", DateTime(timezone=True))).is_(True),
    )
)


def _places(order: DoseOrder) -> CompiledStatement:
    """Return the statement for what an order compares of the stays of a ward."""
    keys = ORDERS[StayOrder(order)].keys
    return CompiledStatement(
        lambda at: with_places(select(*keys).select_from(stays), StayOrder(order), at).where(
            _of_ward(stays, at), at.holds_as_filter(stays)
        )
    )


_PLACES = {order: _places(order) for order in (DoseOrder.PATIENT_NAME, DoseOrder.PLACE)}


@reads(prescriptions, doses, stays, rooms, patients, deaths_of_persons)
async def doses_due(
    connection: AsyncConnection,
    at: AsOf,
    days: LocalDays,
    ward: str,
    back: timedelta,
    ahead: timedelta,
    order: DoseOrder = DoseOrder.DUE,
) -> list[DueView]:
    """Return the doses of those who lie in a ward that are due around the moment, in an order.

    Without those that were given, or not given and why; held, stopped, of a patient on leave, and of
    one who had died.
    """
    rows: dict[UUID, list[Any]] = defaultdict(list)
    period = Period(at.as_of - back, at.as_of + ahead)
    for row in await _courses.execute(
        connection, at, ward=ward, begin=period.start - REACHES * LONGEST_REACH
    ):
        rows[row.prescription].append(row)
    courses = {id: _segments(of, at) for id, of in rows.items()}
    reaches = {
        id: max(r.schedule.reach for _, _, r in of if r.schedule) for id, of in courses.items()
    }
    leaves_by_stay: dict[UUID, list[Period]] = defaultdict(list)
    for row in await _leaves.execute(connection, at, ward=ward):
        leaves_by_stay[row.stay].append(Period(row.since, _open_end(row.until, at)))
    dose_times: dict[UUID, list[datetime]] = defaultdict(list)
    begin = period.start - REACHES * max(reaches.values(), default=timedelta())
    for row in await _doses.execute(connection, at, prescriptions=list(courses), begin=begin):
        dose_times[row.prescription].append(row.since)
    deaths = await deaths_of_persons(connection, list({of[0].patient for of in rows.values()}), at)
    views: list[DueView] = []
    for id, segments in courses.items():
        reach = reaches[id]
        around = Period(period.start - 2 * reach, at.as_of + ahead + 2 * reach)
        slots = due_times(segments, around, days)
        recorded_slots = {slot_of(time, slots, reach) for time in dose_times[id]}
        stay = rows[id][0].stay
        leaves, died_at = leaves_by_stay[stay], deaths.get(rows[id][0].patient)
        for slot in slots:
            is_away = any(slot in leave for leave in leaves)
            is_dead = died_at is not None and is_later(slot, died_at)
            if slot in period and slot not in recorded_slots and not is_away and not is_dead:
                views.append(DueView(id, stay, slot, _status(slot, segments, at)))
    places: dict[UUID, Sequence[Any]] = {}
    if order in _PLACES:
        rows_of_stays = await _PLACES[order].execute(connection, at, ward=ward)
        places = {row.stay: row for row in rows_of_stays}
    return sorted(views, key=lambda v: (*places.get(v.stay, ()), v.due_at, v.prescription))


Segments = list[tuple[Period, PrescriptionStatus, Regimen]]


def _segments(rows: Sequence[Any], at: AsOf) -> Segments:
    """Return the segments of a course up to the moment; the last goes on as it was planned then."""
    segments: Segments = []
    for row in rows:
        schedule = msgspec.convert(row.schedule, Schedule) if row.schedule else None
        regimen = Regimen(
            row.start, row.stop, row.dose, row.route, row.frequency, schedule, row.anchor
        )
        status = PrescriptionStatus(row.status)
        end = _open_end(row.until, at)
        if end is None and status is PrescriptionStatus.SCHEDULED:
            status = PrescriptionStatus.ACTIVE
        begin = max(row.since, row.start)
        period = Period(begin, end if end is not None else row.stop)
        segments.append((period, status, regimen))
    return segments


def _open_end(end: datetime | None, at: AsOf) -> datetime | None:
    """Return the end of a row, unless it lies ahead of the moment and was not known to be so then."""
    return end if end is not None and end <= at.as_of else None


def _status(slot: datetime, segments: Segments, at: AsOf) -> DoseStatus:
    schedule = next(r.schedule for p, _, r in segments if slot in p and r.schedule is not None)
    if slot > at.as_of:
        return DoseStatus.UPCOMING
    return DoseStatus.OVERDUE if at.as_of - slot > schedule.tolerance else DoseStatus.DUE
