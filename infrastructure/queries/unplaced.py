"""Queries of the patients of a ward who have no bed: they wait there, or had their last bed there."""

from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ScalarSelect, String, Uuid, any_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf
from infrastructure.queries.compiled import CompiledStatement, literal_values, parameter
from infrastructure.queries.row_security import known, moment_order, value
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.rooms import rooms, rooms_of_ward
from infrastructure.read_models.stays import OPEN, stays

_earlier = stays.alias()


def _last_room(at: AsOf) -> ScalarSelect[Any]:
    """Compose the room of the last bed of a stay, up to the moment."""
    return (
        select(_earlier.c.room)
        .where(
            _earlier.c.stay == stays.c.stay,
            _earlier.c.room.is_not(None),
            known(_earlier, at.known),
            func.lower(_earlier.c.during) <= value(at.as_of),
        )
        .order_by(moment_order(func.lower(_earlier.c.during)).desc())
        .limit(1)
        .correlate(stays)
        .scalar_subquery()
    )


_unplaced = CompiledStatement(
    lambda at: select(stays.c.stay).where(
        stays.c.bed.is_(None),
        stays.c.status.in_(literal_values("open", OPEN)),
        at.holds(stays),
        or_(
            func.starts_with(
                func.lower(stays.c.without_bed).op("||")(" "), parameter("beginning", String)
            ),
            _last_room(at) == any_(parameter("rooms", ARRAY(Uuid))),
        ),
    )
)


@reads(stays, rooms)
async def unplaced_in(connection: AsyncConnection, ward: str, at: AsOf) -> tuple[UUID, ...]:
    """Return the open stays without a bed whose place names a ward, or whose last bed was there."""
    of_ward = await rooms_of_ward(connection, ward, at)
    result = await _unplaced.execute(connection, at, rooms=of_ward, beginning=f"{ward.lower()} ")
    return tuple(result.scalars())
