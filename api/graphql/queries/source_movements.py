"""Query of movements that other systems reported and that do not fit yet."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.context import Info
from api.graphql.queries.arguments import (
    After,
    First,
    bitemporal,
)
from api.graphql.relay import Connection, page, page_size
from api.graphql.scalars import decode_cursor, encode_cursor
from api.graphql.types.source_movements import SourceMovement
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.source_movements import pending_page


@strawberry.type
class SourceMovementQueries:
    @strawberry.field(
        description="What other systems reported that does not fit yet, in the order in which they"
        " recorded it; with asOf, what is said to have happened up to then."
    )
    @bitemporal
    async def pending_movements(
        self,
        info: Info,
        at: AsOf,
        system: Annotated[str | None, argument(description="Of this system only.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[SourceMovement]:
        size, place = page_size(first), decode_cursor(after, "pending", datetime, UUID)
        views = await info.context.query(pending_page, system, at, size + 1, place)
        return page(
            views,
            size,
            after,
            lambda v: encode_cursor("pending", v.source_recorded_at, v.source_movement),
            lambda v: SourceMovement.of(v, at),
        )
