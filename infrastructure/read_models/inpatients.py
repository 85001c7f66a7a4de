"""Inpatients read model: whole inpatient stays, one row each, for reports."""

from sqlalchemy import Column, DateTime, Index, MetaData, String, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from domain.aggregate import Event
from domain.stay.aggregate import Stay
from domain.stay.events import CARE
from domain.stay.facts import Status
from domain.time import TICK, Period
from infrastructure.projections.bitemporal_table import Rows, bitemporal_table
from infrastructure.projections.projection import AggregateProjection

metadata = MetaData(schema="inpatients_v3")
inpatients = bitemporal_table(
    "inpatients",
    metadata,
    "stay",
    Column("patient", Uuid, nullable=False),
    Column("admission_type", String, nullable=False),
    Column("last_type", String, nullable=False, comment="the type since the last change of it"),
    Column("admitted_at", DateTime(timezone=True), nullable=False),
    Column("decided_to_admit_at", DateTime(timezone=True)),
    Column("discharged_at", DateTime(timezone=True)),
    Column("disposition", String),
    Column(
        "spans",
        JSONB,
        nullable=False,
        comment="of each: since, state, room, bed, shared; with the types, if there were several",
    ),
    visibility="stay",
    find_by=("patient",),
)
Index("inpatients_decided", inpatients.c.decided_to_admit_at)
"""For who was decided on in a period, and came after it."""

NOT_IN_SPANS = (
    Stay.AttendingChanged,
    Stay.SpecialtyChanged,
    Stay.DischargePlanned,
)
"""Event types that change neither the state of a stay nor its place."""


class Inpatients(AggregateProjection[Stay]):
    """Projection of inpatient stays: one row each, from admission to discharge.

    A stay whose admission was cancelled has none. The spans of a stay are the periods in which neither
    its state nor its place changed; one ends where the next begins. So a report on a year reads forty
    thousand stays, not half a million segments.
    """

    name = "inpatients"
    metadata = metadata
    kind = Stay
    unfolded = CARE

    def rows(self, stay: Stay, event: Event) -> dict[Table, Rows]:
        if isinstance(event, NOT_IN_SPANS):
            return {}
        history = stay.history
        if not history.segments or history.segments[-1][1].status is Status.CANCELLED:
            return {inpatients: {}}
        admitted_at = history.segments[0][0].start
        last, last_segment = history.segments[-1]
        is_gone = last_segment.status is Status.DISCHARGED
        spans: list[tuple[object, ...]] = []
        segments = [
            (p.start, s) for p, s in (history.segments[:-1] if is_gone else history.segments)
        ]
        if not segments and history.left_from:  # it ended as it began, there
            segments = [(admitted_at, history.left_from)]
        for since, state in segments:
            bed = state.place.bed
            shares = state.place.shares_bed_of is not None
            place = (str(bed.room), bed.bed, shares) if bed else (None, None, False)
            if not spans or spans[-1][1:] != (state.status.value, *place):
                spans.append((since, state.status.value, *place))
        types = [(admitted_at, history.segments[0][1].admission_type or stay.admission_type)]
        for period, state in history.segments:
            if state.admission_type and state.admission_type is not types[-1][1]:
                types.append((period.start, state.admission_type))
        # A stay that ended as it began was one too: its row is true for a tick.
        until = max(last.start, admitted_at + TICK) if is_gone else None
        return {
            inpatients: {
                (stay.id, admitted_at): (
                    Period(admitted_at, until),
                    {
                        "patient": stay.patient,
                        "admission_type": types[0][1].value,
                        "last_type": types[-1][1].value,
                        "admitted_at": admitted_at,
                        "decided_to_admit_at": stay.decided_to_admit_at,
                        "discharged_at": last.start if is_gone else None,
                        "disposition": last_segment.disposition.value
                        if is_gone and last_segment.disposition
                        else None,
                        "spans": {
                            "spans": spans,
                            **(
                                {"types": [(at, type.value) for at, type in types]}
                                if types[1:]
                                else {}
                            ),
                        },
                    },
                )
            }
        }
