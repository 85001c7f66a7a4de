"""Queries of expected arrivals: the waiting list, and one of them."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.authorization import check_known, known_ward, or_forbidden, records_of_mrn
from api.graphql.context import Ask
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
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.named import check_ward_held
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


@strawberry.type
class ExpectedArrivalQueries:
    @strawberry.field(description="An expected arrival; null before it was planned or asked for.")
    @bitemporal
    async def expected_arrival(
        self,
        info: Ask,
        at: AsOf,
        id: Annotated[strawberry.ID, argument(description="The arrival's id.")],
    ) -> ExpectedArrival | None:
        entity = await ExpectedArrival.find(info, id_of(id), at)
        await or_forbidden(info.context, entity, expected_arrivals_by_id, id_of(id), at)
        await check_known(info.context, entity, id, "expected arrival")
        return entity

    @strawberry.field(
        description="The waiting list: planned admissions and beds asked for, the most urgent first,"
        " then in the order of their time.",
        metadata=CACHEABLE,
    )
    @bitemporal
    async def expected_arrivals(
        self,
        info: Ask,
        at: AsOf,
        filter: Annotated[ExpectedArrivalFilter | None, argument(description="Which ones.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[ExpectedArrival]:
        size, place = page_size(first), decode_cursor(after, "arrivals", int, datetime, UUID)
        criteria = ArrivalCriteria()
        if filter is not None:
            records: tuple[UUID, ...] | None = None
            if filter.patient_mrn:
                mrn, authority = filter.patient_mrn, filter.mrn_authority or None
                find = records_of_mrn(info.context, mrn, authority, at, "patient_mrn")
                records = tuple(await find)
            criteria = ArrivalCriteria(
                tuple(status.value for status in filter.statuses or ()) or WAITING,
                await known_ward(info.context, filter.ward or None),
                records,
                filter.expected_until or None,
            )
        views = await info.context.query(expected_arrivals_page, criteria, at, size + 1, place)
        if criteria.ward is not None and not views:
            await info.context.query(check_ward_held, criteria.ward, at)
        await prefetch_arrivals(info, views[:size], at)
        return page(
            views,
            size,
            after,
            lambda v: encode_cursor("arrivals", v.rank, v.expected_at, v.arrival),
            lambda v: ExpectedArrival.of(v, at),
            partial(info.context.query, expected_arrival_count, criteria, at),
        )
