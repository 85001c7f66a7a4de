"""Patients: details and death, as true at a moment and as known at a position."""

from sqlalchemy import Column, Date, DateTime, MetaData, String, Table

from domain.aggregate import Event
from domain.patient import Patient
from domain.time import Period
from infrastructure.read_models.bitemporal import ALWAYS, Rows, bitemporal_table, position_table
from infrastructure.read_models.model import Folded

metadata = MetaData(schema="patients_v1")
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
    find_by=("mrn",),
)


class Patients(Folded[Patient]):
    """One row a patient; two where the patient died: before the death, and after it."""

    name = "patients"
    metadata = metadata
    kind = Patient

    def rows(self, patient: Patient, event: Event) -> dict[Table, Rows]:
        alive = {
            "mrn": patient.mrn,
            "mrn_authority": patient.mrn_authority,
            "family_name": patient.family_name,
            "given_name": patient.given_name,
            "birth_date": patient.birth_date,
            "sex": patient.sex.value,
            "confidentiality": patient.confidentiality.value,
            "died_at": None,
        }
        if patient.died_at is None:
            return {patients: {(patient.id, ALWAYS.start): (ALWAYS, alive)}}
        before = Period(ALWAYS.start, patient.died_at)
        after = Period(patient.died_at)
        dead = {**alive, "died_at": patient.died_at}
        return {
            patients: {
                (patient.id, before.start): (before, alive),
                (patient.id, after.start): (after, dead),
            }
        }
