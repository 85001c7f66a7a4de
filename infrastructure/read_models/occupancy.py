"""Occupancy: who lay in which bed, or kept it, in stretches."""

from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow
from sqlalchemy import Boolean, Column, MetaData, String, Uuid

from domain.aggregate import Aggregate, Event
from domain.room.aggregate import Room
from domain.room.occupancy import Occupancy
from domain.time import Period
from infrastructure.projections.bitemporal_table import bitemporal_table, position_table
from infrastructure.projections.projection import EventPosition, EventReader, ReadModel

metadata = MetaData(schema="occupancy_v1")
position_table(metadata)
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
    kinds = (Occupancy,)
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
