"""Queries on the log: its status, positions in it, versions of streams, commands, subjects of events."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.event_types import EVENTS
from domain.patient import Patient
from domain.room.occupancy import Occupancy
from infrastructure.projections.status import IS_LIVE, LIVE_SCHEMAS
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.direct import execute

APPEND_LOCK = "1463898722, 1"


@dataclass(frozen=True, slots=True)
class LogStatus:
    """The status of the log: its identity, the database's clock, and two positions."""

    log_id: UUID
    epoch: int
    kind: str
    now: datetime
    position: int
    """The last position that all read models have reached."""
    recorded: int
    """The last position of the log."""
    state: str
    """The generation of the log and the read models: it differs after every change of any row."""


def _status(now: str) -> str:
    """Return the SQL of the status, with an expression for the present moment."""
    # Whatever changes a read model's rows writes its row of the status in the same transaction, so that
    # transaction's id is the generation of the rows; a read model that is made anew has another row.
    return (
        f"SELECT l.log_id, l.epoch, l.kind, {now} AS now, s.position,"
        " coalesce((SELECT max(position) FROM record.events), 0) AS recorded,"
        " concat_ws(' ', l.log_id, l.epoch, pg_postmaster_start_time(), s.state) AS state"
        " FROM record.log l, LATERAL (SELECT CASE WHEN count(*) FILTER (WHERE"
        f"   (log_id, epoch) = (l.log_id, l.epoch)) = {len(LIVE_SCHEMAS)} THEN min(position)"
        "   ELSE 0 END AS position, string_agg(read_model || ' ' || xmin || ' ' || position, ' '"
        f"  ORDER BY read_model) AS state FROM projections.status WHERE {IS_LIVE}) AS s"
    )


_LOG_STATUS = _status("clock_timestamp()")

_REPLICA_STATUS = _status(  # what was recorded is past there too, though its clock may be behind
    "greatest(clock_timestamp(),"
    " (SELECT recorded_at FROM record.events ORDER BY position DESC LIMIT 1))"
)

_POSITION_AT = text(  # of the command recorded then, or of the next one if it had begun to be
    "SELECT coalesce((SELECT command_end FROM record.events"
    "   WHERE position = before.last + 1 AND recorded_at <= :moment), before.last)"
    " FROM (SELECT coalesce((SELECT last_position FROM record.commands"
    "   WHERE recorded_at <= :moment ORDER BY recorded_at DESC LIMIT 1), 0) AS last) AS before"
)

_END_OF_COMMAND = (
    "SELECT coalesce(max(command_end) FILTER (WHERE command_end <= %(position)s), 0)"
    " FROM (SELECT command_end FROM record.events WHERE position <= %(position)s"
    "       ORDER BY position DESC LIMIT 1"
    "  ) AS last"
)

_END_OF_COMMAND_BEFORE = (
    "SELECT first_position - 1 FROM record.commands c JOIN record.events e USING (command_id)"
    " WHERE e.position = %(position)s"
)

_HAS_ERASURES = text(
    "SELECT EXISTS (SELECT FROM record.events WHERE position > :after AND position <= :until"
    f" AND topic = '{Patient.Erased.TOPIC}')"
)

_RECORDED_AT = "SELECT recorded_at FROM record.events WHERE position = %(position)s"

_VERSIONS = (
    "SELECT stream, max(version) FROM record.events"
    " WHERE stream = ANY(%(streams)s) AND position <= %(position)s GROUP BY stream"
)

_SEEN = (
    "stream = ANY(%(streams)s) AND topic <> ALL(%(topics)s)"
    " AND (topic <> ALL(%(unless_label)s) OR own->>'confidentiality' IS NOT NULL)"
)
"""Condition of the events of some streams that are not `Unseen`."""

_LAST_CHANGES = (
    "SELECT stream, max(command_end), max(recorded_at) FROM record.events"
    f" WHERE {_SEEN} AND position <= %(position)s GROUP BY stream"
)

_CHANGES = (
    f"SELECT DISTINCT command_end FROM record.events WHERE {_SEEN}"
    " AND command_end <= %(position)s ORDER BY command_end DESC LIMIT %(first)s"
)


_KIND_OF_STREAM = (
    "SELECT split_part(topic, '.', 1) FROM record.events WHERE stream = %(id)s AND version = 1"
)

_HAS_FACT = "SELECT EXISTS (SELECT FROM record.events WHERE fact = %(id)s)"


async def log_status(engine: AsyncEngine) -> LogStatus:
    """Return the status of the log and its read models at present."""
    async with engine.connect() as connection:
        return LogStatus(*(await execute(connection, _LOG_STATUS, {})).one())


async def replica_status(engine: AsyncEngine) -> LogStatus:
    """Return the status of the log and its read models as far as a replica has them."""
    async with engine.connect() as connection:
        return LogStatus(*(await execute(connection, _REPLICA_STATUS, {})).one())


async def position_at(engine: AsyncEngine, moment: datetime) -> int:
    """Return the last position recorded at or before a moment of the record's own clock, for good.

    Waits for appends that are under way, so that the same moment always gives the same position. A
    command is known whole or not at all, from the first of its events: each fact is known at its
    own `recorded_at`.
    """
    async with engine.connect() as autocommit:
        connection = await autocommit.execution_options(isolation_level="READ COMMITTED")
        async with connection.begin():
            await connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({APPEND_LOCK})"))
            return (await connection.execute(_POSITION_AT, {"moment": moment})).scalar() or 0


async def recorded_at(connection: AsyncConnection, position: int) -> datetime | None:
    """Return the time when the fact at a position was recorded."""
    rows = await execute(connection, _RECORDED_AT, {"position": position})
    return rows.scalar()


async def has_erasures(connection: AsyncConnection, after: int, until: int) -> bool:
    """Return whether somebody was erased after one position and up to another."""
    rows = await connection.execute(_HAS_ERASURES, {"after": after, "until": until})
    return bool(rows.scalar())


async def end_of_command(engine: AsyncEngine, position: int) -> int:
    """Return the position if a command ends there, else the end of the command before it."""
    values = {"position": position}
    async with engine.connect() as connection:
        end = (await execute(connection, _END_OF_COMMAND, values)).scalar()
        if not end:
            end = (await execute(connection, _END_OF_COMMAND_BEFORE, values)).scalar()
        return int(end or 0)


async def versions(
    connection: AsyncConnection, streams: list[UUID], position: int
) -> dict[UUID, int]:
    """Return the versions of streams as known at a position."""
    rows = await execute(connection, _VERSIONS, {"streams": streams, "position": position})
    return {row[0]: row[1] for row in rows}


async def versions_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, int]:
    """Return the versions of streams as known at the position of a moment."""
    return await versions(connection, list(ids), at.known)


async def kind_of_stream(connection: AsyncConnection, id: UUID) -> str:
    """Return of what kind the thing of an id is or was: stay, patient or another; empty: nothing's."""
    return (await execute(connection, _KIND_OF_STREAM, {"id": id})).scalar() or ""


async def has_fact(connection: AsyncConnection, id: UUID) -> bool:
    """Return whether a movement, visit, dose or merge of an id was ever recorded."""
    return bool((await execute(connection, _HAS_FACT, {"id": id})).scalar())


@dataclass(frozen=True, slots=True)
class StreamChange:
    """A change of a stream: the last position of its command, and when that was recorded."""

    position: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Unseen:
    """Events that are no changes of what somebody sees of a stream, by their topics."""

    topics: frozenset[str] = frozenset()
    unless_label: frozenset[str] = frozenset()
    """Topics that are one only where the event has a confidentiality label."""

    @property
    def values(self) -> dict[str, list[str]]:
        """Return the values of a statement."""
        return {"topics": sorted(self.topics), "unless_label": sorted(self.unless_label)}


async def last_changes(
    connection: AsyncConnection, streams: list[UUID], position: int, unseen: Unseen
) -> dict[UUID, StreamChange]:
    """Return the last change of each of some streams as known at a position, but for what is unseen."""
    values = {"streams": streams, "position": position, **unseen.values}
    rows = await execute(connection, _LAST_CHANGES, values)
    return {row[0]: StreamChange(row[1], row[2]) for row in rows}


async def changes_before(
    connection: AsyncConnection, streams: list[UUID], position: int, first: int, unseen: Unseen
) -> list[int]:
    """Return the positions up to one at which some streams changed, the latest first."""
    values = {"streams": streams, "position": position, "first": first, **unseen.values}
    return list((await execute(connection, _CHANGES, values)).scalars())


@dataclass(frozen=True, slots=True)
class CommandView:
    """An accepted command."""

    command_id: UUID
    operation: str
    first_position: int
    last_position: int
    recorded_at: datetime


_COMMAND = text(
    "SELECT command_id, operation, first_position, last_position, recorded_at"
    " FROM record.commands WHERE command_id = :id"
)


async def command_by_id(connection: AsyncConnection, id: UUID) -> CommandView | None:
    """Return an accepted command; None if it was refused or never given."""
    row = (await connection.execute(_COMMAND, {"id": id})).one_or_none()
    return CommandView(*row) if row else None


async def log_of(connection: AsyncConnection) -> tuple[UUID, int]:
    """Return the id and the epoch of the log at present."""
    log_id, epoch = (await connection.execute(text("SELECT log_id, epoch FROM record.log"))).one()
    return log_id, epoch


async def takes_writes(connection: AsyncConnection) -> bool:
    """Return whether the database takes writes: a standby, and one that is read-only, take none."""
    query = text("SELECT current_setting('transaction_read_only') = 'off'")
    return bool((await connection.execute(query)).scalar_one())


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
    def is_readable(self) -> bool:
        """Return whether this program knows all of the topics; if not, any may be touched."""
        return self.topics <= EVENTS.keys()

    @property
    def rooms(self) -> frozenset[UUID]:
        return frozenset(room for _, room, _, _ in self.rows if room)

    @property
    def stays(self) -> frozenset[UUID]:
        return frozenset(stay for _, _, stay, _ in self.rows if stay)

    @property
    def stays_without_room(self) -> frozenset[UUID]:
        """Return the stays of events that name no room."""
        return frozenset(stay for _, room, stay, _ in self.rows if stay and not room)

    @property
    def patients(self) -> frozenset[UUID]:
        return frozenset(patient for *_, patient in self.rows if patient)

    @property
    def patients_without_room(self) -> frozenset[UUID]:
        """Return the patients of events that name no room."""
        return frozenset(patient for _, room, _, patient in self.rows if patient and not room)

    @property
    def topics_without_subject(self) -> frozenset[str]:
        """Return the topics of events that are about no room, stay or patient."""
        return frozenset(topic for topic, *subjects in self.rows if not any(subjects))


_TOUCHED_SUBJECTS = (
    "SELECT DISTINCT topic, CASE WHEN topic LIKE 'room.%%' THEN stream"
    "   WHEN topic = %(occupancy)s THEN (own->>'room')::uuid END, stay, patient"
    " FROM record.events WHERE position > %(after)s AND position <= %(until)s"
)


async def touched_subjects(connection: AsyncConnection, after: int, until: int) -> TouchedSubjects:
    """Return the subjects of the events after one position and up to another."""
    values = {"after": after, "until": until, "occupancy": Occupancy.StretchesChanged.TOPIC}
    rows = await execute(connection, _TOUCHED_SUBJECTS, values)
    return TouchedSubjects(frozenset((row[0], row[1], row[2], row[3]) for row in rows))
