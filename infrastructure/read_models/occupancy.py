"""Occupancy: who lay in which bed, or kept it, in stretches."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Uuid,
    any_,
    cast,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Aggregate, Event
from domain.room.aggregate import BedState, Room
from domain.room.occupancy import Occupancy
from domain.time import Period
from infrastructure.projections.bitemporal_table import bitemporal_table
from infrastructure.projections.projection import EventPosition, EventReader, ReadModel
from infrastructure.queries.as_of import AsOf, columns, since, until, view
from infrastructure.queries.compiled import CompiledStatement, equals, is_one_of, parameter
from infrastructure.queries.row_security import known
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.rooms import RoomView, SpellView, beds, room_view, rooms, spells

metadata = MetaData(schema="occupancy_v1")
stretches = bitemporal_table(
    "stretches",
    metadata,
    "stay",
    Column("patient", Uuid, nullable=False),
    Column("room", Uuid, nullable=False),
    Column("bed", String, nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("shares_bed_of", Uuid),
    visibility="room",
    find_by=("room",),
    of="room",
    has_valid_time_boundaries=True,
)


class Occupancies(ReadModel):
    """The sum of the differences that the stays told their rooms.

    A stretch may go to another room with the same beginning (a bed kept during leave, when a late
    transfer comes before the leave). So what a command begins is put when all that it ends is closed.
    """

    name = "occupancy"
    metadata = metadata
    handles = frozenset({Occupancy.StretchesChanged})
    halts = True

    def __init__(self, history: EventReader, schema: str | None = None) -> None:
        super().__init__(history, schema)
        self._changes: list[tuple[Occupancy.StretchesChanged, EventPosition]] = []

    def apply(self, event: Event, place: EventPosition) -> None:
        if not isinstance(event, Occupancy.StretchesChanged):
            return
        if self._changes and self._changes[0][1].known < place.known:
            self._begin()
        for ended in event.ended:
            self.writer(stretches).close(event.stay, ended.since, known=place.known)
        self._changes.append((event, place))

    def flush(self, cursor: Cursor[TupleRow]) -> None:
        self._begin()
        super().flush(cursor)

    @classmethod
    def things(cls) -> tuple[type[Aggregate], ...]:
        return (Room,)

    @classmethod
    def stream_of(cls, thing: UUID) -> UUID:
        return Occupancy.id_for(thing)

    def _begin(self) -> None:
        """Put what one command begins: all that it ends is closed."""
        for change, told in self._changes:
            for begun in change.begun:
                self.writer(stretches).put(
                    change.stay,
                    Period(begun.since, begun.until),
                    _values(change, begun.bed, begun.kept, begun.shares_bed_of),
                    known=told.known,
                    position=told.position,
                )
        self._changes.clear()


def _values(
    event: Occupancy.StretchesChanged, bed: str, kept: bool, shares_bed_of: UUID | None
) -> dict[str, object]:
    return {
        "patient": event.patient,
        "room": event.room,
        "bed": bed,
        "kept": kept,
        "shares_bed_of": shares_bed_of,
    }


@dataclass(frozen=True, slots=True)
class StretchView:
    """A bed's use by a stay; ``until`` None while it is open."""

    stay: UUID
    patient: UUID
    room: UUID
    bed: str
    kept: bool
    shares_bed_of: UUID | None
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class BedView:
    """A bed of a board: who is in it, or what keeps it from being free."""

    code: str
    state: BedState
    occupants: tuple[StretchView, ...]
    spell: SpellView | None

    @property
    def occupant(self) -> StretchView | None:
        """Whose bed it is: not the child that shares it."""
        own = (o for o in self.occupants if o.shares_bed_of is None)
        return next(own, self.occupants[0] if self.occupants else None)


@dataclass(frozen=True, slots=True)
class BoardRoom:
    """A room of a board with its beds."""

    room: RoomView
    beds: tuple[BedView, ...]


@reads(rooms, beds, spells, stretches)
async def board(
    connection: AsyncConnection,
    at: AsOf,
    ward: str | None = None,
    only: Collection[UUID] | None = None,
) -> list[BoardRoom]:
    """Who lies where at a moment: every bed of a ward, of some rooms or of the house, in order."""
    asked = _board(ward is not None, only is not None)
    found = await asked.execute(connection, at, ward=ward, only=list(only or ()))
    return _grouped(found.all())


@reads(board)
async def beds_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, tuple[BedView, ...]]:
    """The beds of each room, and who lies in them, in order."""
    return {found.room.room: found.beds for found in await board(connection, at, None, ids)}


_rooms_of_wards = CompiledStatement(
    lambda at: select(rooms.c.room).where(known(rooms, at.known), at.viewer.of_wards()),
    ward=equals(rooms.c.ward, "ward"),
    number=equals(rooms.c.number, "number"),
)
_moment = DateTime(timezone=True)
_history = CompiledStatement(
    lambda at: (
        select(*columns(stretches), since(stretches), until(stretches))
        .where(
            stretches.c.during.op("&&")(
                func.tstzrange(parameter("start", _moment), parameter("end", _moment))
            ),
            known(stretches, at.known),
        )
        .order_by(since(stretches), stretches.c.stay)
        .limit(parameter("most", Integer))
    ),
    rooms=is_one_of(stretches.c.room, "rooms"),
    bed=equals(stretches.c.bed, "bed"),
)


@reads(stretches, rooms)
async def occupancy_history(
    connection: AsyncConnection,
    at: AsOf,
    start: datetime,
    end: datetime,
    ward: str | None,
    number: str | None,
    bed: str | None,
    most: int | None = None,
) -> list[StretchView]:
    """Return the stretches of occupancy between two moments, in the order in which they began."""
    of_wards = None
    if ward is not None or number is not None or at.viewer.wards is not None:
        result = await _rooms_of_wards.execute(connection, at, ward=ward, number=number)
        of_wards = list(result.scalars())
    rows = await _history.execute(
        connection, at, start=start, end=end, rooms=of_wards, bed=bed, most=most
    )
    return [view(StretchView, row) for row in rows]


_ROOM, _BED, _LYING, _SPELL = range(4)


_SHOWN = (
    *(stretches.c[name] for name in ("stay", "patient", "kept", "shares_bed_of")),
    *(spells.c[name] for name in ("spell", "state", "reason", "for_patient", "for_stay")),
    *(rooms.c[name] for name in ("ward", "number", "policies")),
)


_NO_PLACE = cast(null(), BigInteger)


@cache
def _board(of_ward: bool, only: bool) -> CompiledStatement:
    """Rooms, and what holds inside of them: beds, each with what is in it.

    One statement without a join: joined, it would be planned for one row of each, and take forever
    with hundreds. The moment is looked for first: what held then is never more than the house has
    beds, while the rows of a room grow with the years.
    """

    def build(at: AsOf) -> Select[Any]:
        nth = func.row_number().over(order_by=(rooms.c.ward, rooms.c.number))
        wanted = _rows(at, _ROOM, rooms, literal_column("''"), nth).where(at.viewer.of_wards())
        if of_ward:
            wanted = wanted.where(equals(rooms.c.ward, "ward"))
        if only:
            wanted = wanted.where(is_one_of(rooms.c.room, "only"))
        here = wanted.cte("here").prefix_with("MATERIALIZED", dialect="postgresql")
        shown = [(_BED, beds), (_LYING, stretches), (_SPELL, spells)]
        rows = [_rows(at, what, table, table.c.bed) for what, table in shown]
        held = union_all(*rows).cte("held").prefix_with("MATERIALIZED", dialect="postgresql")
        inside = select(held)
        if of_ward or only or at.viewer.wards is not None:
            wanted_rooms = func.array(select(here.c.room).scalar_subquery())
            inside = inside.where(held.c.room == any_(wanted_rooms))
        told = union_all(select(here), inside).subquery("told")
        return select(*told.c).order_by(
            told.c.room,
            func.length(told.c.bed),
            told.c.bed,
            told.c.what,
            told.c.shares_bed_of.is_not(None),
            told.c.since,
        )

    return CompiledStatement(build)


def _rows(
    at: AsOf,
    what: int,
    table: Table,
    bed: ColumnElement[Any],
    nth: ColumnElement[Any] = _NO_PLACE,
) -> Select[Any]:
    """The rows of one table that hold, with the columns of all. ``nth``: a room's place among all."""
    columns = [c if c.table is table else cast(null(), c.type).label(c.name) for c in _SHOWN]
    return select(
        table.c.room,
        bed.label("bed"),
        literal_column(str(what)).label("what"),
        since(table),
        until(table),
        *columns,
        nth.label("nth"),
    ).where(at.holds(table))


def _grouped(rows: Iterable[Any]) -> list[BoardRoom]:
    """Rooms in order with their beds, from rows in which each comes before what is in it."""
    found: list[tuple[int, BoardRoom]] = []
    for room, of_room in groupby(rows, itemgetter(0)):
        named, *inside = of_room
        if named[2] == _ROOM:  # otherwise of a room that is not open then
            *_, ward, number, policies, nth = named
            beds = (_bed_of(code, of_bed) for code, of_bed in groupby(inside, itemgetter(1)))
            there = tuple(bed for bed in beds if bed is not None)
            found.append((nth, BoardRoom(room_view((room, ward, number, policies)), there)))
    return [room for _, room in sorted(found, key=itemgetter(0))]


def _bed_of(code: str, rows: Iterable[Any]) -> BedView | None:
    """A bed from its rows, itself first; None for what is in none that is there then."""
    bed, *inside = rows
    if bed[2] != _BED:
        return None
    lying: list[StretchView] = []
    spelled: list[SpellView] = []
    for room, _, what, begin, end, *told in inside:
        if what == _LYING:
            stay, patient, kept, shares = told[:4]
            lying.append(StretchView(stay, patient, room, code, kept, shares, begin, end))
        else:
            spell, state, why, patient, stay = told[4:9]
            spelled.append(SpellView(spell, room, code, state, why, patient, stay, begin, end))
    return _bed(code, lying, spelled)


_ORDER = (BedState.CLOSED, BedState.CLEANING, BedState.RESERVED)


def _bed(code: str, occupants: list[StretchView], spelled: list[SpellView]) -> BedView:
    """What a bed is: occupied before kept, before closed, cleaning, reserved, free."""
    spell = None
    if spelled:
        spell = min(spelled, key=lambda s: _ORDER.index(BedState(s.state)))
    if occupants:
        state = BedState.KEPT if all(o.kept for o in occupants) else BedState.OCCUPIED
    elif spell:
        state = BedState(spell.state)
    else:
        state = BedState.FREE
    return BedView(code, state, tuple(occupants), spell)
