"""Filling read models from the log: in batches, rows and position in one transaction.

The same code fills the live tables, a read model that is behind, and one that is rebuilt beside.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from domain.aggregate import Event
from infrastructure.event_mapper import EVENT_COLUMNS, EventMapper
from infrastructure.read_models import READ_MODELS
from infrastructure.read_models.model import Place, ReadModel

BATCH = 1_000
"""Events in one transaction, at least; a batch ends where a command ends."""

BATCH_LOCK = 1463898722, 4
"""Held by each batch of the live tables; who switches tables holds it too."""

END = 2**63 - 1


class LogRewound(Exception):
    """A read model is ahead of the log, or of another log: it was restored or replaced."""


@dataclass(frozen=True, slots=True)
class Target:
    """A read model and the schema that its tables are filled in."""

    model: type[ReadModel]
    schema: str

    def sql(self, statement: str) -> sql.Composed:
        """A statement about the row that keeps its position."""
        return sql.SQL(statement).format(position=sql.Identifier(self.schema, "position"))


LIVE = tuple(Target(model, str(model.metadata.schema)) for model in READ_MODELS)


class Filler:
    """Fills some read models on one connection."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        targets: Sequence[Target] = LIVE,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self._connection, self._targets = connection, targets
        self._on_progress = on_progress
        self._mapper = EventMapper()
        self._models: dict[str, ReadModel] = {}

    def prepare(self) -> None:
        """See that each read model has a position in this log. Raises LogRewound."""
        # What a crash takes back with the position is filled again from the log.
        self._connection.execute("SET synchronous_commit = off")
        self._models = {}
        for target in self._targets:
            self._connection.execute(
                target.sql(
                    "INSERT INTO {position} (only_one, log_id, epoch, position, alive_at)"
                    " SELECT 1, log_id, epoch, 0, clock_timestamp() FROM record.log"
                    " ON CONFLICT DO NOTHING"
                )
            )
            found = self._connection.execute(
                target.sql(
                    "SELECT FROM {position} p, record.log l WHERE p.log_id = l.log_id"
                    " AND p.epoch = l.epoch AND p.position <= (SELECT coalesce(max(position), 0)"
                    " FROM record.events)"
                )
            )
            if found.fetchone() is None:
                raise LogRewound(
                    f"Read model {target.model.name} is not of this log, or ahead of it: was it"
                    f" restored? Drop schema {target.schema} and run 'wardbook migrate' to fill it"
                    " again from the log."
                )

    def positions(self) -> dict[str, int]:
        """How far each read model is. Raises LogRewound if one lost its position."""
        found = {}
        for target in self._targets:
            row = self._connection.execute(target.sql("SELECT position FROM {position}")).fetchone()
            if row is None:
                raise LogRewound(f"Read model {target.model.name} lost its position.")
            found[target.model.name] = int(row[0])
        return found

    def step(self, until: int = END) -> bool:
        """One batch, for the read models that are furthest behind. False: nothing to do."""
        try:
            with self._connection.transaction():
                self._connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", BATCH_LOCK)
                return self.batch(until)
        except BaseException:
            self._models = {}  # what they remember may be of a batch that was rolled back
            raise

    def batch(self, until: int = END) -> bool:
        """The same inside a transaction of the caller's, who holds the lock."""
        positions = self.positions()
        start = min(positions.values())
        others = [p for p in positions.values() if p > start]
        group = [t for t in self._targets if positions[t.model.name] == start]
        models = [self._model(target) for target in group]
        end = start
        for event, place in self._events(start, min([until, *others])):
            for model in models:
                model.apply(event, place)
            end = place.known
        with self._connection.cursor() as cursor:
            if end > start:
                for model in models:
                    model.flush(cursor)
            for target in group:
                cursor.execute(
                    target.sql("UPDATE {position} SET position = %s, alive_at = clock_timestamp()"),
                    [end],
                )
            if end > start and not others:
                cursor.execute("SELECT pg_notify('wardbook_read', %s)", [str(end)])
        if end > start and self._on_progress:
            self._on_progress(end)
        return end > start

    def _model(self, target: Target) -> ReadModel:
        name = target.model.name
        if name not in self._models:
            self._models[name] = target.model(self._history, target.schema)
        return self._models[name]

    def _history(self, stream: UUID, before: int) -> list[Event]:
        rows = self._connection.execute(
            f"SELECT {EVENT_COLUMNS} FROM record.events"
            " WHERE stream = %s AND position < %s ORDER BY version",
            [stream, before],
        )
        return [self._mapper.event(row) for row in rows]

    def _events(self, after: int, until: int) -> Iterator[tuple[Event, Place]]:
        rows = self._connection.execute(
            f"SELECT position, command_end, recorded_at, {EVENT_COLUMNS} FROM record.events"
            " WHERE position > %(after)s AND position <= least(%(until)s, ("
            "   SELECT max(command_end) FROM (SELECT command_end FROM record.events"
            "     WHERE position > %(after)s ORDER BY position LIMIT %(batch)s) AS first))"
            " ORDER BY position",
            {"after": after, "until": until, "batch": BATCH},
        )
        for position, known, recorded_at, *event in rows:
            yield self._mapper.event(event), Place(position, known, recorded_at)
