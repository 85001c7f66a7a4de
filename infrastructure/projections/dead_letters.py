"""What a read model cannot take in: parked as a whole command, retried or left out when that is decided.

A fold with a hole is no fold: from a command that is parked on, everything of the streams that it
touches is parked as well, until a retry takes all of it in, in the order of the log (docs/adr/0010).
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from domain.aggregate import Event
from domain.errors import IntegrityError
from domain.projection_control import ProjectionControl
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.projections.projection import (
    EventPosition,
    EventReader,
    ReadModel,
    SkippedEvent,
)

LOGGED = f"position, command_end, recorded_at, command_id, {EVENT_COLUMNS}"
"""The columns of an event with its place in the log."""

Logged = Sequence[Any]

FOLLOWS = "follows a command that is parked"
"""Why a command is parked that may be sound itself."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """A read model and the schema that its tables are filled in."""

    model: type[ReadModel]
    schema: str


class Halted(IntegrityError):
    """A read model that may not miss anything cannot go on after the position ``before``."""

    def __init__(self, before: int) -> None:
        super().__init__(f"halted after position {before}")
        self.before = before


def fails_by_itself(failed: Exception) -> bool:
    """Whether the events or the model are at fault, so that it would fail again; not the database."""
    if isinstance(failed, psycopg.Error):
        return isinstance(failed, psycopg.DataError | psycopg.IntegrityError)
    return not isinstance(failed, OSError)


def history(
    connection: Connection[TupleRow], mapper: EventMapper, left_out: set[UUID]
) -> EventReader:
    """How a model reads the beginning of a stream, with holes where commands are left out."""

    def read(stream: UUID, before: int) -> list[Event | SkippedEvent]:
        rows = connection.execute(
            f"SELECT command_id, {EVENT_COLUMNS} FROM record.events"
            " WHERE stream = %s AND (position < %s) IS TRUE ORDER BY version",
            [stream, before],
        )
        return [
            SkippedEvent(stream, stored[1]) if command in left_out else mapper.event(stored)
            for command, *stored in rows
        ]

    return read


def left_out(connection: Connection[TupleRow], model: type[ReadModel], until: int) -> set[UUID]:
    """The commands that a read model leaves out, by the decisions up to a position."""
    rows = connection.execute(
        "SELECT own->>'command' FROM record.events WHERE stream = %s AND topic = %s"
        " AND (position <= %s) IS TRUE",
        [ProjectionControl.id_for(model.name), ProjectionControl.CommandSkipped.TOPIC, until],
    )
    return {UUID(command) for (command,) in rows}


class DeadLetters:
    """Fills one read model with care, inside a transaction of the caller's."""

    def __init__(
        self, connection: Connection[TupleRow], target: Target, mapper: EventMapper, until: int
    ) -> None:
        """``until``: the decisions up to this position have been carried out."""
        self._connection, self._target, self._mapper = connection, target, mapper
        self._left_out = left_out(connection, target.model, until)
        self._at = ""
        self._look()

    def fill(self, rows: Sequence[Logged]) -> None:
        """Take in whole commands. What fails is parked. Raises Halted for a model that may not."""
        if self._target.model.halts:
            self._delete_all()
            self._look()
        self._take([list(events) for _, events in groupby(rows, key=lambda row: row[1])])

    def decide(self, row: Logged) -> None:
        """Carry out a decision about this read model: the event that it is, with its place."""
        if self._target.model.halts:
            return
        decision = self._mapper.event(row[4:])
        streams = set(self._parked)
        if isinstance(decision, ProjectionControl.CommandSkipped):
            streams |= self._streams(self._events_of(decision.command))
        if streams:
            self._left_out = left_out(self._connection, self._target.model, row[1])
            self.refill(streams, row[1])

    def refill(self, streams: set[UUID], until: int) -> None:
        """Forget the rows of some streams and fold them again, in the order of the log.

        The streams of commands that fail now are folded again with them, so that nothing of such a
        command stays behind.
        """
        folded: set[UUID] = set()
        while not streams <= folded:
            folded = folded | streams
            for table in self._target.model.tables():
                self._connection.execute(
                    sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(
                        sql.Identifier(self._target.schema, table.name),
                        sql.Identifier(table.info["of"]),
                    ),
                    [list(folded)],
                )
            self._delete_all()
            self._look()
            rows = self._connection.execute(
                f"SELECT {LOGGED} FROM record.events WHERE stream = ANY(%s) AND position <= %s"
                " ORDER BY position",
                [list(folded), until],
            ).fetchall()
            self._take([list(events) for _, events in groupby(rows, key=lambda row: row[1])])
            streams = self._parked

    def _take(self, commands: Sequence[Sequence[Logged]]) -> None:
        """All of them at once; if that fails, one half after the other."""
        if not commands:
            return
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                for events in commands:
                    if self._parked.isdisjoint(self._streams(events)):
                        self._apply(events)
                    else:
                        self._park(events, FOLLOWS)
                self._at = commands[-1][-1][6]
                self._model.flush(cursor)
        except Exception as failed:
            if not fails_by_itself(failed):
                raise
            self._look()
            if len(commands) > 1:
                half = len(commands) // 2
                self._take(commands[:half])
                self._take(commands[half:])
                return
            self._park(commands[0], f"{type(failed).__name__} at {self._at}")
            if self._target.model.halts:
                raise Halted(commands[0][0][0] - 1) from None

    def _apply(self, events: Iterable[Logged]) -> None:
        for position, known, recorded_at, command, *stored in events:
            self._at = stored[2]
            if not self._target.model.concerns(self._at):
                continue
            if command in self._left_out:
                self._model.pass_over(SkippedEvent(stored[0], stored[1]))
                continue
            event = self._mapper.event(stored)
            self._model.apply(event, EventPosition(position, known, recorded_at))

    def _park(self, events: Sequence[Logged], why: str) -> None:
        command = events[0][3]
        whole = self._events_of(command) or list(events)
        streams = self._streams(whole)
        said = "halts at" if self._target.model.halts else "parks"
        log.log(
            logging.WARNING if why == FOLLOWS else logging.ERROR,
            "read model %s %s command %s, position %s: %s",
            *(self._target.model.name, said, command, whole[0][0], why),
        )
        self._connection.execute(
            "INSERT INTO projections.dead_letters"
            " (read_model, command, first, last, streams, touches, error)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                self._target.schema,
                command,
                whole[0][0],
                whole[0][1],
                list(streams),
                list(_touched(whole)),
                why,
            ],
        )
        self._parked |= streams

    def _delete_all(self) -> None:
        self._connection.execute(
            "DELETE FROM projections.dead_letters WHERE read_model = %s", [self._target.schema]
        )

    def _look(self) -> None:
        """Begin afresh from what the tables say."""
        rows = self._connection.execute(
            "SELECT DISTINCT unnest(streams) FROM projections.dead_letters WHERE read_model = %s",
            [self._target.schema],
        )
        self._parked = {stream for (stream,) in rows}
        read = history(self._connection, self._mapper, self._left_out)
        self._model = self._target.model(read, self._target.schema)

    def _events_of(self, command: UUID) -> list[Logged]:
        return list(
            self._connection.execute(
                f"SELECT {LOGGED} FROM record.events WHERE position BETWEEN"
                " (SELECT first_position FROM record.commands WHERE command_id = %s) AND"
                " (SELECT last_position FROM record.commands WHERE command_id = %s)"
                " ORDER BY position",
                [command, command],
            )
        )

    def _streams(self, events: Iterable[Logged]) -> set[UUID]:
        """The streams among them that the model folds."""
        return {row[4] for row in events if self._target.model.concerns(row[6])}


def _touched(events: Iterable[Logged]) -> set[UUID]:
    """Every stream, stay and room that a command is about, read without knowing its events."""
    found = set()
    for row in events:
        own = msgspec.json.decode(row[8])
        for id in (row[4], own.get("room"), own.get("stay"), row[9]):  # the last: whom it is about
            try:
                found.add(UUID(str(id)))
            except ValueError:
                continue
    return found
