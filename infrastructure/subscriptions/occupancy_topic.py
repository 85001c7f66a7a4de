"""Topic of a followed occupancy board: the rooms of which something else is shown."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CompoundSelect,
    DateTime,
    Select,
    Table,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.event_types import EVENTS
from infrastructure.queries.as_of import AsOf, one_of
from infrastructure.queries.log import TouchedSubjects, touched_subjects, versions
from infrastructure.queries.row_security import held, known
from infrastructure.queries.tables_read import tables_read
from infrastructure.read_models import READ_MODELS
from infrastructure.read_models.bed_uses import BoardRoom, stretches
from infrastructure.read_models.occupancy import board
from infrastructure.read_models.patients import records_of_each
from infrastructure.read_models.rooms import beds, rooms, spells
from infrastructure.read_models.stays import stays
from infrastructure.subscriptions.broker import MAX_INSPECTED_EVENTS, Change
from infrastructure.subscriptions.topics import database_now

Queries = tuple[Callable[..., Any], ...]

OF_ROOMS = (stretches, spells, beds, rooms)
"""The tables of the board itself."""


@dataclass(frozen=True, slots=True)
class ChangedRooms:
    """The rooms of a board that changed, as they are at a moment, and those that left the board."""

    at: AsOf
    rooms: tuple[BoardRoom, ...]
    left: tuple[UUID, ...]


class OccupancyTopic:
    """The occupancy board of a ward, or of the house.

    A room changes when an event is recorded, of the past too, about the room, or about a stay or a
    person in it; and when a bed changes by time: a reservation lapses, a planned closure begins. The
    event types that touch the board are those that the read models handle whose tables its ``queries``
    read; so a field that is added to a type on the board is followed as it declares its query.
    """

    def __init__(
        self, ward: str | None, seen_at: datetime | None = None, queries: Queries = (board,)
    ) -> None:
        """``seen_at``: the moment of the board that the subscriber has; else that of each ``after``."""
        self._ward, self._seen, self._queries = ward, seen_at, queries
        self.due: float | None = None

    @property
    def key(self) -> Hashable:
        return OccupancyTopic, self._ward, self._queries

    def is_touched(self, subjects: TouchedSubjects) -> bool:
        topics = topics_read(self._queries)
        return not (subjects.is_readable and subjects.topics.isdisjoint(topics))

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[ChangedRooms]], int]:
        now = await database_now(connection)
        visible_rooms = await self._rooms(connection, after, until)
        if until - after > MAX_INSPECTED_EVENTS:
            changed_rooms = visible_rooms
        else:
            changed_rooms = visible_rooms & await self._touched_rooms(
                connection, visible_rooms, now, after, until
            )
        since = self._seen or await _recorded_at(connection, after)
        changed_by_time, due = await self._changed_by_time(
            connection, visible_rooms, since, now, until
        )
        self._seen = now
        loop = asyncio.get_running_loop()
        self.due = loop.time() + (due - now).total_seconds() if due else None
        changed_rooms |= changed_by_time
        if not changed_rooms:
            return [], until
        at = AsOf(now, until)
        board_rooms = await board(connection, at, self._ward, changed_rooms)
        rooms_left = changed_rooms.difference(room.room.room for room in board_rooms)
        return [
            Change(until, ChangedRooms(at, tuple(board_rooms), tuple(sorted(rooms_left))))
        ], until

    async def _rooms(self, connection: AsyncConnection, before: int, position: int) -> set[UUID]:
        """Return the rooms that are, or were, of the ward, as known at either of two positions."""
        is_known = or_(known(rooms, before), known(rooms, position))
        query = select(rooms.c.room).distinct().where(is_known)
        if self._ward is not None:
            query = query.where(rooms.c.ward == self._ward)
        return set((await connection.execute(query)).scalars())

    async def _touched_rooms(
        self,
        connection: AsyncConnection,
        visible_rooms: set[UUID],
        now: datetime,
        after: int,
        until: int,
    ) -> set[UUID]:
        """Return the rooms of the events that touch the board: of those whom they are about."""
        subjects = await touched_subjects(connection, after, until)
        if not subjects.is_readable:
            return visible_rooms
        subjects_touched = subjects.of(topics_read(self._queries))
        if not subjects_touched.topics_without_subject.isdisjoint(
            _topics_of_everyone(self._queries)
        ):
            return visible_rooms
        touched_rooms = set(subjects_touched.rooms)
        if subjects_touched.stays_without_room or subjects_touched.patients_without_room:
            before, at = AsOf(now, after), AsOf(now, until)
            touched_rooms |= await _rooms_about(connection, subjects_touched, before, at)
        return touched_rooms

    async def _changed_by_time(
        self,
        connection: AsyncConnection,
        visible_rooms: set[UUID],
        since: datetime,
        now: datetime,
        position: int,
    ) -> tuple[set[UUID], datetime | None]:
        """Return the rooms that changed by time between two moments, and the next such moment."""
        others = _tables(self._queries) - set(OF_ROOMS)
        tables = [table for table in others if table.info["has_valid_time_boundaries"]]
        rooms_by_id = {room: {room} for room in visible_rooms}
        if tables:
            for room, *ids in await connection.execute(_in_beds(now, position)):
                for id in ids if room in visible_rooms else ():
                    rooms_by_id.setdefault(id, set()).add(room)
        ids = list(rooms_by_id)
        rows = await connection.execute(
            union_all(*(_boundaries(table, ids, since, position) for table in (*OF_ROOMS, *tables)))
        )
        boundaries = [(id, moment) for id, *ends in rows for moment in ends if moment]
        changed_rooms: set[UUID] = set()
        for id, moment in boundaries:
            if moment <= now:
                changed_rooms |= rooms_by_id.get(id, visible_rooms)
        return changed_rooms, min(
            (moment for _, moment in boundaries if moment > now), default=None
        )


@cache
def topics_read(queries: Queries) -> frozenset[str]:
    """Return the topics of the events from which the results of some queries follow."""
    if versions in queries:
        return frozenset(EVENTS)
    return _topics_of(_tables(queries))


@cache
def _topics_of_everyone(queries: Queries) -> frozenset[str]:
    """Return the topics of events that may concern every room: of tables without a subject."""
    return _topics_of(frozenset(t for t in _tables(queries) if _subject(t) is None))


def _tables(queries: Queries) -> frozenset[Table]:
    """Return the tables that queries read; the versions of records are read from the log."""
    return frozenset(t for query in queries if query is not versions for t in tables_read(query))


def _topics_of(tables: frozenset[Table]) -> frozenset[str]:
    return frozenset(
        event.TOPIC
        for model in READ_MODELS
        if not tables.isdisjoint(model.tables())
        for event in model.handles
    )


def _subject(table: Table) -> Any:
    """Return the column by which rows of a table are those of some rooms, stays or patients."""
    names = ("room",) if table in OF_ROOMS else ("stay", "patient")
    return next((table.c[name] for name in names if name in table.c), None)


def _boundaries(table: Table, ids: Sequence[UUID], since: datetime, position: int) -> Select[Any]:
    """Compose the ends after a moment of the rows of some subjects; NULL for those before it."""
    subject, moment = _subject(table), cast(literal(since), DateTime(timezone=True))
    ends = func.lower(table.c.during), func.upper(table.c.during)
    return select(
        table.c[table.info["key"]] if subject is None else subject,
        *(case((end > moment, end)) for end in ends),
    ).where(
        table.c.during.op("&&")(func.tstzrange(moment, None)),
        known(table, position),
        true() if subject is None else one_of(subject, ids),
    )


def _in_beds(now: datetime, position: int) -> CompoundSelect[Any]:
    """Compose the rooms with the stays and patients in their beds, or for whom these are reserved."""
    lain_in = select(stretches.c.room, stretches.c.stay, stretches.c.patient)
    reservations = select(spells.c.room, spells.c.for_stay, spells.c.for_patient)
    return union_all(
        lain_in.where(held(stretches, now, position)),
        reservations.where(held(spells, now, position)),
    )


async def _rooms_about(
    connection: AsyncConnection, subjects_touched: TouchedSubjects, before: AsOf, at: AsOf
) -> set[UUID]:
    """Return the rooms in whose beds are some stays, persons, or their mothers or children."""
    patients = sorted(subjects_touched.patients_without_room)
    records = set(patients)
    for moment in (before, at):  # a merge that was taken back tells something of both
        for of_person in (await records_of_each(connection, patients, moment)).values():
            records.update(of_person)
    rooms = set(subjects_touched.stays_without_room)
    stays_of_patients = select(stays.c.stay).where(one_of(stays.c.patient, sorted(records)))
    rooms.update(
        (await connection.execute(stays_of_patients.where(known(stays, at.known)))).scalars()
    )
    for _ in "mother", "her other children":
        ids = sorted(rooms)
        sharers = select(stays.c.stay, stays.c.shares_bed_of).where(
            or_(one_of(stays.c.stay, ids), one_of(stays.c.shares_bed_of, ids)),
            stays.c.shares_bed_of.is_not(None),
        )
        for pair in await connection.execute(sharers):
            rooms.update(pair)
    in_beds = await connection.execute(_in_beds(at.as_of, at.known))
    return {room for room, stay, patient in in_beds if stay in rooms or patient in records}


async def _recorded_at(connection: AsyncConnection, position: int) -> datetime:
    """Return the time when a position was recorded; for 0, when the first event was."""
    result = await connection.execute(
        text(
            "SELECT coalesce((SELECT recorded_at FROM record.events WHERE position = :position),"
            " (SELECT min(recorded_at) FROM record.events), clock_timestamp())"
        ),
        {"position": position},
    )
    moment: datetime = result.scalar_one()
    return moment
