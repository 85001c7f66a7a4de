"""Search of stays: pages of those that meet some criteria, in an order, and their number."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    String,
    and_,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.described_enum import DescribedEnum
from domain.patient import Confidentiality
from domain.stay.facts import Status
from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import (
    CompiledStatement,
    equals,
    is_one_of,
    literal_values,
    parameter,
)
from infrastructure.queries.keyset import KeysetOrder, Place
from infrastructure.queries.permissions import closed_by_merge
from infrastructure.queries.row_security import held
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.patients import patients
from infrastructure.read_models.rooms import rooms, rooms_of_ward
from infrastructure.read_models.stays import OPEN, StayView, stays

NEVER = datetime(2999, 12, 31, tzinfo=UTC)
"""In the order of expected discharges, the moment of stays without one."""


class StayOrder(DescribedEnum):
    """The order of stays."""

    ADMISSION = "ADMISSION", "The one admitted first is the first."
    LATEST_ADMISSION = "LATEST_ADMISSION", "The one admitted last is the first."
    EXPECTED_DISCHARGE = "EXPECTED_DISCHARGE", "The one expected to leave first is the first."
    PATIENT_NAME = (
        "PATIENT_NAME",
        "By the patient's family name, then the given name, as PatientOrder.NAME.",
    )
    PLACE = "PLACE", "By ward, room and bed; those without a bed last."


@dataclass(frozen=True, slots=True)
class StayCriteria:
    """Criteria for a list of stays; without statuses, open stays."""

    statuses: tuple[str, ...] = OPEN
    ward: str | None = None
    patients: tuple[UUID, ...] | None = None
    attending: UUID | None = None
    expected_until: datetime | None = None
    plans: tuple[str, ...] | None = None
    has_bed: bool | None = None
    overdue_at: datetime | None = None
    """On leave, and expected back before this moment."""
    has_attending: bool | None = None
    specialty: str | None = None
    admitted_since: datetime | None = None
    admitted_before: datetime | None = None
    labels: tuple[str, ...] | None = None
    ids: tuple[UUID, ...] | None = None


@dataclass(frozen=True, slots=True)
class ListedStay:
    """A stay with its place in a list."""

    stay: StayView
    place: Place


ORDERS = {
    StayOrder.ADMISSION: KeysetOrder(stays.c.admitted_at, stays.c.stay),
    StayOrder.LATEST_ADMISSION: KeysetOrder(stays.c.admitted_at, stays.c.stay, descends=True),
    StayOrder.EXPECTED_DISCHARGE: KeysetOrder(
        func.coalesce(stays.c.expected_discharge, NEVER), stays.c.stay
    ),
    StayOrder.PATIENT_NAME: KeysetOrder(func.coalesce(patients.c.name_order, ""), stays.c.stay),
    StayOrder.PLACE: KeysetOrder(
        stays.c.bed.is_(None),
        func.coalesce(rooms.c.ward, ""),
        func.coalesce(rooms.c.number, ""),
        func.coalesce(func.length(stays.c.bed), 0),
        func.coalesce(stays.c.bed, ""),
        stays.c.stay,
    ),
}


def _moment(name: str) -> BindParameter[Any]:
    return parameter(name, DateTime(timezone=True))


def _strictest_label() -> ColumnElement[str]:
    """Return the strictest label of a stay and of the records of its person, at the moment."""
    record = patients.alias("record")
    as_of: Any = _moment("as_of")
    position: Any = parameter("known", BigInteger)
    own_label = (
        select(record.c.confidentiality)
        .where(record.c.patient == stays.c.patient, held(record, as_of, position).is_(True))
        .limit(1)
        .correlate(stays)
        .scalar_subquery()
    )
    return case(
        *(
            (
                or_(
                    stays.c.confidentiality == label,
                    own_label == label,
                    is_one_of(stays.c.patient, f"by_merge_{label}"),
                ),
                label,
            )
            for label in LABELS
        ),
        else_=Confidentiality.NORMAL.value,
    )


LABELS = (Confidentiality.VERY_RESTRICTED.value, Confidentiality.RESTRICTED.value)
"""The labels that close, the strictest first."""

_CRITERIA: dict[str, ColumnElement[bool]] = {
    "patients": is_one_of(stays.c.patient, "patients"),
    "attending": equals(stays.c.attending, "attending"),
    "rooms": is_one_of(stays.c.room, "rooms"),
    "expected_until": stays.c.expected_discharge <= _moment("expected_until"),
    "plans": is_one_of(stays.c.plan, "plans"),
    "has_bed": stays.c.bed.is_not(None) == parameter("has_bed", Boolean),
    "overdue_at": and_(
        stays.c.status == Status.ON_LEAVE.value, stays.c.expected_return < _moment("overdue_at")
    ),
    "has_attending": stays.c.attending.is_not(None) == parameter("has_attending", Boolean),
    "specialty": func.lower(stays.c.specialty) == func.lower(parameter("specialty", String)),
    "admitted_since": stays.c.admitted_at >= _moment("admitted_since"),
    "admitted_before": stays.c.admitted_at < _moment("admitted_before"),
    "labels": is_one_of(_strictest_label(), "labels"),
    "ids": is_one_of(stays.c.stay, "ids"),
}
"""The condition of each criterion beside the statuses."""


def _of_statuses(at: AsOf, statuses: tuple[str, ...], of_patients: bool) -> ColumnElement[bool]:
    """Return the condition for stays with some statuses.

    Its SQL contains the statuses, so that the plan for open stays can be by their partial index.
    """
    is_of_statuses = stays.c.status.in_(literal_values("statuses", statuses))
    return and_(is_of_statuses, at.holds_as_filter(stays) if of_patients else at.holds(stays))


def with_places(query: Select[Any], order: StayOrder, at: AsOf) -> Select[Any]:
    """Join what an order compares; a name that the viewer may not see is none."""
    if order is StayOrder.PATIENT_NAME:
        return query.outerjoin(
            patients, and_(patients.c.patient == stays.c.patient, at.holds_as_filter(patients))
        )
    if order is StayOrder.PLACE:
        return query.outerjoin(rooms, and_(rooms.c.room == stays.c.room, at.holds_as_filter(rooms)))
    return query


@cache
def _page(statuses: tuple[str, ...], of_patients: bool, by: StayOrder) -> CompiledStatement:
    """Return the statement for a page of stays with some statuses."""
    order = ORDERS[by]
    return CompiledStatement(
        lambda at: (
            with_places(select(*columns(stays), *order.keys).select_from(stays), by, at)
            .where(_of_statuses(at, statuses, of_patients))
            .order_by(*order.order)
            .limit(parameter("first", Integer))
        ),
        **_CRITERIA,
        after=order.after,
    )


@cache
def _count(statuses: tuple[str, ...], of_patients: bool) -> CompiledStatement:
    """Return the statement for the number of stays with some statuses."""
    number = select(func.count()).select_from(stays)
    return CompiledStatement(
        lambda at: number.where(_of_statuses(at, statuses, of_patients)), **_CRITERIA
    )


async def _values(connection: AsyncConnection, criteria: StayCriteria, at: AsOf) -> dict[str, Any]:
    """Return the values of the criteria by name."""
    of_ward = await rooms_of_ward(connection, criteria.ward, at) if criteria.ward else None
    values = {name: getattr(criteria, name) for name in _CRITERIA if name != "rooms"}
    lists = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
    records_by_label: dict[str, list[UUID]] = {}
    for label in LABELS if criteria.labels else ():
        records, _ = await closed_by_merge(connection, {label})
        records_by_label[f"by_merge_{label}"] = list(records)
    return {**lists, **records_by_label, "rooms": of_ward}


@reads(stays, rooms, patients)
async def stays_page(
    connection: AsyncConnection,
    criteria: StayCriteria,
    at: AsOf,
    first: int,
    after: Place | None,
    order: StayOrder = StayOrder.ADMISSION,
) -> list[ListedStay]:
    """Return a page of the stays that meet some criteria, in an order."""
    statement = _page(criteria.statuses, criteria.patients is not None, order)
    values = {**await _values(connection, criteria, at), **ORDERS[order].values(after)}
    rows = await statement.execute(connection, at, **values, first=first)
    end = -len(ORDERS[order].keys)
    return [ListedStay(view(StayView, row[:end]), tuple(row[end:])) for row in rows]


@reads(stays, rooms)
async def stay_count(connection: AsyncConnection, criteria: StayCriteria, at: AsOf) -> int:
    """Return the number of stays that meet some criteria."""
    statement = _count(criteria.statuses, criteria.patients is not None)
    values = await _values(connection, criteria, at)
    return int((await statement.execute(connection, at, **values)).scalar_one())
