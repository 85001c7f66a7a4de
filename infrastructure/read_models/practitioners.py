"""Practitioners by staff number; and the hospital's own clock."""

from sqlalchemy import Column, Date, MetaData, String

from domain.aggregate import Event
from domain.practitioner import Practitioner
from domain.time import ALWAYS
from infrastructure.projections.bitemporal_table import bitemporal_table, position_table
from infrastructure.projections.projection import EventPosition, ReadModel

metadata = MetaData(schema="practitioners_v1")
position_table(metadata)
practitioners = bitemporal_table(
    "practitioners",
    metadata,
    "practitioner",
    Column("staff_number", String, nullable=False),
    Column("family_name", String),
    Column("given_name", String),
    Column("grade", String, nullable=False),
    Column("grade_from", Date),
    Column("specialty", String),
    visibility="everyone",
    find_by=("staff_number",),
    has_valid_time_boundaries=True,
)


class Practitioners(ReadModel):
    """One row a practitioner."""

    name = "practitioners"
    metadata = metadata
    kinds = (Practitioner,)

    def apply(self, event: Event, place: EventPosition) -> None:
        match event:
            case Practitioner.Registered():
                self.writer(practitioners).put(
                    event.originator_id,
                    ALWAYS,
                    {
                        "staff_number": event.staff_number,
                        "family_name": event.family_name,
                        "given_name": event.given_name,
                        "grade": event.grade.value,
                        "grade_from": event.grade_from,
                        "specialty": event.specialty,
                    },
                    known=place.known,
                    position=place.position,
                )
