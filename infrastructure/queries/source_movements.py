"""Questions about what other systems reported: what became of it, and what is pending."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, column, select, table, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.row_security import known
from infrastructure.read_models.source_movements import source_movements

_events = table(
    "events", *map(column, ("stream", "version", "position", "recorded_at")), schema="record"
)


@dataclass(frozen=True, slots=True)
class SourceMovementView:
    """What another system holds of one id; ``reported_at`` is when the record learned of that."""

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


async def source_movements_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, SourceMovementView]:
    """Reported movements by our ids of them, whenever they happened."""
    found = await connection.execute(
        _told().where(
            source_movements.c.source_movement.in_(ids),
            known(source_movements, at.known),
            at.visible(source_movements),
        )
    )
    return {row.source_movement: view(SourceMovementView, row) for row in found}


async def pending_page(
    connection: AsyncConnection,
    system: str | None,
    at: AsOf,
    first: int,
    after: tuple[datetime, UUID] | None,
) -> list[SourceMovementView]:
    """What does not fit yet, in the order in which its systems recorded it."""
    order = (source_movements.c.source_recorded_at, source_movements.c.source_movement)
    query = _told().where(source_movements.c.status == "PENDING", at.holds(source_movements))
    if system is not None:
        query = query.where(source_movements.c.system == system)
    if after:
        query = query.where(tuple_(*order) > tuple_(*after))
    found = await connection.execute(query.order_by(*order).limit(first))
    return [view(SourceMovementView, row) for row in found]


def _told() -> Select[Any]:
    return select(*columns(source_movements), _events.c.recorded_at).join_from(
        source_movements,
        _events,
        (_events.c.stream == source_movements.c.visit)
        & (_events.c.version == source_movements.c.reported),
    )
