"""Query of the hospital's calendar: its time zone and census time."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.hospital_calendar import HospitalCalendar, LocalDays
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.postgres.database import Database
from infrastructure.queries.direct import execute

_EVENTS = (
    f"SELECT {EVENT_COLUMNS} FROM record.events"
    " WHERE stream = %(stream)s AND (position <= %(position)s) IS TRUE ORDER BY version"
)


async def hospital_days(connection: AsyncConnection, hospital: str, position: int) -> LocalDays:
    """Return the hospital's calendar as known at a position, from the few events of its stream."""
    calendar = HospitalCalendar.empty(HospitalCalendar.id_for(hospital))
    values = {"stream": calendar.id, "position": position}
    return _days_of(calendar, await execute(connection, _EVENTS, values))


def local_days(connection: Connection[TupleRow], hospital: str, position: int) -> LocalDays:
    """Return the hospital's calendar as known at a position, from the few events of its stream."""
    calendar = HospitalCalendar.empty(HospitalCalendar.id_for(hospital))
    values = {"stream": calendar.id, "position": position}
    return _days_of(calendar, connection.execute(_EVENTS, values))


def _days_of(calendar: HospitalCalendar, rows: Iterable[Sequence[Any]]) -> LocalDays:
    for row in rows:
        _mapper().event(row).mutate(calendar)
    return calendar.days


@cache
def _mapper() -> EventMapper:
    return EventMapper()


def zone_of(database: Database, hospital: str) -> ZoneInfo:
    """Return the hospital's time zone today, for showing times."""
    with psycopg.connect(database.app_url) as connection:
        days = local_days(connection, hospital, 2**63 - 1)
    return days.zone_on(days.date_of(datetime.now(UTC)))
