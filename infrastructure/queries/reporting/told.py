"""How late facts were told."""

from application.reports.inputs import Told
from domain.hospital_time import DAY
from infrastructure.queries.reporting.asked import Asked


def told(asked: Asked) -> list[Told]:
    """The facts of the period's calendar days, by patient, kind, local hour and ward.

    A corrected fact counts as first told, and what was entered in error or only cancels does not.
    """
    first, last = asked.question.first, asked.question.last
    days = [first + offset * DAY for offset in range((last - first).days + 1)]
    zones = [asked.days.zone_on(day).key for day in days]
    changes = [n for n in range(len(days)) if n == 0 or zones[n] != zones[n - 1]]
    rows = asked.rows(
        "SELECT f.patient, f.kind, f.hour, s.room, array_agg(f.delay) FROM ("
        "  SELECT patient, stay, kind, occurred_at,"
        "    extract(hour FROM occurred_at AT TIME ZONE (%(zones)s::text[])"
        "      [greatest(width_bucket(occurred_at, %(changes)s), 1)])::int AS hour,"
        "    extract(epoch FROM recorded_at - occurred_at)::int8 AS delay"
        "  FROM timeline_v2.entries e WHERE known @> %(position)s::int8"
        "    AND occurred_at >= %(first)s AND occurred_at < %(last)s"
        "    AND corrects IS NULL AND cancels IS NULL AND (status = 'TRUE' OR status = 'CORRECTED'"
        "      AND NOT EXISTS (SELECT FROM timeline_v2.entries c WHERE c.fact = e.fact"
        "        AND c.subject = e.subject AND c.known @> %(position)s::int8"
        "        AND c.status = 'CANCELLED'))) f"
        " LEFT JOIN stays_v1.stays s ON s.stay = f.stay AND s.known @> %(position)s::int8"
        "   AND s.during @> f.occurred_at"
        + (" WHERE s.room = ANY(%(rooms)s)" if asked.question.ward is not None else "")
        + " GROUP BY f.patient, f.kind, f.hour, s.room",
        zones=[zones[n] for n in changes],
        changes=[asked.days.midnight(days[n]) for n in changes],
        first=asked.days.midnight(first),
        last=asked.days.midnight(last + DAY),
        rooms=asked.rooms,
    )
    return [Told(who, kind, hour, asked.wards.get(room), d) for who, kind, hour, room, d in rows]
