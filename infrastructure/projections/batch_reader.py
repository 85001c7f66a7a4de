"""Batch reader: the status of read models, and the next events for those that are furthest behind."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from domain.errors import IntegrityError
from domain.patient import Patient
from domain.projection_control import ProjectionControl
from infrastructure.projections.dead_letters import EVENT_ROW_COLUMNS, EventRow, ProjectionTarget


class LogRewound(IntegrityError):
    """A read model is ahead of the log, or of another log: it was restored or replaced."""


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """Positions of read models by schema, and the schemas of those that have dead letters."""

    positions: dict[str, int]
    with_dead_letters: set[str]


@dataclass(frozen=True, slots=True)
class BatchSource:
    """Source of a batch: the read models that are furthest behind, and the events after these."""

    status: BatchStatus
    group: list[ProjectionTarget]
    start: int
    rows: Sequence[EventRow]


class BatchReader:
    """Reads what some read models are to take in next; ``watched``: those whose status is told."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        targets: Sequence[ProjectionTarget],
        watched: Sequence[ProjectionTarget],
    ) -> None:
        self._connection, self._targets, self._watched = connection, targets, watched
        self._decisions = [ProjectionControl.id_for(t.model.name) for t in targets]
        self._guess: int | None = None

    def read(self, until: int, limit: int, halted: Collection[str]) -> BatchSource:
        """Read the status, and ``limit`` events at least: a batch ends where a command ends.

        In a pipeline this waits once, unless another process has projected in between.
        """
        status_cursor = self._select_status()
        guess, rows_cursor = self._guess, None
        if guess is not None:
            rows_cursor = self._select_rows(guess, until, limit)
        status = self.status(status_cursor)
        group, end = self._furthest_behind(status, until, halted)
        if not group:
            return BatchSource(status, group, 0, ())
        start = status.positions[group[0].schema]
        if rows_cursor is None or (start, end) != (guess, until):
            rows_cursor = self._select_rows(start, end, limit)
        rows = rows_cursor.fetchall()
        ends = [row[1] for row in rows if row[6] == Patient.Erased.TOPIC]
        if ends:
            rows = [row for row in rows if row[1] <= ends[0]]
        self._guess = rows[-1][1] if rows else start
        return BatchSource(status, group, start, rows)

    def _furthest_behind(
        self, status: BatchStatus, until: int, halted: Collection[str]
    ) -> tuple[list[ProjectionTarget], int]:
        """Return the targets with the lowest position, and how far they may go: to the next one."""
        targets = [t for t in self._targets if t.model.name not in halted]
        positions = {t.schema: status.positions[t.schema] for t in targets}
        start = min(positions.values(), default=0)
        others = [position for position in positions.values() if position > start]
        return [t for t in targets if positions[t.schema] == start], min([until, *others])

    def _select_status(self) -> Cursor[TupleRow]:
        return self._connection.execute(
            "SELECT read_model, position, EXISTS (SELECT FROM projections.dead_letters d"
            "   WHERE d.read_model = s.read_model)"
            " FROM projections.status s WHERE read_model = ANY(%s)",
            [[t.schema for t in self._watched]],
        )

    def status(self, rows: Cursor[TupleRow] | None = None) -> BatchStatus:
        """Return the status of the watched read models. Raises LogRewound if a target lost its own."""
        status = BatchStatus(dict.fromkeys((t.schema for t in self._watched), 0), set())
        lost_models = {t.schema: t.model.name for t in self._targets}
        for schema, position, has_dead_letters in rows or self._select_status():
            status.positions[schema] = int(position)
            lost_models.pop(schema, None)
            if has_dead_letters:
                status.with_dead_letters.add(schema)
        for name in lost_models.values():
            raise LogRewound(f"Read model {name} lost its position.")
        return status

    def _select_rows(self, after: int, until: int, limit: int) -> Cursor[TupleRow]:
        """Read the next batch: to the end of a command, and to the next decision about a target.

        `read` ends it at a command that erases a person, too.
        """
        return self._connection.execute(
            f"SELECT {EVENT_ROW_COLUMNS} FROM record.events"
            " WHERE position > %(after)s AND position <= least(%(until)s, ("
            "   SELECT max(command_end) FROM (SELECT command_end FROM record.events"
            "     WHERE position > %(after)s ORDER BY position LIMIT %(batch)s) AS first), ("
            "   SELECT min(command_end) FROM record.events"
            "     WHERE stream = ANY(%(decisions)s) AND (position > %(after)s) IS TRUE))"
            " ORDER BY position",
            {
                "after": after,
                "until": until,
                "batch": limit,
                "decisions": self._decisions,
            },
        )
