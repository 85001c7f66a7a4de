"""The beds that reports are computed from."""

from datetime import datetime

from application.reports.inputs import HouseBed
from domain.room.aggregate import BedState
from infrastructure.reports.inputs.context import ReportQuery


def beds(query: ReportQuery) -> tuple[HouseBed, ...]:
    """Return the beds that there are before the period ends, each with when it was closed in it."""
    closures: dict[tuple[str, str], list[tuple[datetime, datetime | None]]] = {}
    for room, bed, since, until in query.rows(
        "SELECT room::text, bed, lower(during), upper(during) FROM rooms_v1.spells"
        f" WHERE known @> %(position)s::int8 AND state = %(closed)s{query.of_room('room')}"
        " AND during && tstzrange(%(start)s, %(end)s, '[]') ORDER BY lower(during)",
        closed=BedState.CLOSED.value,
    ):
        closures.setdefault((room, bed), []).append((since, until))
    rows = query.rows(
        "SELECT room::text, bed, lower(during), upper(during) FROM rooms_v1.beds"
        " WHERE known @> %(position)s::int8"
        f" AND lower(during) <= %(end)s{query.of_room('room')}"
    )
    return tuple(
        HouseBed(room, bed, query.wards[room], since, tuple(closures.get((room, bed), ())), until)
        for room, bed, since, until in rows
    )
