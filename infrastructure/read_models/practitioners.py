"""Practitioners read model: the practitioners of the hospital by staff number."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Column, Date, Integer, MetaData, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.practitioner import Practitioner
from domain.time import ALWAYS, Period
from infrastructure.projections.bitemporal_table import Rows, bitemporal_table
from infrastructure.projections.projection import AggregateProjection
from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import CompiledStatement, by_id, equals, is_one_of, parameter
from infrastructure.queries.tables_read import reads

metadata = MetaData(schema="practitioners_v1")
practitioners = bitemporal_table(
    "practitioners",
    metadata,
    "practitioner",
    Column("staff_number", String, nullable=False),
    Column("family_name", String),
    Column("given_name", String),
    Column("grade", String, nullable=False),
    Column("grade_from", Date),
    Column("specialty", String),
    visibility="everyone",
    find_by=("staff_number",),
    has_valid_time_boundaries=True,
)


class Practitioners(AggregateProjection[Practitioner]):
    """Projection of practitioners: a row for each period in which no detail changed."""

    name = "practitioners"
    metadata = metadata
    kind = Practitioner

    def rows(self, practitioner: Practitioner, event: Event) -> dict[Table, Rows]:
        details = practitioner.details
        ends = [since for since, _ in details[1:]] + [None]
        rows: Rows = {}
        for (since, values), end in zip(details, ends, strict=True):
            period = Period(since or ALWAYS.start, end)
            values = {**values, "grade": values["grade"].value}
            rows[practitioner.id, period.start] = (period, values)
        return {practitioners: rows}


class PractitionerView(Struct, frozen=True):
    """A practitioner as held at a moment."""

    practitioner: UUID
    staff_number: str
    family_name: str | None
    given_name: str | None
    grade: str
    grade_from: date | None
    specialty: str | None


_practitioners_by_id = by_id(
    lambda at: select(*columns(practitioners)).where(
        is_one_of(practitioners.c.practitioner, "ids"), at.of(practitioners)
    )
)


@reads(practitioners)
async def practitioners_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, PractitionerView]:
    """Return practitioners by their ids."""
    rows = await _practitioners_by_id(connection, ids, at)
    return {row.practitioner: view(PractitionerView, row) for row in rows}


_page = CompiledStatement(
    lambda at: (
        select(*columns(practitioners))
        .where(at.holds(practitioners))
        .order_by(practitioners.c.staff_number)
        .limit(parameter("first", Integer))
    ),
    staff_number=equals(practitioners.c.staff_number, "staff_number"),
    after=practitioners.c.staff_number > parameter("after", String),
)


@reads(practitioners)
async def practitioners_page(
    connection: AsyncConnection,
    staff_number: str | None,
    at: AsOf,
    first: int,
    after: tuple[str] | None,
) -> list[PractitionerView]:
    """Return a page of practitioners in the order of their staff numbers."""
    rows = await _page.execute(
        connection,
        at,
        staff_number=staff_number or None,
        after=after[0] if after else None,
        first=first,
    )
    return [view(PractitionerView, row) for row in rows]
