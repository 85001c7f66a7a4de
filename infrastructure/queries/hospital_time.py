"""Query of the hospital's calendar: its time zone and census time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from application.hospital_days import calendar_id
from domain.hospital_calendar import HospitalCalendar, LocalDays
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.postgres.database import Database

_EVENTS = text(
    f"SELECT {EVENT_COLUMNS} FROM record.events WHERE stream = :stream AND position <= :position"
    " ORDER BY version"
)


async def hospital_days(connection: AsyncConnection, hospital: str, position: int) -> LocalDays:
    """Return the hospital's calendar as known at a position, from the few events of its stream."""
    calendar, mapper = HospitalCalendar.empty(calendar_id(hospital)), EventMapper()
    values = {"stream": calendar.id, "position": position}
    for row in await connection.execute(_EVENTS, values):
        mapper.event(row).mutate(calendar)
    return calendar.days


def local_days(connection: Connection[TupleRow], hospital: str, position: int) -> LocalDays:
    """Return the hospital's calendar as known at a position, from the few events of its stream."""
    clock = HospitalCalendar.empty(calendar_id(hospital))
    mapper = EventMapper()
    for row in connection.execute(
        f"SELECT {EVENT_COLUMNS} FROM record.events WHERE stream = %s AND position <= %s"
        " ORDER BY version",
        [clock.id, position],
    ):
        mapper.event(row).mutate(clock)
    return clock.days


def zone_of(database: Database, hospital: str) -> ZoneInfo:
    """Return the hospital's time zone today, for showing times."""
    with psycopg.connect(database.app_url) as connection:
        days = local_days(connection, hospital, 2**63 - 1)
    return days.zone_on(days.date_of(datetime.now(UTC)))
