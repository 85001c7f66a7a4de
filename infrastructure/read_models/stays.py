"""Stays: the state of each at every moment, as known at every position."""

from sqlalchemy import Boolean, Column, DateTime, Index, MetaData, String, Table, Uuid

from domain.aggregate import Event
from domain.stay.aggregate import Stay
from domain.stay.facts import Status
from infrastructure.projections.bitemporal_table import Rows, bitemporal_table, position_table
from infrastructure.projections.projection import Folded

metadata = MetaData(schema="stays_v1")
position_table(metadata)
stays = bitemporal_table(
    "stays",
    metadata,
    "stay",
    Column("patient", Uuid, nullable=False),
    Column("status", String, nullable=False),
    Column("admission_type", String, nullable=False),
    Column("admitted_at", DateTime(timezone=True), nullable=False),
    Column("decided_to_admit_at", DateTime(timezone=True)),
    Column("discharged_at", DateTime(timezone=True)),
    Column("attending", Uuid),
    Column("specialty", String),
    Column("room", Uuid),
    Column("bed", String),
    Column("shares_bed_of", Uuid),
    Column("without_bed", String),
    Column("bed_kept", Boolean, nullable=False),
    Column("expected_return", DateTime(timezone=True)),
    Column("plan", String, nullable=False),
    Column("expected_discharge", DateTime(timezone=True)),
    Column("disposition", String),
    Column("destination", String),
    Column("confidentiality", String, nullable=False),
    visibility="stay",
    find_by=("patient", "room"),
    has_valid_time_boundaries=True,
)
OPEN = (Status.ADMITTED.value, Status.ON_LEAVE.value)
Index(
    "stays_open",
    stays.c.during,
    stays.c.known,
    postgresql_using="gist",
    postgresql_where=stays.c.status.in_(OPEN),
)
"""Of a stay that has ended, too, the last row is open: those of all years, which nobody looks through
for the few that are here."""


class Stays(Folded[Stay]):
    """One row for each period in which nothing about a stay changed; the last one is open."""

    name = "stays"
    metadata = metadata
    kind = Stay
    passes_over = (Stay.VisitRecorded, Stay.VisitAmended, Stay.VisitCancelled)

    def rows(self, stay: Stay, event: Event) -> dict[Table, Rows]:
        history = stay.history
        found: Rows = {}
        for period, state in history.segments:
            ended = state.status is Status.DISCHARGED
            found[stay.id, period.start] = (
                period,
                {
                    "patient": stay.patient,
                    "status": state.status.value,
                    "admission_type": stay.admission_type.value,
                    "admitted_at": history.segments[0][0].start,
                    "decided_to_admit_at": stay.decided_to_admit_at,
                    "discharged_at": period.start if ended else None,
                    "attending": state.attending,
                    "specialty": state.specialty,
                    "room": state.place.bed.room if state.place.bed else None,
                    "bed": state.place.bed.bed if state.place.bed else None,
                    "shares_bed_of": state.place.shares_bed_of,
                    "without_bed": state.place.without_bed,
                    "bed_kept": state.bed_kept,
                    "expected_return": state.expected_return,
                    "plan": state.plan.value,
                    "expected_discharge": state.expected_discharge,
                    "disposition": state.disposition.value if state.disposition else None,
                    "destination": state.destination,
                    "confidentiality": stay.confidentiality.value,
                },
            )
        return {stays: found}
