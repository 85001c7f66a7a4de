"""Stretches of beds: who lay where, from when to when."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import uuid5

import strawberry

from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.types.people import Patient
from api.graphql.types.rooms import LazyStay, Room, find_stay
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.bed_uses import StretchView
from infrastructure.read_models.occupancy import occupancy_history, stretches_of
from infrastructure.read_models.timeline.queries import movements_of

if TYPE_CHECKING:
    from api.graphql.types.movements import Movement


@shows(DataKind.STAY, read_by=(occupancy_history, stretches_of, movements_of))
@strawberry.type(description="A bed's use by one stay, from when to when.")
class OccupancyStretch:
    id: strawberry.ID = strawberry.field(
        description="Of this use: of its stay and beginning, so it is another once the beginning is"
        " corrected."
    )
    bed: str = strawberry.field(description="The bed's code within the room.")
    since: datetime = strawberry.field(description="When it began.")
    until: datetime | None = strawberry.field(description="When it ended; absent while it goes on.")
    kept: bool = strawberry.field(description="Whether the bed was only kept, during a leave.")
    shares_bed_of: strawberry.ID | None = strawberry.field(
        description="The mother's stay whose bed was shared."
    )
    view: strawberry.Private[StretchView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: StretchView, at: AsOf) -> Self:
        mother = view.shares_bed_of
        return cls(
            id=strawberry.ID(str(uuid5(view.stay, view.since.astimezone(UTC).isoformat()))),
            bed=view.bed,
            since=view.since,
            until=view.until,
            kept=view.kept,
            shares_bed_of=strawberry.ID(str(mother)) if mother else None,
            view=view,
            at=at,
        )

    @strawberry.field(description="The room.")
    async def room(self, info: Info) -> Room | None:
        return await Room.find(info, self.view.room, self.at)

    @strawberry.field(description="The stay.")
    async def stay(self, info: Info) -> LazyStay | None:
        return await find_stay(info, self.view.stay, self.at)

    @strawberry.field(description="The patient.")
    async def patient(self, info: Info) -> Patient | None:
        return await Patient.find(info, self.view.patient, self.at)

    @strawberry.field(
        description="The movement that it began with: who, why, both clocks, what it corrects."
    )
    async def movement(
        self, info: Info
    ) -> Annotated["Movement", strawberry.lazy("api.graphql.types.movements")] | None:
        from api.graphql.types.movements import Movement

        movements = await info.context.load(movements_of, self.view.stay, self.at) or ()
        beginnings = [m for m in movements if m.status == "TRUE" and m.occurred_at == self.since]
        return Movement.of(info, beginnings[-1], self.at) if beginnings else None
