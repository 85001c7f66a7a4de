"""Doses and prescriptions."""

from typing import Any

from application.reports.inputs import AgentDays, Course, DoseDays
from infrastructure.reports.inputs.context import ReportQuery
from infrastructure.reports.inputs.people import persons

CODE = "coalesce(medication_code, '')"
ORDERED = "status <> 'CANCELLED'"
SPELLING = f"SELECT medication, {CODE} AS code FROM prescriptions_v2.prescriptions"


def dose_days(query: ReportQuery) -> tuple[DoseDays, ...]:
    """Return the calendar days of the period on which each person was given each drug, by ward."""
    rows = query.rows(
        f"WITH given AS ({_dose_rows(query, 'medication')})"
        " SELECT who::text, drug, count(DISTINCT day) FROM given GROUP BY who, drug",
        **_of_the_period(query),
    )
    return tuple(DoseDays(*row) for row in rows)


def agent_days(query: ReportQuery) -> tuple[AgentDays, ...]:
    """Return on how many calendar days each person was given each agent, in the ward asked for.

    An agent is called as the latest order of the hospital in the period or before it calls it. Of each
    one that is given, the next spelling after another is looked up, and the latest order of each
    spelling: the orders of all years are not read.
    """
    rows = query.rows(
        "WITH RECURSIVE"
        f" given AS ({_dose_rows(query, 'agent', ORDERED)}),"
        " spelled AS (SELECT g.drug, s.* FROM (SELECT DISTINCT drug FROM given) g"
        f"   CROSS JOIN LATERAL ({SPELLING} WHERE agent = g.drug"
        f"    ORDER BY medication, {CODE} LIMIT 1) s"
        "  UNION ALL SELECT b.drug, s.* FROM spelled b"
        f"   CROSS JOIN LATERAL ({SPELLING} WHERE agent = b.drug"
        f"    AND (medication, {CODE}) > (b.medication, b.code)"
        f"    ORDER BY medication, {CODE} LIMIT 1) s),"
        " names AS (SELECT drug, (array_agg(medication ORDER BY written_at DESC, medication))[1]"
        "  AS name, array_agg(DISTINCT medication) || array_agg(DISTINCT code)"
        "   FILTER (WHERE code <> '') AS known_as"
        "  FROM spelled b CROSS JOIN LATERAL (SELECT written_at FROM prescriptions_v2.prescriptions"
        f"   WHERE agent = b.drug AND medication = b.medication AND {CODE} = b.code AND {ORDERED}"
        "    AND (known @> %(position)s::int8) IS TRUE AND written_at < %(last)s"
        "   ORDER BY written_at DESC LIMIT 1) w GROUP BY drug)"
        " SELECT who::text, name, known_as, count(DISTINCT day) FROM given JOIN names USING (drug)"
        " GROUP BY who, drug, name, known_as ORDER BY who, drug",
        **_of_the_period(query),
    )
    return tuple(AgentDays(person, name, tuple(codes), days) for person, name, codes, days in rows)


def _dose_rows(query: ReportQuery, drug: str, of_orders: str = "true") -> str:
    """Compose who was given which drug on which day: the doses of the period, each with its order.

    ``drug``: what an order calls it. An order of several rows has the same patient and drug in each.
    """
    presence = (
        " JOIN stays_v1.stays s ON s.stay = d.stay AND (s.known @> %(position)s::int8) IS TRUE"
        " AND (s.during @> lower(d.during)) IS TRUE AND s.room = ANY(%(rooms)s::uuid[])"
        if query.question.ward is not None
        else ""
    )
    return (
        "SELECT coalesce(m.person, p.patient) AS who, p.drug,"
        "  width_bucket(lower(d.during), %(midnights)s) AS day"
        " FROM prescriptions_v2.doses d CROSS JOIN LATERAL ("
        f"  SELECT patient, {drug} AS drug FROM prescriptions_v2.prescriptions o"
        "   WHERE o.prescription = d.prescription AND (o.known @> %(position)s::int8) IS TRUE"
        f"   AND {of_orders}{query.of_patient('patient')} LIMIT 1) p"
        " LEFT JOIN unnest(%(records)s::uuid[], %(persons)s::uuid[]) AS m (record, person)"
        f"  ON m.record = p.patient{presence}"
        " WHERE (d.known @> %(position)s::int8) IS TRUE AND d.given"
        "  AND lower(d.during) >= %(first)s AND lower(d.during) < %(last)s"
    )


def _of_the_period(query: ReportQuery) -> dict[str, Any]:
    midnights = query.days.midnights(query.question.first, query.question.last)
    person_of = persons(query)
    return {
        "midnights": midnights,
        "first": midnights[0],
        "last": midnights[-1],
        "records": list(person_of),
        "persons": list(person_of.values()),
        "rooms": query.rooms,
    }


def courses(query: ReportQuery) -> tuple[Course, ...]:
    """Return the times in which prescriptions were in force, or on hold, that touch the period."""
    rows = query.rows(
        "SELECT stay::text, lower(during), upper(during), status = 'HELD'"
        " FROM prescriptions_v2.prescriptions"
        f" WHERE known @> %(position)s::int8{query.of_patient('patient')}"
        " AND status IN ('ACTIVE', 'HELD') AND during && tstzrange(%(start)s, %(end)s, '[]')"
    )
    return tuple(Course(*row) for row in rows)
