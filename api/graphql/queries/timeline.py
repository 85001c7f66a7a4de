"""Queries of timelines."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.authorization import (
    check_known,
    check_ward_of,
    known_ward,
    or_forbidden,
    records_of_mrn,
)
from api.graphql.context import Info
from api.graphql.queries.arguments import (
    After,
    AtLeast,
    First,
    KnownAt,
    KnownAtPosition,
    KnownMoment,
    MrnAuthority,
    bitemporal,
    check_subject,
    id_of,
    known_moment,
)
from api.graphql.relay import Connection
from api.graphql.types.enums import Reading, TimelineOrder
from api.graphql.types.late_entries import LateEntry, late_entries_of
from api.graphql.types.stays import Stay
from api.graphql.types.timeline import (
    InTimelineOrder,
    OccurredFrom,
    OccurredTo,
    OfKinds,
    TimelineEntry,
    criteria_of,
    timeline_of,
)
from domain.refusals import InvalidInput
from domain.things import Thing
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.log import recorded_at
from infrastructure.read_models.stays import stays_by_id

LATE_ENTRIES_PERIOD = timedelta(days=31)
"""The longest period of recording whose late entries are looked for."""


@strawberry.type
class TimelineQueries:
    @strawberry.field(description="What happened to a patient or in a stay, in that order.")
    @bitemporal
    async def timeline(
        self,
        info: Info,
        at: AsOf,
        mrn: Annotated[str | None, argument(description="Of the patient with this MRN.")] = None,
        mrn_authority: MrnAuthority = None,
        stay_id: Annotated[strawberry.ID | None, argument(description="Of this stay.")] = None,
        kinds: OfKinds = None,
        read: Annotated[
            Reading,
            argument(
                description="ALL: with what was corrected and cancelled, as it happened. TRUTH: only"
                " what is held to be so. RECORD: all, in the order in which it became known."
            ),
        ] = Reading.ALL,
        occurred_from: OccurredFrom = None,
        occurred_to: OccurredTo = None,
        order_by: InTimelineOrder = TimelineOrder.EARLIEST_FIRST,
        first: First = None,
        after: After = None,
    ) -> Connection[TimelineEntry]:
        check_subject(mrn, stay_id)
        records: list[UUID] | None = None
        if mrn is not None:
            records = await records_of_mrn(info.context, mrn, mrn_authority, at)
        else:
            stay = await Stay.find(info, id_of(stay_id), at)
            await or_forbidden(info.context, stay, stays_by_id, id_of(stay_id), at)
            await check_known(info.context, stay, stay_id, Thing.STAY, "stay_id")
        return await timeline_of(
            info,
            at,
            first,
            after,
            criteria_of(read, kinds, occurred_from, occurred_to, order_by),
            patients=records,
            stay=id_of(stay_id) if stay_id else None,
        )

    @strawberry.field(
        description="What was recorded more than an hour after it happened and holds, the last recorded"
        " first: for whoever looks after late entries."
    )
    async def late_entries(
        self,
        info: Info,
        recorded_from: Annotated[
            datetime | None,
            argument(
                description="Recorded from then on, at most 31 days before the end; by default one."
            ),
        ] = None,
        ward: Annotated[
            str | None,
            argument(
                description="Of those who had a bed of this ward when it happened, or wait there now."
            ),
        ] = None,
        first: First = None,
        after: After = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
        moment: KnownMoment = None,
    ) -> Connection[LateEntry]:
        context = info.context
        at = await context.at(None, known_at, known_at_position, at_least, known_moment(moment))
        end = await context.query(recorded_at, at.known) or at.as_of
        begin = recorded_from or end - timedelta(days=1)
        if begin > at.as_of:
            raise InvalidInput("recorded_from", "it lies in the future")
        if end - begin > LATE_ENTRIES_PERIOD:
            raise InvalidInput("recorded_from", f"ask for at most {LATE_ENTRIES_PERIOD.days} days")
        ward = await known_ward(context, ward)
        entries = await late_entries_of(info, at, begin, first, after, ward)
        await check_ward_of(context, ward, at, entries.edges)
        return entries
