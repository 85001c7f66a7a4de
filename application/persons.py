"""The records of one person: a merge links records, and every rule about a person reads them all.

`records` is the only way from a record to the person. All else here is made of it.
"""

from datetime import date, datetime
from uuid import UUID

from application import hospital_days
from application.aggregate_cache import AggregateReader
from application.unit_of_work import UnitOfWork
from domain.allergies import Allergy
from domain.patient import Confidentiality, Death, Patient, Sex
from domain.patient_events import strictest
from domain.refusals import PatientAlreadyAdmitted
from domain.stay.aggregate import Stay


def records(reader: AggregateReader, patient: UUID) -> list[Patient]:
    """Return all records of the person of a record, that of the person first."""
    person_records = [_person(reader, patient)]
    into = [person_records[0].id]
    while into:
        reader.load(Patient, *reader.ever_merged_into(into))
        loaded_patients = [
            a for a in reader.loaded.values() if isinstance(a, Patient)
        ]  # merged just now, too
        merged_records = [record for record in loaded_patients if record.merged_into in into]
        person_records += sorted(merged_records, key=lambda record: record.id)
        into = [record.id for record in merged_records]
    return person_records


def person_of(uow: UnitOfWork, patient: UUID) -> UUID:
    """Return the person of a record: the record itself, unless it was merged."""
    return _person(uow, patient).id


def death_of(uow: UnitOfWork, patient: UUID) -> tuple[Patient, Death] | None:
    """Return the death of a record's person, with the record that has it.

    One that was recorded by itself counts before one that follows from a discharge.
    """
    deaths = [(record, record.death) for record in records(uow, patient) if record.death]
    return min(deaths, key=lambda d: (d[1].discharge is not None, d[1].at), default=None)


def died_at(uow: UnitOfWork, patient: UUID | None) -> datetime | None:
    """Return the moment after which a record's person is dead; the last one that it may have been."""
    assert patient is not None
    death = death_of(uow, patient)
    return span_of(uow, death[1])[1] if death else None


def recorded_death_at(uow: UnitOfWork, patient: UUID | None) -> datetime | None:
    """Return the moment after which a record's person is dead, by a death recorded by itself.

    For commands that change discharges: a death that follows from one is another after them.
    """
    assert patient is not None
    death = death_of(uow, patient)
    return span_of(uow, death[1])[1] if death and death[1].discharge is None else None


def span_of(uow: UnitOfWork, death: Death) -> tuple[datetime, datetime]:
    """Return the first and the last moment that a death may have occurred at, by its precision."""
    return hospital_days.span_of(uow, death.at, death.precision)


def born_on(uow: UnitOfWork, patient: UUID) -> date | None:
    """Return the birth date of a record's person: the latest, where records tell several."""
    dates = [record.birth_date for record in records(uow, patient) if record.birth_date]
    return max(dates, default=None)


def sex_of(uow: UnitOfWork, patient: UUID) -> Sex:
    """Return the sex of a record's person: that of the first record that knows it."""
    sexes = (r.sex for r in records(uow, patient) if r.sex is not Sex.UNKNOWN)
    return next(sexes, Sex.UNKNOWN)


def allergies_of(reader: AggregateReader, patient: UUID) -> list[Allergy]:
    """Return the allergies of a record's person, under whichever record they were recorded."""
    return [a for record in records(reader, patient) for a in record.allergies.values()]


def label_of(uow: UnitOfWork, patient: UUID) -> Confidentiality:
    """Return the strictest confidentiality label of a person's records."""
    return strictest([record.confidentiality for record in records(uow, patient)])


def stays_of(uow: UnitOfWork, patient: UUID) -> list[Stay]:
    """Return all stays of a record's person, under whichever record, in the order of admission."""
    ids = {record.id for record in records(uow, patient)}
    uow.stays_of(ids)  # those of records that are merged just now, too
    stays = [s for s in uow.loaded.values() if isinstance(s, Stay) and s.patient in ids]
    starts = [(stay.history.period.start, stay.id, stay) for stay in stays if stay.history.period]
    return [stay for *_, stay in sorted(starts, key=lambda b: b[:2])]


def check_one_stay(uow: UnitOfWork, stay: Stay, patient: UUID) -> None:
    """Refuse a stay of a record's person beside another one. Raises PatientAlreadyAdmitted."""
    for other in stays_of(uow, patient):
        if other.id != stay.id and other.history.collides(stay.history):
            raise PatientAlreadyAdmitted(other.id)


def _person(reader: AggregateReader, patient: UUID) -> Patient:
    """Return the record that a record was merged into, by all its merges; itself, if by none."""
    chain: list[Patient] = []
    while patient not in {p.id for p in chain}:
        chain.append(reader.one(Patient, patient, "patient_mrn"))
        patient = chain[-1].merged_into or patient
    return chain[-1]
