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


def stays(asked: ReportQuery) -> tuple[InpatientStay, ...]:
    """Return the stays that touch the period, whole."""
    return _stays(asked, "during && tstzrange(%(start)s, %(end)s, '[]')")


def awaited(asked: ReportQuery) -> tuple[InpatientStay, ...]:
    """Return the stays that were decided on in the period and began after it."""
    decided = "decided_to_admit_at BETWEEN %(start)s AND %(end)s"
    return _stays(asked, f"during >> tstzrange(%(start)s, %(end)s, '[]') AND {decided}")


def emergency_care(asked: ReportQuery) -> dict[str, tuple[datetime, datetime | None]]:
    """Return the arrival and departure at the emergency department of stays that began in the period."""
    rows = asked.rows(
        "SELECT DISTINCT stay::text, arrived_at, departed_at FROM stays_v1.stays"
        " WHERE known @> %(position)s::int8 AND arrived_at IS NOT NULL"
        " AND admitted_at > %(start)s AND admitted_at <= %(end)s"
        f"{asked.of_patient('patient')}"
    )
    return {stay: (arrived, departed) for stay, arrived, departed in rows}


def _stays(asked: ReportQuery, which: str) -> tuple[InpatientStay, ...]:
    rows = asked.rows(
        "SELECT stay::text, patient::text, admission_type, admitted_at, decided_to_admit_at,"
        "  discharged_at, disposition, (spans->'spans')::text"
        f" FROM inpatients_v2.inpatients WHERE known @> %(position)s::int8 AND {which}"
        f"{asked.of_patient('patient')}"
    )
    wards = asked.wards
    found = []
    for id, patient, kind, admitted_at, decided_at, until, disposition, told in rows:
        gone = until
        spans = []
        for since, state, room, bed, shares in reversed(_told.decode(told)):
            ward = wards.get(room) if room else None
            spans.append(Span(since, until, STATES[state], ward, bed, shares))
            until = since  # a span ends where the next begins
        spans.reverse()
        found.append(
            InpatientStay(
                id, patient, kind, admitted_at, decided_at, gone, disposition, tuple(spans)
            )
        )
    return tuple(found)
