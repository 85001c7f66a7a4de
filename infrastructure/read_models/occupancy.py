"""Occupancy: who lay in which bed, or kept it, in stretches."""

from uuid import UUID

from sqlalchemy import Boolean, Column, MetaData, String, Uuid

from domain.aggregate import Event
from domain.occupancy import Occupancy
from domain.time import Period
from infrastructure.read_models.bitemporal import bitemporal_table, position_table
from infrastructure.read_models.model import Place, ReadModel

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
    find_by=("room",),
)


class Occupancies(ReadModel):
    """The sum of the differences that the stays told their rooms."""

    name = "occupancy"
    metadata = metadata

    def apply(self, event: Event, place: Place) -> None:
        match event:
            case Occupancy.StretchesChanged():
                writer = self.writer(stretches)
                for ended in event.ended:
                    writer.close(event.stay, ended.since, known=place.known)
                for begun in event.begun:
                    writer.put(
                        event.stay,
                        Period(begun.since, begun.until),
                        _values(event, begun.bed, begun.kept, begun.shares_bed_of),
                        known=place.known,
                        position=place.position,
                    )


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
