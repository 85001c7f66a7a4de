"""Visits by consultants."""

from datetime import UTC, datetime

from infrastructure.reports.inputs.context import ReportQuery

ALWAYS = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
BEGUN = (
    "i.during && tstzrange(%(start)s, %(end)s, '[]')"
    " AND i.admitted_at > %(start)s AND i.admitted_at <= %(end)s"
)
"""The stays that began in the period; an index finds those that touch it."""


def reviews(query: ReportQuery) -> dict[str, datetime]:
    """Return the first visit by a consultant of that day to each stay that began in the period."""
    consultants = [
        (stay, max(reviewed_at, query.days.midnight(day) if day else ALWAYS), until or NEVER)
        for stay, day, reviewed_at, until in query.rows(
            "SELECT practitioner, grade_from,"
            "  greatest(lower(during), '0001-01-01 00:00:00+00'), upper(during)"
            " FROM practitioners_v1.practitioners"
            " WHERE known @> %(position)s::int8 AND grade = 'CONSULTANT'"
        )
    ]
    return dict(
        query.rows(
            "SELECT v.stay::text, min(lower(v.during)) FROM inpatients_v3.inpatients i"
            " JOIN visits_v1.visits v USING (stay)"
            " JOIN unnest(%(who)s::uuid[], %(since)s::timestamptz[], %(until)s::timestamptz[])"
            "   AS c (practitioner, since, until)"
            "   ON c.practitioner = v.practitioner AND c.since <= lower(v.during)"
            "   AND lower(v.during) < c.until"
            " WHERE i.known @> %(position)s::int8 AND (v.known @> %(position)s::int8) IS TRUE"
            f"   AND {BEGUN}"
            f"{query.of_patient('i.patient')} GROUP BY v.stay",
            who=[stay for stay, _, _ in consultants],
            since=[since for _, since, _ in consultants],
            until=[until for _, _, until in consultants],
        )
    )


def unknown_grades(query: ReportQuery) -> frozenset[str]:
    """Return the stays that began in the period and were visited by somebody of unknown grade."""
    rows = query.rows(
        "SELECT DISTINCT v.stay::text FROM inpatients_v3.inpatients i"
        " JOIN visits_v1.visits v USING (stay)"
        " JOIN practitioners_v1.practitioners p USING (practitioner)"
        " WHERE i.known @> %(position)s::int8 AND (v.known @> %(position)s::int8) IS TRUE"
        "   AND p.known @> %(position)s::int8 AND p.grade IN ('OTHER', 'UNKNOWN')"
        f"   AND {BEGUN}"
        f"{query.of_patient('i.patient')}"
    )
    return frozenset(stay for (stay,) in rows)
