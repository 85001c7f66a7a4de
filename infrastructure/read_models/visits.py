"""Visits: who saw which patient, and what was noted."""

from sqlalchemy import Column, MetaData, String, Uuid

from domain.aggregate import Event
from domain.stay import Stay
from domain.time import Period
from infrastructure.read_models.bitemporal import bitemporal_table, position_table
from infrastructure.read_models.model import Place, ReadModel

metadata = MetaData(schema="visits_v1")
position_table(metadata)
visits = bitemporal_table(
    "visits",
    metadata,
    "visit",
    Column("stay", Uuid, nullable=False),
    Column("practitioner", Uuid, nullable=False),
    Column("kind", String, nullable=False),
    Column("note", String),
    find_by=("stay",),
    of="stay",
)


class Visits(ReadModel):
    """One row a visit, from the moment it occurred on."""

    name = "visits"
    metadata = metadata
    kinds = (Stay,)

    def apply(self, event: Event, place: Place) -> None:
        match event:
            case Stay.VisitRecorded():
                self.writer(visits).put(
                    event.visit,
                    Period(event.entry.occurred_at),
                    {
                        "stay": event.originator_id,
                        "practitioner": event.practitioner,
                        "kind": event.visit_kind.value,
                        "note": event.note,
                    },
                    known=place.known,
                    position=place.position,
                )
