"""The timeline of a patient or a stay: what happened, in the order in which it happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, Select, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.described_enum import DescribedEnum
from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import Prepared, by_id, given, is_given, one_of_given
from infrastructure.queries.row_security import known
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.timeline.projection import entries


class Reading(DescribedEnum):
    """How a timeline is read."""

    ALL = "ALL", "With what was corrected and cancelled, in the order in which it happened."
    TRUTH = "TRUTH", "Only what is held to be so."
    RECORD = "RECORD", "All, in the order in which it became known."


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
    position: int


@reads(entries)
async def timeline_page(
    connection: AsyncConnection,
    at: AsOf,
    first: int,
    after: tuple[Any, int] | None,
    *,
    reading: Reading = Reading.ALL,
    patients: Sequence[UUID] | None = None,
    stay: UUID | None = None,
    kinds: Sequence[str] | None = None,
) -> list[EntryView]:
    """Entries up to the moment, ordered by when they occurred, ties by when they were recorded.

    As the record: in the order of knowing. As the truth: without what is not held to be so.
    """
    of_patients, of_stay = patients is not None, stay is not None
    page = _page(reading, of_patients, of_stay, bool(kinds), after is not None)
    begins, place = after or (None, None)
    found = await page.ask(
        connection,
        at,
        patients=list(patients or ()),
        stay=stay,
        kinds=list(kinds or ()),
        begins=begins,
        place=place,
        first=first,
    )
    return [view(EntryView, row) for row in found]


@cache
def _page(
    reading: Reading, of_patients: bool, of_stay: bool, some_kinds: bool, goes_on: bool
) -> Prepared:
    order: tuple[Column[Any], Column[Any]] = (entries.c.occurred_at, entries.c.position)
    if reading is Reading.RECORD:
        order = (entries.c.recorded_position, entries.c.position)

    def build(at: AsOf) -> Select[Any]:
        query = select(*columns(entries), entries.c.position).where(at.of(entries))
        if reading is Reading.TRUTH:
            query = query.where(
                entries.c.status == "TRUE",
                or_(entries.c.cancels.is_(None), entries.c.fact.is_not(None)),
            )
        if of_patients:
            query = query.where(one_of_given(entries.c.patient, "patients"))
        if of_stay:
            query = query.where(is_given(entries.c.stay, "stay"))
        if some_kinds:
            query = query.where(one_of_given(entries.c.kind, "kinds"))
        if goes_on:
            place = given("begins", order[0].type), given("place", order[1].type)
            query = query.where(tuple_(*order) > tuple_(*place))
        return query.order_by(*order, entries.c.entry).limit(given("first", Integer))

    return Prepared(build)


_entries_by_id = by_id(
    lambda at: select(*columns(entries), entries.c.position).where(
        one_of_given(entries.c.entry, "ids"), known(entries, at.known)
    )
)


@reads(entries)
async def entries_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, EntryView]:
    """Entries by their ids, also of what lies ahead."""
    found = await _entries_by_id(connection, ids, at)
    return {row.entry: view(EntryView, row) for row in found}


@reads(entries)
async def entries_recorded(
    connection: AsyncConnection,
    after: int,
    until: int,
    first: int,
    *,
    patients: Sequence[UUID] | None = None,
    stay: UUID | None = None,
) -> list[EntryView]:
    """What was recorded after one position and up to another, in that order, as it was known then."""
    query = select(*columns(entries), entries.c.position).where(
        entries.c.position > after,
        entries.c.recorded_position <= until,
        func.lower(entries.c.known) == entries.c.recorded_position,
    )
    if patients is not None:
        query = query.where(entries.c.patient.in_(patients))
    if stay is not None:
        query = query.where(entries.c.stay == stay)
    found = await connection.execute(query.order_by(entries.c.position).limit(first))
    return [view(EntryView, row) for row in found]


_entry_by_id = by_id(
    lambda at: select(*columns(entries), entries.c.position).where(
        one_of_given(entries.c.entry, "ids"), at.of(entries)
    )
)


@reads(entries)
async def entry_by_id(connection: AsyncConnection, id: UUID, at: AsOf) -> EntryView | None:
    """One entry."""
    row = (await _entry_by_id(connection, [id], at)).one_or_none()
    return view(EntryView, row) if row else None
