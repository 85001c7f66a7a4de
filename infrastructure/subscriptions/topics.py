"""What can be followed: the feed, a timeline, who lies where in a ward."""

import asyncio
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import DateTime, cast, func, literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf
from infrastructure.queries.feed import Located, Logged, Touched, events_page, touched
from infrastructure.queries.row_security import known
from infrastructure.queries.timeline_summaries import summaries
from infrastructure.read_models.occupancy import BoardRoom, board, stretches
from infrastructure.read_models.patients import records_of
from infrastructure.read_models.rooms import beds, rooms, spells
from infrastructure.read_models.timeline.queries import EntryView, entries_recorded
from infrastructure.subscriptions.broker import TOO_MUCH, Change

PAGE = 200
"""What is told at once, from the log."""

MERGES = {"patient.merged", "patient.unmerged"}


@dataclass(frozen=True, slots=True)
class FeedItem:
    """An event, and where the rooms are that are told with it."""

    logged: Logged
    rooms: dict[UUID, Located]


@dataclass(frozen=True, slots=True)
class Extension:
    """What a timeline was extended by, and that in words, as of then."""

    entry: EntryView
    story: str


@dataclass(frozen=True, slots=True)
class ChangedRooms:
    """The rooms of which something else is held, as they are now."""

    at: AsOf
    rooms: tuple[BoardRoom, ...]


class Feed:
    """Events of some internal topics, of all wards or of one."""

    due: float | None = None

    def __init__(self, topics: frozenset[str], ward: str | None) -> None:
        self._topics, self._ward = topics, ward

    @property
    def key(self) -> Hashable:
        return Feed, self._topics, self._ward

    def is_about(self, touched: Touched) -> bool:
        return not touched.topics.isdisjoint(self._topics)

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[FeedItem]], int]:
        page = await events_page(connection, after, until, PAGE, self._topics, self._ward)
        return [Change(e.position, FeedItem(e, page.rooms)) for e in page.events], page.reached


class Timeline:
    """What is recorded of a stay, or of a patient under whatever record of the same person."""

    due: float | None = None

    def __init__(self, *, stay: UUID | None = None, patient: UUID | None = None) -> None:
        self._stay, self._patient = stay, patient
        self._records = {patient} if patient else set()

    @property
    def key(self) -> Hashable:
        return Timeline, self._stay, self._patient

    def is_about(self, touched: Touched) -> bool:
        if self._patient is None:
            return self._stay in touched.stays
        merges = not touched.topics.isdisjoint(MERGES)
        return merges or not self._records.isdisjoint(touched.patients)

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[Extension]], int]:
        now = await _now(connection)
        records = None
        if self._patient is not None:
            records = await records_of(connection, self._patient, AsOf(now, until))
            self._records = set(records)
        found = await entries_recorded(
            connection, after, until, PAGE, patients=records, stay=self._stay
        )
        whole = len(found) < PAGE
        told: list[Change[Extension]] = []
        for position, entries in groupby(found, key=lambda entry: entry.recorded_position):
            together = list(entries)
            words = await summaries(connection, together, AsOf(now, position))
            for entry in together:
                ends_command = entry is together[-1] and (whole or entry is not found[-1])
                end = position if ends_command else entry.position
                told.append(Change(end, Extension(entry, words[entry.entry])))
        return told, until if whole else found[-1].position


class Occupancy:
    """Who lies where in a ward, or in the house.

    A room is told when something about it is recorded, though it be of the past, and when a bed
    changes as time goes by: a reservation lapses, a planned closure begins.
    """

    def __init__(self, ward: str | None, seen: datetime | None = None) -> None:
        """``seen``: the moment of which the ward is known already; by default, of each ``after``."""
        self._ward, self._seen = ward, seen
        self.due: float | None = None

    @property
    def key(self) -> Hashable:
        return Occupancy, self._ward

    def is_about(self, touched: Touched) -> bool:
        return bool(touched.rooms)

    async def changes(
        self, connection: AsyncConnection, after: int, until: int
    ) -> tuple[Sequence[Change[ChangedRooms]], int]:
        now = await _now(connection)
        here = await self._rooms(connection, until)
        if until - after > TOO_MUCH:
            changed = here
        else:
            changed = here & (await touched(connection, after, until)).rooms
        since = self._seen or await _recorded_at(connection, after)
        by_time, due = await _by_time(connection, here, since, now, until)
        self._seen = now
        loop = asyncio.get_running_loop()
        self.due = loop.time() + (due - now).total_seconds() if due else None
        changed |= by_time
        if not changed:
            return [], until
        at = AsOf(now, until)
        found = await board(connection, at, self._ward, changed)
        return [Change(until, ChangedRooms(at, tuple(found)))], until

    async def _rooms(self, connection: AsyncConnection, position: int) -> set[UUID]:
        query = select(rooms.c.room).distinct().where(known(rooms, position))
        if self._ward is not None:
            query = query.where(rooms.c.ward == self._ward)
        return set((await connection.execute(query)).scalars())


async def _by_time(
    connection: AsyncConnection, here: set[UUID], since: datetime, now: datetime, position: int
) -> tuple[set[UUID], datetime | None]:
    """The rooms that changed by themselves between two moments, and when one will do so next."""
    ahead = func.tstzrange(cast(literal(since), DateTime(timezone=True)), None)
    found = await connection.execute(
        union_all(
            *(
                select(table.c.room, func.lower(table.c.during), func.upper(table.c.during)).where(
                    table.c.during.op("&&")(ahead),
                    known(table, position),
                    table.c.room.in_(here),
                )
                for table in (stretches, spells, beds, rooms)
            )
        )
    )
    turns = [(room, turn) for room, *turns in found for turn in turns if turn and turn > since]
    changed = {room for room, turn in turns if turn <= now}
    return changed, min((turn for _, turn in turns if turn > now), default=None)


async def _now(connection: AsyncConnection) -> datetime:
    now: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now


async def _recorded_at(connection: AsyncConnection, position: int) -> datetime:
    """When a position was recorded; of the beginning of the log, when the first event was."""
    found = await connection.execute(
        text(
            "SELECT coalesce((SELECT recorded_at FROM record.events WHERE position = :position),"
            " (SELECT min(recorded_at) FROM record.events), clock_timestamp())"
        ),
        {"position": position},
    )
    moment: datetime = found.scalar_one()
    return moment
