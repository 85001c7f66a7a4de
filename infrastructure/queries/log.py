"""Queries on the log itself: its status, positions in it, versions of streams, accepted commands."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.room.occupancy import Occupancy
from infrastructure.projections.status import IS_LIVE, LIVE_SCHEMAS

APPEND_LOCK = "1463898722, 1"


@dataclass(frozen=True, slots=True)
class LogStatus:
    """The log as it is now: its identity, the database's clock, and how far it can be read."""

    log_id: UUID
    epoch: int
    kind: str
    now: datetime
    position: int
    recorded: int
    state: str
    """Another one after every change of what a question about read models can find."""


_LOG_STATUS = text(
    # Whatever changes a read model's rows writes its row of the status in the same transaction, so that
    # transaction's id is the generation of the rows; a read model that is made anew has another row.
    "SELECT l.log_id, l.epoch, l.kind, clock_timestamp() AS now, s.position,"
    " coalesce((SELECT max(position) FROM record.events), 0) AS recorded,"
    " concat_ws(' ', l.log_id, l.epoch, pg_postmaster_start_time(), s.state) AS state"
    " FROM record.log l, LATERAL (SELECT CASE WHEN count(*) FILTER (WHERE"
    f"   (log_id, epoch) = (l.log_id, l.epoch)) = {len(LIVE_SCHEMAS)} THEN min(position) ELSE 0 END"
    "   AS position, string_agg(read_model || ' ' || xmin || ' ' || position, ' '"
    f"  ORDER BY read_model) AS state FROM projections.status WHERE {IS_LIVE}) AS s"
)


async def log_status(engine: AsyncEngine) -> LogStatus:
    """Where the log and its read models are now."""
    async with engine.connect() as connection:
        return LogStatus(*(await connection.execute(_LOG_STATUS)).one())


async def position_at(engine: AsyncEngine, moment: datetime) -> int:
    """The last position recorded at or before a moment of the record's own clock, for good.

    Waits for appends that are under way, so that the same moment always gives the same position. A
    command is known whole or not at all, from the first of its events: each fact is known at its
    own `recorded_at`.
    """
    found = text(  # the command recorded then, or the next one if it had begun to be
        "SELECT coalesce((SELECT command_end FROM record.events"
        "   WHERE position = before.last + 1 AND recorded_at <= :moment), before.last)"
        " FROM (SELECT coalesce((SELECT last_position FROM record.commands"
        "   WHERE recorded_at <= :moment ORDER BY recorded_at DESC LIMIT 1), 0) AS last) AS before"
    )
    async with engine.connect() as autocommit:
        connection = await autocommit.execution_options(isolation_level="READ COMMITTED")
        async with connection.begin():
            await connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({APPEND_LOCK})"))
            return (await connection.execute(found, {"moment": moment})).scalar() or 0


async def end_of_command(engine: AsyncEngine, position: int) -> int:
    """The position itself if a command ends there, else the end of the command before it."""
    found = text(
        "SELECT coalesce(max(command_end) FILTER (WHERE command_end <= :position), 0)"
        " FROM (SELECT command_end FROM record.events WHERE position <= :position"
        "       ORDER BY position DESC LIMIT 1"
        "  ) AS last"
    )
    before = text(
        "SELECT first_position - 1 FROM record.commands c JOIN record.events e USING (command_id)"
        " WHERE e.position = :position"
    )
    async with engine.connect() as connection:
        whole = (await connection.execute(found, {"position": position})).scalar() or 0
        if whole:
            return int(whole)
        return int((await connection.execute(before, {"position": position})).scalar() or 0)


async def versions(
    connection: AsyncConnection, streams: list[UUID], position: int
) -> dict[UUID, int]:
    """The version of each stream as known at a position."""
    found = await connection.execute(
        text(
            "SELECT stream, max(version) FROM record.events"
            " WHERE stream = ANY(:streams) AND position <= :position GROUP BY stream"
        ),
        {"streams": streams, "position": position},
    )
    return {row[0]: row[1] for row in found}


@dataclass(frozen=True, slots=True)
class CommandView:
    """An accepted command."""

    command_id: UUID
    operation: str
    first_position: int
    last_position: int
    recorded_at: datetime


async def command_by_id(connection: AsyncConnection, id: UUID) -> CommandView | None:
    """An accepted command; None if it was refused or never given."""
    found = await connection.execute(
        text(
            "SELECT command_id, operation, first_position, last_position, recorded_at"
            " FROM record.commands WHERE command_id = :id"
        ),
        {"id": id},
    )
    row = found.one_or_none()
    return CommandView(*row) if row else None


async def log_of(connection: AsyncConnection) -> tuple[UUID, int]:
    """The id and the epoch of the log as it is now."""
    found = await connection.execute(text("SELECT log_id, epoch FROM record.log"))
    log_id, epoch = found.one()
    return log_id, epoch


@dataclass(frozen=True, slots=True)
class TouchedSubjects:
    """The topics and the subjects of some events: of each its topic, room, stay and patient."""

    rows: frozenset[tuple[str, UUID | None, UUID | None, UUID | None]]

    def of(self, topics: Set[str]) -> "TouchedSubjects":
        """Return those of the events of some topics."""
        return TouchedSubjects(frozenset(row for row in self.rows if row[0] in topics))

    @property
    def topics(self) -> frozenset[str]:
        return frozenset(topic for topic, *_ in self.rows)

    @property
    def rooms(self) -> frozenset[UUID]:
        return frozenset(room for _, room, _, _ in self.rows if room)

    @property
    def stays(self) -> frozenset[UUID]:
        return frozenset(stay for _, _, stay, _ in self.rows if stay)

    @property
    def stays_without_room(self) -> frozenset[UUID]:
        """The stays of events that name no room."""
        return frozenset(stay for _, room, stay, _ in self.rows if stay and not room)

    @property
    def patients(self) -> frozenset[UUID]:
        return frozenset(patient for *_, patient in self.rows if patient)


_TOUCHED_SUBJECTS = text(
    "SELECT DISTINCT topic, CASE WHEN topic LIKE 'room.%' THEN stream"
    "   WHEN topic = :occupancy THEN (own->>'room')::uuid END, stay, patient"
    " FROM record.events WHERE position > :after AND position <= :until"
)


async def touched_subjects(connection: AsyncConnection, after: int, until: int) -> TouchedSubjects:
    """Return the subjects of the events after one position and up to another."""
    values = {"after": after, "until": until, "occupancy": Occupancy.StretchesChanged.TOPIC}
    rows = await connection.execute(_TOUCHED_SUBJECTS, values)
    return TouchedSubjects(frozenset((row[0], row[1], row[2], row[3]) for row in rows))
