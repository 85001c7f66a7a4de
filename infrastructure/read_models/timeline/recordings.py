"""Queries of who recorded facts, and of what became of prescriptions, from the timeline."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.prescription.aggregate import Prescription
from infrastructure.queries.as_of import AsOf, columns, group_views, view
from infrastructure.queries.compiled import by_id, is_one_of
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.timeline.entry import kind_of
from infrastructure.read_models.timeline.projection import entries
from infrastructure.read_models.timeline.queries import EntryView

CHANGES = tuple(
    kind_of(event)
    for event in (
        Prescription.Written,
        Prescription.Changed,
        Prescription.Held,
        Prescription.Resumed,
        Prescription.Stopped,
        Prescription.Completed,
        Prescription.Cancelled,
    )
)
"""The kinds of entries that tell what became of a prescription."""

_true_by_fact = by_id(
    lambda at: (
        select(*columns(entries), entries.c.position)
        .where(
            is_one_of(entries.c.fact, "ids"),
            entries.c.status == "TRUE",
            entries.c.cancels.is_(None),
            at.holds_as_filter(entries),
        )
        .order_by(entries.c.position)
    )
)


@reads(entries)
async def recordings_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, EntryView]:
    """Return the entry that is held true of each visit or dose, by its id."""
    rows = await _true_by_fact(connection, ids, at)
    return {row.fact: view(EntryView, row) for row in rows}


_changes_of = by_id(
    lambda at: (
        select(*columns(entries), entries.c.position)
        .where(
            is_one_of(entries.c.subject, "ids"),
            entries.c.kind.in_(CHANGES),
            at.holds_as_filter(entries),
        )
        .order_by(entries.c.occurred_at, entries.c.first_position, entries.c.position)
    )
)


@reads(entries)
async def changes_of_prescriptions(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[EntryView]]:
    """Return the changes of prescriptions up to the moment, corrected and cancelled ones too."""
    return group_views("subject", EntryView, await _changes_of(connection, ids, at))
