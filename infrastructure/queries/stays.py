"""Questions about stays, their visits, and their prescriptions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import BindParameter, Column, Select, bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf, columns, one_of, since, view
from infrastructure.queries.compiled import by_id, one_of_given
from infrastructure.queries.people import records_of_each
from infrastructure.read_models.prescriptions import doses, prescriptions
from infrastructure.read_models.rooms import rooms
from infrastructure.read_models.stays import OPEN, stays
from infrastructure.read_models.timeline import entries
from infrastructure.read_models.visits import visits

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class StayView:
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


@dataclass(frozen=True, slots=True)
class VisitView:
    """A visit of a doctor."""

    visit: UUID
    stay: UUID
    practitioner: UUID
    kind: str
    note: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class PrescriptionView:
    """A prescription as held at a moment."""

    prescription: UUID
    stay: UUID
    patient: UUID
    status: str
    medication: str
    medication_code: str | None
    medication_system: str | None
    dose: str | None
    route: str | None
    frequency: str | None
    written_at: datetime
    start: datetime
    stop: datetime | None
    prescriber: UUID | None


@dataclass(frozen=True, slots=True)
class DoseView:
    """A dose given, or not given."""

    administration: UUID
    prescription: UUID
    stay: UUID
    given: bool
    dose_given: str | None
    reason_not_given: str | None
    outside_prescription: str | None
    performed_by: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class StayFilter:
    """Which stays are meant; without a status, those that are open."""

    statuses: tuple[str, ...] = OPEN
    ward: str | None = None
    patients: tuple[UUID, ...] | None = None
    attending: UUID | None = None


_stays_by_id = by_id(
    lambda at: select(*columns(stays)).where(one_of_given(stays.c.stay, "ids"), at.of(stays))
)


async def stays_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, StayView]:
    """Stays by their ids; one that was not admitted yet is absent."""
    return {row.stay: view(StayView, row) for row in await _stays_by_id(connection, ids, at)}


_stays_of_patients = by_id(
    lambda at: (
        select(*columns(stays))
        .where(one_of_given(stays.c.patient, "ids"), at.of(stays))
        .order_by(stays.c.admitted_at, stays.c.stay)
    )
)


async def stays_of_persons(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[StayView]]:
    """All stays of the person whose record each is, in the order of admission."""
    asked_for: dict[UUID, list[UUID]] = {}
    for id, records in (await records_of_each(connection, ids, at)).items():
        for record in records:
            asked_for.setdefault(record, []).append(id)
    told: dict[UUID, list[StayView]] = {}
    for row in await _stays_of_patients(connection, list(asked_for), at):
        for id in asked_for[row.patient]:
            told.setdefault(id, []).append(view(StayView, row))
    return told


async def stays_page(
    connection: AsyncConnection,
    wanted: StayFilter,
    at: AsOf,
    first: int,
    after: tuple[datetime, UUID] | None,
) -> list[StayView]:
    """Stays in the order of admission, from a place in that order."""
    # written out, so that the plan can be that of the index of open stays
    statuses: BindParameter[str] = bindparam(
        "statuses", wanted.statuses, expanding=True, literal_execute=True
    )
    query = select(*columns(stays)).where(stays.c.status.in_(statuses))
    if wanted.patients is None:
        query = query.where(at.holds(stays))
    else:
        query = query.where(stays.c.patient.in_(wanted.patients), at.of(stays))
    if wanted.attending:
        query = query.where(stays.c.attending == wanted.attending)
    if wanted.ward:
        here = select(rooms.c.room).where(rooms.c.ward == wanted.ward, at.holds(rooms))
        there = (await connection.execute(here)).scalars().all()
        query = query.where(one_of(stays.c.room, there))
    if after:
        query = query.where(tuple_(stays.c.admitted_at, stays.c.stay) > tuple_(*after))
    found = await connection.execute(query.order_by(stays.c.admitted_at, stays.c.stay).limit(first))
    return [view(StayView, row) for row in found]


def _visits(column: Column[UUID]) -> Callable[[AsOf], Select[Any]]:
    """Visits up to the moment, in the order in which they occurred."""
    return lambda at: (
        select(*columns(visits), since(visits))
        .where(one_of_given(column, "ids"), at.of(visits))
        .order_by(since(visits), visits.c.position)
    )


_visits_of, _visits_by_id = by_id(_visits(visits.c.stay)), by_id(_visits(visits.c.visit))


async def visits_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[VisitView]]:
    """The visits of each stay, up to the moment, in the order in which they occurred."""
    return _by("stay", VisitView, await _visits_of(connection, ids, at))


async def visit_by_id(connection: AsyncConnection, id: UUID, at: AsOf) -> VisitView | None:
    """One visit."""
    row = (await _visits_by_id(connection, [id], at)).one_or_none()
    return view(VisitView, row) if row else None


def _prescriptions(column: Column[UUID]) -> Callable[[AsOf], Select[Any]]:
    """Prescriptions in the order of their start."""
    return lambda at: (
        select(*columns(prescriptions))
        .where(one_of_given(column, "ids"), at.of(prescriptions))
        .order_by(prescriptions.c.start, prescriptions.c.prescription)
    )


_prescriptions_of = by_id(_prescriptions(prescriptions.c.stay))
_prescriptions_by_id = by_id(_prescriptions(prescriptions.c.prescription))


async def prescriptions_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, PrescriptionView]:
    """Prescriptions by their ids."""
    found = await _prescriptions_by_id(connection, ids, at)
    return {row.prescription: view(PrescriptionView, row) for row in found}


async def stopped_by(
    connection: AsyncConnection, discharge: UUID, at: AsOf
) -> list[PrescriptionView]:
    """The prescriptions that a discharge stopped, as far as that is held true."""
    stops = select(entries.c.subject).where(
        entries.c.kind == "PRESCRIPTION_STOPPED",
        entries.c.status == "TRUE",
        entries.c.stay
        == select(entries.c.stay).where(entries.c.fact == discharge).limit(1).scalar_subquery(),
        entries.c.data["discharge"].astext == str(discharge),
        at.of(entries),
    )
    found = await connection.execute(
        select(*columns(prescriptions))
        .where(prescriptions.c.prescription.in_(stops), at.of(prescriptions))
        .order_by(prescriptions.c.start, prescriptions.c.prescription)
    )
    return [view(PrescriptionView, row) for row in found]


async def prescriptions_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[PrescriptionView]]:
    """The prescriptions of each stay, in the order of their start."""
    return _by("stay", PrescriptionView, await _prescriptions_of(connection, ids, at))


_doses_of = by_id(
    lambda at: (
        select(*columns(doses), since(doses))
        .where(one_of_given(doses.c.prescription, "ids"), at.of(doses))
        .order_by(since(doses), doses.c.position)
    )
)


async def doses_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[DoseView]]:
    """The doses of each prescription, up to the moment, in the order in which they occurred."""
    return _by("prescription", DoseView, await _doses_of(connection, ids, at))


def _by(thing: str, kind: type[V], rows: Iterable[Any]) -> dict[UUID, list[V]]:
    """The views of each thing, in the order of the rows."""
    told: dict[UUID, list[V]] = {}
    for row in rows:
        told.setdefault(getattr(row, thing), []).append(view(kind, row))
    return told
