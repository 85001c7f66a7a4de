"""Stays read model: the state of each stay at every moment, as known at every position."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    MetaData,
    Select,
    String,
    Table,
    Uuid,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.stay.aggregate import Stay
from domain.stay.events import CARE
from domain.stay.facts import Status
from infrastructure.projections.bitemporal_table import (
    Rows,
    bitemporal_table,
    index_by_moment,
)
from infrastructure.projections.projection import AggregateProjection
from infrastructure.queries.as_of import AsOf, columns, in_time, since, until, view
from infrastructure.queries.compiled import (
    CompiledStatement,
    by_id,
    equals,
    is_one_of,
)
from infrastructure.queries.row_security import known, value
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.patients import records_of_each

metadata = MetaData(schema="stays_v1")
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
    Column("emergency_care", Uuid),
    Column("arrived_at", DateTime(timezone=True)),
    Column("departed_at", DateTime(timezone=True)),
    visibility="stay",
    find_by=("patient", "room", "shares_bed_of"),
    has_valid_time_boundaries=True,
)
OPEN = (Status.ADMITTED.value, Status.ON_LEAVE.value)
index_by_moment("stays_open", stays, stays.c.status.in_(OPEN))
"""An index of open stays alone: the last row of an ended stay is open too, and there are those of all
years."""


class Stays(AggregateProjection[Stay]):
    """Projection of stays: a row for each period in which nothing changed; the last one is open."""

    name = "stays"
    metadata = metadata
    kind = Stay
    unfolded = CARE

    def rows(self, stay: Stay, event: Event) -> dict[Table, Rows]:
        history, care = stay.history, stay.history.care
        rows: Rows = {}
        if not history.segments:
            return {stays: rows}
        values = {
            "patient": stay.patient,
            "admitted_at": history.segments[0][0].start,
            "decided_to_admit_at": stay.decided_to_admit_at,
            "confidentiality": stay.confidentiality.value,
            "emergency_care": care and care.id,
            "arrived_at": care and care.at,
            "departed_at": care and care.departed_at,
        }
        for period, state in history.segments:
            has_ended = state.status is Status.DISCHARGED
            rows[stay.id, period.start] = (
                period,
                {
                    **values,
                    "status": state.status.value,
                    "admission_type": (state.admission_type or stay.admission_type).value,
                    "discharged_at": period.start if has_ended else None,
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
                },
            )
        return {stays: rows}


class StayView(Struct, frozen=True):
    """A stay as held at a moment."""

    stay: UUID
    patient: UUID
    status: str
    admission_type: str
    admitted_at: datetime
    decided_to_admit_at: datetime | None
    discharged_at: datetime | None
    attending: UUID | None
    specialty: str | None
    room: UUID | None
    bed: str | None
    shares_bed_of: UUID | None
    without_bed: str | None
    bed_kept: bool
    expected_return: datetime | None
    plan: str
    expected_discharge: datetime | None
    disposition: str | None
    destination: str | None
    confidentiality: str
    emergency_care: UUID | None = None
    arrived_at: datetime | None = None
    departed_at: datetime | None = None


_stays_by_id = by_id(
    lambda at: select(*columns(stays)).where(
        is_one_of(stays.c.stay, "ids"), at.holds_as_filter(stays)
    )
)


@reads(stays)
async def stays_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, StayView]:
    """Return stays by their ids; without those that were not admitted yet."""
    return {row.stay: view(StayView, row) for row in await _stays_by_id(connection, ids, at)}


def _sharing(column: Column[UUID]) -> Callable[[AsOf], Select[Any]]:
    """Compose who has shared whose bed up to a moment, by the one or the other, in order of time."""
    return lambda at: (
        select(stays.c.stay, stays.c.shares_bed_of)
        .where(
            is_one_of(column, "ids"),
            stays.c.shares_bed_of.is_not(None).is_(True),
            (func.lower(stays.c.during) <= value(at.as_of)).is_(True),
            known(stays, at.known),
            at.visible(stays),
        )
        .order_by(in_time(stays), stays.c.stay)
    )


_mothers_of = by_id(_sharing(stays.c.stay))
_children_of = by_id(_sharing(stays.c.shares_bed_of))


@reads(stays)
async def mothers_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, UUID]:
    """Return the mother's stay of each child that shares her bed or has shared it."""
    return {row.stay: row.shares_bed_of for row in await _mothers_of(connection, ids, at)}


@reads(stays)
async def children_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[UUID]]:
    """Return the stays of the children who share the bed of each mother or have shared it."""
    children: dict[UUID, dict[UUID, None]] = {}
    for row in await _children_of(connection, ids, at):
        children.setdefault(row.shares_bed_of, {})[row.stay] = None
    return {mother: list(of_her) for mother, of_her in children.items()}


_stays_of_patients = by_id(
    lambda at: (
        select(*columns(stays))
        .where(is_one_of(stays.c.patient, "ids"), at.holds_as_filter(stays))
        .order_by(stays.c.admitted_at, stays.c.stay)
    )
)


@reads(stays, records_of_each)
async def stays_of_persons(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[StayView]]:
    """Return all stays of the persons of some records, by record, in the order of admission."""
    ids_of: dict[UUID, list[UUID]] = {}
    for id, records in (await records_of_each(connection, ids, at)).items():
        for record in records:
            ids_of.setdefault(record, []).append(id)
    stays_by_record: dict[UUID, list[StayView]] = {}
    for row in await _stays_of_patients(connection, list(ids_of), at):
        for id in ids_of[row.patient]:
            stays_by_record.setdefault(id, []).append(view(StayView, row))
    return stays_by_record


class StayPeriodView(Struct, frozen=True):
    """A period in which nothing about a stay changed."""

    since: datetime
    until: datetime | None
    stay: StayView


_periods = CompiledStatement(
    lambda at: (
        select(since(stays), until(stays), *columns(stays))
        .where(equals(stays.c.stay, "stay"), known(stays, at.known), at.visible(stays))
        .order_by(in_time(stays))
    )
)


@reads(stays)
async def stay_periods(connection: AsyncConnection, stay: UUID, at: AsOf) -> list[StayPeriodView]:
    """Return the whole history of a stay, as known at a position."""
    rows: Iterable[Any] = await _periods.execute(connection, at, stay=stay)
    return [StayPeriodView(row[0], row[1], view(StayView, row[2:])) for row in rows]
