"""Persons of stays, with the begins of their other stays and their deaths."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from application.reports.inputs import Admission
from infrastructure.reports.inputs.context import ReportQuery


def admissions(query: ReportQuery) -> tuple[Admission, ...]:
    """Return admissions of the period, and of as many days after it as the question's ``days`` say."""
    (days,) = query.question.numbers("days")
    rows = query.rows(
        "SELECT stay::text, patient::text, admission_type, admitted_at FROM inpatients_v3.inpatients"
        " WHERE known @> %(position)s::int8 AND during && tstzrange(%(start)s, %(until)s)"
        f" AND admitted_at > %(start)s AND admitted_at < %(until)s{query.of_patient('patient')}",
        until=query.window[1] + timedelta(days=days + 2),
    )
    return tuple(Admission(*row) for row in rows)


def persons(query: ReportQuery) -> dict[str, str]:
    """Return the person of each merged record: the record at the end of its links."""
    links: dict[str, str] = dict(
        query.rows(
            "SELECT DISTINCT patient::text, merged_into::text FROM patients_v4.patients"
            " WHERE (known @> %(position)s::int8) IS TRUE AND merged_into IS NOT NULL"
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
    records = _records_of_period(query, survivors)
    details = {
        patient: (birth_date, sex)
        for patient, birth_date, sex in query.rows(
            "SELECT DISTINCT ON (patient) patient::text, birth_date, sex FROM patients_v4.patients"
            " WHERE (known @> %(position)s::int8) IS TRUE"
            " AND NOT during >> tstzrange(%(start)s, %(end)s, '[]')"
            " AND patient = ANY(%(records)s::uuid[]) ORDER BY patient, lower(during) DESC NULLS LAST",
            records=records,
        )
    }
    details |= {
        patient: (birth_date, sex)
        for patient, birth_date, sex in query.rows(
            "SELECT DISTINCT ON (d.patient) d.patient::text, d.birth_date, d.sex"
            " FROM erased_patients_v1.grouped_details d WHERE upper_inf(d.known)"
            " AND (SELECT command_end FROM record.events e"
            "  WHERE e.stream = d.patient AND e.version = d.version) <= %(position)s"
            " AND NOT d.during >> tstzrange(%(start)s, %(end)s, '[]')"
            " AND d.patient = ANY(%(records)s::uuid[])"
            " ORDER BY d.patient, d.version DESC, lower(d.during) DESC",
            records=records,
        )
    }
    return {
        patient: details.get(survivors.get(patient, patient), of) for patient, of in details.items()
    }


def deaths(query: ReportQuery) -> dict[str, datetime]:
    """Return the times when those died whose stays touch the period, by each record of a person.

    One of them has the death.
    """
    person = persons(query)
    records_of: dict[str, set[str]] = {}
    for record, of in person.items():
        records_of.setdefault(of, {of}).add(record)
    deaths: dict[str, datetime] = {}
    rows: Iterable[tuple[str, datetime]] = query.rows(
        "SELECT patient::text, min(died_at) FROM patients_v4.patients"
        " WHERE (known @> %(position)s::int8) IS TRUE AND died_at IS NOT NULL"
        f" AND patient = ANY(%(records)s::uuid[]){query.of_patient('patient')} GROUP BY patient",
        records=_records_of_period(query, person),
    )
    for record, died_at in rows:
        for record_of_person in records_of.get(person.get(record, record), {record}):
            deaths[record_of_person] = min(died_at, deaths.get(record_of_person, died_at))
    return deaths


def _records_of_period(query: ReportQuery, person_of: Mapping[str, str]) -> list[str]:
    """Return all records of the persons whose stays touch the period: not those of all years."""
    stays = query.rows(
        "SELECT DISTINCT patient::text FROM inpatients_v3.inpatients"
        " WHERE known @> %(position)s::int8 AND during && tstzrange(%(start)s, %(end)s, '[]')"
        f"{query.of_patient('patient')}"
    )
    persons_of_period = {person_of.get(patient, patient) for (patient,) in stays}
    merged_records = (record for record, person in person_of.items() if person in persons_of_period)
    return [*persons_of_period, *merged_records]
