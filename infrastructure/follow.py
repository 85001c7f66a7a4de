"""The follower: fills the read models from the log, in batches, rows and position in one transaction.

It is woken by NOTIFY and looks by itself at least each second, whatever happens to the LISTEN. One
follower at a time leads (an advisory lock); others wait to take over.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from domain.aggregate import Event
from infrastructure.event_store import EVENT_COLUMNS, EventMapper, stored_event
from infrastructure.read_models import READ_MODELS
from infrastructure.read_models.model import Place, ReadModel

BATCH = 1_000
"""Events in one transaction, at least; a batch ends where a command ends."""

LEADER_LOCK = 1463898722, 2
POLL_SECONDS = 1.0

log = logging.getLogger(__name__)


class LogRewound(Exception):
    """A read model is ahead of the log, or of another log: it was restored or replaced."""


class Follower:
    """Keeps all read models up to date. Use `run` in a thread of its own, or `catch_up` once."""

    def __init__(self, url: str, on_progress: Callable[[int, int], None] | None = None) -> None:
        self._url = url
        self._mapper = EventMapper()
        self._stopping = threading.Event()
        self._on_progress = on_progress
        self._models: dict[str, ReadModel] = {}
        self._end = 0

    def run(self) -> None:
        """Follow the log until `stop` is called; comes back by itself when the database does."""
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as connection:
                    if self._lead(connection):
                        self._follow(connection)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                log.warning("the database cannot be reached; trying again")
            except Exception:
                log.exception("the read models stand still; trying again")
            self._stopping.wait(POLL_SECONDS)

    def stop(self) -> None:
        """Stop following; returns at once, `run` within about a second."""
        self._stopping.set()

    def catch_up(self) -> int:
        """Fill the read models up to the end of the log as it is now; returns that position.

        Where another follower leads, waits until that one has done it, or takes over from it.
        """
        with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as connection:
            row = connection.execute("SELECT coalesce(max(position), 0) FROM record.events")
            end = int((row.fetchone() or [0])[0])
            while not self._lead(connection):
                with contextlib.suppress(LogRewound):  # the leader is only just beginning
                    reached = min(self._positions(connection).values())
                    if reached >= end:
                        return reached
                    self._tell(reached, end)
                self._stopping.wait(0.1)
            self._prepare(connection)
            self._end = end
            while self._step(connection):
                pass
            return min(self._positions(connection).values())

    def _lead(self, connection: Connection[TupleRow]) -> bool:
        row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", LEADER_LOCK).fetchone()
        return bool(row and row[0])

    def _follow(self, connection: Connection[TupleRow]) -> None:
        self._prepare(connection)
        connection.execute("LISTEN wardbook_log")
        while not self._stopping.is_set():
            while self._step(connection) and not self._stopping.is_set():
                pass
            for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                pass

    def _prepare(self, connection: Connection[TupleRow]) -> None:
        # What a crash takes back with the position is filled again from the log.
        connection.execute("SET synchronous_commit = off")
        self._models = {}
        for model in READ_MODELS:
            connection.execute(
                _position_sql(
                    "INSERT INTO {position} (only_one, log_id, epoch, position, alive_at)"
                    " SELECT 1, log_id, epoch, 0, clock_timestamp() FROM record.log"
                    " ON CONFLICT DO NOTHING",
                    model,
                )
            )
            row = connection.execute(
                _position_sql(
                    "SELECT FROM {position} p, record.log l WHERE p.log_id = l.log_id"
                    " AND p.epoch = l.epoch AND p.position <= (SELECT coalesce(max(position), 0)"
                    " FROM record.events)",
                    model,
                )
            ).fetchone()
            if row is None:
                raise LogRewound(
                    f"Read model {model.name} is not of this log, or ahead of it: was it restored? "
                    f"Drop schema {model.metadata.schema} and run 'wardbook migrate' to fill it "
                    "again from the log."
                )

    def _positions(self, connection: Connection[TupleRow]) -> dict[str, int]:
        found = {}
        for model in READ_MODELS:
            row = connection.execute(_position_sql("SELECT position FROM {position}", model))
            one = row.fetchone()
            if one is None:
                raise LogRewound(f"Read model {model.name} lost its position; starting again.")
            found[model.name] = one[0]
        return found

    def _step(self, connection: Connection[TupleRow]) -> bool:
        """One batch, for the read models that are furthest behind. False: nothing to do."""
        try:
            return self._batch(connection)
        except BaseException:
            self._models = {}  # what they remember may be of a batch that was rolled back
            raise

    def _batch(self, connection: Connection[TupleRow]) -> bool:
        with connection.transaction():
            positions = self._positions(connection)
            start = min(positions.values())
            others = [p for p in positions.values() if p > start]
            group = [m for m in READ_MODELS if positions[m.name] == start]
            end = start
            models = [self._model(m, connection) for m in group]
            for event, place in self._events(connection, start, min(others, default=2**63 - 1)):
                for model in models:
                    model.apply(event, place)
                end = place.known
            if end == start:
                for m in group:
                    connection.execute(
                        _position_sql("UPDATE {position} SET alive_at = clock_timestamp()", m)
                    )
                return False
            with connection.cursor() as cursor:
                for model in models:
                    model.flush(cursor)
                    cursor.execute(
                        _position_sql(
                            "UPDATE {position} SET position = %s, alive_at = clock_timestamp()",
                            type(model),
                        ),
                        [end],
                    )
            if not others:
                connection.execute("SELECT pg_notify('wardbook_read', %s)", [str(end)])
        self._tell(end, max(end, self._end))
        return True

    def _tell(self, done: int, total: int) -> None:
        if self._on_progress:
            self._on_progress(done, total)

    def _model(self, kind: type[ReadModel], connection: Connection[TupleRow]) -> ReadModel:
        if kind.name not in self._models:

            def history(stream: UUID, before: int) -> list[Event]:
                rows = connection.execute(
                    f"SELECT {EVENT_COLUMNS} FROM record.events"
                    " WHERE stream = %s AND position < %s ORDER BY version",
                    [stream, before],
                )
                return [self._mapper.to_domain_event(stored_event(row)) for row in rows]

            self._models[kind.name] = kind(history)
        return self._models[kind.name]

    def _events(
        self, connection: Connection[TupleRow], after: int, until: int
    ) -> Iterator[tuple[Event, Place]]:
        rows = connection.execute(
            f"SELECT position, command_end, recorded_at, {EVENT_COLUMNS} FROM record.events"
            " WHERE position > %(after)s AND position <= least(%(until)s, ("
            "   SELECT max(command_end) FROM (SELECT command_end FROM record.events"
            "     WHERE position > %(after)s ORDER BY position LIMIT %(batch)s) AS first))"
            " ORDER BY position",
            {"after": after, "until": until, "batch": BATCH},
        )
        for position, known, recorded_at, *event in rows:
            yield (
                self._mapper.to_domain_event(stored_event(event)),
                Place(position, known, recorded_at),
            )


def _position_sql(statement: str, model: type[ReadModel]) -> sql.Composed:
    return sql.SQL(statement).format(
        position=sql.Identifier(str(model.metadata.schema), "position")
    )
