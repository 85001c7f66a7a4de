"""Doses and prescriptions."""

from application.reports.inputs import AgentDays, Course, DoseDays
from infrastructure.reports.inputs.context import ReportQuery
from infrastructure.reports.inputs.people import persons


def dose_days(query: ReportQuery) -> tuple[DoseDays, ...]:
    """Return the calendar days of the period on which each person was given each drug, by ward."""
    midnights = query.days.midnights(query.question.first, query.question.last)
    person_of = persons(query)
    presence = (
        " JOIN stays_v1.stays s ON s.stay = d.stay AND s.known @> %(position)s::int8"
        " AND s.during @> lower(d.during) AND s.room = ANY(%(rooms)s::uuid[])"
        if query.question.ward is not None
        else ""
    )
    rows = query.rows(
        "SELECT who::text, medication, count(DISTINCT day) FROM ("
        "  SELECT coalesce(m.person, p.patient) AS who, p.medication,"
        "    width_bucket(lower(d.during), %(midnights)s) AS day"
        "  FROM prescriptions_v2.doses d JOIN (SELECT DISTINCT prescription, patient, medication"
        "    FROM prescriptions_v2.prescriptions WHERE known @> %(position)s::int8"
        f"   {query.of_patient('patient')}) p"
        "   USING (prescription)"
        "  LEFT JOIN unnest(%(records)s::uuid[], %(persons)s::uuid[]) AS m (record, person)"
        f"   ON m.record = p.patient{presence}"
        "  WHERE d.known @> %(position)s::int8 AND d.given AND lower(d.during) >= %(first)s"
        "    AND lower(d.during) < %(last)s) AS given GROUP BY who, medication",
        midnights=midnights,
        first=midnights[0],
        last=midnights[-1],
        records=list(person_of),
        persons=list(person_of.values()),
        rooms=query.rooms,
    )
    return tuple(DoseDays(*row) for row in rows)


AGENT = (
    "coalesce('code ' || upper(medication_system) || ' ' || upper(medication_code),"
    " 'code ' || upper(medication_code), 'name ' || lower(medication))"
)
"""Medicine of an order: its code where it has one, or else its name."""


def agent_days(query: ReportQuery) -> tuple[AgentDays, ...]:
    """Return on how many calendar days each person was given each agent, in the ward asked for.

    An agent is called as the latest order of the hospital in the period or before it calls it.
    """
    midnights = query.days.midnights(query.question.first, query.question.last)
    person_of = persons(query)
    presence = (
        " JOIN stays_v1.stays s ON s.stay = d.stay AND s.known @> %(position)s::int8"
        " AND s.during @> lower(d.during) AND s.room = ANY(%(rooms)s::uuid[])"
        if query.question.ward is not None
        else ""
    )
    rows = query.rows(
        "WITH orders AS (SELECT DISTINCT prescription, patient, medication, medication_code,"
        f"  written_at, {AGENT} AS agent FROM prescriptions_v2.prescriptions"
        "  WHERE known @> %(position)s::int8 AND status <> 'CANCELLED'),"
        " given AS (SELECT coalesce(m.person, p.patient) AS who, p.agent,"
        "  width_bucket(lower(d.during), %(midnights)s) AS day"
        "  FROM prescriptions_v2.doses d"
        f" JOIN (SELECT * FROM orders WHERE true{query.of_patient('patient')}) p"
        "   USING (prescription)"
        "  LEFT JOIN unnest(%(records)s::uuid[], %(persons)s::uuid[]) AS m (record, person)"
        f"   ON m.record = p.patient{presence}"
        "  WHERE d.known @> %(position)s::int8 AND d.given AND lower(d.during) >= %(first)s"
        "   AND lower(d.during) < %(last)s),"
        " names AS (SELECT agent, (array_agg(medication ORDER BY written_at DESC, medication))[1]"
        "  AS name, array_agg(DISTINCT medication) || array_agg(DISTINCT medication_code)"
        "   FILTER (WHERE medication_code IS NOT NULL) AS known_as"
        "  FROM orders WHERE written_at < %(last)s GROUP BY agent)"
        " SELECT who::text, name, known_as, count(DISTINCT day) FROM given JOIN names USING (agent)"
        " GROUP BY who, agent, name, known_as ORDER BY who, agent",
        midnights=midnights,
        first=midnights[0],
        last=midnights[-1],
        records=list(person_of),
        persons=list(person_of.values()),
        rooms=query.rooms,
    )
    return tuple(AgentDays(person, name, tuple(codes), days) for person, name, codes, days in rows)


def courses(query: ReportQuery) -> tuple[Course, ...]:
    """Return the times in which prescriptions were in force, or on hold, that touch the period."""
    rows = query.rows(
        "SELECT stay::text, lower(during), upper(during), status = 'HELD'"
        " FROM prescriptions_v2.prescriptions"
        f" WHERE known @> %(position)s::int8{query.of_patient('patient')}"
        " AND status IN ('ACTIVE', 'HELD') AND during && tstzrange(%(start)s, %(end)s, '[]')"
    )
    return tuple(Course(*row) for row in rows)
