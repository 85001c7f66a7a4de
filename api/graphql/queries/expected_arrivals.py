"""Queries of expected arrivals: the waiting list, and one of them."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.authorization import (
    check_known,
    check_ward_of,
    known_ward,
    or_forbidden,
    records_of_filter,
)
from api.graphql.context import Context, Info
from api.graphql.declarations import CACHEABLE
from api.graphql.prefetching import prefetch_arrivals
from api.graphql.queries.arguments import (
    After,
    First,
    bitemporal,
    id_of,
)
from api.graphql.relay import Connection, page, page_size
from api.graphql.scalars import decode_cursor, encode_cursor
from api.graphql.types.enums import ArrivalStatus
from api.graphql.types.expected_arrivals import ExpectedArrival
from domain.things import Thing
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.waiting_list import (
    ArrivalCriteria,
    expected_arrival_count,
    expected_arrivals_page,
)
from infrastructure.read_models.expected_arrivals import WAITING, expected_arrivals_by_id


@strawberry.input(description="Criteria for expected arrivals; all of them have to be met.")
class ExpectedArrivalFilter:
    ward: str | None = strawberry.field(default=strawberry.UNSET, description="To this ward.")
    statuses: list[ArrivalStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="With one of these; PLANNED and REQUESTED by default."
    )
    patient_mrn: str | None = strawberry.field(
        default=strawberry.UNSET, description="Of the patient with this MRN."
    )
    mrn_authority: str | None = strawberry.field(
        default=strawberry.UNSET, description="Who assigned it; the hospital's own by default."
    )
    expected_until: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Expected by this moment."
    )

    async def criteria(self, context: Context, at: AsOf) -> ArrivalCriteria:
        """Return the criteria of the search. Raises NotFound, NotAllowed."""
        return ArrivalCriteria(
            tuple(status.value for status in self.statuses or ()) or WAITING,
            await known_ward(context, self.ward or None),
            await records_of_filter(context, self.patient_mrn, self.mrn_authority, at),
            self.expected_until or None,
        )


@strawberry.type
class ExpectedArrivalQueries:
    @strawberry.field(description="An expected arrival; null before it was planned or asked for.")
    @bitemporal
    async def expected_arrival(
        self,
        info: Info,
        at: AsOf,
        id: Annotated[strawberry.ID, argument(description="The arrival's id.")],
    ) -> ExpectedArrival | None:
        entity = await ExpectedArrival.find(info, id_of(id), at)
        await or_forbidden(info.context, entity, expected_arrivals_by_id, id_of(id), at)
        await check_known(info.context, entity, id, Thing.EXPECTED_ARRIVAL)
        return entity

    @strawberry.field(
        description="The waiting list: planned admissions and beds asked for, the most urgent first,"
        " then in the order of their time.",
        metadata=CACHEABLE,
    )
    @bitemporal
    async def expected_arrivals(
        self,
        info: Info,
        at: AsOf,
        filter: Annotated[ExpectedArrivalFilter | None, argument(description="Which ones.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[ExpectedArrival]:
        size, place = page_size(first), decode_cursor(after, "arrivals", int, datetime, UUID)
        criteria = await filter.criteria(info.context, at) if filter else ArrivalCriteria()
        views = await info.context.query(expected_arrivals_page, criteria, at, size + 1, place)
        await check_ward_of(info.context, criteria.ward, at, views)
        await prefetch_arrivals(info, views[:size], at)
        return page(
            views,
            size,
            after,
            lambda v: encode_cursor("arrivals", v.rank, v.expected_at, v.arrival),
            lambda v: ExpectedArrival.of(v, at),
            partial(info.context.query, expected_arrival_count, criteria, at),
        )
