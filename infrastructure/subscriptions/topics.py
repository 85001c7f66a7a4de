"""Topics of subscriptions: the feed, the timeline of a patient or a stay, the occupancy board."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, cast, func, literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.patient import Patient
from infrastructure.queries.as_of import AsOf, one_of
from infrastructure.queries.feed import Located, Logged, events_page
from infrastructure.queries.log import TouchedSubjects, touched_subjects
from infrastructure.queries.row_security import known
from infrastructure.queries.tables_read import tables_read
from infrastructure.queries.timeline_summaries import summaries
from infrastructure.read_models import READ_MODELS
from infrastructure.read_models.occupancy import BoardRoom, board, stretches
from infrastructure.read_models.patients import records_of
from infrastructure.read_models.rooms import beds, rooms, spells
from infrastructure.read_models.timeline.queries import EntryView, entries_recorded
from infrastructure.subscriptions.broker import MAX_INSPECTED_EVENTS, Change

PAGE = 200
"""Changes that one query returns at most, of the feed and of a timeline."""

MERGES = {Patient.Merged.TOPIC, Patient.Unmerged.TOPIC}


@dataclass(frozen=True, slots=True)
class FeedItem:
    """An event of the feed, and the places of the rooms that it names."""

    logged: Logged
    rooms: dict[UUID, Located]


@dataclass(frozen=True, slots=True)
class ExtendedBy:
    """A new entry of a timeline with its summary, as known when it was recorded."""

    entry: EntryView
    summary: str


@dataclass(frozen=True, slots=True)
class ChangedRooms:
    """The rooms of a board that changed, as they are at a moment."""

    at: AsOf
    rooms: tuple[BoardRoom, ...]


class FeedTopic:
    """The events of some internal topics, of all wards or of one."""

    due: float | None = None

    def __init__(self, topics: frozenset[str], ward: str | None) -> None:
        self._topics, self._ward = topics, ward

    @property
    def key(self) -> Hashable:
        return FeedTopic, self._topics, self._ward

    def is_touched(self, subjects: TouchedSubjects) -> bool:
        return not subjects.topics.isdisjoint(self._topics)

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[FeedItem]], int]:
        page = await events_page(connection, after, until, PAGE, self._topics, self._ward)
        return [Change(e.position, FeedItem(e, page.rooms)) for e in page.events], page.reached


class TimelineTopic:
    """The timeline of a stay, or of a patient with all records of the same person."""

    due: float | None = None

    def __init__(self, *, stay: UUID | None = None, patient: UUID | None = None) -> None:
        self._stay, self._patient = stay, patient
        self._records = {patient} if patient else set()

    @property
    def key(self) -> Hashable:
        return TimelineTopic, self._stay, self._patient

    def is_touched(self, subjects: TouchedSubjects) -> bool:
        if self._patient is None:
            return self._stay in subjects.stays
        is_merged = not subjects.topics.isdisjoint(MERGES)
        return is_merged or not self._records.isdisjoint(subjects.patients)

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[ExtendedBy]], int]:
        now = await _now(connection)
        records = None
        if self._patient is not None:
            records = await records_of(connection, self._patient, AsOf(now, until))
            self._records = set(records)
        entries = await entries_recorded(
            connection, after, until, PAGE, patients=records, stay=self._stay
        )
        is_all = len(entries) < PAGE
        changes: list[Change[ExtendedBy]] = []
        for position, of_command in groupby(entries, key=lambda entry: entry.recorded_position):
            recorded = list(of_command)
            texts = await summaries(connection, recorded, AsOf(now, position))
            for entry in recorded:
                ends_command = entry is recorded[-1] and (is_all or entry is not entries[-1])
                resume_after = position if ends_command else entry.position
                changes.append(Change(resume_after, ExtendedBy(entry, texts[entry.entry])))
        return changes, until if is_all else entries[-1].position


class OccupancyTopic:
    """The occupancy board of a ward, or of the house.

    A room changes when an event about it is recorded, of the past too, and when a bed changes by time:
    a reservation lapses, a planned closure begins. The event types that touch the board are those that
    the read models handle whose tables its ``queries`` read.
    """

    def __init__(
        self,
        ward: str | None,
        seen: datetime | None = None,
        queries: tuple[Callable[..., Any], ...] = (board,),
    ) -> None:
        """``seen``: the moment as of which the subscriber has the board; else that of each ``after``."""
        self._ward, self._seen, self._queries = ward, seen, queries
        self.due: float | None = None

    @property
    def key(self) -> Hashable:
        return OccupancyTopic, self._ward, self._queries

    def is_touched(self, subjects: TouchedSubjects) -> bool:
        return not subjects.topics.isdisjoint(topics_read(self._queries))

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[ChangedRooms]], int]:
        now = await _now(connection)
        shown = await self._rooms(connection, until)
        if until - after > MAX_INSPECTED_EVENTS:
            changed = shown
        else:
            changed = shown & await self._touched_rooms(connection, after, until)
        since = self._seen or await _recorded_at(connection, after)
        changed_by_time, due = await _changed_by_time(connection, shown, since, now, until)
        self._seen = now
        loop = asyncio.get_running_loop()
        self.due = loop.time() + (due - now).total_seconds() if due else None
        changed |= changed_by_time
        if not changed:
            return [], until
        at = AsOf(now, until)
        board_rooms = await board(connection, at, self._ward, changed)
        return [Change(until, ChangedRooms(at, tuple(board_rooms)))], until

    async def _rooms(self, connection: AsyncConnection, position: int) -> set[UUID]:
        """Return the rooms of the ward."""
        query = select(rooms.c.room).distinct().where(known(rooms, position))
        if self._ward is not None:
            query = query.where(rooms.c.ward == self._ward)
        return set((await connection.execute(query)).scalars())

    async def _touched_rooms(
        self, connection: AsyncConnection, after: int, until: int
    ) -> frozenset[UUID]:
        """Return the rooms of the events that touch the board: named by them, or of their stays."""
        subjects = await touched_subjects(connection, after, until)
        touched = subjects.of(topics_read(self._queries))
        if not touched.stays_without_room:
            return touched.rooms
        rooms_of_stays = await connection.execute(
            select(stretches.c.room)
            .distinct()
            .where(
                one_of(stretches.c.stay, list(touched.stays_without_room)), known(stretches, until)
            )
        )
        return touched.rooms.union(rooms_of_stays.scalars())


@cache
def topics_read(queries: tuple[Callable[..., Any], ...]) -> frozenset[str]:
    """Return the topics of the events from which the results of some queries follow."""
    tables = {table for query in queries for table in tables_read(query, with_row_security=False)}
    return frozenset(
        event.TOPIC
        for model in READ_MODELS
        if not tables.isdisjoint(model.tables())
        for event in model.handles
    )


async def _changed_by_time(
    connection: AsyncConnection, shown: set[UUID], since: datetime, now: datetime, position: int
) -> tuple[set[UUID], datetime | None]:
    """Return the rooms that changed by time between two moments, and the moment of the next change."""
    ahead = func.tstzrange(cast(literal(since), DateTime(timezone=True)), None)
    rows = await connection.execute(
        union_all(
            *(
                select(table.c.room, func.lower(table.c.during), func.upper(table.c.during)).where(
                    table.c.during.op("&&")(ahead),
                    known(table, position),
                    table.c.room.in_(shown),
                )
                for table in (stretches, spells, beds, rooms)
            )
        )
    )
    boundaries = [
        (room, moment) for room, *ends in rows for moment in ends if moment and moment > since
    ]
    changed = {room for room, moment in boundaries if moment <= now}
    return changed, min((moment for _, moment in boundaries if moment > now), default=None)


async def _now(connection: AsyncConnection) -> datetime:
    now: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now


async def _recorded_at(connection: AsyncConnection, position: int) -> datetime:
    """Return when a position was recorded; for 0, when the first event was."""
    result = await connection.execute(
        text(
            "SELECT coalesce((SELECT recorded_at FROM record.events WHERE position = :position),"
            " (SELECT min(recorded_at) FROM record.events), clock_timestamp())"
        ),
        {"position": position},
    )
    moment: datetime = result.scalar_one()
    return moment
