"""Rooms, their beds, and the spells in which a bed is closed, being cleaned or reserved."""

from uuid import UUID, uuid5

from sqlalchemy import ARRAY, Column, MetaData, String, Table, Uuid

from domain.aggregate import Event
from domain.room.aggregate import Room
from domain.time import Period
from infrastructure.projections.bitemporal_table import Rows, bitemporal_table, position_table
from infrastructure.projections.projection import Folded

metadata = MetaData(schema="rooms_v1")
position_table(metadata)
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
    """A row for each stretch of a room's policies, for each bed, and for each spell of a bed."""

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
    found: Rows = {}
    for start, end in zip(begins, [*begins[1:], None], strict=True):
        policies = [policy.value for policy in room.policies_at(start)]
        values = {"ward": room.ward, "number": room.number, "policies": policies}
        found[room.id, start] = (Period(start, end), values)
    return found


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
