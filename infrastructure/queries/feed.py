"""Queries of the feed: events of the log in its order, by topic and by ward.

A page ends where a command ends. The ward of an event is that of the log and of the occupancy as known
when the event was recorded, so the same query has the same result for ever.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, json
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.room.aggregate import Room
from domain.room.occupancy import Occupancy
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper, NewerEvent, is_known
from infrastructure.read_models.bed_uses import stretches
from infrastructure.read_models.rooms import rooms as room_names

SCANNED = 2_000
"""Events that are scanned for one page, at most; a page of rare ones may be short, or empty."""

SCANNED_FOR_ONE = 20
"""Events that are scanned for each event of the page size."""

MAPPER = EventMapper()


@dataclass(frozen=True, slots=True)
class RoomLocation:
    """The ward and the number of a room."""

    ward: str
    number: str


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event with its position in the log; ``known`` is the last position of its command."""

    position: int
    known: int
    recorded_at: datetime
    command_id: UUID
    event: Event
    rooms: Mapping[UUID, RoomLocation] = field(default_factory=dict)
    """The rooms that it names, as they were called when it occurred, as known with it."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of events: all that match up to the position ``reached``."""

    events: tuple[LoggedEvent, ...]
    reached: int


class _Bed(Struct):
    room: UUID


class _Body(Struct):
    """The part of a stored event that names its room."""

    room: UUID | None = None
    bed: _Bed | str | None = None


_OF_ROOMS = (f"{Room.TOPIC}.", f"{Occupancy.TOPIC}.")
"""First words of the topics about a room and its beds, whoever lies there."""

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
    """Return a page of events of some topics after one position and up to another.

    Neither position need be the end of a command. ``first``: the page has as many events, and the rest
    of the last one's command. Raises NewerEvent if what follows is of a newer program: an older one
    does not know what that tells, and would pass over it.
    """
    scan_limit = min(SCANNED, SCANNED_FOR_ONE * first)
    scan = {"after": after, "until": until, "scanned": scan_limit}
    rows = (await connection.execute(_SCAN, scan)).all()
    if not rows:
        return Page((), max(after, until))
    newer = next((row for row in rows if not is_known(row.topic, row.schema_version)), None)
    if newer is not None:
        rows = [row for row in rows if row.command_end < newer.command_end]
        if not rows:
            raise NewerEvent(newer.topic, newer.schema_version)
    in_ward = await _positions_in(connection, rows, ward) if ward is not None else None
    events: list[LoggedEvent] = []
    last_position = rows[-1].position
    for position, command_end, recorded_at, command, *columns in rows:
        if len(events) >= first and command_end > events[-1].known:
            last_position = events[-1].known
            break
        if columns[2] in topics and (in_ward is None or position in in_ward):
            events.append(
                LoggedEvent(position, command_end, recorded_at, command, MAPPER.event(columns))
            )
    return Page(tuple(await _with_rooms(connection, events)), last_position)


async def _with_rooms(
    connection: AsyncConnection, events: Iterable[LoggedEvent]
) -> list[LoggedEvent]:
    """Return events with the rooms that they name."""
    rooms = {
        event.position: [
            (room, event.event.entry.occurred_at, event.known) for room in _rooms_of(event.event)
        ]
        for event in events
    }
    places = await _locations(
        connection, {of for room_moments in rooms.values() for of in room_moments}
    )
    return [
        replace(event, rooms={of[0]: places[of] for of in rooms[event.position] if of in places})
        for event in events
    ]


async def _first_locations(
    connection: AsyncConnection, rooms: Collection[UUID]
) -> dict[UUID, RoomLocation]:
    """Return the wards and numbers of rooms by their ids, from the events that opened them."""
    opening_rows = await connection.execute(
        text(
            "SELECT stream, own->>'ward', own->>'number' FROM record.events"
            " WHERE stream = ANY(:rooms) AND version = 1 AND topic = :opened"
        ),
        {"rooms": list(rooms), "opened": Room.Opened.TOPIC},
    )
    return {stream: RoomLocation(ward, number) for stream, ward, number in opening_rows}


async def _positions_in(
    connection: AsyncConnection, rows: Sequence[Row[Any]], ward: str
) -> set[int]:
    """Return the positions of the events of a ward.

    They are those about a room of the ward; those about a stay that was in one when they occurred; and
    of the commands of the former, those about the same patients, but not about others or other rooms.
    """
    room_ids = [_room_of(row.topic, row.stream, _BODY.decode(row.own)) for row in rows]
    moments = [(row.stay, row.occurred_at, row.command_end) for row in rows]
    stays_in = await connection.execute(
        text(
            "SELECT asked.stay, asked.at, asked.known, s.room FROM (SELECT DISTINCT * FROM unnest("
            " CAST(:stays AS uuid[]), CAST(:moments AS timestamptz[]), CAST(:knowns AS int8[])))"
            f" AS asked (stay, at, known) JOIN {stretches.fullname} s ON s.stay = asked.stay"
            " AND s.during @> asked.at AND s.known @> asked.known"
        ),
        dict(
            zip(("stays", "moments", "knowns"), map(list, zip(*moments, strict=True)), strict=True)
        ),
    )
    beds = {(stay, at, position): room for stay, at, position, room in stays_in}
    then = [(at, position) for _, at, position in moments]
    locations = await _locations(
        connection,
        {
            (room, *at_and_position)
            for room, moment, at_and_position in zip(room_ids, moments, then, strict=True)
            for room in (room, beds.get(moment))
            if room
        },
    )
    places = [
        ((room, *at_and_position), (beds.get(moment), *at_and_position))
        for room, moment, at_and_position in zip(room_ids, moments, then, strict=True)
    ]
    of_ward = {of for of, location in locations.items() if location.ward == ward}
    in_ward = [(of in of_ward, lay_in in of_ward) for of, lay_in in places]
    about_rooms = {
        (row.command_end, row.patient) for row, (of, _) in zip(rows, in_ward, strict=True) if of
    }
    return {
        row.position
        for row, (of, lay_in) in zip(rows, in_ward, strict=True)
        if of
        or (
            not row.topic.startswith(_OF_ROOMS)
            and (
                (row.patient is not None and (row.command_end, row.patient) in about_rooms)
                or lay_in
            )
        )
    }


async def _locations(
    connection: AsyncConnection, moments: Collection[tuple[UUID, datetime, int]]
) -> dict[tuple[UUID | None, datetime, int], RoomLocation]:
    """Return the places of rooms at some moments as known at some positions; else their first places."""
    if not moments:
        return {}
    first = await _first_locations(connection, {room for room, *_ in moments})
    locations: dict[tuple[UUID | None, datetime, int], RoomLocation] = {
        of: first[of[0]] for of in moments if of[0] in first
    }
    rows = await connection.execute(
        text(
            "SELECT asked.room, asked.at, asked.known, r.ward, r.number FROM unnest("
            " CAST(:rooms AS uuid[]), CAST(:moments AS timestamptz[]), CAST(:knowns AS int8[]))"
            f" AS asked (room, at, known) JOIN {room_names.fullname} r ON r.room = asked.room"
            " AND r.during @> asked.at AND r.known @> asked.known"
        ),
        {
            "rooms": [room for room, *_ in moments],
            "moments": [at for _, at, _ in moments],
            "knowns": [position for *_, position in moments],
        },
    )
    return locations | {
        (room, at, position): RoomLocation(*names) for room, at, position, *names in rows
    }


def _rooms_of(event: Event) -> set[UUID]:
    if event.belongs_to(Room):
        return {event.originator_id}
    room_ids = (getattr(event, "room", None), getattr(getattr(event, "bed", None), "room", None))
    return {room for room in room_ids if room is not None}


def _room_of(topic: str, stream: UUID, body: _Body) -> UUID | None:
    if topic.startswith("room."):
        return stream
    return body.room or (body.bed.room if isinstance(body.bed, _Bed) else None)
