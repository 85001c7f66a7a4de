"""Facts that a command recorded, each with its stay: what most mutations answer, by one statement."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf, columns, since, view
from infrastructure.queries.compiled import by_id, is_one_of
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.prescriptions import PrescriptionView, prescriptions
from infrastructure.read_models.stays import StayView, stays
from infrastructure.read_models.visits import VisitView, visits

V = TypeVar("V", bound=Struct)


def _with_stays(key: Column[UUID], *shown: ColumnElement[Any]) -> Callable[..., Any]:
    """Return the query for facts by their ids, with the columns of their stays after their own."""
    fact = key.table
    return by_id(
        lambda at: (
            select(*shown, *columns(stays))
            .join_from(fact, stays, stays.c.stay == fact.c.stay)
            .where(is_one_of(key, "ids"), at.holds_as_filter(fact), at.holds_as_filter(stays))
        )
    )


def _pairs(kind: type[V], rows: Iterable[Any]) -> dict[UUID, tuple[V, StayView]]:
    width = len(kind.__struct_fields__)
    return {row[0]: (view(kind, row[:width]), view(StayView, row[width:])) for row in rows}


_visits = _with_stays(visits.c.visit, *columns(visits, "first_position"), since(visits))
_prescriptions = _with_stays(prescriptions.c.prescription, *columns(prescriptions, "agent"))


@reads(visits, stays)
async def visits_with_stays(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, tuple[VisitView, StayView]]:
    """Return visits by their ids, each with its stay."""
    return _pairs(VisitView, await _visits(connection, ids, at))


@reads(prescriptions, stays)
async def prescriptions_with_stays(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, tuple[PrescriptionView, StayView]]:
    """Return prescriptions by their ids, each with its stay."""
    return _pairs(PrescriptionView, await _prescriptions(connection, ids, at))
