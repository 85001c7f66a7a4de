"""The timeline of a patient or a stay: what happened, in the order in which it happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.moment import At, columns, view
from infrastructure.read_models.timeline import entries


@dataclass(frozen=True, slots=True)
class EntryView:
    """One fact, with both its clocks."""

    entry: UUID
    patient: UUID
    stay: UUID | None
    subject: UUID
    kind: str
    status: str
    movement: UUID | None
    occurred_at: datetime
    precision: str
    recorded_at: datetime
    recorded_position: int
    late: bool
    recorded_by: dict[str, Any]
    performed_by: str | None
    reason: str | None
    source: dict[str, Any] | None
    data: dict[str, Any]
    position: int


async def timeline_page(
    connection: AsyncConnection,
    at: At,
    first: int,
    after: tuple[datetime, int] | None,
    *,
    patient: UUID | None = None,
    stay: UUID | None = None,
    kinds: Sequence[str] | None = None,
) -> list[EntryView]:
    """Entries up to the moment, ordered by when they occurred, ties by when they were recorded."""
    query = select(*columns(entries), entries.c.position).where(at.holds(entries))
    if patient is not None:
        query = query.where(entries.c.patient == patient)
    if stay is not None:
        query = query.where(entries.c.stay == stay)
    if kinds:
        query = query.where(entries.c.kind.in_(kinds))
    if after:
        query = query.where(tuple_(entries.c.occurred_at, entries.c.position) > tuple_(*after))
    found = await connection.execute(
        query.order_by(entries.c.occurred_at, entries.c.position).limit(first)
    )
    return [view(EntryView, row) for row in found]


async def entry_by_id(connection: AsyncConnection, id: UUID, at: At) -> EntryView | None:
    """One entry."""
    found = await connection.execute(
        select(*columns(entries), entries.c.position).where(
            entries.c.entry == id, at.holds(entries)
        )
    )
    row = found.one_or_none()
    return view(EntryView, row) if row else None
