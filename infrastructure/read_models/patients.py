"""Patients: details and death, as true at a moment and as known at a position."""

from sqlalchemy import Column, Date, DateTime, MetaData, String, Table, Uuid

from domain.aggregate import Event
from domain.patient import Patient
from domain.time import ALWAYS, Period
from infrastructure.projections.bitemporal_table import Rows, bitemporal_table, position_table
from infrastructure.projections.projection import Folded

metadata = MetaData(schema="patients_v2")
position_table(metadata)
patients = bitemporal_table(
    "patients",
    metadata,
    "patient",
    Column("mrn", String, nullable=False),
    Column("mrn_authority", String, nullable=False),
    Column("family_name", String),
    Column("given_name", String),
    Column("birth_date", Date),
    Column("sex", String, nullable=False),
    Column("confidentiality", String, nullable=False),
    Column("died_at", DateTime(timezone=True)),
    Column("merged_into", Uuid),
    visibility="patient",
    find_by=("mrn", "merged_into"),
    has_valid_time_boundaries=True,
)


class Patients(Folded[Patient]):
    """One row for each period in which nothing about a person changed: details, death."""

    name = "patients"
    metadata = metadata
    kind = Patient

    def rows(self, patient: Patient, event: Event) -> dict[Table, Rows]:
        found: Rows = {}
        ends = [since for since, _ in patient.details[1:]] + [None]
        for (since, details), end in zip(patient.details, ends, strict=True):
            held = {
                "mrn": patient.mrn,
                "mrn_authority": patient.mrn_authority,
                "family_name": details.family_name,
                "given_name": details.given_name,
                "birth_date": details.birth_date,
                "sex": details.sex.value,
                "confidentiality": details.confidentiality.value,
                "died_at": None,
                "merged_into": patient.merged_into,
            }
            period = Period(since or ALWAYS.start, end)
            died = patient.died_at
            if died is None or died > period.start:
                alive = period if died is None else period.until(died)
                found[patient.id, alive.start] = (alive, held)
            if died is not None and (end is None or died < end):
                dead = Period(max(died, period.start), end)
                found[patient.id, dead.start] = (dead, {**held, "died_at": died})
        return {patients: found}
