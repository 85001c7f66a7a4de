"""Movements reported by other systems, and their outcome."""

from datetime import datetime
from typing import Self
from uuid import UUID

import strawberry

from api.errors import error_code
from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.relay import Node
from api.graphql.types.enums import SourceMovementKind, SourceMovementStatus
from api.graphql.types.error_code import ErrorCode
from api.graphql.types.people import Patient
from api.graphql.types.stays import Stay
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.source_movements import SourceMovementView, source_movements_by_id


@shows(DataKind.STAY)
@strawberry.type(description="A movement as another system holds it, and what became of it here.")
class SourceMovement(Node):
    system: str = strawberry.field(description="The other system.")
    source_id: strawberry.ID = strawberry.field(description="Its id of the movement.")
    source_visit: str = strawberry.field(description="Its id of the visit.")
    source_recorded_at: datetime = strawberry.field(
        description="When it recorded the version that holds: the latest one reported."
    )
    cancelled: bool = strawberry.field(description="Whether that version is a cancel.")
    kind: SourceMovementKind | None = strawberry.field(
        description="What happened; absent if only the cancel was reported."
    )
    occurred_at: datetime = strawberry.field(description="When it happened at the bedside.")
    reported_at: datetime = strawberry.field(
        description="When the record learned of that version: since then it is pending, if it is."
    )
    status: SourceMovementStatus = strawberry.field(description="What became of it.")
    error_code: ErrorCode | None = strawberry.field(
        description="Why it is pending: the code of the refusal that the same command would meet."
    )
    why: str | None = strawberry.field(
        description="The same as the name of the refusal's type.",
        deprecation_reason="Use errorCode, an enum.",
    )
    movement_id: strawberry.ID | None = strawberry.field(
        description="The movement of the stay that it is, where it is held true."
    )
    about: strawberry.Private[UUID | None]
    of_stay: strawberry.Private[UUID | None]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: SourceMovementView, at: AsOf) -> Self:
        if view.patient is not None:
            at.record_access(view.patient)
        return cls(
            id=strawberry.ID(str(view.source_movement)),
            system=view.system,
            source_id=strawberry.ID(view.source_id),
            source_visit=view.source_visit,
            source_recorded_at=view.source_recorded_at,
            cancelled=view.cancelled,
            kind=SourceMovementKind(view.kind) if view.kind else None,
            occurred_at=view.occurred_at,
            reported_at=view.reported_at,
            status=SourceMovementStatus(view.status),
            error_code=ErrorCode[error_code(view.why)] if view.why else None,
            why=view.why,
            movement_id=strawberry.ID(str(view.movement)) if view.movement else None,
            about=view.patient,
            of_stay=view.stay,
            at=at,
        )

    @classmethod
    async def find(cls, info: Info, id: UUID | None, at: AsOf) -> Self | None:
        view = await info.context.load(source_movements_by_id, id, at)
        return cls.of(view, at) if view else None

    @strawberry.field(description="The patient, where known.")
    async def patient(self, info: Info) -> Patient | None:
        return await Patient.find(info, self.about, self.at)

    @strawberry.field(description="The stay that the visit is, once its admission is held true.")
    async def stay(self, info: Info) -> Stay | None:
        return await Stay.find(info, self.of_stay, self.at)
