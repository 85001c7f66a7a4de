"""The record in PostgreSQL: the eventsourcing library's persistence with a recorder of our own.

The library loads this module by name (``PERSISTENCE_MODULE``). All writing goes through the stored
function ``record.append``: one round trip, one lock, positions without gaps (docs/adr/0001).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
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
from psycopg import Connection, Cursor, OperationalError
from psycopg.rows import TupleRow
from psycopg.types.range import TimestamptzRange
from psycopg_pool import ConnectionPool, PoolTimeout

from application.ports import (
    AlreadyRecorded,
    Append,
    CommandPreload,
    PersonClaim,
    RecordedCommand,
    Stale,
)
from domain.aggregate import Event
from domain.errors import TransientError
from domain.refusals import BedRef
from domain.room.occupancy import Claim
from domain.stay.history import Stretch
from domain.time import Period
from domain.unique_keys import Unique
from infrastructure.event_store.append_request import command_of, remembered_of
from infrastructure.event_store.group_commit import GroupCommit
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper, Stored
from infrastructure.postgres.database import PLAN_BY_INDEX

DATABASE_AWAY_AFTER = 4.0
"""Seconds after which a call gives up when the database cannot be reached."""


class DatabaseUnavailable(TransientError):
    """The database cannot be reached now. Nothing is known to be lost: ask with the same id again."""

    concerns_all = True


Statement = tuple[str, list[Any]]
"""A statement and its values."""

_OPENING = (
    "SELECT clock_timestamp(), c.* FROM (SELECT) AS always"
    " LEFT JOIN record.commands c ON c.command_id = %s"
)
_WITH_SUBJECTS = (
    "SELECT e.* FROM (SELECT unnest(%s::uuid[]) AS id UNION SELECT unnest(ARRAY[patient, stay])"
    "   FROM record.stored_events WHERE stream = ANY(%s) AND version = 1) AS w,"
    f" LATERAL (SELECT {EVENT_COLUMNS} FROM record.events"
    "   WHERE stream = w.id ORDER BY version OFFSET 0) AS e"
)
_HOLD_STILL = (
    "SELECT NOT EXISTS (SELECT FROM unnest(%s::uuid[], %s::int[]) AS w (id, seen)"
    " LEFT JOIN LATERAL (SELECT version, recorded_at FROM record.stored_events"
    "   WHERE stream = w.id ORDER BY version DESC LIMIT 1) AS last ON true"
    " WHERE coalesce(version, 0) <> seen OR recorded_at > %s)"
)
_OWNERS = (
    "SELECT kind, key, owner FROM record.unique_claims"
    " JOIN unnest(%s::text[], %s::text[]) AS w (kind, key) USING (kind, key)"
)
_OWNERS_OF_KINDS = (
    "SELECT DISTINCT w.kind, c.owner FROM unnest(%s::text[]) AS w (kind), LATERAL"
    " (SELECT owner FROM record.unique_claims WHERE kind = w.kind OFFSET 0) AS c ORDER BY owner"
)


class Recorder(ApplicationRecorder):
    """Reads the log, and appends to it through ``record.append``."""

    def __init__(self, pool: ConnectionPool[Connection[TupleRow]], mapper: EventMapper) -> None:
        self.pool, self.mapper = pool, mapper
        self._group = GroupCommit(self.append_batch)

    # -- append --

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append one command. Raises Stale, or AlreadyRecorded if its id is known."""
        append: Append = kwargs["append"]
        outcome = self._group.append(command_of(append, stored_events))
        if outcome["outcome"] in ("stale", "taken"):
            raise Stale(outcome.get("claim", ""))
        command = remembered_of(outcome["command"])
        if outcome["outcome"] == "earlier":
            raise AlreadyRecorded(command)
        append.remembered, append.owners = command, outcome["owners"]
        return range(command.first_position, command.position + 1)

    def append_batch(self, commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Append commands in order in one transaction, each whole or not at all.

        A connection that breaks says nothing of the commit: the same commands are sent once more,
        and those that were recorded are recognised by their ids.
        """
        begun = monotonic()
        try:
            return self._append(commands)
        except DatabaseUnavailable:
            if monotonic() - begun > DATABASE_AWAY_AFTER / 2:
                raise
            return self._append(commands)

    def _append(self, commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        kinds = list(dict.fromkeys(k for command in commands for k in command.get("asks", ())))
        plain = [_without_asks(command) for command in commands] if kinds else commands
        said = msgspec.json.encode(plain).decode()
        # Never pipelined: it would hold the lock until this process has sent what comes after.
        ((told,),) = self._asked([("SELECT record.append(%s::jsonb)::text", [said])])[0]
        owned = self._asked([(_OWNERS_OF_KINDS, [kinds])])[0] if kinds else []
        outcomes = cast(list[dict[str, Any]], msgspec.json.decode(told))
        for command, outcome in zip(commands, outcomes, strict=True):
            wanted = command.get("asks", ())
            outcome["owners"] = [owner for kind, owner in owned if kind in wanted]
        return outcomes

    # -- what a decision asks --

    def preload(
        self, command_id: UUID, streams: Sequence[UUID] = (), names: Sequence[Unique] = ()
    ) -> CommandPreload:
        """The database's clock, and the command if it was recorded before.

        In the same round trip these streams, those of the patients and stays they are about, owners.
        """
        asked: list[Statement] = [(_OPENING, [command_id])]
        if streams:
            asked.append((_WITH_SUBJECTS, [list(streams), list(streams)]))
        if names:
            asked.append((_OWNERS, [[n.kind for n in names], [n.key for n in names]]))
        (begun,), *more = self._asked(asked)
        found: dict[UUID, list[Event]] = {id: [] for id in streams}
        for row in more.pop(0) if streams else ():
            found.setdefault(row[0], []).append(self.mapper.event(row))
        owned = {(kind, key): owner for kind, key, owner in (more.pop(0) if names else ())}
        return CommandPreload(
            begun[0], _earlier(begun), found, {name: owned.get(name) for name in names}
        )

    def still_current(
        self, command_id: UUID, versions: Mapping[UUID, int], until: datetime | None
    ) -> tuple[bool, RecordedCommand | None]:
        """Whether streams are at these versions, and the command if it was recorded.

        And nothing in them was recorded after a moment of the record's clock, if one is given.
        """
        asked = (_HOLD_STILL, [list(versions), list(versions.values()), until])
        ((still,),), (begun,) = self._asked([asked, (_OPENING, [command_id])])
        return still, _earlier(begun)

    def streams(self, after: Mapping[UUID, int]) -> dict[UUID, list[Event]]:
        """The events of each stream after the given version, in order."""
        found: dict[UUID, list[Event]] = {}
        with self._cursor() as cursor:
            cursor.execute(
                # OFFSET 0: one index scan a stream, whatever the planner thinks of their number
                f"SELECT e.* FROM unnest(%s::uuid[], %s::int[]) AS w (id, seen), LATERAL"
                f" (SELECT {EVENT_COLUMNS} FROM record.events"
                "   WHERE stream = w.id AND version > w.seen ORDER BY version OFFSET 0) AS e",
                [list(after), list(after.values())],
            )
            for event in self._events(cursor):
                found.setdefault(event.originator_id, []).append(event)
        return found

    def heads(self, streams: Iterable[UUID]) -> dict[UUID, int]:
        """The last version of each stream; 0 for one that does not exist."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT id, coalesce((SELECT max(version) FROM record.events WHERE stream = id), 0)"
                " FROM unnest(%s::uuid[]) AS w (id)",
                [list(streams)],
            )
            return dict(cursor.fetchall())

    def events_between(self, first: int, last: int) -> list[Event]:
        """The events at positions ``first`` to ``last``, both included."""
        with self._cursor() as cursor:
            cursor.execute(
                f"SELECT {EVENT_COLUMNS} FROM record.events"
                " WHERE position BETWEEN %s AND %s ORDER BY position",
                [first, last],
            )
            return list(self._events(cursor))

    def streams_of(self, fact: UUID) -> list[UUID]:
        """The streams that tell of a movement, a visit, a dose or a merge: two, for a swap."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT stream FROM record.events WHERE fact = %(fact)s"
                " UNION ALL SELECT stream FROM record.events WHERE cancel = %(fact)s",
                {"fact": fact},
            )
            return sorted({stream for (stream,) in cursor})

    def owner(self, kind: str, key: str) -> UUID | None:
        """Who has a unique claim."""
        with self._cursor() as cursor:
            row = cursor.execute(
                "SELECT owner FROM record.unique_claims WHERE kind = %s AND key = %s", [kind, key]
            ).fetchone()
        return row[0] if row else None

    def owners(self, kinds: Iterable[str]) -> list[UUID]:
        """All who have a unique claim of one of these kinds."""
        with self._cursor() as cursor:
            rows = cursor.execute(_OWNERS_OF_KINDS.encode(), [list(kinds)])
            return list(dict.fromkeys(owner for _, owner in rows))

    def bed_claims(self, room: UUID, period: Period) -> list[Claim]:
        """Who has beds of a room during a period, as held true now."""
        return self._bed_claims("room = %s AND (during && %s) IS TRUE", [room, _range(period)])

    def sharers(self, stay: UUID) -> list[Claim]:
        """The stretches of those who share a bed of this stay, as held true now."""
        return self._bed_claims("shares_bed_of = %s", [stay])

    def person_claims(self, person: UUID, period: Period) -> list[PersonClaim]:
        """The stays of a person during a period, as held true now."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT stay, lower(during), upper(during) FROM record.person_claims"
                " WHERE person = %s AND (during && %s) IS TRUE ORDER BY during",
                [person, _range(period)],
            )
            return [PersonClaim(person, row[0], Period(row[1], row[2])) for row in cursor]

    def stays_of(self, person: UUID) -> list[UUID]:
        """All stays of a person, as held true now; those too that ended as they began."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT stay FROM record.person_claims WHERE person = %s ORDER BY during", [person]
            )
            return [stay for (stay,) in cursor]

    def merged_into(self, patients: Collection[UUID]) -> list[UUID]:
        """The records that were ever merged into some, though that may have been taken back."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT e.stream FROM unnest(%s::text[]) AS w (id), LATERAL"
                " (SELECT stream FROM record.stored_events"
                "   WHERE own->>'into' IS NOT NULL AND own->>'into' = w.id OFFSET 0) AS e",
                [[str(patient) for patient in patients]],
            )
            return [stream for (stream,) in cursor]

    def _bed_claims(self, where: str, values: list[Any]) -> list[Claim]:
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT stay, room, bed, lower(during), upper(during), kept, shares_bed_of"
                f" FROM record.bed_claims WHERE {where} ORDER BY during, stay".encode(),
                values,
            )
            return [
                Claim(stay, Stretch(BedRef(room, bed), Period(since, until), kept, shares))
                for stay, room, bed, since, until, kept, shares in cursor
            ]

    # -- what the library asks --

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
                Stored(stream, version, topic, body.encode(), schema_version)
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
        """The library's subscriptions stall when a connection dies silently."""
        raise TypeError(
            "follow the log with infrastructure.projections.runner, which polls as well"
        )

    def _asked(self, asked: Sequence[Statement]) -> list[list[TupleRow]]:
        """The rows of each statement, of all of them in one round trip and one transaction."""
        with self._cursor() as cursor:
            if len(asked) == 1:
                return [cursor.execute(asked[0][0].encode(), asked[0][1]).fetchall()]
            with cursor.connection.pipeline():
                cursors = [
                    cursor.connection.execute(said.encode(), values) for said, values in asked
                ]
            return [each.fetchall() for each in cursors]  # after the commit

    def _events(self, cursor: Cursor[TupleRow]) -> Iterator[Event]:
        return map(self.mapper.event, cursor)

    @contextmanager
    def _cursor(self) -> Iterator[Cursor[TupleRow]]:
        try:
            with (
                self.pool.connection(timeout=DATABASE_AWAY_AFTER / 2) as connection,
                connection.cursor() as cursor,
            ):
                yield cursor
        except (OperationalError, PoolTimeout):
            raise DatabaseUnavailable(
                "The database cannot be reached; ask again with the same commandId."
            ) from None


class Factory(InfrastructureFactory[TrackingRecorder]):
    """What the library builds its application from: ``DATABASE`` in the environment is the URL."""

    def mapper(
        self,
        transcoder: Transcoder | None = None,
        mapper_class: type[Mapper[Any]] | None = None,
    ) -> Mapper[Any]:
        return EventMapper()

    def application_recorder(self) -> ApplicationRecorder:
        pool = ConnectionPool(
            self.env["DATABASE"],
            min_size=1,
            max_size=16,
            timeout=DATABASE_AWAY_AFTER,
            kwargs={"autocommit": True, "connect_timeout": 5},
            configure=_configure,
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


def _configure(connection: Connection[TupleRow]) -> None:
    """Set what the statements of a command need: no scan of a table that grows, no long wait."""
    connection.execute(f"{PLAN_BY_INDEX}; SET statement_timeout = '5s'")


def _without_asks(command: dict[str, Any]) -> dict[str, Any]:
    return {name: said for name, said in command.items() if name != "asks"}


def _earlier(begun: TupleRow) -> RecordedCommand | None:
    """The command of a row of `_OPENING`, if it was recorded."""
    return RecordedCommand(*begun[1:]) if begun[1] else None


def _range(period: Period) -> TimestamptzRange:
    return TimestamptzRange(period.start, period.end)
