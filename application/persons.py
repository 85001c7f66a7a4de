"""The records of one person: a merge links records, and every rule about a person reads them all."""

from datetime import datetime
from uuid import UUID

from application.unit_of_work import UnitOfWork
from domain.patient import Patient
from domain.stay.aggregate import Stay


def merge_chain(uow: UnitOfWork, patient: UUID) -> list[Patient]:
    """Return a record, the one that it was merged into, and so on to that of the person."""
    chain: list[Patient] = []
    while patient not in {p.id for p in chain}:
        chain.append(uow.one(Patient, patient, "patient", "patient_mrn"))
        patient = chain[-1].merged_into or patient
    return chain


def records(uow: UnitOfWork, patient: UUID) -> list[Patient]:
    """Return all records of the person of a record, that of the person first."""
    (*_, person) = merge_chain(uow, patient)
    linked, into = [person], [person.id]
    while into:
        merged = uow.load(Patient, *uow.record.merged_into(into))
        into = [record.id for record in merged if record.merged_into in into]
        linked += [record for record in merged if record.id in into]
    return linked


def person_of(uow: UnitOfWork, patient: UUID) -> UUID:
    """Return the person of a record: the record itself, unless it was merged."""
    return merge_chain(uow, patient)[-1].id


def died_at(uow: UnitOfWork, patient: UUID | None) -> datetime | None:
    """Return the time of death of a record's person, whichever merged record has it."""
    assert patient is not None
    return next((p.died_at for p in merge_chain(uow, patient) if p.died_at), None)


def stays_of(uow: UnitOfWork, person: UUID) -> list[Stay]:
    """Return all stays of a person, under whichever record."""
    return uow.load(Stay, *uow.record.stays_of(person))
