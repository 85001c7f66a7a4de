"""Dead letters: commands that a read model cannot project, set aside until a retry or a skip is decided.

Users call them parked. From a dead letter on, every command on the streams that it touches is one as
well, until a retry projects all of them in the order of the log (docs/adr/0010).
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
from domain.errors import IntegrityError, TransientError
from domain.projection_control import ProjectionControl
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper, NewerEvent
from infrastructure.projections.projection import (
    EventPosition,
    EventReader,
    ReadModel,
    SkippedEvent,
)
from infrastructure.sealing.keys_missing import KeysMissing

EVENT_ROW_COLUMNS = f"position, command_end, recorded_at, command_id, {EVENT_COLUMNS}"
"""The columns of an event with its position in the log."""

EventRow = Sequence[Any]
"""A row of `EVENT_ROW_COLUMNS`."""

FOLLOWS_DEAD_LETTER = "follows a command that is parked"
"""The error of a dead letter that may be sound itself."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProjectionTarget:
    """A read model and the schema that its tables are filled in."""

    model: type[ReadModel]
    schema: str


class Halted(IntegrityError):
    """A read model that may not miss anything cannot go on after the position ``before``."""

    def __init__(self, before: int) -> None:
        super().__init__(f"halted after position {before}")
        self.before = before


def is_permanent(error: Exception) -> bool:
    """Return whether an error lies in the events or the read model, not in the database or keys.

    An event of a newer program is no fault: a program that knows it takes it in.
    """
    if isinstance(error, NewerEvent):
        return False
    if isinstance(error, psycopg.Error):
        return isinstance(error, psycopg.DataError | psycopg.IntegrityError)
    return not isinstance(error, OSError | KeysMissing | TransientError)


def event_reader(
    connection: Connection[TupleRow], mapper: EventMapper, skipped_commands: set[UUID]
) -> EventReader:
    """Return a function that reads a stream before a position, with the skipped commands marked."""

    def read(stream: UUID, before: int) -> list[Event | SkippedEvent]:
        rows = connection.execute(
            f"SELECT command_id, {EVENT_COLUMNS} FROM record.events"
            " WHERE stream = %s AND (position < %s) IS TRUE ORDER BY version",
            [stream, before],
        )
        return [
            SkippedEvent(stream, columns[1])
            if command in skipped_commands
            else mapper.event(columns)
            for command, *columns in rows
        ]

    return read


def skipped_commands(
    connection: Connection[TupleRow], model: type[ReadModel], until: int
) -> set[UUID]:
    """Return the commands that a read model skips, by the decisions up to a position."""
    rows = connection.execute(
        "SELECT own->>'command' FROM record.events WHERE stream = %s AND topic = %s"
        " AND (position <= %s) IS TRUE",
        [ProjectionControl.id_for(model.name), ProjectionControl.CommandSkipped.TOPIC, until],
    )
    return {UUID(command) for (command,) in rows}


class IsolatingProjector:
    """Projects into one read model and isolates what fails; inside a transaction of the caller's."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        target: ProjectionTarget,
        mapper: EventMapper,
        until: int,
    ) -> None:
        """``until``: the decisions up to this position have been carried out."""
        self._connection, self._target, self._mapper = connection, target, mapper
        self._skipped = skipped_commands(connection, target.model, until)
        self._topic = ""
        self._reset()

    def project(self, rows: Sequence[EventRow]) -> None:
        """Project whole commands. What fails is a dead letter, or halts the read model: Halted."""
        if self._target.model.halts:
            self._delete_dead_letters()
            self._reset()
        self._project(_commands(rows))

    def decide(self, row: EventRow) -> None:
        """Carry out the decision about this read model that an event is."""
        if self._target.model.halts:
            return
        decision = self._mapper.event(row[4:])
        streams = set(self._isolated)
        if isinstance(decision, ProjectionControl.CommandSkipped):
            streams |= self._streams(self._events_of(decision.command))
        if streams:
            self._skipped = skipped_commands(self._connection, self._target.model, row[1])
            self.refill(streams, row[1])

    def read_anew(self, streams: set[UUID], until: int) -> None:
        """Project some streams again, whose texts read otherwise now, with what is of them."""
        found_streams = streams | self._isolated
        for table in self._target.model.tables():
            for column in {"patient", "stay"}.intersection(table.columns.keys()):
                rows = self._connection.execute(
                    sql.SQL("SELECT DISTINCT {} FROM {} WHERE {} = ANY(%s)").format(
                        sql.Identifier(table.info["of"]),
                        sql.Identifier(self._target.schema, table.name),
                        sql.Identifier(column),
                    ),
                    [list(streams)],
                )
                found_streams |= {stream for (stream,) in rows}
        self.refill(found_streams, until)

    def refill(self, streams: set[UUID], until: int) -> None:
        """Delete the rows of some streams and project these again, in the order of the log.

        The streams of commands that fail now are projected again with them, so that nothing of such
        a command stays behind; and those that revise each other's rows, which only all of them give.
        """
        refilled_streams: set[UUID] = set()
        while not streams <= refilled_streams:
            refilled_streams = self._with_revising(refilled_streams | streams)
            for table in self._target.model.tables():
                self._connection.execute(
                    sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(
                        sql.Identifier(self._target.schema, table.name),
                        sql.Identifier(table.info["of"]),
                    ),
                    [list(refilled_streams)],
                )
            self._delete_dead_letters()
            self._reset()
            rows = self._connection.execute(
                f"SELECT {EVENT_ROW_COLUMNS} FROM record.events"
                " WHERE stream = ANY(%s) AND position <= %s ORDER BY position",
                [list(refilled_streams), until],
            ).fetchall()
            self._project(_commands(rows))
            streams = self._isolated

    def _with_revising(self, streams: set[UUID]) -> set[UUID]:
        """Return streams with those that revise their rows, or whose rows they revise."""
        model = self._target.model
        streams_found, known_streams = set(streams), set[UUID]()
        while model.revised_by and streams_found != known_streams:
            known_streams = set(streams_found)
            for table in model.tables():
                for column in model.revised_by.intersection(table.columns.keys()):
                    pairs = self._connection.execute(
                        sql.SQL(
                            "SELECT DISTINCT {of}, {column} FROM {table} WHERE {column} IS NOT NULL"
                            " AND ({of} = ANY(%(known)s) OR {column} = ANY(%(known)s))"
                        ).format(
                            of=sql.Identifier(table.info["of"]),
                            column=sql.Identifier(column),
                            table=sql.Identifier(str(table.schema), table.name),
                        ),
                        {"known": list(known_streams)},
                    )
                    streams_found.update(*pairs)
        return streams_found

    def _project(self, commands: Sequence[Sequence[EventRow]]) -> None:
        """Project all of the commands at once; if that fails, one half after the other."""
        if not commands:
            return
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                for events in commands:
                    if self._isolated.isdisjoint(self._streams(events)):
                        self._apply(events)
                    else:
                        self._add_dead_letter(events, FOLLOWS_DEAD_LETTER)
                self._topic = commands[-1][-1][6]
                self._model.flush(cursor)
        except Exception as error:
            if not is_permanent(error):
                raise
            self._reset()
            if len(commands) > 1:
                half = len(commands) // 2
                self._project(commands[:half])
                self._project(commands[half:])
                return
            self._add_dead_letter(commands[0], f"{type(error).__name__} at {self._topic}")
            if self._target.model.halts:
                raise Halted(commands[0][0][0] - 1) from None

    def _apply(self, events: Iterable[EventRow]) -> None:
        for position, command_end, recorded_at, command, *columns in events:
            self._topic = columns[2]
            if not self._target.model.concerns(self._topic):
                continue
            if command in self._skipped:
                self._model.skip(SkippedEvent(columns[0], columns[1]))
                continue
            event = self._mapper.event(columns)
            self._model.apply(event, EventPosition(position, command_end, recorded_at))

    def _add_dead_letter(self, events: Sequence[EventRow], error: str) -> None:
        command = events[0][3]
        command_events = self._events_of(command) or list(events)
        streams = self._streams(command_events)
        verb = "halts at" if self._target.model.halts else "parks"
        log.log(
            logging.WARNING if error == FOLLOWS_DEAD_LETTER else logging.ERROR,
            "read model %s %s command %s, position %s: %s",
            *(self._target.model.name, verb, command, command_events[0][0], error),
        )
        first, last = command_events[0][:2]
        touched_entities = list(_entities_of(command_events))
        self._connection.execute(
            "INSERT INTO projections.dead_letters"
            " (read_model, command, first, last, streams, touches, error)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [self._target.schema, command, first, last, list(streams), touched_entities, error],
        )
        self._isolated |= streams

    def _delete_dead_letters(self) -> None:
        self._connection.execute(
            "DELETE FROM projections.dead_letters WHERE read_model = %s", [self._target.schema]
        )

    def _reset(self) -> None:
        """Forget what is in memory; read again which streams have dead letters."""
        rows = self._connection.execute(
            "SELECT DISTINCT unnest(streams) FROM projections.dead_letters WHERE read_model = %s",
            [self._target.schema],
        )
        self._isolated = {stream for (stream,) in rows}
        read = event_reader(self._connection, self._mapper, self._skipped)
        self._model = self._target.model(read, self._target.schema)

    def _events_of(self, command: UUID) -> list[EventRow]:
        return list(
            self._connection.execute(
                f"SELECT {EVENT_ROW_COLUMNS} FROM record.events WHERE position BETWEEN"
                " (SELECT first_position FROM record.commands WHERE command_id = %s) AND"
                " (SELECT last_position FROM record.commands WHERE command_id = %s)"
                " ORDER BY position",
                [command, command],
            )
        )

    def _streams(self, events: Iterable[EventRow]) -> set[UUID]:
        """Return the streams of events that the read model folds."""
        return {row[4] for row in events if self._target.model.concerns(row[6])}


def _commands(rows: Iterable[EventRow]) -> list[list[EventRow]]:
    """Group the rows of events by command."""
    return [list(events) for _, events in groupby(rows, key=lambda row: row[1])]


def _entities_of(events: Iterable[EventRow]) -> set[UUID]:
    """Return every stream, stay and room that a command is about, without decoding its events."""
    entities = set()
    for row in events:
        data = msgspec.json.decode(row[8])
        # The last is whom the event is about.
        for id in (row[4], data.get("room"), data.get("stay"), row[9]):
            try:
                entities.add(UUID(str(id)))
            except ValueError:
                continue
    return entities
