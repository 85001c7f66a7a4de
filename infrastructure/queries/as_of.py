"""As-of moment of a query: a moment of valid time, a position of the log, and the viewer."""

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

from infrastructure.queries.row_security import Viewer, held, moment_order

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class AsOf:
    """A moment of valid time, as known at a log position (the last of a command), for a viewer.

    Beside it the moment of record time by which the position was asked for, to be printed.
    """

    as_of: datetime
    known: int
    viewer: Viewer = field(default_factory=Viewer)
    known_at: datetime | None = field(default=None, compare=False)

    def record_access(self, patient: UUID, resource: UUID | None = None) -> None:
        """Note that the response shows data of a patient, in a stay or prescription."""
        self.viewer.record_access(patient, resource)

    def holds(self, table: Table) -> ColumnElement[bool]:
        """Return the condition for the rows true at the moment, as known, that the viewer may see."""
        return and_(held(table, self.as_of, self.known), self.visible(table))

    def visible(self, table: Table) -> ColumnElement[bool]:
        """Return the condition for the rows of all valid time that the viewer may see."""
        return self.viewer.predicate(table, self.as_of, self.known)

    def sees(self, patient: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the condition that the viewer may see a patient."""
        return self.viewer.sees_patient(patient, (self.as_of, self.known))

    @property
    def unscoped(self) -> "AsOf":
        """Return the same moment without row security, to find whether it hides a row."""
        return AsOf(self.as_of, self.known)

    def holds_as_filter(self, table: Table) -> ColumnElement[bool]:
        """Return the same condition as `holds` for a query by id: a filter, not an index condition.

        Written so that no plan searches the index of the moment. The last row of everything that
        ended before a moment holds at it for ever: such rows grow with the log, those of an id do not.
        """
        return and_(held(table, self.as_of, self.known).is_(True), self.visible(table))


def one_of(column: ColumnElement[UUID], ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Return the condition that a column has one of some ids, in one parameter whatever their number."""
    return column == any_(cast(literal(list(ids), ARRAY(Uuid)), ARRAY(Uuid)))


def columns(table: Table, *left_out: str) -> list[ColumnElement[Any]]:
    """Return the columns of a bitemporal table that a view shows, without its ranges."""
    return [c for c in table.c if c.name not in ("during", "known", "position", *left_out)]


def since(table: Table) -> ColumnElement[Any]:
    """Return the beginning of a row's period."""
    return func.lower(table.c.during).label("since")


def in_time(table: Table) -> ColumnElement[Any]:
    """Return the order of rows by when they begin, of a few that are found otherwise."""
    return moment_order(func.lower(table.c.during))


def until(table: Table) -> ColumnElement[Any]:
    """Return the end of a row's period; NULL while it is open."""
    return func.upper(table.c.during).label("until")


def view(kind: type[V], row: Any) -> V:
    """Return a row as a view whose fields are the columns, in order."""
    return kind(*row)


def group_views(key: str, kind: type[V], rows: Iterable[Any]) -> dict[UUID, list[V]]:
    """Return the rows as views grouped by the id in the column ``key``, in the order of the rows."""
    groups: dict[UUID, list[V]] = {}
    for row in rows:
        groups.setdefault(getattr(row, key), []).append(view(kind, row))
    return groups
