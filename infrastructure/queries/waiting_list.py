"""Queries of the waiting list: pages of expected arrivals, their number, and all that are waited for."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    String,
    Uuid,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf, view
from infrastructure.queries.compiled import CompiledStatement, is_one_of, literal_values, parameter
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.expected_arrivals import (
    WAITING,
    ArrivalView,
    arrivals,
    arrivals_with_status,
    expected_arrivals_by_id,
)


@dataclass(frozen=True, slots=True)
class ArrivalCriteria:
    """Criteria for a list of expected arrivals; without statuses, those that are waited for."""

    statuses: tuple[str, ...] = WAITING
    ward: str | None = None
    patients: tuple[UUID, ...] | None = None
    expected_until: datetime | None = None


_ORDER: list[ColumnElement[Any]] = [
    literal_column(name) for name in ("rank", "expected_at", "arrival")
]


_CRITERIA: dict[str, ColumnElement[bool]] = {
    "ward": literal_column("ward") == parameter("ward", String),
    "patients": is_one_of(literal_column("patient", Uuid), "patients"),
    "expected_until": literal_column("expected_at")
    <= parameter("expected_until", DateTime(timezone=True)),
}
"""The condition of each criterion beside the statuses."""


def _of_statuses(at: AsOf, statuses: tuple[str, ...], of_patients: bool) -> Any:
    """Compose the arrivals with some statuses; who waits is found by the partial index."""
    conditions = [at.holds_as_filter(arrivals) if of_patients else at.holds(arrivals)]
    if set(statuses) <= set(WAITING):
        conditions.append(arrivals.c.status.in_(literal_values("waiting", WAITING)))
    rows = arrivals_with_status(at, *conditions).subquery("arrivals")
    return select(*rows.c).where(rows.c.status.in_(literal_values("statuses", statuses)))


@cache
def _page(statuses: tuple[str, ...], of_patients: bool) -> CompiledStatement:
    """Return the statement for a page of expected arrivals."""
    return CompiledStatement(
        lambda at: (
            _of_statuses(at, statuses, of_patients)
            .order_by(*_ORDER)
            .limit(parameter("first", Integer))
        ),
        **_CRITERIA,
        after=tuple_(*_ORDER)
        > tuple_(
            parameter("rank", Integer),
            parameter("moment", DateTime(timezone=True)),
            parameter("after", Uuid),
        ),
    )


@cache
def _count(statuses: tuple[str, ...], of_patients: bool) -> CompiledStatement:
    """Return the statement for the number of expected arrivals."""
    return CompiledStatement(
        lambda at: _of_statuses(at, statuses, of_patients).with_only_columns(func.count()),
        **_CRITERIA,
    )


def _values(criteria: ArrivalCriteria) -> dict[str, Any]:
    """Return the values of the criteria by name."""
    patients = None if criteria.patients is None else list(criteria.patients)
    until = criteria.expected_until
    return {"ward": criteria.ward, "patients": patients, "expected_until": until}


@reads(expected_arrivals_by_id)
async def expected_arrivals_page(
    connection: AsyncConnection,
    criteria: ArrivalCriteria,
    at: AsOf,
    first: int,
    after: tuple[int, datetime, UUID] | None,
) -> list[ArrivalView]:
    """Return a page of expected arrivals: the most urgent first, then who is expected first."""
    rank, moment, arrival = after or (None, None, None)
    statement = _page(criteria.statuses, criteria.patients is not None)
    place = {"rank": rank, "moment": moment, "after": arrival}
    rows = await statement.execute(connection, at, **_values(criteria), **place, first=first)
    return [view(ArrivalView, row) for row in rows]


@reads(expected_arrivals_by_id)
async def expected_arrival_count(
    connection: AsyncConnection, criteria: ArrivalCriteria, at: AsOf
) -> int:
    """Return the number of expected arrivals that meet some criteria."""
    statement = _count(criteria.statuses, criteria.patients is not None)
    return int((await statement.execute(connection, at, **_values(criteria))).scalar_one())


@dataclass(frozen=True, slots=True)
class WaitingView:
    """A bed that is waited for: where, from when on, and by a patient in the house or not."""

    ward: str | None
    expected_at: datetime
    in_house: bool


def _waiting(at: AsOf) -> Select[Any]:
    is_waiting = arrivals.c.status.in_(literal_values("waiting", WAITING))
    rows = arrivals_with_status(at, is_waiting, at.holds(arrivals)).subquery("arrivals")
    return select(rows.c.ward, rows.c.expected_at, rows.c.stay.is_not(None)).where(
        rows.c.status.in_(literal_values("statuses", WAITING))
    )


_all_waiting = CompiledStatement(_waiting)


@reads(expected_arrivals_by_id)
async def all_waiting(connection: AsyncConnection, at: AsOf) -> list[WaitingView]:
    """Return all beds that are waited for."""
    return [view(WaitingView, row) for row in await _all_waiting.execute(connection, at)]
