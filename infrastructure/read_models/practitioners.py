"""Practitioners read model: the practitioners of the hospital by staff number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    ARRAY,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.described_enum import DescribedEnum
from domain.names import name_order, prefixes
from domain.practitioner import Practitioner
from domain.time import ALWAYS, Period
from infrastructure.projections.bitemporal_table import Rows, bitemporal_table
from infrastructure.projections.projection import AggregateProjection
from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import CompiledStatement, by_id, equals, is_one_of, parameter
from infrastructure.queries.keyset import KeysetOrder, Place
from infrastructure.queries.tables_read import reads
from infrastructure.queries.word_search import word_filters, word_values

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
    Column("prefixes", ARRAY(String), nullable=False),
    Column("name_order", String, nullable=False),
    visibility="everyone",
    find_by=("staff_number",),
    has_valid_time_boundaries=True,
)
COLUMNS = columns(practitioners, "prefixes", "name_order")
Index("practitioners_prefixes", practitioners.c.prefixes, postgresql_using="gin")


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
            names = values["family_name"], values["given_name"]
            found_by = {
                "prefixes": prefixes(*names, values["staff_number"], None),
                "name_order": name_order(*names),
            }
            values = {**values, "grade": values["grade"].value, **found_by}
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
    lambda at: select(*COLUMNS).where(
        is_one_of(practitioners.c.practitioner, "ids"), at.holds_as_filter(practitioners)
    )
)


@reads(practitioners)
async def practitioners_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, PractitionerView]:
    """Return practitioners by their ids."""
    rows = await _practitioners_by_id(connection, ids, at)
    return {row.practitioner: view(PractitionerView, row) for row in rows}


@dataclass(frozen=True, slots=True)
class PractitionerCriteria:
    """Criteria for a list of practitioners; without any, all of them."""

    staff_number: str | None = None
    search: str | None = None
    specialty: str | None = None


class PractitionerOrder(DescribedEnum):
    """The order of practitioners."""

    STAFF_NUMBER = "STAFF_NUMBER", "By staff number, compared as text."
    NAME = "NAME", "By family name, then given name, as PatientOrder.NAME."


ORDERS = {
    PractitionerOrder.STAFF_NUMBER: KeysetOrder(practitioners.c.staff_number),
    PractitionerOrder.NAME: KeysetOrder(practitioners.c.name_order, practitioners.c.practitioner),
}


@dataclass(frozen=True, slots=True)
class ListedPractitioner:
    """A practitioner with its place in a list."""

    practitioner: PractitionerView
    place: Place


@cache
def _page(by: PractitionerOrder) -> CompiledStatement:
    order = ORDERS[by]
    return CompiledStatement(
        lambda at: (
            select(*COLUMNS, *order.keys)
            .where(at.holds(practitioners))
            .order_by(*order.order)
            .limit(parameter("first", Integer))
        ),
        **word_filters(practitioners.c.prefixes),
        staff_number=equals(practitioners.c.staff_number, "staff_number"),
        specialty=func.lower(practitioners.c.specialty)
        == func.lower(parameter("specialty", String)),
        after=order.after,
    )


@reads(practitioners)
async def practitioners_page(
    connection: AsyncConnection,
    criteria: PractitionerCriteria,
    at: AsOf,
    first: int,
    after: Place | None,
    order: PractitionerOrder = PractitionerOrder.STAFF_NUMBER,
) -> list[ListedPractitioner]:
    """Return a page of the practitioners that meet some criteria, in an order.

    ``search``: the beginnings of words of a name, in any order, or of a staff number.
    """
    words = word_values(criteria.search)
    if words is None:
        return []
    rows = await _page(order).execute(
        connection,
        at,
        **words,
        staff_number=criteria.staff_number or None,
        specialty=criteria.specialty or None,
        first=first,
        **ORDERS[order].values(after),
    )
    end = -len(ORDERS[order].keys)
    return [ListedPractitioner(view(PractitionerView, row[:end]), tuple(row[end:])) for row in rows]
