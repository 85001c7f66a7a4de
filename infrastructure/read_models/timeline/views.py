"""Views of timeline entries, and what holds of them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf
from infrastructure.queries.compiled import by_id, is_one_of
from infrastructure.read_models.timeline.projection import entries


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry of a timeline: one fact, with valid time and recording time."""

    entry: UUID
    patient: UUID
    stay: UUID | None
    subject: UUID
    kind: str
    status: str
    movement: UUID | None
    fact: UUID | None
    corrects: UUID | None
    corrected_by: UUID | None
    cancels: UUID | None
    cancelled_by: UUID | None
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
    first_position: int
    position: int
    reversed_at: datetime | None = None
    """The moment from which it is reversed, of one that was so until then."""


def is_true() -> ColumnElement[bool]:
    """Return the condition for entries that hold, without those that only cancel another."""
    return and_(
        entries.c.status == "TRUE",
        or_(entries.c.cancels.is_(None), entries.c.fact.is_not(None)),
    )


async def with_reversals(
    connection: AsyncConnection, entries: list[EntryView], at: AsOf
) -> list[EntryView]:
    """Return entries that name the reversal that holds of each, and its time, up to the moment."""
    movement_ids = [
        e.entry for e in entries if e.movement and e.status == "TRUE" and not e.cancelled_by
    ]
    rows = await _reversals_of(connection, movement_ids, at)
    reversals = {row.cancels: row for row in rows}
    return [
        replace(e, cancelled_by=reversal.entry, reversed_at=reversal.occurred_at)
        if (reversal := reversals.get(e.entry))
        else e
        for e in entries
    ]


_reversals_of = by_id(
    lambda at: select(entries.c.cancels, entries.c.entry, entries.c.occurred_at).where(
        is_one_of(entries.c.cancels, "ids"),
        entries.c.cancels.is_not(None),
        entries.c.status == "TRUE",
        entries.c.movement.is_not(None),
        at.holds_as_filter(entries),
    )
)
