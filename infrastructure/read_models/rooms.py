"""Rooms read model: rooms, beds, and the spells in which a bed is closed, cleaned or reserved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import (
    ARRAY,
    Column,
    MetaData,
    String,
    Table,
    Uuid,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.room.aggregate import Room
from domain.time import Period
from infrastructure.projections.bitemporal_table import Rows, bitemporal_table
from infrastructure.projections.projection import Folded
from infrastructure.queries.as_of import AsOf, columns
from infrastructure.queries.compiled import CompiledStatement, by_id, is_one_of
from infrastructure.queries.tables_read import reads

metadata = MetaData(schema="rooms_v1")
rooms = bitemporal_table(
    "rooms",
    metadata,
    "room",
    Column("ward", String, nullable=False),
    Column("number", String, nullable=False),
    Column("policies", ARRAY(String), nullable=False),
    visibility="room",
    find_by=("ward",),
    has_valid_time_boundaries=True,
)
beds = bitemporal_table(
    "beds",
    metadata,
    "bed_key",
    Column("room", Uuid, nullable=False),
    Column("bed", String, nullable=False),
    visibility="room",
    find_by=("room",),
    of="room",
    has_valid_time_boundaries=True,
)
spells = bitemporal_table(
    "spells",
    metadata,
    "spell",
    Column("room", Uuid, nullable=False),
    Column("bed", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("for_patient", Uuid),
    Column("for_stay", Uuid),
    visibility="room",
    find_by=("room",),
    of="room",
    has_valid_time_boundaries=True,
)


class Rooms(Folded[Room]):
    """Projection of rooms: a row for each period of a room's policies, each bed, each spell of a bed."""

    name = "rooms"
    metadata = metadata
    kind = Room
    remembers = 2_000

    def rows(self, room: Room, event: Event) -> dict[Table, Rows]:
        match event:
            case Room.Opened():
                return {rooms: _rooms(room), beds: _beds(room)}
            case Room.PolicySet():
                return {rooms: _rooms(room)}
            case Room.BedAdded():
                return {beds: _beds(room)}
            case (
                Room.BedClosed()
                | Room.BedReopened()
                | Room.CleaningStarted()
                | Room.CleaningFinished()
                | Room.BedReserved()
                | Room.ReservationReleased()
            ):
                return {spells: _spell(room, event.spell)}
            case _:
                return {}


def _rooms(room: Room) -> Rows:
    opened = min(room.beds.values())
    begins = sorted({opened, *(max(opened, since) for since, _, _ in room.policies)})
    rows: Rows = {}
    for start, end in zip(begins, [*begins[1:], None], strict=True):
        policies = [policy.value for policy in room.policies_at(start)]
        values = {"ward": room.ward, "number": room.number, "policies": policies}
        rows[room.id, start] = (Period(start, end), values)
    return rows


def _beds(room: Room) -> Rows:
    return {
        (uuid5(room.id, bed), since): (Period(since), {"room": room.id, "bed": bed})
        for bed, since in room.beds.items()
    }


def _spell(room: Room, id: UUID) -> Rows:
    return {
        (s.id, s.period.start): (
            s.period,
            {
                "room": room.id,
                "bed": s.bed,
                "state": s.state.value,
                "reason": s.reason,
                "for_patient": s.patient,
                "for_stay": s.stay,
            },
        )
        for s in room.spells
        if s.id == id and not s.period.is_empty
    }


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as held at a moment."""

    room: UUID
    ward: str
    number: str
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpellView:
    """A spell: a period in which a bed is closed, being cleaned or reserved."""

    spell: UUID
    room: UUID
    bed: str
    state: str
    reason: str | None
    for_patient: UUID | None
    for_stay: UUID | None
    since: datetime
    until: datetime | None


_wards = CompiledStatement(
    lambda at: (
        select(rooms.c.ward)
        .where(at.holds(rooms), at.viewer.of_wards())
        .distinct()
        .order_by(rooms.c.ward)
    )
)


@reads(rooms)
async def wards(connection: AsyncConnection, at: AsOf) -> list[str]:
    """Return the names of the wards, in order."""
    return list((await _wards.execute(connection, at)).scalars())


_rooms_by_id = by_id(
    lambda at: select(*columns(rooms)).where(is_one_of(rooms.c.room, "ids"), at.of(rooms))
)


@reads(rooms)
async def rooms_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, RoomView]:
    """Return rooms by their ids."""
    return {row.room: room_view(row) for row in await _rooms_by_id(connection, ids, at)}


def room_view(row: Any) -> RoomView:
    id, ward, number, policies = row
    return RoomView(id, ward, number, tuple(policies))
