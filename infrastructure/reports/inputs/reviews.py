"""Visits by consultants."""

from datetime import UTC, datetime

from infrastructure.reports.inputs.context import ReportQuery

ALWAYS = datetime.min.replace(tzinfo=UTC)


def reviews(asked: ReportQuery) -> dict[str, datetime]:
    """Return the first visit by a consultant of that day to each stay that began in the period."""
    consultants = [
        (who, asked.days.midnight(since) if since else ALWAYS)
        for who, since in asked.rows(
            "SELECT practitioner, grade_from FROM practitioners_v1.practitioners"
            " WHERE known @> %(position)s::int8 AND grade = 'CONSULTANT'"
        )
    ]
    return dict(
        asked.rows(
            "SELECT v.stay::text, min(lower(v.during)) FROM inpatients_v1.inpatients i"
            " JOIN visits_v1.visits v USING (stay)"
            " JOIN unnest(%(who)s::uuid[], %(since)s::timestamptz[]) AS c (practitioner, since)"
            "   ON c.practitioner = v.practitioner AND c.since <= lower(v.during)"
            " WHERE i.known @> %(position)s::int8 AND v.known @> %(position)s::int8"
            "   AND i.admitted_at > %(start)s AND i.admitted_at <= %(end)s"
            f"{asked.of_patient('i.patient')} GROUP BY v.stay",
            who=[who for who, _ in consultants],
            since=[since for _, since in consultants],
        )
    )
