"""Query of the facts that were recorded late, of the house or of a ward."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Uuid,
    any_,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import CompiledStatement, is_one_of, parameter
from infrastructure.queries.row_security import known, value
from infrastructure.queries.tables_read import reads
from infrastructure.queries.unplaced import unplaced_in
from infrastructure.read_models.bed_uses import stretches
from infrastructure.read_models.rooms import rooms_of_ward
from infrastructure.read_models.timeline.projection import entries
from infrastructure.read_models.timeline.views import EntryView, is_true, with_reversals


def _is_in_ward(at: AsOf) -> ColumnElement[bool]:
    """Return the condition that a fact's stay had a bed of some rooms then, or is one of some stays."""
    had_bed = (
        select(stretches.c.stay)
        .where(
            stretches.c.stay == entries.c.stay,
            stretches.c.room == any_(parameter("rooms", ARRAY(Uuid))),
            known(stretches, at.known),
            func.lower(stretches.c.during) <= entries.c.occurred_at,
            (func.upper(stretches.c.during) < entries.c.occurred_at).is_not(True),
        )
        .correlate(entries)
        .exists()
    )
    return or_(had_bed, is_one_of(entries.c.stay, "unplaced"))


def _page(of_ward: bool) -> CompiledStatement:
    return CompiledStatement(
        lambda at: (
            select(*columns(entries), entries.c.position)
            .where(
                entries.c.recorded_position > parameter("since", BigInteger),
                entries.c.recorded_position <= value(at.known),
                entries.c.late,
                is_true(),
                at.holds_as_filter(entries),
                *([_is_in_ward(at)] if of_ward else []),
            )
            .order_by(
                entries.c.recorded_position.desc(),
                entries.c.position.desc(),
                entries.c.entry.desc(),
            )
            .limit(parameter("first", Integer))
        ),
        before=tuple_(entries.c.recorded_position, entries.c.position)
        < tuple_(parameter("before", BigInteger), parameter("before_entry", BigInteger)),
    )


_of_house, _of_ward = _page(of_ward=False), _page(of_ward=True)


@reads(entries, stretches, unplaced_in, rooms_of_ward)
async def late_entries_page(
    connection: AsyncConnection,
    at: AsOf,
    since: int,
    first: int,
    after: tuple[int, int] | None,
    ward: str | None = None,
) -> list[EntryView]:
    """Return a page of true entries recorded late after a position, the last recorded first.

    ``after``: recorded position and position of the entry before the page. ``ward``: of stays that had a
    bed there when it happened, or wait there without one now.
    """
    before, before_entry = after or (None, None)
    of_ward: dict[str, Any] = {}
    if ward is not None:
        room_ids: list[UUID] = await rooms_of_ward(connection, ward, at)
        of_ward = {"rooms": room_ids, "unplaced": list(await unplaced_in(connection, ward, at))}
    rows = await (_of_house if ward is None else _of_ward).execute(
        connection,
        at,
        since=since,
        first=first,
        before=before,
        before_entry=before_entry,
        **of_ward,
    )
    return await with_reversals(connection, [view(EntryView, row) for row in rows], at)
