"""The stays that reports are computed from."""

from datetime import datetime

import msgspec

from application.reports.inputs import AWAY, InpatientStay, Span
from domain.stay.facts import Status
from infrastructure.reports.inputs.context import ReportQuery

STATES = {**{state.value: state.value for state in Status}, Status.DISCHARGED.value: AWAY}
"""The state that a span has, by the one that the read model keeps."""

_told = msgspec.json.Decoder(list[tuple[datetime, str, str | None, str | None, bool]])
"""The spans as the read model keeps them: since, state, room, bed, whether it is shared."""

_types = msgspec.json.Decoder(tuple[tuple[datetime, str], ...])
"""The types as the read model keeps them: since, type."""


def stays(query: ReportQuery) -> tuple[InpatientStay, ...]:
    """Return the stays that touch the period, whole."""
    return _stays(
        query, "known @> %(position)s::int8 AND during && tstzrange(%(start)s, %(end)s, '[]')"
    )


def awaited_stays(query: ReportQuery) -> tuple[InpatientStay, ...]:
    """Return the stays that were decided on in the period and began after it."""
    condition = "decided_to_admit_at BETWEEN %(start)s AND %(end)s"
    after = "(during >> tstzrange(%(start)s, %(end)s, '[]') AND known @> %(position)s::int8)"
    return _stays(query, f"{condition} AND {after} IS TRUE")


def emergency_care(query: ReportQuery) -> dict[str, tuple[datetime, datetime | None]]:
    """Return the arrival and departure at the emergency department of stays that began in the period."""
    rows = query.rows(
        f"SELECT s.* FROM ({_touching(query)}) AS t, LATERAL"
        " (SELECT DISTINCT stay::text, arrived_at, departed_at FROM stays_v1.stays"
        "   WHERE stay = t.stay AND (known @> %(position)s::int8) IS TRUE"
        "   AND arrived_at IS NOT NULL AND admitted_at > %(start)s AND admitted_at <= %(end)s) AS s"
    )
    return {stay: (arrival, departure) for stay, arrival, departure in rows}


def specialties(query: ReportQuery) -> dict[str, tuple[str | None, str | None]]:
    """Return the specialty at the admission and the last one, of the stays that touch the period."""
    rows = query.rows(
        f"SELECT s.* FROM ({_touching(query)}) AS t, LATERAL"
        " (SELECT stay::text, (array_agg(specialty ORDER BY lower(during)))[1],"
        "   (array_agg(specialty ORDER BY lower(during) DESC))[1] FROM stays_v1.stays"
        "   WHERE stay = t.stay AND (known @> %(position)s::int8) IS TRUE"
        "   AND admitted_at <= %(end)s GROUP BY stay) AS s"
    )
    return {stay: (first, last) for stay, first, last in rows}


def _touching(query: ReportQuery) -> str:
    return (
        "SELECT stay FROM inpatients_v3.inpatients WHERE known @> %(position)s::int8"
        f" AND during && tstzrange(%(start)s, %(end)s, '[]'){query.of_patient('patient')}"
    )


def _stays(query: ReportQuery, condition: str) -> tuple[InpatientStay, ...]:
    rows = query.rows(
        "SELECT stay::text, patient::text, admission_type, admitted_at, decided_to_admit_at,"
        "  discharged_at, disposition, (spans->'spans')::text, last_type, (spans->'types')::text"
        f" FROM inpatients_v3.inpatients WHERE {condition}{query.of_patient('patient')}"
    )
    wards = query.wards
    result = []
    for id, patient, kind, admitted_at, decided_at, until, disposition, delay, last, types in rows:
        end = until
        spans = []
        for since, state, room, bed, shares in reversed(_told.decode(delay)):
            ward = wards.get(room) if room else None
            spans.append(Span(since, until, STATES[state], ward, bed, shares))
            until = since  # a span ends where the next begins
        spans.reverse()
        result.append(
            InpatientStay(
                id,
                patient,
                kind,
                admitted_at,
                decided_at,
                end,
                disposition,
                tuple(spans),
                last,
                _types.decode(types) if types else (),
            )
        )
    return tuple(result)
