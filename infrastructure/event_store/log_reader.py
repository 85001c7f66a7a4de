"""Queries of commands on the log and its claims: streams, claims, and commands recorded before.

Every statement finds its rows by an index (`infrastructure.postgres.database.PLAN_BY_INDEX`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor, OperationalError
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from application.ports import CommandPreload, RecordedCommand
from domain.aggregate import Event
from domain.bed_ref import BedRef
from domain.errors import TransientError
from domain.patient import Patient
from domain.room.occupancy import Claim
from domain.stay.history import Stretch
from domain.time import Period
from domain.unique_keys import Unique, former
from infrastructure.event_store import sealed_claims
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.sealing.erasures import destroy_keys

DATABASE_AWAY_AFTER = 4.0
"""Seconds after which a call gives up when the database cannot be reached."""


class DatabaseUnavailable(TransientError):
    """The database cannot be reached now. Nothing is known to be lost: ask with the same id again."""


Statement = tuple[str, Sequence[Any] | dict[str, Any]]
"""A statement and its values, in order or by name."""

_CLOCK_AND_COMMAND = (
    "SELECT clock_timestamp(), c.* FROM (SELECT) AS always"
    " LEFT JOIN record.commands c ON c.command_id = %(command)s"
)
_RECORDED = (
    "SELECT c.command_id FROM unnest(%s::uuid[]) AS w (id), LATERAL"
    " (SELECT command_id FROM record.commands WHERE command_id = w.id OFFSET 0) AS c"
)
_WITH_SUBJECTS = (
    "SELECT e.* FROM (SELECT unnest(%(streams)s::uuid[]) AS id"
    "   UNION SELECT unnest(ARRAY[patient, stay])"
    "   FROM record.stored_events WHERE stream = ANY(%(streams)s) AND version = 1) AS w,"
    f" LATERAL (SELECT {EVENT_COLUMNS} FROM record.events"
    "   WHERE stream = w.id ORDER BY version OFFSET 0) AS e"
)
_STILL_CURRENT = (
    "SELECT NOT EXISTS (SELECT FROM unnest(%s::uuid[], %s::int[]) AS w (id, seen)"
    " LEFT JOIN LATERAL (SELECT version, recorded_at FROM record.stored_events"
    "   WHERE stream = w.id ORDER BY version DESC LIMIT 1) AS last ON true"
    " WHERE coalesce(version, 0) <> seen OR recorded_at > %s)"
)
_OWNERS = (
    "SELECT c.* FROM unnest(%(kinds)s::text[], %(keys)s::text[]) AS w (kind, key), LATERAL"
    " (SELECT * FROM record.unique_claims WHERE kind = w.kind AND key = w.key OFFSET 0) AS c"
)
_OWNERS_OF_KINDS = (
    "SELECT DISTINCT w.kind, c.owner FROM unnest(%(whole)s::text[]) AS w (kind), LATERAL"
    " (SELECT owner FROM record.unique_claims WHERE kind = w.kind OFFSET 0) AS c ORDER BY owner"
)
_FORESEEN = (
    f"WITH named AS MATERIALIZED ({_OWNERS}),"
    " subjects AS MATERIALIZED (SELECT unnest(%(subjects)s::uuid[]) AS id"
    "   UNION SELECT patient FROM record.stored_events"
    "     WHERE stream = ANY(%(subjects)s) AND version = 1"
    "   UNION SELECT owner FROM named)"
    " SELECT (SELECT json_agg(named) FROM named)::text,"
    f" (SELECT json_agg(json_build_array(kind, owner)) FROM ({_OWNERS_OF_KINDS}) AS former)::text,"
    " (SELECT json_agg(json_build_object('id', id, 'merged', ARRAY("
    "     SELECT stream FROM record.stored_events"
    "     WHERE own->>'into' IS NOT NULL AND own->>'into' = id::text),"
    "   'stays', ARRAY(SELECT stay FROM record.person_claims WHERE person = id ORDER BY during)))"
    "   FROM subjects WHERE id IS NOT NULL)::text,"
    f" now.* FROM ({_CLOCK_AND_COMMAND}) AS now"
)
"""The clock and a command, owners of names and kinds, and what is of them, subjects, their patients."""
_BEDS = (
    "SELECT version, stay, room, bed, lower(during), upper(during), kept, shares_bed_of FROM ("
    " SELECT NULL::integer AS version, c.* FROM (SELECT id,"
    "     tstzrange(since, until, CASE WHEN until <= since THEN '[]' ELSE '[)' END)"
    "     FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS w (id, since, until)"
    "   ) AS w (id, span), LATERAL (SELECT * FROM record.bed_claims"
    "     WHERE room = w.id AND coalesce(upper(during), 'infinity') >= lower(w.span)"
    "       AND (during && w.span) IS TRUE OFFSET 0) AS c"
    " UNION SELECT NULL, c.* FROM record.bed_claims AS c WHERE shares_bed_of = ANY(%s)"
    " UNION ALL SELECT coalesce((SELECT max(version) FROM record.stored_events WHERE stream = id), 0),"
    "   NULL, id, NULL, NULL, NULL, NULL, NULL FROM unnest(%s::uuid[]) AS w (id)"
    ") AS beds ORDER BY during, stay"
)
"""Claims on rooms in periods, those that share a bed of some stays, and the versions of streams."""

ADD_KEY_ACTS = "SELECT audit.add_key_acts(%s, %s, %s)"


class LogReader:
    """Reads the log and its claims, on connections of a pool. Safe in threads."""

    def __init__(self, pool: ConnectionPool[Connection[TupleRow]], mapper: EventMapper) -> None:
        self.pool, self.mapper, self.keys = pool, mapper, mapper.keys

    def preload(
        self,
        command_id: UUID,
        streams: Sequence[UUID] = (),
        names: Sequence[Unique] = (),
        subjects: Sequence[UUID] = (),
    ) -> CommandPreload:
        """Return the database's clock, and the command if it was recorded before.

        In the same round trip: these streams, those of the patients and stays that they are about,
        the owners of unique names and of former ones, and of these owners, the ``subjects`` and the
        patients whom they are about: the records ever merged into them, and their stays.
        """
        kinds = [former(name) for name in names if name.kind == "mrn"]
        former_forms = {kind: sealed_claims.kinds([kind], self.keys) for kind in kinds}
        values = {
            "command": command_id,
            "subjects": list(subjects),
            "whole": [form for forms in former_forms.values() for form in forms],
            **self._forms(names),
        }
        statements: list[Statement] = [(_FORESEEN, values)]
        if streams:
            statements.append((_WITH_SUBJECTS, {"streams": list(streams)}))
        ((owners, former_owners, subject_rows, *clock_and_command),), *rest = self._query(
            statements
        )
        events: dict[UUID, list[Event]] = {id: [] for id in streams}
        for row in rest[0] if rest else ():
            events.setdefault(row[0], []).append(self.mapper.event(row))
        former_rows = msgspec.json.decode(former_owners or "[]", type=list[tuple[str, UUID]])
        relations = msgspec.json.decode(subject_rows or "[]", type=list[_Subject])
        return CommandPreload(
            clock_and_command[0],
            _recorded_command(tuple(clock_and_command)),
            events,
            self._owners_by_name(names, msgspec.json.decode(owners or "[]", type=list[_Owner])),
            {k: [*{id for kind, id in former_rows if kind in f}] for k, f in former_forms.items()},
            {subject.id: subject.merged for subject in relations},
            {subject.id: subject.stays for subject in relations},
        )

    def recorded_ids(self, command_ids: Collection[UUID]) -> set[UUID]:
        """Return those of some commands that were recorded."""
        (rows,) = self._query([(_RECORDED, [list(command_ids)])])
        return {id for (id,) in rows}

    def still_current(
        self, command_id: UUID, versions: Mapping[UUID, int], until: datetime | None
    ) -> tuple[bool, RecordedCommand | None]:
        """Return whether streams are at these versions, and the command if it was recorded.

        With ``until``, nothing in them may have been recorded after that moment of the log's clock.
        """
        current = (_STILL_CURRENT, [list(versions), list(versions.values()), until])
        command = (_CLOCK_AND_COMMAND, {"command": command_id})
        ((is_current,),), (row,) = self._query([current, command])
        return is_current, _recorded_command(row)

    def streams(self, after: Mapping[UUID, int]) -> dict[UUID, list[Event]]:
        """Return the events of each stream after the given version, in order."""
        events: dict[UUID, list[Event]] = {}
        with self._cursor() as cursor:
            cursor.execute(
                # OFFSET 0: one index scan a stream, whatever the planner thinks of their number
                f"SELECT e.* FROM unnest(%s::uuid[], %s::int[]) AS w (id, seen), LATERAL"
                f" (SELECT {EVENT_COLUMNS} FROM record.events"
                "   WHERE stream = w.id AND version > w.seen ORDER BY version OFFSET 0) AS e",
                [list(after), list(after.values())],
            )
            for event in self._events(cursor):
                events.setdefault(event.originator_id, []).append(event)
        return events

    def events_between(self, first: int, last: int) -> list[Event]:
        """Return the events at positions ``first`` to ``last``, both included."""
        with self._cursor() as cursor:
            cursor.execute(
                f"SELECT {EVENT_COLUMNS} FROM record.events"
                " WHERE position BETWEEN %s AND %s ORDER BY position",
                [first, last],
            )
            return list(self._events(cursor))

    def streams_of(self, fact: UUID) -> list[UUID]:
        """Return the streams with events of a movement, a visit, a dose or a merge: two, for a swap."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT stream FROM record.events WHERE fact = %(fact)s"
                " UNION ALL SELECT stream FROM record.events WHERE cancel = %(fact)s",
                {"fact": fact},
            )
            return sorted({stream for (stream,) in cursor})

    def streams_of_change(self, change: UUID) -> list[UUID]:
        """Return the prescription with events of a change, a hold, a resumption or an end."""
        with self._cursor() as cursor:
            cursor.execute("SELECT DISTINCT stream FROM record.events WHERE change = %s", [change])
            return [stream for (stream,) in cursor]

    def streams_of_consult(self, consult: UUID) -> list[UUID]:
        """Return the stay with events of a consult."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT stream FROM record.events WHERE consult = %s", [consult]
            )
            return [stream for (stream,) in cursor]

    def owner(self, kind: str, key: str) -> UUID | None:
        """Return the owner of a unique claim."""
        name = Unique(kind, key)
        (rows,) = self._query([(_OWNERS, self._forms([name]))])
        return self._owners_by_name([name], [_Owner(*row) for row in rows])[name]

    def _forms(self, names: Sequence[Unique]) -> dict[str, list[str]]:
        """Return the forms in which claims may be stored, as values of `_OWNERS`."""
        forms = [form for name in names for form in sealed_claims.forms(name, self.keys)]
        return {"kinds": [form.kind for form in forms], "keys": [form.key for form in forms]}

    def _owners_by_name(
        self, names: Sequence[Unique], owners: Sequence["_Owner"]
    ) -> dict[Unique, UUID | None]:
        holders = {(claim.kind, claim.key): claim.owner for claim in owners}
        return sealed_claims.owners_by_name(names, holders, self.keys)

    def first_owner(self, kind: str, beginning: str) -> UUID | None:
        """Return the owner of the first unique claim of a kind whose key begins so."""
        with self._cursor() as cursor:
            row = cursor.execute(
                "SELECT owner FROM record.unique_claims WHERE kind = %s"
                " AND starts_with(key, %s) ORDER BY key LIMIT 1",
                [kind, beginning],
            ).fetchone()
        return row[0] if row else None

    def owners(self, kinds: Iterable[str]) -> list[UUID]:
        """Return the owners of unique claims of these kinds."""
        with self._cursor() as cursor:
            forms = sealed_claims.kinds(kinds, self.keys)
            rows = cursor.execute(_OWNERS_OF_KINDS.encode(), {"whole": forms})
            return list(dict.fromkeys(owner for _, owner in rows))

    def owners_beginning(self, kind: str, beginning: str) -> list[UUID]:
        """Return the owners of the unique claims of a kind whose keys begin so, in order."""
        with self._cursor() as cursor:
            rows = cursor.execute(
                "SELECT owner FROM record.unique_claims WHERE kind = %s AND starts_with(key, %s)"
                " ORDER BY key",
                [kind, beginning],
            )
            return [owner for (owner,) in rows]

    def beds(
        self, streams: Iterable[UUID], spans: Mapping[UUID, Period], mothers: Collection[UUID]
    ) -> tuple[dict[UUID, int], list[Claim]]:
        """Return the last versions of streams (0: it does not exist), and claims as of the same moment.

        Those on each room during a period, and those of who shares a bed of the ``mothers``.
        """
        starts, ends = [p.start for p in spans.values()], [p.end for p in spans.values()]
        values = [list(spans), starts, ends, list(mothers), list(streams)]
        (rows,) = self._query([(_BEDS, values)])
        return {id: version for version, _, id, *_ in rows if version is not None}, [
            Claim(stay, Stretch(BedRef(room, bed), Period(since, until), is_kept, shares))
            for version, stay, room, bed, since, until, is_kept, shares in rows
            if version is None
        ]

    def stays_of(self, persons: Collection[UUID]) -> list[UUID]:
        """Return all stays of persons, as known now; those too that ended as they began."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT stay FROM record.person_claims WHERE person = ANY(%s) ORDER BY during",
                [list(persons)],
            )
            return [stay for (stay,) in cursor]

    def streams_of_patients(self, patients: Collection[UUID]) -> list[UUID]:
        """Return the streams that were ever said to be of some patients, beside their own."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT e.stream FROM unnest(%(patients)s::uuid[]) AS w (id), LATERAL"
                " (SELECT stream FROM record.stored_events WHERE own->>'patient' = w.id::text"
                "   AND own->>'patient' IS NOT NULL"
                "  UNION ALL SELECT stream FROM record.stored_events WHERE patient = w.id"
                "   AND (own ? 'source_visit' OR own ? 'waits_for') OFFSET 0) AS e",
                {"patients": list(patients)},
            )
            return sorted({stream for (stream,) in cursor})

    def arrivals_of(self, patient: UUID) -> list[UUID]:
        """Return the expected arrivals that were ever said to be of a patient."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT e.stream FROM record.stored_events AS e"
                " JOIN record.kinds AS k ON k.no = e.kind WHERE e.own->>'patient' = %s"
                " AND e.own->>'patient' IS NOT NULL AND k.topic LIKE 'arrival.%%'",
                [str(patient)],
            )
            return [stream for (stream,) in cursor]

    def destroy_keys(self, erasure: Patient.Erased) -> None:
        """Destroy the keys of whom an event erased for ever, if it is proven and that is not done."""

        def record(subjects: Sequence[str], store: str) -> None:
            self._query([(ADD_KEY_ACTS, ["DESTROYED", list(subjects), store])])

        destroy_keys(self.keys, [erasure], record)

    def prove(self, text: str) -> str:
        """Return the proof of a text that only who has the keys can make. Raises KeysMissing."""
        return self.keys.hash_text(text)

    def salt_digest(self, digest: str) -> str:
        """Return a digest that only who has the keys can confirm by a guess. Raises KeysMissing."""
        return self.keys.hash_text(digest)[: len(digest)]

    def bind_keys(self) -> None:
        """Find the key store of the log again, or make one if the log has none yet."""

        def bind(store: str | None) -> str | None:
            row = self._query([("SELECT record.bind_keys(%s)", [store])])[0][0]
            return None if row[0] is None else str(row[0])

        self.keys.bind(bind)

    def merged_into(self, patients: Collection[UUID]) -> list[UUID]:
        """Return the records that were ever merged into some, even if that was taken back."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT e.stream FROM unnest(%s::text[]) AS w (id), LATERAL"
                " (SELECT stream FROM record.stored_events"
                "   WHERE own->>'into' IS NOT NULL AND own->>'into' = w.id OFFSET 0) AS e",
                [[str(patient) for patient in patients]],
            )
            return [stream for (stream,) in cursor]

    def _query(self, statements: Sequence[Statement]) -> list[list[TupleRow]]:
        """Return the rows of each statement: all in one round trip and one transaction."""
        with self._cursor() as cursor:
            if len(statements) == 1:
                return [cursor.execute(statements[0][0].encode(), statements[0][1]).fetchall()]
            with cursor.connection.pipeline():
                cursors = [
                    cursor.connection.execute(statement.encode(), values)
                    for statement, values in statements
                ]
            return [result.fetchall() for result in cursors]  # after the commit

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


def _recorded_command(row: TupleRow) -> RecordedCommand | None:
    """Return the command of a row of `_CLOCK_AND_COMMAND`, if it was recorded."""
    return RecordedCommand(*row[1:]) if row[1] else None


class _Owner(msgspec.Struct):
    """A row of `_OWNERS`."""

    kind: str
    key: str
    owner: UUID


class _Subject(msgspec.Struct):
    """A subject as `_FORESEEN` finds it."""

    id: UUID
    merged: list[UUID]
    stays: list[UUID]
