"""The event store in PostgreSQL: a recorder for the eventsourcing library.

The library loads this module by name (``PERSISTENCE_MODULE``). All writing goes through the stored
function ``record.append``: one round trip, one lock, positions without gaps (docs/adr/0001).
"""

from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Any, cast
from uuid import UUID

import msgspec
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    Mapper,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Subscription,
    TrackingRecorder,
    Transcoder,
)
from psycopg import Connection, DataError
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from application.ports import (
    AlreadyRecorded,
    Append,
    Behind,
    Stale,
)
from infrastructure.event_store.append_request import to_recorded_command, to_request
from infrastructure.event_store.group_commit import GroupCommit
from infrastructure.event_store.log_reader import (
    DATABASE_AWAY_AFTER,
    DatabaseUnavailable,
    LogReader,
)
from infrastructure.event_store.mapper import EventMapper, VersionedStoredEvent
from infrastructure.event_store.occupancy_numbers import OccupancyNumbers, Sending
from infrastructure.postgres.connection_failure import RETRY_SECONDS
from infrastructure.postgres.database import PLAN_BY_INDEX

_APPEND = "SELECT record.append(%s::jsonb)::text"

_APPEND_ALL = (
    "SELECT CASE WHEN jsonb_path_exists(outcomes, '$[*] ? (@.outcome != \"recorded\")')"
    "  THEN left(outcomes::text, 0)::int::text ELSE outcomes::text END"
    " FROM (SELECT record.append(%s::jsonb) AS outcomes OFFSET 0) AS appended"
)
"""Appends all of the commands, or fails: the cast of an empty text to a number rolls it back."""


class Recorder(LogReader, ApplicationRecorder):
    """Reads the log, and appends to it through ``record.append``."""

    def __init__(self, pool: ConnectionPool[Connection[TupleRow]], mapper: EventMapper) -> None:
        super().__init__(pool, mapper)
        self._numbers = OccupancyNumbers(mapper)
        self._group = GroupCommit(self._send)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append one command. Raises Stale, Behind, or AlreadyRecorded if its id is known."""
        append: Append = kwargs["append"]
        events = cast(list[VersionedStoredEvent], list(stored_events))
        sending = Sending(append, events, to_request(append, events, self.keys))
        outcome = self._group.append(sending)
        if outcome["outcome"] == "behind":
            raise Behind({UUID(id): version for id, version in outcome["versions"].items()})
        if outcome["outcome"] in ("stale", "taken"):
            raise Stale(outcome.get("claim", ""))
        command = to_recorded_command(outcome["command"])
        if outcome["outcome"] == "earlier":
            raise AlreadyRecorded(command)
        append.reads = sending.reads_caught_up()
        append.remembered, append.owners = command, [UUID(id) for id in outcome["owners"]]
        return range(command.first_position, command.position + 1)

    def insert_together(self, commands: Sequence[tuple[Append, Sequence[StoredEvent]]]) -> None:
        """Append commands in order, all of them or nothing. Raises Stale for nothing."""
        outcomes = self.append_all(
            [
                to_request(append, cast(list[VersionedStoredEvent], events), self.keys)
                for append, events in commands
            ]
        )
        for (append, _), outcome in zip(commands, outcomes, strict=True):
            append.remembered = to_recorded_command(outcome["command"])
            append.owners = [UUID(id) for id in outcome["owners"]]

    def _send(self, sendings: Sequence[Sending]) -> list[dict[str, Any]]:
        """Append commands of this process, numbered in rooms as they come after each other."""
        self._numbers.number(sendings)
        outcomes = self.append_batch([sending.request for sending in sendings])
        self._numbers.learn(sendings, outcomes)
        return outcomes

    def append_batch(self, commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Append commands in order in one transaction, each whole or not at all.

        A connection that breaks says nothing of the commit: the same commands are sent once more,
        and those that were recorded are recognised by their ids.
        """
        start = monotonic()
        try:
            return self._append(commands)
        except DatabaseUnavailable:
            if monotonic() - start > DATABASE_AWAY_AFTER / 2:
                raise
            return self._append(commands)

    def append_all(self, commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Append commands in order in one transaction, all of them or nothing. Raises Stale."""
        try:
            ((response,),) = self._query([(_APPEND_ALL, [_body_of(commands)])])[0]
        except DataError:
            raise Stale from None
        return cast(list[dict[str, Any]], msgspec.json.decode(response))

    def _append(self, commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        # Never pipelined: it would hold the lock until this process has sent what comes after.
        ((response,),) = self._query([(_APPEND, [_body_of(commands)])])[0]
        return cast(list[dict[str, Any]], msgspec.json.decode(response))

    # -- interface of the library --

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT stream, version, topic, schema_version, body::text FROM record.events"
                " WHERE stream = %s AND version > %s AND version <= %s"
                f" ORDER BY version {'DESC' if desc else 'ASC'} LIMIT %s".encode(),
                [originator_id, gt or 0, 2**31 - 1 if lte is None else lte, limit],
            )
            return [
                VersionedStoredEvent(stream, version, topic, body.encode(), schema_version)
                for stream, version, topic, schema_version, body in cursor
            ]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        first = (start or 0) + (0 if inclusive_of_start else 1)
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT position, stream, version, topic, body::text FROM record.events"
                " WHERE position >= %s AND position <= %s AND (%s OR topic = ANY(%s))"
                " ORDER BY position LIMIT %s",
                [first, 2**63 - 1 if stop is None else stop, not topics, list(topics), limit],
            )
            return [
                Notification(stream, version, topic, body.encode(), position)
                for position, stream, version, topic, body in cursor
            ]

    def max_notification_id(self) -> int | None:
        with self._cursor() as cursor:
            row = cursor.execute("SELECT max(position) FROM record.events").fetchone()
        return row[0] if row else None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Raise TypeError: the library's subscriptions stall when a connection dies silently."""
        raise TypeError(
            "follow the log with infrastructure.projections.runner, which polls as well"
        )


class Factory(InfrastructureFactory[TrackingRecorder]):
    """Factory of the library's persistence; ``DATABASE`` in the environment is the URL.

    ``SYNCHRONOUS_COMMIT`` is PostgreSQL's setting of that name; on, unless it is named.
    """

    def mapper(
        self,
        transcoder: Transcoder | None = None,
        mapper_class: type[Mapper[Any]] | None = None,
    ) -> Mapper[Any]:
        return EventMapper()

    def application_recorder(self) -> ApplicationRecorder:
        is_synchronous = self.env.get("SYNCHRONOUS_COMMIT", "on") == "on"
        pool = ConnectionPool(
            self.env["DATABASE"],
            min_size=1,
            max_size=16,
            timeout=DATABASE_AWAY_AFTER,
            # its own pauses double, and then it would leave who waits waiting: begin anew instead
            reconnect_timeout=RETRY_SECONDS,
            reconnect_failed=ConnectionPool.check,
            kwargs={"autocommit": True, "connect_timeout": 5},
            configure=partial(_configure, synchronous_commit=is_synchronous),
            open=True,
        )
        self._pool: ConnectionPool[Connection[TupleRow]] = pool
        return Recorder(pool, EventMapper())

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        return self.application_recorder()

    def tracking_recorder(
        self, tracking_recorder_class: type[TrackingRecorder] | None = None
    ) -> TrackingRecorder:
        raise TypeError("read models keep their own positions: see infrastructure.read_models")

    def process_recorder(self) -> ProcessRecorder:
        raise TypeError("commands and read models are kept apart: see infrastructure.read_models")

    def close(self) -> None:
        self._pool.close()


def _body_of(commands: Sequence[dict[str, Any]]) -> str:
    return msgspec.json.encode(commands).decode()


def _configure(connection: Connection[TupleRow], synchronous_commit: bool) -> None:
    """Set what the statements of a command need: no scan of a table that grows, no long wait."""
    connection.execute(f"{PLAN_BY_INDEX}; SET statement_timeout = '5s'")
    if not synchronous_commit:
        connection.execute("SET synchronous_commit = off")
