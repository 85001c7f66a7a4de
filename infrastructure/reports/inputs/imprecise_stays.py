"""Stays whose times are not known to the minute."""

from infrastructure.reports.inputs.context import ReportQuery

KINDS = (
    "STAY_ADMITTED",
    "STAY_EMERGENCY_CARE_RECORDED",
    "STAY_ROOM_ALLOCATED",
    "STAY_TRANSFERRED",
    "STAY_BED_SWAPPED",
    "STAY_LEAVE_STARTED",
    "STAY_LEAVE_ENDED",
    "STAY_VISIT_RECORDED",
    "STAY_DISCHARGED",
)
"""The kinds of facts whose times waits and occupancy are made of."""


def imprecise_stays(query: ReportQuery) -> frozenset[str]:
    """Return the stays with such a fact in the period that is known to the hour or day, or estimated."""
    rows = query.rows(
        "SELECT DISTINCT stay::text FROM timeline_v3.entries"
        " WHERE (known @> %(position)s::int8) IS TRUE AND status = 'TRUE' AND precision <> 'MINUTE'"
        "   AND kind = ANY(%(kinds)s) AND stay IS NOT NULL"
        f"   AND occurred_at > %(start)s AND occurred_at <= %(end)s{query.of_patient('patient')}",
        kinds=list(KINDS),
    )
    return frozenset(stay for (stay,) in rows)
