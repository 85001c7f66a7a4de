"""Filling of the warehouse from the feed of one hospital, from where it was filled to."""

import asyncio
from collections.abc import Callable
from datetime import UTC
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.broker.messages import message, record_reading
from api.feed.cloudevents import BY_TOPIC
from api.warehouse.iceberg import Place, Warehouse
from domain.patient import Patient
from infrastructure.access_log import AccessLog
from infrastructure.postgres.database import Database, Log
from infrastructure.queries.feed import LoggedEvent, events_page
from infrastructure.queries.log import log_status

PAGE = 2_000
"""Events of one query."""

COMMIT = 20_000
"""Events of one commit, at least; each makes a file for each of their days."""

_LAST_ERASURE = text(
    "SELECT max(position) FROM record.events"
    " WHERE topic = :erased AND position > :after AND position <= :until"
)


def fill_warehouse(
    warehouse: Warehouse,
    database: Database,
    log: Log,
    hospital: str,
    on_progress: Callable[[int, int], None],
) -> tuple[int, bool]:
    """Append what the warehouse lacks; return the number of events, and whether it began anew.

    It begins anew where the log is another one or was restored, and after an erasure.
    """
    return asyncio.run(_fill(warehouse, database, log, hospital, on_progress))


async def _fill(
    warehouse: Warehouse,
    database: Database,
    log: Log,
    hospital: str,
    on_progress: Callable[[int, int], None],
) -> tuple[int, bool]:
    engine = database.async_engine(2)
    readings, count = AccessLog(engine), 0
    try:
        until = (await log_status(engine)).position
        place = warehouse.places().get(hospital)
        begins_anew = anew = await _is_anew(engine, log, place, until)
        after = 0 if anew or place is None else place.position
        beginning = until if anew or place is None else place.anew
        while after < until or anew:
            entries, after = await _entries(engine, after, until)
            events = [message(entry, log) for entry in entries]
            entity = f"warehouse of {hospital}"
            await record_reading(readings, entries, events, "wardbook warehouse", entity)
            rows = [
                _row(hospital, entry, event) for entry, event in zip(entries, events, strict=True)
            ]
            next_place = Place(str(log.id), log.epoch, after, beginning)
            warehouse.append(hospital, place, next_place, rows, anew=anew)
            place, anew, count = next_place, False, count + len(rows)
            on_progress(after, until)
        return count, begins_anew
    finally:
        await engine.dispose()


async def _is_anew(engine: AsyncEngine, log: Log, place: Place | None, until: int) -> bool:
    """Return whether what is there of a hospital is no longer what its log says."""
    if place is None:
        return False
    if (place.log, place.epoch) != (str(log.id), log.epoch):
        return True
    values = {
        "erased": Patient.Erased.TOPIC,
        "after": max(place.position, place.anew),
        "until": until,
    }
    async with engine.connect() as connection:
        return (await connection.execute(_LAST_ERASURE, values)).scalar() is not None


async def _entries(engine: AsyncEngine, after: int, until: int) -> tuple[list[LoggedEvent], int]:
    """Return the events of one commit, and the position up to which they are all."""
    entries: list[LoggedEvent] = []
    async with engine.connect() as connection:
        while after < until and len(entries) < COMMIT:
            page = await events_page(connection, after, until, PAGE, frozenset(BY_TOPIC))
            entries += page.events
            after = page.reached
    return entries, after


def _row(hospital: str, entry: LoggedEvent, event: dict[str, Any]) -> dict[str, Any]:
    time = entry.recorded_at.astimezone(UTC)
    return {
        "hospital": hospital,
        "day": time.date(),
        "position": entry.position,
        "id": event["id"],
        "type": event["type"],
        "subject": event["subject"],
        "time": time,
        "data": msgspec.json.encode(event["data"]).decode(),
    }
