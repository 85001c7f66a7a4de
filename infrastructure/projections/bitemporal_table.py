"""Bitemporal tables: rows that are true during a period and known between two log positions.

``during`` is a tstzrange of valid time, ``known`` an int8range of log positions that begins and ends
only at the last position of a command. A question ``asOf`` a moment and ``knownAt`` a position is
``during @> moment AND known @> position``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, Literal
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Index,
    MetaData,
    Table,
    Uuid,
    func,
    not_,
)
from sqlalchemy.dialects.postgresql import INT8RANGE, JSONB, TSTZRANGE
from sqlalchemy.dialects.postgresql.base import PGDialect

from domain.time import ALWAYS, Period
from infrastructure.projections.copy_writer import array, json, lines, objects
from infrastructure.projections.row_statements import (
    close_rows,
    copy_into,
    delete_unknown,
    insert_into,
    quoted,
    revise_rows,
)

_DIALECT = PGDialect()  # type: ignore[no-untyped-call]

_PLACE = ("during", "known", "position")

_PACKED = {JSONB: json, ARRAY: array}
"""Serializers of the columns whose values are not plain JSON."""

Values = Mapping[str, Any]
Rows = dict[tuple[UUID, datetime], tuple[Period, Values]]
"""Rows of one subject, by its key and the beginning of each period."""


Visibility = Literal["stay", "patient", "ward", "room", "everyone"]
"""The row security of a table, applied to each query on it (`infrastructure.queries.row_security`):

- ``stay``: to who may see the stay in the column ``stay``, or where that is NULL the ``patient``;
- ``patient``: to who may see the patient in the column ``patient``; to everyone where that is NULL;
- ``ward``: to who may see the ward in the column ``ward``; NULL is the whole hospital;
- ``room``: to everyone, as a bed's use is shown without the patient's identity; boards are cut by ward;
- ``everyone``: rows without a patient.
"""

TABLES: dict[str, Table] = {}
"""All bitemporal tables of the process by name: row security finds those here which its rules join."""

_PATIENT_COLUMNS = {"stay", "patient", "for_stay", "for_patient"}


def bitemporal_table(
    name: str,
    metadata: MetaData,
    key: str,
    *columns: Column[Any],
    visibility: Visibility,
    find_by: tuple[str, ...] = (),
    of: str | None = None,
    revised_by: tuple[str, ...] = (),
    has_valid_time_boundaries: bool = False,
) -> Table:
    """Define a table of bitemporal rows, each named by ``key`` and the beginning of ``during``.

    ``of``: the column of the thing that a row is about, where that is not ``key``. ``revised_by``:
    columns by which a revision matches rows, in a draft too. ``has_valid_time_boundaries``: index the
    beginnings and ends of rows, so that the next moment at which any row begins or ceases to be true
    can be found; a response may be cached only if all tables that it reads have this index.

    Raises ValueError for a name that is taken, or a visibility that does not fit the columns.
    """
    if name in TABLES:
        raise ValueError(f"{name}: there is a bitemporal table of that name already")
    names = {key, *(column.name for column in columns)}
    if visibility == "everyone" and names & _PATIENT_COLUMNS:
        raise ValueError(f"{name}: rows of patients are not visible to everyone")
    if visibility not in ("everyone", *names):
        raise ValueError(f"{name}: visibility {visibility!r} needs a column of that name")
    table = Table(
        name,
        metadata,
        Column(key, Uuid, nullable=False),
        *columns,
        Column("during", TSTZRANGE, nullable=False),
        Column("known", INT8RANGE, nullable=False),
        Column("position", BigInteger, nullable=False, comment="the event that made the row"),
        info={
            "key": key,
            "of": of or key,
            "revised_by": revised_by,
            "visibility": visibility,
            "has_valid_time_boundaries": has_valid_time_boundaries,
        },
    )
    Index(f"{name}_{key}", table.c[key])
    index_by_moment(f"{name}_when", table)
    if has_valid_time_boundaries:
        Index(f"{name}_begin", func.lower(table.c.during))
        Index(
            f"{name}_end",
            func.upper(table.c.during),
            postgresql_where=not_(func.upper_inf(table.c.during)),
        )
    for column in find_by:
        Index(f"{name}_{column}", table.c[column])
    TABLES[name] = table
    return table


def index_by_moment(name: str, table: Table, only: ColumnElement[bool] | None = None) -> Index:
    """Index the rows that hold at a moment, as known at a position; ``only`` those of a condition.

    The last row of what is over holds for ever: where that is asked for of what is not over, an index of
    this alone stays small.
    """
    columns = table.c.during, table.c.known
    return Index(name, *columns, postgresql_using="gist", postgresql_where=only)


def first_position() -> Column[int]:
    """Return a column for the position of a fact's first entry: the order of facts of one minute.

    A correction keeps it, so that a corrected fact stays in its place.
    """
    comment = "the event by which the fact was first recorded"
    return Column("first_position", BigInteger, nullable=False, comment=comment)


@dataclass(frozen=True, slots=True)
class OtherColumn:
    """In a copy: the value of another column of the row that is copied."""

    column: str


@dataclass(frozen=True, slots=True)
class MergedObject:
    """In a copy: the JSON object of the row, ``without`` some keys and with other ``values``."""

    values: dict[str, Any]
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """A row that is derived from a known one: the same but for ``values`` and perhaps its period."""

    values: Values
    period: Period | None = None
    keeps_position: bool = False
    """True if it keeps the position of the event that made the row that is copied."""


@dataclass(frozen=True, slots=True)
class _Revision:
    match: Values
    copies: tuple[Copy, ...]
    known: int
    position: int
    close: bool


@dataclass(slots=True)
class _Row:
    period: Period
    values: Values
    position: int
    known_from: int
    known_to: int | None = None


@dataclass(slots=True)
class Writer:
    """Writer of one bitemporal table: gathers rows over a batch and writes them together.

    Within a pipeline nothing is waited for, and so no COPY is used.
    """

    table: Table
    schema: str
    _new: list[_Row] = field(default_factory=list)
    _revisable: dict[tuple[str, Any], list[_Row]] = field(default_factory=dict)
    """The new rows by the values of the columns by which revisions match: the first `_matched`."""
    _matched: int = 0
    _open: dict[tuple[int, datetime], _Row] = field(default_factory=dict)
    """The new rows by key and beginning: the first `_closable`. Most are never looked for."""
    _closable: int = 0
    _closed: list[tuple[UUID, datetime, int]] = field(default_factory=list)
    _revisions: list[_Revision] = field(default_factory=list)
    _key: str = field(init=False)
    _plain: list[str] = field(init=False)
    _plain_values: Callable[[Values], tuple[Any, ...]] = field(init=False)
    _packed: dict[str, Callable[[Any], str | None]] = field(init=False)

    def __post_init__(self) -> None:
        self._key = self.table.info["key"]
        packers = {c.name: _PACKED.get(type(c.type)) for c in self.table.columns}
        self._packed = {name: pack for name, pack in packers.items() if pack is not None}
        self._plain = [name for name in packers if name not in (*self._packed, *_PLACE)]
        self._plain_values = itemgetter(*self._plain)

    def put(self, key: UUID, period: Period, values: Values, *, known: int, position: int) -> None:
        """Add a row: known from ``known`` on, ``values`` are true of ``key`` during the period."""
        if period.is_empty:
            return
        self._new.append(_Row(period, {self._key: key, **values}, position, known))

    def close(self, key: UUID, since: datetime, *, known: int) -> None:
        """Close the row of ``key`` that begins at ``since``: not known any more from ``known`` on."""
        for row in self._new[self._closable :]:
            self._open[row.values[self._key].int, row.period.start] = row
        self._closable = len(self._new)
        new_row = self._open.pop((key.int, since), None)
        if new_row is None or new_row.known_to is not None:
            self._closed.append((key, since, known))
        else:
            new_row.known_to = known

    def change(self, before: Rows, after: Rows, *, known: int, position: int) -> None:
        """Close the rows that are gone or differ, and add the new ones; leave the same ones alone.

        One of no duration is no row: there is nothing of it to close.
        """
        for name, row in before.items():
            if after.get(name) != row and not row[0].is_empty:
                self.close(*name, known=known)
        for name, row in after.items():
            if not before or before.get(name) != row:
                self.put(name[0], row[0], row[1], known=known, position=position)

    def revise(
        self,
        match: Values,
        *copies: Copy,
        known: int,
        position: int,
        close: bool = True,
    ) -> None:
        """Replace the rows that match by copies, or add these beside them, known from ``known`` on.

        For rows whose values are not in memory: the copies are made in the database, when flushed.
        """
        revision = _Revision(match, copies, known, position, close)
        self._revisions.append(revision)
        for row in self._new[self._matched :]:
            for column in self.table.info["revised_by"]:
                self._revisable.setdefault((column, row.values[column]), []).append(row)
        self._matched = len(self._new)
        column = next(c for c in self.table.info["revised_by"] if c in match)
        new_rows = self._revisable.get((column, match[column]), [])
        for row in [r for r in new_rows if r.known_to is None and _matches(r, match)]:
            if close:
                row.known_to = known
            self._new += [_copy_row(row, copy, revision) for copy in copies]

    def flush(self, cursor: Cursor[TupleRow]) -> None:
        """Write the gathered changes: closings first, then all new rows."""
        name = self.schema, self.table.name
        if self._closed:
            keys, sinces, knowns = zip(*self._closed, strict=True)
            cursor.execute(
                close_rows(*name, self._key),
                {
                    "keys": list(keys),
                    "sinces": [_moment(s) for s in sinces],
                    "knowns": list(knowns),
                    "count": len(keys),
                },
            )
        for revision in self._revisions:
            self._revise(cursor, revision)
        rows = [r for r in self._new if r.known_to is None or r.known_to > r.known_from]
        columns = (*self._plain, *self._packed, *_PLACE)
        if rows and cursor.connection.pgconn.pipeline_status:
            values = self._values(rows, packed=False)
            cursor.execute(insert_into(*name, columns), [objects(columns, values)])
        elif rows:
            with cursor.copy(copy_into(*name, columns)) as into:
                into.write(lines(self._values(rows, packed=True)))
        self._new.clear()
        self._revisable.clear()
        self._open.clear()
        self._matched = self._closable = 0
        self._closed.clear()
        self._revisions.clear()

    def _values(self, rows: Iterable[_Row], *, packed: bool) -> list[list[Any]]:
        """Return the values of rows in the order of the columns; ``packed``: JSON as text."""
        plain_values, packers = self._plain_values, tuple(self._packed.items())
        return [
            [
                *plain_values(values := row.values),
                *[pack(values[name]) if packed else values[name] for name, pack in packers],
                _during(row.period),
                f"[{row.known_from},{'' if row.known_to is None else row.known_to})",
                row.position,
            ]
            for row in rows
        ]

    def _revise(self, cursor: Cursor[TupleRow], revision: _Revision) -> None:
        """Revise the rows that were there before this batch, or came from an earlier revision."""
        name, match = (self.schema, self.table.name), tuple(revision.match)
        keys = list(revision.match.values())
        values = [revision.known, *keys] if revision.close else [*keys]
        copies = tuple(self._expressions(copy, revision, values) for copy in revision.copies)
        columns = tuple(_kinds(self.table))
        cursor.execute(revise_rows(*name, columns, match, copies, revision.close), values)
        cursor.execute(delete_unknown(*name, match), keys)

    def _expressions(self, copy: Copy, revision: _Revision, values: list[Any]) -> tuple[str, ...]:
        """Return the expressions of a copy's columns; their parameters are added to ``values``."""
        changes: dict[str, Any] = {**copy.values, "known": f"[{revision.known},)"}
        if not copy.keeps_position:
            changes["position"] = revision.position
        if copy.period is not None:
            changes["during"] = _during(copy.period)
        expressions: list[str] = []
        for column, kind in _kinds(self.table).items():
            value = changes.get(column, OtherColumn(column))
            if isinstance(value, OtherColumn):
                expressions.append(quoted(value.column))
            elif isinstance(value, MergedObject):
                values += [list(value.without), json(value.values)]
                expressions.append(f"({quoted(column)} - %s::text[]) || %s::jsonb")
            else:
                values.append(json(value) if column in self._packed else value)
                expressions.append(f"%s::{kind}")
        return tuple(expressions)


@cache
def _kinds(table: Table) -> dict[str, str]:
    """Return the types of a table's columns by name, as SQL has them."""
    return {c.name: str(c.type.compile(dialect=_DIALECT)) for c in table.columns}


def _matches(row: _Row, match: Values) -> bool:
    return all(row.values.get(column) == value for column, value in match.items())


def _copy_row(row: _Row, copy: Copy, revision: _Revision) -> _Row:
    values = dict(row.values)
    for column, value in copy.values.items():
        if isinstance(value, OtherColumn):
            value = row.values[value.column]
        elif isinstance(value, MergedObject):
            rest = {k: v for k, v in row.values[column].items() if k not in value.without}
            value = {**rest, **value.values}
        values[column] = value
    position = row.position if copy.keeps_position else revision.position
    return _Row(copy.period or row.period, values, position, revision.known)


def _during(period: Period) -> str:
    return f"[{_moment(period.start)},{'' if period.end is None else period.end.isoformat()})"


def _moment(moment: datetime) -> str:
    return "-infinity" if moment == ALWAYS.start else moment.isoformat()
