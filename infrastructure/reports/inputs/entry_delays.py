"""Delays of the entry of facts."""

from application.reports.inputs import EntryDelay
from domain.hospital_calendar import DAY
from infrastructure.reports.inputs.context import ReportQuery


def entry_delays(query: ReportQuery) -> list[EntryDelay]:
    """Return the facts of the period's calendar days, by patient, kind, local hour and ward.

    A corrected fact counts as first told, and what was entered in error or only cancels does not.
    """
    first, last = query.question.first, query.question.last
    days = [first + offset * DAY for offset in range((last - first).days + 1)]
    zones = [query.days.zone_on(day).key for day in days]
    changes = [n for n in range(len(days)) if n == 0 or zones[n] != zones[n - 1]]
    rows = query.rows(
        "SELECT f.patient::text, f.kind, f.hour, w.ward, array_agg(f.delay) FROM ("
        f"  SELECT {'NULL::uuid AS patient' if query.totals_only else 'patient'},"
        '    kind COLLATE "C" AS kind, stay, occurred_at,'
        "    date_part('hour', occurred_at AT TIME ZONE (%(zones)s::text[])"
        "      [greatest(width_bucket(occurred_at, %(changes)s), 1)])::int AS hour,"
        "    (extract(epoch FROM recorded_at - occurred_at) * 1000000)::int8 AS delay"
        "  FROM timeline_v3.entries e WHERE (known @> %(position)s::int8) IS TRUE"
        f"   AND occurred_at >= %(first)s AND occurred_at < %(last)s{query.of_patient('patient')}"
        "    AND corrects IS NULL AND cancels IS NULL AND (status = 'TRUE' OR status = 'CORRECTED'"
        # Looked up for each of the few that were corrected: as NOT EXISTS, all entries are read.
        "      AND (SELECT true FROM timeline_v3.entries c WHERE c.fact = e.fact"
        "        AND c.subject = e.subject AND (c.known @> %(position)s::int8) IS TRUE"
        "        AND c.status = 'CANCELLED' LIMIT 1) IS NULL)) f"
        # OFFSET 0: all stays of the period are read once, not those of each fact anew. Those that had
        # ended lie nowhere, and there are those of all years.
        " LEFT JOIN (SELECT stay, room, during FROM stays_v1.stays"
        "   WHERE known @> %(position)s::int8 AND during && tstzrange(%(first)s, %(last)s)"
        "    AND status IN ('ADMITTED', 'ON_LEAVE') OFFSET 0) s"
        "   ON s.stay = f.stay AND s.during @> f.occurred_at"
        " LEFT JOIN unnest(%(rooms)s::uuid[], %(wards)s::text[]) AS w (room, ward) ON w.room = s.room"
        + (" WHERE w.ward = %(ward)s" if query.question.ward is not None else "")
        + " GROUP BY f.patient, f.kind, f.hour, w.ward",
        zones=[zones[n] for n in changes],
        changes=[query.days.midnight(days[n]) for n in changes],
        first=query.days.midnight(first),
        last=query.days.midnight(last + DAY),
        rooms=list(query.wards),
        wards=list(query.wards.values()),
        ward=query.question.ward,
    )
    return [EntryDelay(*row) for row in rows]
