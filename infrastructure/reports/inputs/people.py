"""Persons of stays, with the begins of their other stays and their deaths."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from application.reports.inputs import Admission
from infrastructure.reports.inputs.context import ReportQuery


def admissions(query: ReportQuery) -> tuple[Admission, ...]:
    """Return admissions of the period, and of as many days after it as the question's ``days`` say."""
    (days,) = query.question.numbers("days")
    rows = query.rows(
        "SELECT stay::text, patient::text, admission_type, admitted_at FROM inpatients_v3.inpatients"
        " WHERE known @> %(position)s::int8 AND admitted_at > %(start)s AND admitted_at < %(until)s"
        f"{query.of_patient('patient')}",
        until=query.window[1] + timedelta(days=days + 2),
    )
    return tuple(Admission(*row) for row in rows)


def persons(query: ReportQuery) -> dict[str, str]:
    """Return the person of each merged record: the record at the end of its links."""
    links: dict[str, str] = dict(
        query.rows(
            "SELECT DISTINCT patient::text, merged_into::text FROM patients_v4.patients"
            " WHERE known @> %(position)s::int8 AND merged_into IS NOT NULL"
        )
    )
    survivors = {}
    for record, person in links.items():
        while person in links:
            person = links[person]
        survivors[record] = person
    return survivors


def patients(query: ReportQuery) -> dict[str, tuple[date | None, str]]:
    """Return birth date and sex of those whose stays touch the period, as held at its end.

    Of merged records those of the one that stayed; of who was erased since, what the erasure left.
    """
    survivors = persons(query)
    details = {
        patient: (birth_date, sex)
        for patient, birth_date, sex in query.rows(
            "SELECT DISTINCT ON (patient) patient::text, birth_date, sex FROM patients_v4.patients"
            " WHERE known @> %(position)s::int8 AND NOT during >> tstzrange(%(start)s, %(end)s, '[]')"
            " ORDER BY patient, lower(during) DESC NULLS LAST"
        )
    }
    details |= {
        patient: (birth_date, sex)
        for patient, birth_date, sex in query.rows(
            "SELECT DISTINCT ON (d.patient) d.patient::text, d.birth_date, d.sex"
            " FROM erased_patients_v1.grouped_details d"
            " JOIN record.events e ON e.stream = d.patient AND e.version = d.version"
            " WHERE upper_inf(d.known) AND e.command_end <= %(position)s"
            " AND NOT d.during >> tstzrange(%(start)s, %(end)s, '[]')"
            " ORDER BY d.patient, d.version DESC, lower(d.during) DESC"
        )
    }
    return {
        patient: details.get(survivors.get(patient, patient), of) for patient, of in details.items()
    }


def deaths(query: ReportQuery) -> dict[str, datetime]:
    """Return when patients died, by each record of a person whose death one of them has."""
    person = persons(query)
    records_of: dict[str, set[str]] = {}
    for record, of in person.items():
        records_of.setdefault(of, {of}).add(record)
    deaths: dict[str, datetime] = {}
    rows: Iterable[tuple[str, datetime]] = query.rows(
        "SELECT patient::text, min(died_at) FROM patients_v4.patients"
        " WHERE known @> %(position)s::int8 AND died_at IS NOT NULL"
        f"{query.of_patient('patient')} GROUP BY patient"
    )
    for record, died_at in rows:
        for record_of_person in records_of.get(person.get(record, record), {record}):
            deaths[record_of_person] = min(died_at, deaths.get(record_of_person, died_at))
    return deaths
