"""Consults: asked for, and not visits until one answers them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.types.enums import ConsultStatus
from api.graphql.types.people import Practitioner
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.consults import ConsultView, consults_of
from infrastructure.read_models.visits import visits_by_id

if TYPE_CHECKING:
    from api.graphql.types.stays import Stay, Visit


@shows(DataKind.CLINICAL, read_by=(consults_of,))
@strawberry.type(description="A consult that was asked for.")
class Consult:
    id: strawberry.ID = strawberry.field(description="By which it is answered, and corrected.")
    status: ConsultStatus = strawberry.field(description="What became of it at that moment.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    specialty: str | None = strawberry.field(description="The specialty that is asked.")
    question: str | None = strawberry.field(description="What is asked.")
    withdrawn_at: datetime | None = strawberry.field(description="When it was withdrawn, if so.")
    view: strawberry.Private[ConsultView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: ConsultView, at: AsOf) -> Self:
        is_withdrawn = view.status == ConsultStatus.WITHDRAWN
        return cls(
            id=strawberry.ID(str(view.consult)),
            status=ConsultStatus(view.status),
            requested_at=view.since,
            specialty=view.specialty,
            question=view.question,
            withdrawn_at=view.withdrawn_at if is_withdrawn else None,
            view=view,
            at=at,
        )

    @strawberry.field(description="The practitioner who is asked.")
    async def practitioner(self, info: Info) -> Practitioner | None:
        return await Practitioner.find(info, self.view.asked, self.at)

    @strawberry.field(description="Who asks.")
    async def requested_by(self, info: Info) -> Practitioner | None:
        return await Practitioner.find(info, self.view.requested_by, self.at)

    @strawberry.field(description="The visit that answers it.")
    async def visit(
        self, info: Info
    ) -> Annotated["Visit", strawberry.lazy("api.graphql.types.stays")] | None:
        from api.graphql.types.stays import Visit

        view = await info.context.load(visits_by_id, self.view.visit, self.at)
        return Visit.of(view, self.at) if view else None

    @strawberry.field(description="The stay.")
    async def stay(
        self, info: Info
    ) -> Annotated["Stay", strawberry.lazy("api.graphql.types.stays")] | None:
        from api.graphql.types.stays import Stay

        return await Stay.find(info, self.view.stay, self.at)
