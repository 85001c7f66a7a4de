"""Visits: who saw which patient, and what was noted."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Column, MetaData, String, Uuid

from domain.aggregate import Event
from domain.stay.aggregate import Stay
from domain.time import Period
from infrastructure.projections.bitemporal_table import Copy, bitemporal_table, position_table
from infrastructure.projections.projection import EventPosition, ReadModel

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
    visibility="stay",
    find_by=("stay",),
    of="stay",
    revised_by=("visit",),
)


class Visits(ReadModel):
    """One row a visit, from the moment it occurred on."""

    name = "visits"
    metadata = metadata
    kinds = (Stay,)

    def apply(self, event: Event, place: EventPosition) -> None:
        match event:
            case Stay.VisitAmended():
                said = {
                    "practitioner": event.practitioner,
                    "kind": event.visit_kind.value if event.visit_kind else None,
                    "note": event.note,
                }
                self.writer(visits).revise(
                    {"visit": event.visit},
                    Copy(
                        {column: value for column, value in said.items() if value is not None},
                        Period(event.at) if event.at else None,
                    ),
                    known=place.known,
                    position=place.position,
                )
            case Stay.VisitCancelled():
                self._void([event.visit], place)
            case Stay.AdmissionCancelled():
                self._void(event.voided, place)
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

    def _void(self, ids: Iterable[UUID], place: EventPosition) -> None:
        """From here on they are known never to have been."""
        for id in ids:
            self.writer(visits).revise({"visit": id}, known=place.known, position=place.position)
