"""What other systems reported, and what became of it: held true, cancelled, or pending."""

from sqlalchemy import Boolean, Column, DateTime, Integer, MetaData, String, Table, Uuid

from domain.aggregate import Event
from domain.source_visit import SourceVisit, Version
from domain.time import Period
from infrastructure.projections.bitemporal_table import (
    Rows,
    Values,
    bitemporal_table,
    position_table,
)
from infrastructure.projections.projection import Folded

metadata = MetaData(schema="source_movements_v1")
position_table(metadata)
source_movements = bitemporal_table(
    "source_movements",
    metadata,
    "source_movement",
    Column("visit", Uuid, nullable=False, comment="the visit that it is part of"),
    Column("reported", Integer, nullable=False, comment="its event that holds"),
    Column("system", String, nullable=False),
    Column("source_visit", String, nullable=False),
    Column("source_id", String, nullable=False),
    Column("source_recorded_at", DateTime(timezone=True), nullable=False),
    Column("status", String, nullable=False),
    Column("why", String, comment="code of the refusal, if pending"),
    Column("cancelled", Boolean, nullable=False, comment="whether the source took it back"),
    Column("kind", String),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("patient", Uuid),
    Column("stay", Uuid),
    Column("movement", Uuid),
    visibility="patient",
    find_by=("status", "visit"),
    of="visit",
)


class SourceMovements(Folded[SourceVisit]):
    """One row for each id of another system, from the time of its movement on."""

    name = "source_movements"
    metadata = metadata
    kind = SourceVisit

    def rows(self, visit: SourceVisit, event: Event) -> dict[Table, Rows]:
        found: Rows = {}
        for version in visit.held.values():
            id = SourceVisit.movement_id_for(visit.id, version.source_id)
            found[id, version.occurred_at] = (Period(version.occurred_at), _values(visit, version))
        return {source_movements: found}


def _values(visit: SourceVisit, version: Version) -> Values:
    id = version.source_id
    why = next((p.why for p in visit.pending if p.version.source_id == id), None)
    held = next((a for a in visit.applied if a.version == version), None)
    return {
        "visit": visit.id,
        "reported": visit.reported[id],
        "system": visit.system,
        "source_visit": visit.source_visit,
        "source_id": id,
        "source_recorded_at": version.recorded_at,
        "status": "PENDING" if why else "CANCELLED" if version.cancelled else "RECORDED",
        "why": why,
        "cancelled": version.cancelled,
        "kind": version.kind.value if version.kind else None,
        "occurred_at": version.occurred_at,
        "patient": visit.patient,
        "stay": visit.stay,
        "movement": held.movement if held else None,
    }
