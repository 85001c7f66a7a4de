"""The timeline: every fact about a patient as an entry, with both its clocks."""

from typing import Any
from uuid import UUID, uuid5

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, DateTime, MetaData, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from domain.aggregate import Event
from domain.drug_chart import DrugChart
from domain.events import AGGREGATES
from domain.occupancy import Occupancy
from domain.time import LATE_AFTER, Period
from infrastructure.read_models.bitemporal import bitemporal_table, position_table
from infrastructure.read_models.model import Place, ReadModel

metadata = MetaData(schema="timeline_v1")
position_table(metadata)
entries = bitemporal_table(
    "entries",
    metadata,
    "entry",
    Column("patient", Uuid, nullable=False),
    Column("stay", Uuid),
    Column("subject", Uuid, nullable=False, comment="the stream: stay, prescription, patient"),
    Column("kind", String, nullable=False),
    Column("status", String, nullable=False),
    Column("movement", Uuid),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("precision", String, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_position", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("recorded_by", JSONB, nullable=False),
    Column("performed_by", String),
    Column("reason", String),
    Column("source", JSONB),
    Column("data", JSONB, nullable=False),
    find_by=("patient", "stay", "movement"),
    of="subject",
)

NOT_SHOWN = (Occupancy.StretchesChanged, DrugChart.PrescriptionCharted)
"""Events that only repeat, for a room or a list, what another event of the command says."""

ENVELOPE = ("originator_id", "originator_version", "entry")


class Timeline(ReadModel):
    """One entry for each fact about a patient."""

    name = "timeline"
    metadata = metadata
    kinds = tuple(kind for kind in AGGREGATES if kind not in (Occupancy, DrugChart))

    def apply(self, event: Event, place: Place) -> None:
        said = event.entry
        if said.about is None or isinstance(event, NOT_SHOWN):
            return
        data = _data(event)
        self.writer(entries).put(
            entry_id(event),
            Period(said.occurred_at),
            {
                "patient": said.about.patient,
                "stay": said.about.stay,
                "subject": event.originator_id,
                "kind": kind_of(event),
                "status": "TRUE",
                "movement": data.get("movement"),
                "occurred_at": said.occurred_at,
                "precision": said.precision.value,
                "recorded_at": place.recorded_at,
                "recorded_position": place.known,
                "late": place.recorded_at - said.occurred_at > LATE_AFTER,
                "recorded_by": msgspec.to_builtins(said.recorded_by),
                "performed_by": said.performed_by,
                "reason": said.reason,
                "source": msgspec.to_builtins(said.source) if said.source else None,
                "data": data,
            },
            known=place.known,
            position=place.position,
        )


def entry_id(event: Event) -> UUID:
    """The id of an event's entry: the same in every rebuild."""
    return uuid5(event.originator_id, str(event.originator_version))


def kind_of(event: Event) -> str:
    """The kind of an entry: ``STAY_ADMITTED`` for the topic ``stay.admitted``."""
    return event.TOPIC.replace(".", "_").replace("-", "_").upper()


def _data(event: Event) -> dict[str, Any]:
    """What the event says beside its envelope, without what it leaves open."""
    told = msgspec.to_builtins(event)
    return {k: v for k, v in told.items() if k not in ENVELOPE and v is not None}
