"""The moment of a question: as of when at the bedside, as known at which position of the log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Table,
    Uuid,
    and_,
    any_,
    cast,
    func,
    literal,
)

from infrastructure.queries.row_security import Viewer, held

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class AsOf:
    """As of a moment of valid time, as known at a log position (the last one of a command).

    And for whom: one operation has one reader.
    """

    as_of: datetime
    known: int
    viewer: Viewer = field(default_factory=Viewer)

    def record_access(self, patient: UUID) -> None:
        """The answer shows this patient's data."""
        self.viewer.record_access(patient)

    def holds(self, table: Table) -> ColumnElement[bool]:
        """The rows true at that moment, as known there, that the reader may see."""
        return and_(held(table, self.as_of, self.known), self.visible(table))

    def visible(self, table: Table) -> ColumnElement[bool]:
        """The rows that the reader may see, of all valid time."""
        return self.viewer.predicate(table, self.as_of, self.known)

    @property
    def unscoped(self) -> "AsOf":
        """The same moment, for finding out that something is there which may not be shown."""
        return AsOf(self.as_of, self.known)

    def of(self, table: Table) -> ColumnElement[bool]:
        """The same for rows that are found by what they are about: its few rows are looked through.

        Said so that no plan looks for the moment first. Of all that ended before a moment the last
        row holds at it for ever, so those that hold grow with the log, however few are asked for.
        """
        return and_(held(table, self.as_of, self.known).is_(True), self.visible(table))


def one_of(column: ColumnElement[UUID], ids: Sequence[UUID]) -> ColumnElement[bool]:
    """One of many ids, in one parameter: as an IN list, three hundred took longer than the rest."""
    return column == any_(cast(literal(list(ids), ARRAY(Uuid)), ARRAY(Uuid)))


def columns(table: Table, *left_out: str) -> list[ColumnElement[Any]]:
    """The columns of a bitemporal table that a view shows, without its ranges."""
    return [c for c in table.c if c.name not in ("during", "known", "position", *left_out)]


def since(table: Table) -> ColumnElement[Any]:
    """The beginning of a row's period."""
    return func.lower(table.c.during).label("since")


def until(table: Table) -> ColumnElement[Any]:
    """The end of a row's period; NULL while it is open."""
    return func.upper(table.c.during).label("until")


def view(kind: type[V], row: Any) -> V:
    """A row as a view whose fields are the columns, in order."""
    return kind(*row)


def group_views(key: str, kind: type[V], rows: Iterable[Any]) -> dict[UUID, list[V]]:
    """Return the rows as views grouped by the id in the column ``key``, in the order of the rows."""
    groups: dict[UUID, list[V]] = {}
    for row in rows:
        groups.setdefault(getattr(row, key), []).append(view(kind, row))
    return groups
