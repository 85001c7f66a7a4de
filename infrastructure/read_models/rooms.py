"""Rooms read model: rooms, beds, and the spells in which a bed is closed, cleaned or reserved."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct
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
from domain.room.state import end_of
from domain.time import Period
from infrastructure.projections.bitemporal_table import Rows, bitemporal_table
from infrastructure.projections.projection import AggregateProjection
from infrastructure.queries.as_of import AsOf, columns, group_views, in_time, since, until
from infrastructure.queries.compiled import CompiledStatement, by_id, equals, is_one_of
from infrastructure.queries.row_security import known
from infrastructure.queries.tables_read import reads

metadata = MetaData(schema="rooms_v1")
rooms = bitemporal_table(
    "rooms",
    metadata,
    "room",
    Column("ward", String, nullable=False),
    Column("number", String, nullable=False),
    Column("policies", ARRAY(String), nullable=False),
    Column("since_precision", String, nullable=False),
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
    Column("since_precision", String, nullable=False),
    Column("until_precision", String, nullable=False),
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
    Column("since_precision", String, nullable=False),
    Column("until_precision", String, nullable=False),
    visibility="room",
    find_by=("room",),
    of="room",
    has_valid_time_boundaries=True,
)


class Rooms(AggregateProjection[Room]):
    """Projection of rooms: a row for each period of a room's policies, each bed, each spell of a bed."""

    name = "rooms"
    metadata = metadata
    kind = Room
    remembers = 2_000

    def rows(self, room: Room, event: Event) -> dict[Table, Rows]:
        match event:
            case Room.Opened():
                return {rooms: _rooms(room), beds: _beds(room)}
            case (
                Room.PolicySet()
                | Room.PolicyCorrected()
                | Room.PolicyCancelled()
                | Room.DetailsChanged()
                | Room.ChangeCancelled()
            ):
                return {rooms: _rooms(room)}
            case Room.DetailsCorrected():
                return {rooms: _rooms(room), beds: _beds(room)}
            case (
                Room.BedAdded()
                | Room.BedCorrected()
                | Room.BedsRetired()
                | Room.RetirementCancelled()
            ):
                return {beds: _beds(room)}
            case Room.BedCancelled():
                return {beds: _beds(room), spells: _spells(room, bed=event.bed)}
            case (
                Room.BedClosed()
                | Room.BedReopened()
                | Room.CleaningStarted()
                | Room.CleaningFinished()
                | Room.BedReserved()
                | Room.ReservationReleased()
                | Room.SpellCorrected()
                | Room.SpellCancelled()
            ):
                return {spells: _spells(room, id=event.spell)}
            case _:
                return {}


def _rooms(room: Room) -> Rows:
    """Return a row for each period in which neither its name nor its policies changed.

    The last has no end, even if all beds are retired: who lay there last is still of its ward.
    """
    if room.opened_at is None:
        return {}
    opened_at = room.opened_at
    changes = [name.since for name in room.names] + [setting.since for setting in room.policies]
    begins = sorted({opened_at, *(max(opened_at, since) for since in changes)})
    rows: Rows = {}
    for start, end in zip(begins, [*begins[1:], None], strict=True):
        policies, name = [policy.value for policy in room.policies_at(start)], room.name_at(start)
        values = {
            "ward": name.ward,
            "number": name.number,
            "policies": policies,
            "since_precision": room.precision_at(start).value,
        }
        rows[room.id, start] = (Period(start, end), values)
    return rows


def _beds(room: Room) -> Rows:
    return {
        (uuid5(room.id, bed), since): (
            room.in_service(bed),
            {
                "room": room.id,
                "bed": bed,
                "since_precision": room.precision_of(room.coming_of(bed)).value,
                "until_precision": room.precision_of(room.retirement_of(bed)).value,
            },
        )
        for bed, since in room.beds.items()
    }


def _spells(room: Room, id: UUID | None = None, bed: str | None = None) -> Rows:
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
                "since_precision": room.precision_of(s.id).value,
                "until_precision": room.precision_of(end_of(s.id)).value,
            },
        )
        for s in room.spells
        if id in (None, s.id) and bed in (None, s.bed) and not s.period.is_empty
    }


class RoomView(Struct, frozen=True):
    """A room as held at a moment."""

    room: UUID
    ward: str
    number: str
    policies: tuple[str, ...]


class SpellView(Struct, frozen=True):
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


class SpellPeriodView(SpellView, frozen=True):
    """A spell with how precisely its times are known."""

    since_precision: str
    until_precision: str


_wards = CompiledStatement(
    lambda at: (
        select(rooms.c.ward)
        .join(beds, beds.c.room == rooms.c.room)
        .where(at.holds(rooms), at.holds_as_filter(beds), at.viewer.of_wards())
        .distinct()
        .order_by(rooms.c.ward)
    )
)


@reads(rooms, beds)
async def wards(connection: AsyncConnection, at: AsOf) -> list[str]:
    """Return the names of the wards that have beds, in order."""
    return list((await _wards.execute(connection, at)).scalars())


_rooms_of_ward = CompiledStatement(
    lambda at: select(rooms.c.room).where(equals(rooms.c.ward, "ward"), at.holds(rooms))
)


@reads(rooms)
async def rooms_of_ward(connection: AsyncConnection, ward: str, at: AsOf) -> list[UUID]:
    """Return the ids of the rooms that a ward has."""
    return list((await _rooms_of_ward.execute(connection, at, ward=ward)).scalars())


_rooms_by_id = by_id(
    lambda at: select(*columns(rooms, "since_precision")).where(
        is_one_of(rooms.c.room, "ids"), at.holds_as_filter(rooms)
    )
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


class RoomPeriodView(Struct, frozen=True):
    """A period in which neither the name nor the policies of a room changed."""

    ward: str
    number: str
    policies: tuple[str, ...]
    since: datetime
    until: datetime | None
    since_precision: str


_room_periods = by_id(
    lambda at: (
        select(
            *columns(rooms, "since_precision"), since(rooms), until(rooms), rooms.c.since_precision
        )
        .where(is_one_of(rooms.c.room, "ids"), known(rooms, at.known))
        .order_by(in_time(rooms))
    )
)


@reads(rooms)
async def room_periods(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[RoomPeriodView]]:
    """Return the names and policies of rooms at all times, by their ids."""
    periods: dict[UUID, list[RoomPeriodView]] = {id: [] for id in ids}
    for id, ward, number, policies, *during in await _room_periods(connection, ids, at):
        periods[id].append(RoomPeriodView(ward, number, tuple(policies), *during))
    return periods


class BedPeriodView(Struct, frozen=True):
    """The period in which a bed of a room is there, and how precisely its ends are known."""

    bed: str
    since: datetime
    until: datetime | None
    since_precision: str
    until_precision: str


_bed_periods = by_id(
    lambda at: (
        select(
            beds.c.room,
            beds.c.bed,
            since(beds),
            until(beds),
            beds.c.since_precision,
            beds.c.until_precision,
        )
        .where(is_one_of(beds.c.room, "ids"), known(beds, at.known))
        .order_by(beds.c.bed, in_time(beds))
    )
)


@reads(beds)
async def bed_periods(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[BedPeriodView]]:
    """Return since when and until when the beds of rooms are there, by the rooms' ids."""
    periods: dict[UUID, list[BedPeriodView]] = {id: [] for id in ids}
    for id, *period in await _bed_periods(connection, ids, at):
        periods[id].append(BedPeriodView(*period))
    return periods


_spells_of = by_id(
    lambda at: (
        select(*columns(spells)[:-2], since(spells), until(spells), *columns(spells)[-2:])
        .where(is_one_of(spells.c.room, "ids"), known(spells, at.known))
        .order_by(in_time(spells), spells.c.spell)
    )
)


@reads(spells)
async def spells_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[SpellPeriodView]]:
    """Return the closures, cleanings and reservations of rooms at all times, by the rooms' ids."""
    rows = await _spells_of(connection, ids, at)
    return {id: [] for id in ids} | group_views("room", SpellPeriodView, rows)


_spell = CompiledStatement(
    lambda at: select(spells.c.spell).where(
        equals(spells.c.spell, "spell"), known(spells, at.known)
    )
)


@reads(spells)
async def has_spell(connection: AsyncConnection, spell: UUID, at: AsOf) -> bool:
    """Return whether there is a closure, cleaning or reservation of an id, as known at a position."""
    return (await _spell.execute(connection, at, spell=spell)).first() is not None
