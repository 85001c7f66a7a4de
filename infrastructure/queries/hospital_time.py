"""Query of the hospital's calendar: its time zone and census time."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from application.hospital_days import calendar_id
from domain.hospital_calendar import HospitalCalendar, LocalDays
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper

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
