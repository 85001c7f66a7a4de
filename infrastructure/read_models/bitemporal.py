"""Bitemporal rows: true during a period at the bedside, known between two positions of the log.

``during`` is a tstzrange of valid time, ``known`` an int8range of log positions that begins and ends
only at the last position of a command. A question ``asOf`` a moment and ``knownAt`` a position is
``during @> moment AND known @> position``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg import sql as psql
from psycopg.rows import TupleRow
from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, MetaData, Table, Uuid
from sqlalchemy.dialects.postgresql import INT8RANGE, TSTZRANGE

from domain.time import Period

ALWAYS = Period(datetime.min.replace(tzinfo=UTC), None)
"""The period of what was always so; written as -infinity."""

Values = Mapping[str, Any]
Rows = dict[tuple[UUID, datetime], tuple[Period, Values]]
"""Rows of one thing: by its key and the beginning of each period."""


def bitemporal_table(
    name: str, metadata: MetaData, key: str, *columns: Column[Any], find_by: tuple[str, ...] = ()
) -> Table:
    """A table of bitemporal rows. ``key`` and the beginning of ``during`` name a row that is known."""
    table = Table(
        name,
        metadata,
        Column(key, Uuid, nullable=False),
        *columns,
        Column("during", TSTZRANGE, nullable=False),
        Column("known", INT8RANGE, nullable=False),
        Column("position", BigInteger, nullable=False, comment="the event that made the row"),
        info={"key": key},
    )
    Index(f"{name}_{key}", table.c[key])
    Index(f"{name}_when", table.c.during, table.c.known, postgresql_using="gist")
    for column in find_by:
        Index(f"{name}_{column}", table.c[column])
    return table


def position_table(metadata: MetaData) -> Table:
    """Where a read model is in the log: one row, written with its rows in one transaction."""
    return Table(
        "position",
        metadata,
        Column("only_one", Integer, primary_key=True, autoincrement=False),
        Column("log_id", Uuid, nullable=False),
        Column("epoch", Integer, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("alive_at", DateTime(timezone=True), nullable=False),
    )


@dataclass(slots=True)
class _Row:
    period: Period
    values: Values
    position: int
    known_from: int
    known_to: int | None = None


@dataclass(slots=True)
class Writer:
    """Rows of one bitemporal table, gathered over a batch and written together."""

    table: Table
    schema: str
    _new: list[_Row] = field(default_factory=list)
    _open: dict[tuple[UUID, datetime], _Row] = field(default_factory=dict)
    _closed: list[tuple[UUID, datetime, int]] = field(default_factory=list)

    def put(self, key: UUID, period: Period, values: Values, *, known: int, position: int) -> None:
        """From ``known`` on it is known that ``values`` are true of ``key`` during the period."""
        if period.is_empty:
            return
        row = _Row(period, {self.table.info["key"]: key, **values}, position, known)
        self._new.append(row)
        self._open[key, period.start] = row

    def close(self, key: UUID, since: datetime, *, known: int) -> None:
        """From ``known`` on, the row of ``key`` that begins at ``since`` is no longer known."""
        row = self._open.pop((key, since), None)
        if row is None:
            self._closed.append((key, since, known))
        else:
            row.known_to = known

    def change(self, before: Rows, after: Rows, *, known: int, position: int) -> None:
        """Close what is no longer so, put what is so now; what stays the same is left alone."""
        for (key, since), row in before.items():
            if after.get((key, since)) != row:
                self.close(key, since, known=known)
        for (key, since), row in after.items():
            if before.get((key, since)) != row:
                self.put(key, row[0], row[1], known=known, position=position)

    def flush(self, cursor: Cursor[TupleRow]) -> None:
        """Write what was gathered: closings first, then all new rows by COPY."""
        name = psql.Identifier(self.schema, self.table.name)
        if self._closed:
            keys, sinces, knowns = zip(*self._closed, strict=True)
            cursor.execute(
                psql.SQL(
                    "UPDATE {table} t SET known = int8range(lower(t.known), c.known)"
                    " FROM unnest(%s::uuid[], %s::timestamptz[], %s::int8[])"
                    " AS c (key, since, known)"
                    " WHERE t.{key} = c.key AND lower(t.during) = c.since"
                    " AND upper_inf(t.known) AND lower(t.known) < c.known"
                ).format(table=name, key=psql.Identifier(self.table.info["key"])),
                [list(keys), [_moment(s) for s in sinces], list(knowns)],
            )
            if cursor.rowcount != len(self._closed):
                raise RuntimeError(
                    f"{self.table.fullname}: {len(self._closed)} rows should no longer be known, "
                    f"{cursor.rowcount} were found; the read model must be rebuilt"
                )
        rows = [r for r in self._new if r.known_to is None or r.known_to > r.known_from]
        if rows:
            columns = [c.name for c in self.table.columns]
            copy = psql.SQL("COPY {} ({}) FROM STDIN").format(
                name, psql.SQL(", ").join(map(psql.Identifier, columns))
            )
            values = [c for c in columns if c not in ("during", "known", "position")]
            with cursor.copy(copy) as into:
                into.write("".join([_line(row, values) for row in rows]))
        self._new.clear()
        self._open.clear()
        self._closed.clear()


def _line(row: _Row, columns: list[str]) -> str:
    """A row in the text format of COPY, with its ranges and its position at the end."""
    told = [_TEXT[type(row.values[column])](row.values[column]) for column in columns]
    end = row.period.end.isoformat() if row.period.end else ""
    known_to = "" if row.known_to is None else row.known_to
    told.append(f"[{_moment(row.period.start)},{end})")
    told.append(f"[{row.known_from},{known_to})\t{row.position}\n")
    return "\t".join(told)


def _moment(moment: datetime) -> str:
    return "-infinity" if moment is ALWAYS.start else moment.isoformat()


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def _escaped(text: str) -> str:
    if "\\" in text or "\n" in text or "\r" in text or "\t" in text:  # rarely; translate is slow
        return text.translate(_ESCAPES)
    return text


def _json(value: dict[str, Any]) -> str:
    return _escaped(msgspec.json.encode(value).decode())


def _array(value: list[str]) -> str:
    quoted = (v.replace("\\", "\\\\").replace('"', '\\"') for v in value)
    return _escaped("{" + ",".join(f'"{v}"' for v in quoted) + "}")


_TEXT: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "\\N",
    bool: lambda value: "t" if value else "f",
    int: str,
    str: _escaped,
    UUID: lambda value: value.hex,
    date: date.isoformat,
    datetime: datetime.isoformat,
    dict: _json,
    list: _array,
}
"""How values are written for COPY; by psycopg, value by value, it takes a third of a rebuild."""
