"""Queries on the timeline of a patient or a stay."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    Select,
    Uuid,
    and_,
    func,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Cancelling, Correcting
from domain.described_enum import DescribedEnum
from domain.event_types import EVENTS
from domain.patient import Patient
from domain.stay.aggregate import Stay
from infrastructure.queries.as_of import AsOf, columns, group_views, view
from infrastructure.queries.compiled import CompiledStatement, by_id, equals, is_one_of, parameter
from infrastructure.queries.row_security import known, value
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.patients import records_of_each
from infrastructure.read_models.timeline.entry import kind_of
from infrastructure.read_models.timeline.projection import entries


class Reading(DescribedEnum):
    """Options of reading a timeline."""

    ALL = "ALL", "With what was corrected and cancelled, in the order in which it happened."
    TRUTH = "TRUTH", "Only what is held to be so."
    RECORD = "RECORD", "All, in the order in which it became known."


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


@reads(entries)
async def timeline_page(
    connection: AsyncConnection,
    at: AsOf,
    first: int,
    after: tuple[Any, ...] | None,
    *,
    reading: Reading = Reading.ALL,
    patients: Sequence[UUID] | None = None,
    stay: UUID | None = None,
    kinds: Sequence[str] | None = None,
) -> list[EntryView]:
    """Return a page of entries up to the moment, in the order of occurrence, then of their first entry.

    Read as the record: in the order of recording. Read as the truth: without entries that are corrected,
    cancelled, or only cancel another. ``after``: the `place` of the entry before the page.
    """
    begins, first_position, position = after or (None, None, None)
    rows = await _pages[reading].execute(
        connection,
        at,
        patients=None if patients is None else list(patients),
        stay=stay,
        kinds=list(kinds) if kinds else None,
        begins=begins,
        first_position=first_position,
        after=position,
        first=first,
    )
    return await _with_reversals(connection, [view(EntryView, row) for row in rows], at)


async def _with_reversals(
    connection: AsyncConnection, entries: list[EntryView], at: AsOf
) -> list[EntryView]:
    """Return entries that name in ``cancelled_by`` the reversal that holds of each, up to the moment."""
    movement_ids = [
        e.entry for e in entries if e.movement and e.status == "TRUE" and not e.cancelled_by
    ]
    rows = await _reversals_of(connection, movement_ids, at)
    reversals = {row.cancels: row.entry for row in rows}
    return [
        replace(e, cancelled_by=reversals[e.entry]) if e.entry in reversals else e for e in entries
    ]


_reversals_of = by_id(
    lambda at: select(entries.c.cancels, entries.c.entry).where(
        is_one_of(entries.c.cancels, "ids"),
        entries.c.cancels.is_not(None),
        entries.c.status == "TRUE",
        entries.c.movement.is_not(None),
        at.of(entries),
    )
)


def place(entry: EntryView, reading: Reading) -> tuple[Any, int, int]:
    """Return what the order of a reading compares of an entry."""
    if reading is Reading.RECORD:
        return entry.recorded_position, entry.position, entry.position
    return entry.occurred_at, entry.first_position, entry.position


def _is_true() -> ColumnElement[bool]:
    """Return the condition for entries that hold, without those that only cancel another."""
    return and_(
        entries.c.status == "TRUE",
        or_(entries.c.cancels.is_(None), entries.c.fact.is_not(None)),
    )


def _order(reading: Reading) -> tuple[Column[Any], Column[Any], Column[Any]]:
    if reading is Reading.RECORD:
        return entries.c.recorded_position, entries.c.position, entries.c.position
    return entries.c.occurred_at, entries.c.first_position, entries.c.position


def _entries_in_order(at: AsOf, reading: Reading) -> Select[Any]:
    """Return the query for the first entries of a reading of the timeline."""
    query = select(*columns(entries), entries.c.position).where(at.of(entries))
    if reading is Reading.TRUTH:
        query = query.where(_is_true())
    return query.order_by(*_order(reading), entries.c.entry).limit(parameter("first", Integer))


def _page(reading: Reading) -> CompiledStatement:
    """Return the statement for a page of a reading of the timeline."""
    order = _order(reading)
    return CompiledStatement(
        lambda at: _entries_in_order(at, reading),
        patients=is_one_of(entries.c.patient, "patients"),
        stay=equals(entries.c.stay, "stay"),
        kinds=is_one_of(entries.c.kind, "kinds"),
        after=tuple_(*order)
        > tuple_(
            parameter("begins", order[0].type),
            parameter("first_position", order[1].type),
            parameter("after", order[2].type),
        ),
    )


_pages = {reading: _page(reading) for reading in Reading}


@reads(entries)
async def first_entries(
    connection: AsyncConnection,
    ids: Sequence[UUID],
    at: AsOf,
    of: str,
    reading: Reading,
    first: int,
    kinds: tuple[str, ...] | None,
) -> dict[UUID, list[EntryView]]:
    """Return the first entries of each of many stays or records, as `timeline_page` does of one.

    ``of``: "stay" or "patient", which the ids are of.
    """
    rows = await _first_entries(of, reading, kinds is not None).execute(
        connection, at, ids=list(ids), first=first, kinds=list(kinds or ())
    )
    views = await _with_reversals(connection, [view(EntryView, row) for row in rows], at)
    entries_by_id: dict[UUID, list[EntryView]] = {}
    for entry in views:
        entries_by_id.setdefault(getattr(entry, of), []).append(entry)
    return entries_by_id


@cache
def _first_entries(of: str, reading: Reading, has_kinds: bool) -> CompiledStatement:
    def build(at: AsOf) -> Select[Any]:
        ids = func.unnest(parameter("ids", ARRAY(Uuid))).table_valued("id").render_derived()
        query = _entries_in_order(at, reading).where(entries.c[of] == ids.c.id)
        if has_kinds:
            query = query.where(is_one_of(entries.c.kind, "kinds"))
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


_late_entries = CompiledStatement(
    lambda at: (
        select(*columns(entries), entries.c.position)
        .where(
            entries.c.recorded_position > parameter("since", BigInteger),
            entries.c.recorded_position <= value(at.known),
            entries.c.late,
            _is_true(),
            at.of(entries),
        )
        .order_by(
            entries.c.recorded_position.desc(), entries.c.position.desc(), entries.c.entry.desc()
        )
        .limit(parameter("first", Integer))
    ),
    before=tuple_(entries.c.recorded_position, entries.c.position)
    < tuple_(parameter("before", BigInteger), parameter("before_entry", BigInteger)),
)


@reads(entries)
async def late_entries_page(
    connection: AsyncConnection,
    at: AsOf,
    since: int,
    first: int,
    after: tuple[int, int] | None,
) -> list[EntryView]:
    """Return a page of true entries recorded late after a position, the last recorded first.

    ``after``: recorded position and position of the entry before the page.
    """
    before, before_entry = after or (None, None)
    rows = await _late_entries.execute(
        connection, at, since=since, first=first, before=before, before_entry=before_entry
    )
    return await _with_reversals(connection, [view(EntryView, row) for row in rows], at)


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
            entries.c.movement.is_not(None),
            at.of(entries),
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
    movements = await _with_reversals(connection, [view(EntryView, row) for row in rows], at)
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
            at.of(entries),
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
        is_one_of(entries.c.entry, "ids"), at.of(entries)
    )
)


@reads(entries)
async def entry_by_id(connection: AsyncConnection, id: UUID, at: AsOf) -> EntryView | None:
    """Return an entry."""
    row = (await _entry_by_id(connection, [id], at)).one_or_none()
    views = [view(EntryView, row)] if row else []
    return next(iter(await _with_reversals(connection, views, at)), None)
