"""Erased patients read model: what figures by age and sex know of them, and no question shows."""

from itertools import pairwise
from uuid import uuid5

from sqlalchemy import Column, Date, Integer, MetaData, String, Uuid

from domain.aggregate import Event
from domain.patient import Patient
from domain.time import ALWAYS, Period
from infrastructure.projections.bitemporal_table import bitemporal_table
from infrastructure.projections.projection import EventPosition, ReadModel

metadata = MetaData(schema="erased_patients_v1")
grouped_details = bitemporal_table(
    "grouped_details",
    metadata,
    "details",
    Column("patient", Uuid, nullable=False),
    Column("version", Integer, nullable=False, comment="of the record from which on it was held"),
    Column("birth_date", Date, comment="one with the same age groups, not that of the person"),
    Column("sex", String, nullable=False),
    visibility="patient",
    find_by=("patient",),
    of="patient",
)


class ErasedPatients(ReadModel):
    """Projection of erasures: a row for each version of a record, and each period in it."""

    name = "erased_patients"
    metadata = metadata
    handles = frozenset({Patient.Erased})

    def apply(self, event: Event, place: EventPosition) -> None:
        assert isinstance(event, Patient.Erased)
        for details, successor in pairwise([*event.grouped, None]):
            assert details is not None
            is_last = successor is None or successor.version != details.version
            self.writer(grouped_details).put(
                uuid5(event.originator_id, str(details.version)),
                Period(
                    details.since or ALWAYS.start,
                    None if is_last or successor is None else successor.since,
                ),
                {
                    "patient": event.originator_id,
                    "version": details.version,
                    "birth_date": details.birth_date,
                    "sex": details.sex.value,
                },
                known=place.known,
                position=place.position,
            )
