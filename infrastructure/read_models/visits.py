"""Visits read model: the visits of doctors to patients, with their notes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    Column,
    MetaData,
    Select,
    String,
    Uuid,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.stay.aggregate import Stay
from domain.time import Period
from infrastructure.projections.bitemporal_table import Copy, bitemporal_table, first_position
from infrastructure.projections.projection import EventPosition, ReadModel
from infrastructure.queries.as_of import AsOf, columns, group_views, in_time, since, view
from infrastructure.queries.compiled import by_id, is_one_of
from infrastructure.queries.tables_read import reads

metadata = MetaData(schema="visits_v1")
visits = bitemporal_table(
    "visits",
    metadata,
    "visit",
    Column("stay", Uuid, nullable=False),
    Column("practitioner", Uuid, nullable=False),
    Column("kind", String, nullable=False),
    Column("note", String),
    Column("consult", Uuid, comment="the consult that it answers"),
    first_position(),
    visibility="stay",
    find_by=("stay", "consult"),
    of="stay",
    revised_by=("visit",),
)


class Visits(ReadModel):
    """Projection of visits: one row each, true from the moment it occurred on."""

    name = "visits"
    metadata = metadata
    handles = frozenset(
        {Stay.VisitRecorded, Stay.VisitAmended, Stay.VisitCancelled, Stay.AdmissionCancelled}
    )

    def apply(self, event: Event, place: EventPosition) -> None:
        match event:
            case Stay.VisitAmended():
                values = {
                    "practitioner": event.practitioner,
                    "kind": event.visit_kind.value if event.visit_kind else None,
                    "note": event.note,
                    "consult": event.consult,
                }
                self.writer(visits).revise(
                    {"visit": event.visit, "stay": event.originator_id},
                    Copy(
                        {column: value for column, value in values.items() if value is not None},
                        Period(event.at) if event.at else None,
                    ),
                    known=place.known,
                    position=place.position,
                )
            case Stay.VisitCancelled():
                self._void([event.visit], event.originator_id, place)
            case Stay.AdmissionCancelled():
                self._void(event.voided, event.originator_id, place)
            case Stay.VisitRecorded():
                self.writer(visits).put(
                    event.visit,
                    Period(event.entry.occurred_at),
                    {
                        "stay": event.originator_id,
                        "practitioner": event.practitioner,
                        "kind": event.visit_kind.value,
                        "note": event.note,
                        "consult": event.consult,
                        "first_position": place.position,
                    },
                    known=place.known,
                    position=place.position,
                )

    def _void(self, ids: Iterable[UUID], stay: UUID, place: EventPosition) -> None:
        """Close the rows of a stay's visits, which from here on are known never to have been.

        One that goes to another stay is recorded there by the same command, before or after.
        """
        for id in ids:
            match = {"visit": id, "stay": stay}
            self.writer(visits).revise(match, known=place.known, position=place.position)


class VisitView(Struct, frozen=True):
    """A visit of a doctor."""

    visit: UUID
    stay: UUID
    practitioner: UUID
    kind: str
    note: str | None
    consult: UUID | None
    since: datetime


def _visits(column: Column[UUID]) -> Callable[[AsOf], Select[Any]]:
    """Compose visits by an id, up to the moment, in the order in which they occurred."""
    return lambda at: (
        select(*columns(visits, "first_position"), since(visits))
        .where(is_one_of(column, "ids"), at.holds_as_filter(visits))
        .order_by(in_time(visits), visits.c.first_position, visits.c.visit)
    )


_visits_of, _visits_by_id = by_id(_visits(visits.c.stay)), by_id(_visits(visits.c.visit))


@reads(visits)
async def visits_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[VisitView]]:
    """Return the visits of stays by stay, up to the moment, in the order in which they occurred."""
    return group_views("stay", VisitView, await _visits_of(connection, ids, at))


@reads(visits)
async def visits_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, VisitView]:
    """Return visits by their ids."""
    rows = await _visits_by_id(connection, ids, at)
    return {row.visit: view(VisitView, row) for row in rows}
