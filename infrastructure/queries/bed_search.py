"""Search of beds on the occupancy board: by state, by the policies of the room, and free until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.room.aggregate import BedState
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.bed_uses import BedView, BoardRoom
from infrastructure.read_models.occupancy import board
from infrastructure.read_models.rooms import RoomView, SpellView, spells_of


@dataclass(frozen=True, slots=True)
class BedCriteria:
    """Criteria for beds; without any, all of them."""

    states: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    free_until: datetime | None = None


def free_until(bed: BedView, spells: Iterable[SpellView], at: datetime) -> datetime | None:
    """Return the planned start of the next closure, cleaning or reservation of a free bed."""
    begins = (s.since for s in spells if s.bed == bed.code and s.since > at)
    return min(begins, default=None) if bed.state is BedState.FREE else None


@reads(board, spells_of)
async def beds_found(
    connection: AsyncConnection, at: AsOf, ward: str | None, criteria: BedCriteria
) -> list[BoardRoom]:
    """Return the rooms of a ward, or of the house, with the beds that meet some criteria."""
    rooms = [
        replace(room, beds=tuple(bed for bed in room.beds if _meets(bed, criteria)))
        for room in await board(connection, at, ward)
        if set(criteria.policies) <= set(room.room.policies)
    ]
    if criteria.free_until is not None:
        until, ids = criteria.free_until, [room.room.room for room in rooms]
        spells = await spells_of(connection, ids, at)
        then = await board(connection, AsOf(until, at.known, at.viewer), None, ids)
        still_there = {(room.room.room, bed.code) for room in then for bed in room.beds}
        rooms = [
            replace(
                room,
                beds=tuple(
                    bed
                    for bed in room.beds
                    if (room.room.room, bed.code) in still_there
                    and (free_until(bed, spells[room.room.room], at.as_of) or until) >= until
                ),
            )
            for room in rooms
        ]
    return [room for room in rooms if room.beds]


@dataclass(frozen=True, slots=True)
class BedInRoom:
    """A bed with its room, and its rank among beds."""

    room: RoomView
    bed: BedView
    rank: tuple[str, str, int, str]


def rank_of(ward: str, number: str, code: str) -> tuple[str, str, int, str]:
    """Return the sort key of a bed: ward, room, and code with `B9` before `B10`."""
    return ward, number, len(code), code


def in_order(rooms: Iterable[BoardRoom]) -> list[BedInRoom]:
    """Return the beds of rooms, each with its room, by their ranks."""
    beds = [
        BedInRoom(room.room, bed, rank_of(room.room.ward, room.room.number, bed.code))
        for room in rooms
        for bed in room.beds
    ]
    return sorted(beds, key=attrgetter("rank"))


def _meets(bed: BedView, criteria: BedCriteria) -> bool:
    is_free = criteria.free_until is None or bed.state is BedState.FREE
    return is_free and (not criteria.states or bed.state.value in criteria.states)
