"""Source movements read model: movements reported by other systems, recorded, cancelled or pending."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Uuid,
    any_,
    column,
    select,
    table,
    tuple_,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.source_visit import SourceVisit, Version
from domain.time import Period
from infrastructure.projections.bitemporal_table import (
    Rows,
    Values,
    bitemporal_table,
    index_by_moment,
)
from infrastructure.projections.projection import AggregateProjection
from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import (
    CompiledStatement,
    by_id,
    equals,
    is_one_of,
    literal_values,
    parameter,
)
from infrastructure.queries.row_security import known
from infrastructure.queries.tables_read import reads

metadata = MetaData(schema="source_movements_v1")
source_movements = bitemporal_table(
    "source_movements",
    metadata,
    "source_movement",
    Column("visit", Uuid, nullable=False, comment="the visit that it is part of"),
    Column("reported", Integer, nullable=False, comment="its event that holds"),
    Column("system", String, nullable=False),
    Column("source_visit", String, nullable=False),
    Column("source_id", String, nullable=False),
    Column("source_recorded_at", DateTime(timezone=True), nullable=False),
    Column("status", String, nullable=False),
    Column("why", String, comment="code of the refusal, if pending"),
    Column("cancelled", Boolean, nullable=False, comment="whether the source took it back"),
    Column("kind", String),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("patient", Uuid),
    Column("stay", Uuid),
    Column("movement", Uuid),
    visibility="patient",
    find_by=("visit",),
    of="visit",
)
PENDING = "PENDING"
index_by_moment("source_movements_pending", source_movements, source_movements.c.status == PENDING)
"""An index of pending movements alone: the others hold for ever."""


class SourceMovements(AggregateProjection[SourceVisit]):
    """Projection of source movements: a row for each id of another system, from its movement on."""

    name = "source_movements"
    metadata = metadata
    kind = SourceVisit

    def rows(self, visit: SourceVisit, event: Event) -> dict[Table, Rows]:
        rows: Rows = {}
        for version in visit.held.values():
            id = SourceVisit.movement_id_for(visit.id, version.source_id)
            rows[id, version.occurred_at] = (Period(version.occurred_at), _values(visit, version))
        return {source_movements: rows}


def _values(visit: SourceVisit, version: Version) -> Values:
    id = version.source_id
    reason = next((p.why for p in visit.pending if p.version.source_id == id), None)
    application = next((a for a in visit.applied if a.version == version), None)
    return {
        "visit": visit.id,
        "reported": visit.reported[id],
        "system": visit.system,
        "source_visit": visit.source_visit,
        "source_id": id,
        "source_recorded_at": version.recorded_at,
        "status": PENDING if reason else "CANCELLED" if version.cancelled else "RECORDED",
        "why": reason,
        "cancelled": version.cancelled,
        "kind": version.kind.value if version.kind else None,
        "occurred_at": version.occurred_at,
        "patient": visit.patient,
        "stay": visit.stay,
        "movement": application.movement if application else None,
    }


_events = table(
    "events", *map(column, ("stream", "version", "position", "recorded_at")), schema="record"
)


class SourceMovementView(Struct, frozen=True):
    """The report of another system on one id; ``reported_at``: when the report was recorded."""

    source_movement: UUID
    visit: UUID
    reported: int
    system: str
    source_visit: str
    source_id: str
    source_recorded_at: datetime
    status: str
    why: str | None
    cancelled: bool
    kind: str | None
    occurred_at: datetime
    patient: UUID | None
    stay: UUID | None
    movement: UUID | None
    reported_at: datetime


def _with_report(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Compose movements, each with the moment at which its report was recorded.

    As a value of an array, the stream is looked up by index whatever the planner thinks of the log.
    """
    return (
        select(*columns(source_movements), _events.c.recorded_at)
        .join_from(
            source_movements,
            _events,
            (_events.c.stream == any_(array([source_movements.c.visit])))
            & (_events.c.version == source_movements.c.reported),
        )
        .where(*conditions)
    )


_by_id = by_id(
    lambda at: _with_report(
        is_one_of(source_movements.c.source_movement, "ids"),
        known(source_movements, at.known),
        at.visible(source_movements),
    )
)


@reads(source_movements)
async def source_movements_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, SourceMovementView]:
    """Return movements by our ids of them, whenever they occurred."""
    rows = await _by_id(connection, ids, at)
    return {row.source_movement: view(SourceMovementView, row) for row in rows}


_order = source_movements.c.source_recorded_at, source_movements.c.source_movement
_pending = CompiledStatement(
    lambda at: (
        _with_report(
            source_movements.c.status.in_(literal_values("pending", [PENDING])),
            at.holds(source_movements),
        )
        .order_by(*_order)
        .limit(parameter("first", Integer))
    ),
    system=equals(source_movements.c.system, "system"),
    after=tuple_(*_order)
    > tuple_(parameter("recorded_at", _order[0].type), parameter("after", Uuid)),
)


@reads(source_movements)
async def pending_page(
    connection: AsyncConnection,
    system: str | None,
    at: AsOf,
    first: int,
    after: tuple[datetime, UUID] | None,
) -> list[SourceMovementView]:
    """Return a page of pending movements, in the order in which their systems recorded them."""
    recorded_at, movement = after or (None, None)
    rows = await _pending.execute(
        connection, at, system=system, recorded_at=recorded_at, after=movement, first=first
    )
    return [view(SourceMovementView, row) for row in rows]
