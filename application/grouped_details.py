"""Grouped details: what figures by age and sex know of a person after the erasure."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from uuid import UUID

from application import hospital_days
from application.unit_of_work import UnitOfWork
from domain.ages import blurred_birth_date
from domain.patient import Patient
from domain.patient_events import GroupedDetails, Sex
from domain.stay.aggregate import Stay


def grouped_details(
    uow: UnitOfWork, ids: Collection[UUID]
) -> dict[UUID, tuple[GroupedDetails, ...]]:
    """Return the grouped details of some records of one person, by record, as ever held.

    A figure of a past position asks for what was held then, and a record that was merged into this one
    was counted by its details: so all stays count that ever were of any of them, wherever they began.
    """
    days = {hospital_days.date_of(uow, moment) for moment in _admissions(uow, ids)}
    if not days:
        return {}
    histories = uow.record.streams(dict.fromkeys(ids, 0))
    return {id: tuple(_of_record(id, histories[id], days)) for id in ids}


def _of_record(id: UUID, events: Iterable[object], days: Collection[date]) -> list[GroupedDetails]:
    patient, details = Patient.empty(id), []
    before: list[tuple[datetime | None, date | None, Sex]] = []
    for event in events:
        event.mutate(patient)  # type: ignore[attr-defined]
        periods = [(since, of.birth_date, of.sex) for since, of in patient.details]
        if periods != before:
            details += [
                GroupedDetails(
                    version=patient.version,
                    since=since,
                    birth_date=birth_date and blurred_birth_date(birth_date, days),
                    sex=sex,
                )
                for since, birth_date, sex in periods
            ]
        before = periods
    return details


def _admissions(uow: UnitOfWork, ids: Collection[UUID]) -> set[datetime]:
    """Return the beginnings of stays that were ever of some records, or of any merged into them."""
    records, new = set(ids), set(ids)
    while new:
        new = set(uow.record.merged_into(new)) - records
        records |= new
    moments = set()
    streams = uow.record.streams(dict.fromkeys(uow.record.streams_of_patients(records), 0))
    for id, events in streams.items():
        if events[0].belongs_to(Stay):
            stay = Stay.empty(id)
            for event in events:
                event.mutate(stay)
                moments |= {period.start for period, _ in stay.history.segments[:1]}
    return moments
