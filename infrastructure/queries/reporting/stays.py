"""The stays that reports are computed from."""

from itertools import groupby
from operator import itemgetter
from uuid import UUID

from psycopg.rows import TupleRow

from application.reports.inputs import AWAY, InpatientStay, Span
from infrastructure.queries.reporting.asked import Asked


def stays(asked: Asked) -> tuple[InpatientStay, ...]:
    """The stays that touch the period, whole. Rows in which only something else changed are joined."""
    rows = asked.rows(
        "WITH here AS (SELECT DISTINCT stay FROM stays_v1.stays WHERE known @> %(position)s::int8"
        "   AND during && tstzrange(%(start)s, %(end)s, '[]') AND status IN ('ADMITTED', 'ON_LEAVE'))"
        " SELECT stay, patient, admission_type, admitted_at, decided_to_admit_at,"
        " disposition, status, room, bed,"
        "  lower(during), upper(during)"
        " FROM stays_v1.stays JOIN here USING (stay) WHERE known @> %(position)s::int8"
        " ORDER BY stay, lower(during)"
    )
    found = []
    for _, group in groupby(rows, itemgetter(0)):
        stay = _stay(list(group), asked.wards)
        if stay is not None:
            found.append(stay)
    return tuple(found)


def _stay(rows: list[TupleRow], wards: dict[UUID, str]) -> InpatientStay | None:
    """A stay of its rows in order; None if its admission was cancelled."""
    id, patient, admission_type, admitted_at, decided_at, disposition, status = rows[-1][:7]
    if status == "CANCELLED":
        return None
    discharged_at = rows[-1][9] if status == "DISCHARGED" else None
    spans: list[Span] = []
    for *_, status, room, bed, since, until in rows if discharged_at is None else rows[:-1]:
        state = AWAY if status == "DISCHARGED" else status
        if spans and spans[-1][2:] == (state, wards.get(room), room, bed):
            spans[-1] = spans[-1]._replace(until=until)
        else:
            spans.append(Span(since, until, state, wards.get(room), room, bed))
    return InpatientStay(
        id,
        patient,
        admission_type,
        admitted_at,
        decided_at,
        discharged_at,
        disposition,
        tuple(spans),
    )
