"""Entries that were recorded late, with whom they are about."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.relay import Connection, page, page_size
from api.graphql.scalars import decode_cursor, encode_cursor
from api.graphql.types.people import Patient
from api.graphql.types.timeline import TimelineEntry, summaries_of
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.late_entries import late_entries_page
from infrastructure.queries.log import position_at

if TYPE_CHECKING:
    from api.graphql.types.stays import Stay

LazyStay = Annotated["Stay", strawberry.lazy("api.graphql.types.stays")]


@shows(DataKind.CLINICAL, read_by=(late_entries_page,))
@strawberry.type(description="A fact that was recorded late, and whom it is about.")
class LateEntry:
    entry: TimelineEntry = strawberry.field(description="The fact.")
    patient_id: strawberry.Private[UUID]
    stay_id: strawberry.Private[UUID | None]
    at: strawberry.Private[AsOf]

    @strawberry.field(description="The patient.")
    async def patient(self, info: Info) -> Patient | None:
        return await Patient.find(info, self.patient_id, self.at)

    @strawberry.field(description="The stay that it belongs to.")
    async def stay(self, info: Info) -> LazyStay | None:
        from api.graphql.types.stays import Stay

        return await Stay.find(info, self.stay_id, self.at)


async def late_entries_of(
    info: Info,
    at: AsOf,
    recorded_from: datetime,
    first: int | None,
    after: str | None,
    ward: str | None,
) -> Connection[LateEntry]:
    """Return a page of the entries, of a ward or of all, that were recorded late from a moment on."""
    size = page_size(first)
    since = await position_at(info.context.state.engine, recorded_from)
    place = decode_cursor(after, "late", int, int)
    entries = await info.context.query(late_entries_page, at, since, size + 1, place, ward)
    stories = await summaries_of(info, entries[:size], at)
    return page(
        entries,
        size,
        after,
        lambda v: encode_cursor("late", v.recorded_position, v.position),
        lambda v: LateEntry(
            entry=TimelineEntry.of(info, v, stories[v.entry]),
            patient_id=v.patient,
            stay_id=v.stay,
            at=at,
        ),
    )
