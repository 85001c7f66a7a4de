"""The log as other systems read it: events in its order, by topic and by ward.

A page ends where a command ends, so that nobody sees half of one. What lies in a ward is asked of the
log and of the occupancy as known when the event was recorded: the same question gets the same answer
for ever.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, json
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.room.aggregate import Room
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.read_models.occupancy import stretches

SCANNED = 2_000
"""Events that are looked at for one page, at most; a page of rare ones may be short, or empty."""

SCANNED_FOR_ONE = 20
"""Events that are looked at for each one that is asked for."""

MAPPER = EventMapper()


@dataclass(frozen=True, slots=True)
class Logged:
    """An event with its place in the log; ``known`` is the end of its command."""

    position: int
    known: int
    recorded_at: datetime
    command_id: UUID
    event: Event


@dataclass(frozen=True, slots=True)
class Located:
    """Where a room is: its ward and its number, which never change."""

    ward: str
    number: str


@dataclass(frozen=True, slots=True)
class Page:
    """Events after a position, all that there are of those asked for up to ``reached``."""

    events: tuple[Logged, ...]
    rooms: dict[UUID, Located]
    """The rooms that they name."""
    reached: int


class _Bed(Struct):
    room: UUID


class _Body(Struct):
    """As much of an event as says in which room it belongs."""

    room: UUID | None = None
    bed: _Bed | str | None = None


_BODY = json.Decoder(_Body)

_SCAN = text(
    f"SELECT position, command_end, recorded_at, command_id, {EVENT_COLUMNS} FROM record.events"
    " WHERE position > :after AND position <= least(:until, ("
    "   SELECT max(command_end) FROM (SELECT command_end FROM record.events"
    "     WHERE position > :after ORDER BY position LIMIT :scanned) AS first))"
    " ORDER BY position"
)


async def events_page(
    connection: AsyncConnection,
    after: int,
    until: int,
    first: int,
    topics: Collection[str],
    ward: str | None = None,
) -> Page:
    """Events of some topics after one position and up to another, both ends of commands or not.

    ``first``: as many, and then to the end of that command.
    """
    scanned = min(SCANNED, SCANNED_FOR_ONE * first)
    scan = {"after": after, "until": until, "scanned": scanned}
    rows = (await connection.execute(_SCAN, scan)).all()
    if not rows:
        return Page((), {}, max(after, until))
    there = await _positions_in(connection, rows, ward) if ward is not None else None
    found: list[Logged] = []
    reached = rows[-1].position
    for position, known, recorded_at, command, *stored in rows:
        if len(found) >= first and known > found[-1].known:
            reached = found[-1].known
            break
        if stored[2] in topics and (there is None or position in there):
            found.append(Logged(position, known, recorded_at, command, MAPPER.event(stored)))
    named = set().union(*(_rooms_of(logged.event) for logged in found))
    return Page(tuple(found), await rooms_located(connection, named), reached)


async def rooms_located(
    connection: AsyncConnection, rooms: Collection[UUID]
) -> dict[UUID, Located]:
    """Where rooms are, as the log said when they were opened."""
    if not rooms:
        return {}
    found = await connection.execute(
        text(
            "SELECT stream, own->>'ward', own->>'number' FROM record.events"
            " WHERE stream = ANY(:rooms) AND version = 1 AND topic = :opened"
        ),
        {"rooms": list(rooms), "opened": Room.Opened.TOPIC},
    )
    return {stream: Located(ward, number) for stream, ward, number in found}


async def _positions_in(
    connection: AsyncConnection, rows: Sequence[Row[Any]], ward: str
) -> set[int]:
    """The events about a room of the ward or about a stay that lay in one as it occurred.

    And what the same commands say of the patients of those about a room; not of other patients.
    """
    named = [_room_of(row.topic, row.stream, _BODY.decode(row.own)) for row in rows]
    asked = [(row.stay, row.occurred_at, row.command_end) for row in rows]
    lay = await connection.execute(
        text(
            "SELECT asked.stay, asked.at, asked.known, s.room FROM (SELECT DISTINCT * FROM unnest("
            " CAST(:stays AS uuid[]), CAST(:moments AS timestamptz[]), CAST(:knowns AS int8[])))"
            f" AS asked (stay, at, known) JOIN {stretches.fullname} s ON s.stay = asked.stay"
            " AND s.during @> asked.at AND s.known @> asked.known"
        ),
        dict(zip(("stays", "moments", "knowns"), map(list, zip(*asked, strict=True)), strict=True)),
    )
    beds = {(stay, at, known): room for stay, at, known, room in lay}
    where = await rooms_located(connection, {r for r in (*named, *beds.values()) if r})
    here = {room for room, located in where.items() if located.ward == ward}
    told = {(r.command_end, r.patient) for r, room in zip(rows, named, strict=True) if room in here}
    return {
        row.position
        for row, stay in zip(rows, asked, strict=True)
        if (row.command_end, row.patient) in told or beds.get(stay) in here
    }


def _rooms_of(event: Event) -> set[UUID]:
    if event.belongs_to(Room):
        return {event.originator_id}
    named = (getattr(event, "room", None), getattr(getattr(event, "bed", None), "room", None))
    return {room for room in named if room is not None}


def _room_of(topic: str, stream: UUID, body: _Body) -> UUID | None:
    if topic.startswith("room."):
        return stream
    return body.room or (body.bed.room if isinstance(body.bed, _Bed) else None)
