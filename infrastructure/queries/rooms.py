"""Questions about rooms: what there is, who lies where, who lay where."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.room import BedState
from infrastructure.queries.moment import At, columns, known, one_of, since, until, view
from infrastructure.queries.prepared import Prepared, by_id, one_of_given
from infrastructure.read_models.occupancy import stretches
from infrastructure.read_models.rooms import beds, rooms, spells


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as held at a moment."""

    room: UUID
    ward: str
    number: str
    policies: tuple[str, ...]


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
class SpellView:
    """A period in which a bed is closed, being cleaned or reserved."""

    spell: UUID
    room: UUID
    bed: str
    state: str
    reason: str | None
    for_patient: UUID | None
    for_stay: UUID | None
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


async def wards(connection: AsyncConnection, at: At) -> list[str]:
    """The names of the wards, in order."""
    found = await connection.execute(
        select(rooms.c.ward)
        .where(at.holds(rooms), at.reader.of_wards())
        .distinct()
        .order_by(rooms.c.ward)
    )
    return list(found.scalars())


_rooms_by_id = by_id(
    lambda at: select(*columns(rooms)).where(one_of_given(rooms.c.room, "ids"), at.of(rooms))
)


async def rooms_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: At
) -> dict[UUID, RoomView]:
    """Rooms by their ids."""
    return {row.room: _room(row) for row in await _rooms_by_id(connection, ids, at)}


async def board(
    connection: AsyncConnection,
    at: At,
    ward: str | None = None,
    only: Collection[UUID] | None = None,
) -> list[BoardRoom]:
    """Who lies where at a moment: every bed of a ward, of some rooms or of the house, in order."""
    wanted = _rooms_wanted(ward is not None, only is not None)
    found = await wanted.ask(connection, at, ward=ward, only=list(only or ()))
    here = [_room(row) for row in found]
    whole = ward is None and only is None and at.reader.wards is None
    ids = [room.room for room in here]
    codes, lying, spelled = _WHOLE if whole else _OF_ROOMS
    in_beds = await codes.ask(connection, at, rooms=ids)
    occupants: dict[tuple[UUID, str], list[StretchView]] = {}
    for row in await lying.ask(connection, at, rooms=ids):
        occupants.setdefault((row.room, row.bed), []).append(view(StretchView, row))
    states: dict[tuple[UUID, str], list[SpellView]] = {}
    for row in await spelled.ask(connection, at, rooms=ids):
        states.setdefault((row.room, row.bed), []).append(view(SpellView, row))
    told: dict[UUID, list[BedView]] = {room.room: [] for room in here}
    for row in in_beds:
        bed = row.room, row.bed
        told[row.room].append(_bed(row.bed, occupants.get(bed, []), states.get(bed, [])))
    return [BoardRoom(room, tuple(told[room.room])) for room in here]


@cache
def _rooms_wanted(of_ward: bool, only: bool) -> Prepared:
    def build(at: At) -> Select[Any]:
        wanted = select(*columns(rooms)).where(at.holds(rooms), at.reader.of_wards())
        if of_ward:
            wanted = wanted.where(rooms.c.ward == bindparam("ward", None, type_=Text))
        if only:
            wanted = wanted.where(one_of_given(rooms.c.room, "only"))
        return wanted.order_by(rooms.c.ward, rooms.c.number)

    return Prepared(build)


async def occupancy_history(
    connection: AsyncConnection,
    at: At,
    start: datetime,
    end: datetime,
    ward: str | None,
    number: str | None,
    bed: str | None,
) -> list[StretchView]:
    """Who lay where between two moments, in stretches, in the order in which they began."""
    period = func.tstzrange(
        cast(literal(start), DateTime(timezone=True)), cast(literal(end), DateTime(timezone=True))
    )
    query = select(*columns(stretches), since(stretches), until(stretches)).where(
        stretches.c.during.op("&&")(period), known(stretches, at.known)
    )
    if ward is not None or number is not None or at.reader.wards is not None:
        here = select(rooms.c.room).where(known(rooms, at.known), at.reader.of_wards())
        if ward is not None:
            here = here.where(rooms.c.ward == ward)
        if number is not None:
            here = here.where(rooms.c.number == number)
        there = (await connection.execute(here)).scalars().all()
        query = query.where(one_of(stretches.c.room, there))
    if bed is not None:
        query = query.where(stretches.c.bed == bed)
    found = await connection.execute(query.order_by(since(stretches), stretches.c.stay))
    return [view(StretchView, row) for row in found]


def _then(
    table: Table, at: At, of_rooms: bool, shown: list[ColumnElement[Any]], *order: Any
) -> Select[Any]:
    """What held at a moment, in all rooms or in some.

    The moment is looked for first: what held then is never more than the house has beds, while the
    rows of a room grow with the years.
    """
    then = select(*shown).where(at.holds(table))
    if of_rooms:
        held = then.cte("held").prefix_with("MATERIALIZED", dialect="postgresql")
        then = select(held).where(one_of_given(held.c.room, "rooms"))
    return then.order_by(*order)


def _in_rooms(of_rooms: bool) -> tuple[Prepared, Prepared, Prepared]:
    """The beds, who lies in them, and what else they are."""
    return (
        Prepared(
            lambda at: _then(
                beds,
                at,
                of_rooms,
                [beds.c.room, beds.c.bed],
                text("room"),
                func.length(text("bed")),
                text("bed"),
            )
        ),
        Prepared(
            lambda at: _then(
                stretches,
                at,
                of_rooms,
                [*columns(stretches), since(stretches), until(stretches)],
                text("shares_bed_of IS NOT NULL"),
                text("since"),
            )
        ),
        Prepared(
            lambda at: _then(
                spells,
                at,
                of_rooms,
                [*columns(spells), since(spells), until(spells)],
                text("since"),
            )
        ),
    )


_WHOLE, _OF_ROOMS = _in_rooms(False), _in_rooms(True)


def _room(row: Any) -> RoomView:
    id, ward, number, policies = row
    return RoomView(id, ward, number, tuple(policies))


_ORDER = (BedState.CLOSED, BedState.CLEANING, BedState.RESERVED)


def _bed(code: str, occupants: list[StretchView], spelled: list[SpellView]) -> BedView:
    """What a bed is: occupied before kept, before closed, cleaning, reserved, free."""
    spell = min(spelled, key=lambda s: _ORDER.index(BedState(s.state)), default=None)
    if any(not o.kept for o in occupants):
        state = BedState.OCCUPIED
    elif occupants:
        state = BedState.KEPT
    elif spell:
        state = BedState(spell.state)
    else:
        state = BedState.FREE
    return BedView(code, state, tuple(occupants), spell)
