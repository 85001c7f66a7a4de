"""Queries on the timeline of a patient or a stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Uuid,
    func,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Cancelling, Correcting
from domain.described_enum import DescribedEnum
from domain.event_types import EVENTS
from domain.patient import Patient
from domain.stay.aggregate import Stay
from infrastructure.queries.as_of import AsOf, columns, group_views, view
from infrastructure.queries.compiled import CompiledStatement, by_id, equals, is_one_of, parameter
from infrastructure.queries.keyset import KeysetOrder
from infrastructure.queries.row_security import known
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.patients import records_of_each
from infrastructure.read_models.timeline.entry import kind_of
from infrastructure.read_models.timeline.projection import entries
from infrastructure.read_models.timeline.views import EntryView as EntryView
from infrastructure.read_models.timeline.views import is_true, with_reversals


class Reading(DescribedEnum):
    """Options of reading a timeline."""

    ALL = "ALL", "With what was corrected and cancelled, in the order in which it happened."
    TRUTH = "TRUTH", "Only what is held to be so."
    RECORD = "RECORD", "All, in the order in which it became known."


class TimelineOrder(DescribedEnum):
    """The order of a timeline."""

    EARLIEST_FIRST = "EARLIEST_FIRST", "What happened first is the first; of RECORD, became known."
    LATEST_FIRST = "LATEST_FIRST", "What happened last is the first; of RECORD, became known."


@dataclass(frozen=True, slots=True)
class TimelineCriteria:
    """Options of a timeline: how it is read, of which entries, in which order."""

    reading: Reading = Reading.ALL
    kinds: tuple[str, ...] | None = None
    since: datetime | None = None
    before: datetime | None = None
    order: TimelineOrder = TimelineOrder.EARLIEST_FIRST

    @property
    def descends(self) -> bool:
        return self.order is TimelineOrder.LATEST_FIRST

    @property
    def values(self) -> dict[str, Any]:
        """Return the parameters of the statements."""
        kinds = list(self.kinds) if self.kinds else None
        return {"kinds": kinds, "since": self.since, "before": self.before}


@reads(entries)
async def timeline_page(
    connection: AsyncConnection,
    at: AsOf,
    first: int,
    after: tuple[Any, ...] | None,
    criteria: TimelineCriteria = TimelineCriteria(),
    *,
    patients: Sequence[UUID] | None = None,
    stay: UUID | None = None,
) -> list[EntryView]:
    """Return a page of entries up to the moment, in the order of occurrence, then of their first entry.

    Read as the record: in the order of recording. Read as the truth: without entries that are corrected,
    cancelled, or only cancel another. ``after``: the `place` of the entry before the page.
    """
    reading, descends = criteria.reading, criteria.descends
    rows = await _page(reading, descends).execute(
        connection,
        at,
        patients=None if patients is None else list(patients),
        stay=stay,
        **criteria.values,
        **_order(reading, descends).values(after),
        first=first,
    )
    return await with_reversals(connection, [view(EntryView, row) for row in rows], at)


def place(entry: EntryView, reading: Reading) -> tuple[Any, int, int]:
    """Return the sort key of an entry in a reading."""
    if reading is Reading.RECORD:
        return entry.recorded_position, entry.position, entry.position
    return entry.occurred_at, entry.first_position, entry.position


@cache
def _order(reading: Reading, descends: bool) -> KeysetOrder:
    keys = entries.c.occurred_at, entries.c.first_position, entries.c.position
    if reading is Reading.RECORD:
        keys = entries.c.recorded_position, entries.c.position, entries.c.position
    return KeysetOrder(*keys, descends=descends)


def _entries_in_order(at: AsOf, reading: Reading, descends: bool) -> Select[Any]:
    """Return the query for the first entries of a reading of the timeline."""
    query = select(*columns(entries), entries.c.position).where(at.holds_as_filter(entries))
    if reading is Reading.TRUTH:
        query = query.where(is_true())
    last = entries.c.entry.desc() if descends else entries.c.entry
    order = _order(reading, descends).order
    return query.order_by(*order, last).limit(parameter("first", Integer))


_CRITERIA: dict[str, ColumnElement[bool]] = {
    "kinds": is_one_of(entries.c.kind, "kinds"),
    "since": entries.c.occurred_at >= parameter("since", entries.c.occurred_at.type),
    "before": entries.c.occurred_at < parameter("before", entries.c.occurred_at.type),
}


@cache
def _page(reading: Reading, descends: bool) -> CompiledStatement:
    """Return the statement for a page of a reading of the timeline."""
    return CompiledStatement(
        lambda at: _entries_in_order(at, reading, descends),
        patients=is_one_of(entries.c.patient, "patients"),
        stay=equals(entries.c.stay, "stay"),
        **_CRITERIA,
        after=_order(reading, descends).after,
    )


@reads(entries)
async def first_entries(
    connection: AsyncConnection,
    ids: Sequence[UUID],
    at: AsOf,
    of: str,
    criteria: TimelineCriteria,
    first: int,
) -> dict[UUID, list[EntryView]]:
    """Return the first entries of each of many stays or records, as `timeline_page` does of one.

    ``of``: "stay" or "patient", which the ids are of.
    """
    values = {name: value for name, value in criteria.values.items() if value is not None}
    statement = _first_entries(of, criteria.reading, criteria.descends, tuple(values))
    rows = await statement.execute(connection, at, ids=list(ids), first=first, **values)
    views = await with_reversals(connection, [view(EntryView, row) for row in rows], at)
    entries_by_id: dict[UUID, list[EntryView]] = {}
    for entry in views:
        entries_by_id.setdefault(getattr(entry, of), []).append(entry)
    return entries_by_id


@cache
def _first_entries(
    of: str, reading: Reading, descends: bool, criteria: tuple[str, ...]
) -> CompiledStatement:
    def build(at: AsOf) -> Select[Any]:
        ids = func.unnest(parameter("ids", ARRAY(Uuid))).table_valued("id").render_derived()
        query = _entries_in_order(at, reading, descends).where(
            entries.c[of] == ids.c.id, *(_CRITERIA[name] for name in criteria)
        )
        page = query.lateral("page")
        return select(page).select_from(ids.join(page, true()))

    return CompiledStatement(build)


_entries_by_id = by_id(
    lambda at: select(*columns(entries), entries.c.position).where(
        is_one_of(entries.c.entry, "ids"), known(entries, at.known)
    )
)


@reads(entries)
async def entries_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, EntryView]:
    """Return entries by their ids, also of facts after the moment, without row security."""
    rows = await _entries_by_id(connection, ids, at)
    return {row.entry: view(EntryView, row) for row in rows}


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
    """Return the entries recorded after one position and up to another, in that order, as known then."""
    query = select(*columns(entries), entries.c.position).where(
        entries.c.position > after,
        entries.c.recorded_position <= until,
        func.lower(entries.c.known) == entries.c.recorded_position,
    )
    if patients is not None:
        query = query.where(entries.c.patient.in_(patients))
    if stay is not None:
        query = query.where(entries.c.stay == stay)
    rows = await connection.execute(query.order_by(entries.c.position).limit(first))
    return [view(EntryView, row) for row in rows]


MOVEMENTS = tuple(
    kind_of(event)
    for event in EVENTS.values()
    if event.belongs_to(Stay)
    and "movement" in (event.FACT or "")
    and not issubclass(event, Cancelling | Correcting)
)
"""The kinds of entries that tell a movement; the entry of a cancel may tell one too."""

_movements_of = by_id(
    lambda at: (
        select(*columns(entries), entries.c.position)
        .where(
            is_one_of(entries.c.stay, "ids"),
            entries.c.kind.in_(MOVEMENTS),
            entries.c.movement.is_not(None).is_(True),
            at.holds_as_filter(entries),
        )
        .order_by(
            entries.c.occurred_at, entries.c.first_position, entries.c.position, entries.c.entry
        )
    )
)


@reads(entries)
async def movements_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[EntryView]]:
    """Return the movements of stays, also corrected and cancelled ones, in the order of occurrence."""
    rows = await _movements_of(connection, ids, at)
    movements = await with_reversals(connection, [view(EntryView, row) for row in rows], at)
    of_stay: dict[UUID, list[EntryView]] = {}
    for entry in movements:
        of_stay.setdefault(entry.stay or entry.subject, []).append(entry)
    return of_stay


_merges_of = by_id(
    lambda at: (
        select(*columns(entries), entries.c.position)
        .where(
            is_one_of(entries.c.patient, "ids"),
            entries.c.kind.in_((kind_of(Patient.Merged), kind_of(Patient.Unmerged))),
            at.holds_as_filter(entries),
        )
        .order_by(entries.c.recorded_position, entries.c.position)
    )
)


@reads(entries, records_of_each)
async def merges_of_persons(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[EntryView]]:
    """Return the merges that hold among the records of persons, by record."""
    records = await records_of_each(connection, ids, at)
    rows = await _merges_of(
        connection, list({r for linked_records in records.values() for r in linked_records}), at
    )
    of_record = group_views("patient", EntryView, rows)
    merges: dict[UUID, list[EntryView]] = {}
    for id, records_linked in records.items():
        entries_of_person = [
            entry
            for record in records_linked
            for entry in of_record.get(record, ())
            if "merge" in entry.data  # else another system reports it, and it is pending
        ]
        unmerged_ids = {
            e.data["merge"] for e in entries_of_person if e.kind == kind_of(Patient.Unmerged)
        }
        merges[id] = [e for e in entries_of_person if e.data["merge"] not in unmerged_ids]
    return merges


_entry_by_id = by_id(
    lambda at: select(*columns(entries), entries.c.position).where(
        is_one_of(entries.c.entry, "ids"), at.holds_as_filter(entries)
    )
)


@reads(entries)
async def entry_by_id(connection: AsyncConnection, id: UUID, at: AsOf) -> EntryView | None:
    """Return an entry."""
    row = (await _entry_by_id(connection, [id], at)).one_or_none()
    views = [view(EntryView, row)] if row else []
    return next(iter(await with_reversals(connection, views, at)), None)
