"""Queries of the bed uses read model: the occupancy board, and the history of the use of beds."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Table,
    any_,
    cast,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.room.aggregate import BedState
from infrastructure.queries.as_of import AsOf, columns, group_views, in_time, since, until, view
from infrastructure.queries.bed_states import DERIVED_FROM, with_derived_states
from infrastructure.queries.compiled import CompiledStatement, by_id, equals, is_one_of, parameter
from infrastructure.queries.row_security import held_within, known, value
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.bed_uses import (
    BedView,
    BoardRoom,
    StretchView,
    stretches,
)
from infrastructure.read_models.rooms import SpellView, beds, room_view, rooms, spells


@reads(rooms, beds, spells, stretches, *DERIVED_FROM)
async def board(
    connection: AsyncConnection,
    at: AsOf,
    ward: str | None = None,
    only: Collection[UUID] | None = None,
) -> list[BoardRoom]:
    """Return the occupancy board of a ward, of some rooms or of the house: every bed, in order."""
    statement = _board(ward is not None, only is not None)
    rows = await statement.execute(connection, at, ward=ward, only=list(only or ()))
    return await with_derived_states(connection, at, _board_rooms(rows.all()))


@reads(board)
async def beds_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, tuple[BedView, ...]]:
    """Return the beds of rooms by the ids of the rooms, with their occupants, in order."""
    return {room.room.room: room.beds for room in await board(connection, at, None, ids)}


_START, _END = (parameter(name, DateTime(timezone=True)) for name in ("start", "end"))
_rooms_of_wards = CompiledStatement(
    lambda at: (
        select(rooms.c.room)
        .where(
            held_within(rooms, _START, _END, at.known),
            at.viewer.of_wards(),
        )
        .distinct()
    ),
    ward=equals(rooms.c.ward, "ward"),
    numbers=is_one_of(rooms.c.number, "numbers"),
)
_history = CompiledStatement(
    lambda at: (
        select(*columns(stretches), since(stretches), until(stretches))
        .where(
            held_within(stretches, _START, _END, at.known),
        )
        .order_by(in_time(stretches), stretches.c.stay)
        .limit(parameter("most", Integer))
    ),
    rooms=is_one_of(stretches.c.room, "rooms"),
    beds=is_one_of(stretches.c.bed, "beds"),
    stays=is_one_of(stretches.c.stay, "stays"),
)


@reads(stretches, rooms)
async def occupancy_history(
    connection: AsyncConnection,
    at: AsOf,
    start: datetime,
    end: datetime,
    ward: str | None,
    numbers: Sequence[str] | None,
    beds: Sequence[str] | None,
    limit: int | None = None,
    stays: Sequence[UUID] | None = None,
) -> list[StretchView]:
    """Return the stretches of occupancy between two moments, in the order in which they began.

    ``numbers`` and ``beds``: the spellings of a room's number and of a bed's code. ``stays``: of
    these alone.
    """
    of_wards = None
    if ward is not None or numbers is not None or at.viewer.wards is not None:
        result = await _rooms_of_wards.execute(
            connection, at, start=start, end=end, ward=ward, numbers=numbers
        )
        of_wards = list(result.scalars())
    rows = await _history.execute(
        connection, at, start=start, end=end, rooms=of_wards, beds=beds, stays=stays, most=limit
    )
    return [view(StretchView, row) for row in rows]


_stretches_of = by_id(
    lambda at: (
        select(*columns(stretches), since(stretches), until(stretches))
        .where(
            is_one_of(stretches.c.stay, "ids"),
            (func.lower(stretches.c.during) <= value(at.as_of)).is_(True),
            known(stretches, at.known),
        )
        .order_by(in_time(stretches))
    )
)


@reads(stretches)
async def stretches_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[StretchView]]:
    """Return the stretches of stays up to the moment, which cuts the one that goes on, by stay."""
    stretches_by_stay = group_views("stay", StretchView, await _stretches_of(connection, ids, at))
    return {stay: [_cut(v, at.as_of) for v in views] for stay, views in stretches_by_stay.items()}


def _cut(stretch: StretchView, moment: datetime) -> StretchView:
    goes_on = stretch.until is not None and stretch.until > moment
    return replace(stretch, until=None) if goes_on else stretch


_ROOM, _BED, _STRETCH, _SPELL = range(4)


_COLUMNS = (
    *(stretches.c[name] for name in ("stay", "patient", "kept", "shares_bed_of")),
    *(spells.c[name] for name in ("spell", "state", "reason", "for_patient", "for_stay")),
    *(rooms.c[name] for name in ("ward", "number", "policies")),
)


_NO_PLACE = cast(null(), BigInteger)


@cache
def _board(of_ward: bool, only: bool) -> CompiledStatement:
    """Return the statement for rooms, their beds, and the stretches and spells of the beds.

    A union and not a join, which would be planned for one row of each and take for ever with hundreds.
    It searches by the moment first: the rows that hold then are never more than the house has beds,
    while the rows of a room grow with the years.
    """

    def build(at: AsOf) -> Select[Any]:
        nth = func.row_number().over(order_by=(rooms.c.ward, rooms.c.number))
        of_rooms = _rows(at, _ROOM, rooms, literal_column("''"), nth).where(at.viewer.of_wards())
        if of_ward:
            of_rooms = of_rooms.where(equals(rooms.c.ward, "ward"))
        if only:
            of_rooms = of_rooms.where(is_one_of(rooms.c.room, "only"))
        rooms_here = of_rooms.cte("here").prefix_with("MATERIALIZED", dialect="postgresql")
        tables = [(_BED, beds), (_STRETCH, stretches), (_SPELL, spells)]
        rows = [_rows(at, kind, table, table.c.bed) for kind, table in tables]
        rows_held = union_all(*rows).cte("held").prefix_with("MATERIALIZED", dialect="postgresql")
        inside = select(rows_held)
        if of_ward or only or at.viewer.wards is not None:
            inside = inside.where(
                rows_held.c.room == any_(func.array(select(rooms_here.c.room).scalar_subquery()))
            )
        row = union_all(select(rooms_here), inside).subquery("told")
        return select(*row.c).order_by(
            row.c.room,
            func.length(row.c.bed),
            row.c.bed,
            row.c.kind,
            row.c.shares_bed_of.is_not(None),
            row.c.since,
            row.c.stay,
            row.c.spell,
        )

    return CompiledStatement(build)


def _rows(
    at: AsOf,
    kind: int,
    table: Table,
    bed: ColumnElement[Any],
    nth: ColumnElement[Any] = _NO_PLACE,
) -> Select[Any]:
    """Compose the rows of a table that hold, with the columns of all. ``nth``: the rank of a room."""
    columns = [c if c.table is table else cast(null(), c.type).label(c.name) for c in _COLUMNS]
    return select(
        table.c.room,
        bed.label("bed"),
        literal_column(str(kind)).label("kind"),
        since(table),
        until(table),
        *columns,
        nth.label("nth"),
    ).where(at.holds(table))


def _board_rooms(rows: Iterable[Any]) -> list[BoardRoom]:
    """Return rooms in order with their beds, from rows in which each comes before those inside of it."""
    ranked_rooms: list[tuple[int, BoardRoom]] = []
    for room, of_room in groupby(rows, itemgetter(0)):
        first, *inside = of_room
        if first[2] == _ROOM:  # else they are of a room that is not open then
            *_, ward, number, policies, nth = first
            beds = (_bed_of(code, of_bed) for code, of_bed in groupby(inside, itemgetter(1)))
            in_room = tuple(bed for bed in beds if bed is not None)
            if not in_room:  # all of its beds are retired
                continue
            ranked_rooms.append(
                (nth, BoardRoom(room_view((room, ward, number, policies)), in_room))
            )
    return [room for _, room in sorted(ranked_rooms, key=itemgetter(0))]


def _bed_of(code: str, rows: Iterable[Any]) -> BedView | None:
    """Return a bed from its rows, its own first; None if the bed does not exist then."""
    bed, *inside = rows
    if bed[2] != _BED:
        return None
    of_stays: list[StretchView] = []
    of_bed: list[SpellView] = []
    for room, _, kind, begin, end, stay, patient, is_kept, shares, *values in inside:
        if kind == _STRETCH:
            of_stays.append(StretchView(stay, patient, room, code, is_kept, shares, begin, end))
        else:
            spell, state, reason, patient, stay = values[:5]
            of_bed.append(SpellView(spell, room, code, state, reason, patient, stay, begin, end))
    return _bed(code, of_stays, of_bed)


_ORDER = (BedState.CLOSED, BedState.CLEANING, BedState.RESERVED)


def _bed(code: str, occupants: list[StretchView], spells: list[SpellView]) -> BedView:
    """Return a bed with its state: occupied before kept, before closed, cleaning, reserved, free."""
    spell = min(spells, key=lambda s: _ORDER.index(BedState(s.state))) if spells else None
    if occupants:
        is_kept = occupants[0].kept and all(o.kept for o in occupants)
        state = BedState.KEPT if is_kept else BedState.OCCUPIED
    elif spell:
        state = BedState(spell.state)
    else:
        state = BedState.FREE
    return BedView(code, state, tuple(occupants), spell)
