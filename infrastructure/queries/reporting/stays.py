"""The stays that reports are computed from."""

from datetime import datetime
from uuid import UUID

import msgspec

from application.reports.inputs import AWAY, InpatientStay, Span
from domain.facts import Status
from infrastructure.queries.reporting.asked import Asked


class _Told(msgspec.Struct, array_like=True):
    """A span as the read model keeps it; it ends where the next begins."""

    since: datetime
    state: str
    room: UUID | None
    bed: str | None
    shares: bool


_told = msgspec.json.Decoder(list[_Told])


def stays(asked: Asked) -> tuple[InpatientStay, ...]:
    """The stays that touch the period, whole."""
    rows = asked.rows(
        "SELECT stay, patient, admission_type, admitted_at, decided_to_admit_at, discharged_at,"
        "  disposition, (spans->'spans')::text"
        " FROM inpatients_v1.inpatients WHERE known @> %(position)s::int8"
        " AND during && tstzrange(%(start)s, %(end)s, '[]') ORDER BY stay"
    )
    wards = asked.wards
    found = []
    for id, patient, kind, admitted_at, decided_at, discharged_at, disposition, told in rows:
        spans: list[Span] = []
        until = discharged_at
        for span in reversed(_told.decode(told)):
            state = AWAY if span.state == Status.DISCHARGED else span.state
            ward = wards.get(span.room) if span.room else None
            spans.append(Span(span.since, until, state, ward, span.room, span.bed, span.shares))
            until = span.since
        spans.reverse()
        found.append(
            InpatientStay(
                id,
                patient,
                kind,
                admitted_at,
                decided_at,
                discharged_at,
                disposition,
                tuple(spans),
            )
        )
    return tuple(found)
