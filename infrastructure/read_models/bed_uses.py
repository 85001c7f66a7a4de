"""Bed uses read model: the use of beds by stays, in stretches, and what a bed is with them."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow
from sqlalchemy import Boolean, Column, MetaData, String, Uuid

from domain.aggregate import Aggregate, Event
from domain.room.aggregate import BedState, Room
from domain.room.occupancy import Occupancy
from domain.time import Period
from infrastructure.projections.bitemporal_table import bitemporal_table
from infrastructure.projections.projection import EventPosition, EventReader, ReadModel
from infrastructure.read_models.rooms import RoomView, SpellView

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
    """Projection of the stretches of rooms, which sums the changes that stays make to them.

    A stretch may go to another room with the same beginning (a bed kept during leave, when a late
    transfer comes before the leave). So the stretches that a command begins are put after all that it
    ends are closed.
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
        for ending in event.ended:
            self.writer(stretches).close(event.stay, ending.since, known=place.known)
        self._changes.append((event, place))

    def flush(self, cursor: Cursor[TupleRow]) -> None:
        self._begin()
        super().flush(cursor)

    @classmethod
    def entities(cls) -> tuple[type[Aggregate], ...]:
        return (Room,)

    @classmethod
    def stream_of(cls, entity: UUID) -> UUID:
        return Occupancy.id_for(entity)

    def _begin(self) -> None:
        """Put the stretches that one command begins."""
        for change, place in self._changes:
            for beginning in change.begun:
                self.writer(stretches).put(
                    change.stay,
                    Period(beginning.since, beginning.until),
                    _values(change, beginning.bed, beginning.kept, beginning.shares_bed_of),
                    known=place.known,
                    position=place.position,
                )
        self._changes.clear()


def _values(
    event: Occupancy.StretchesChanged, bed: str, is_kept: bool, shares_bed_of: UUID | None
) -> dict[str, object]:
    return {
        "patient": event.patient,
        "room": event.room,
        "bed": bed,
        "kept": is_kept,
        "shares_bed_of": shares_bed_of,
    }


class StretchView(Struct, frozen=True):
    """A stretch of a bed's use by a stay; ``until`` is None while it is open."""

    stay: UUID
    patient: UUID
    room: UUID
    bed: str
    kept: bool
    shares_bed_of: UUID | None
    since: datetime
    until: datetime | None


class BedView(Struct, frozen=True):
    """A bed of a board with its occupants, or the spell that keeps it from being free."""

    code: str
    state: BedState
    occupants: tuple[StretchView, ...]
    spell: SpellView | None
    left_at: datetime | None = None
    """Of a bed that is to be cleaned: when its last patient left."""

    @property
    def occupant(self) -> StretchView | None:
        """Return the stretch of the stay that has the bed, not of a child that shares it."""
        if not self.occupants:
            return None
        first = self.occupants[0]
        if first.shares_bed_of is None:
            return first
        return next((o for o in self.occupants if o.shares_bed_of is None), first)


class BoardRoom(Struct, frozen=True):
    """A room of a board with its beds."""

    room: RoomView
    beds: tuple[BedView, ...]
