"""Expected arrivals: planned admissions, and beds that are asked for patients in the house."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.declarations import STAY, VERSION, DataKind, shows
from api.graphql.relay import Node
from api.graphql.types.enums import ArrivalStatus, Sex, Urgency
from api.graphql.types.people import AlteredDetail, Patient
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.expected_arrivals import ArrivalView, expected_arrivals_by_id

if TYPE_CHECKING:
    from api.graphql.types.stays import Stay

LazyStay = Annotated["Stay", strawberry.lazy("api.graphql.types.stays")]


@shows(
    DataKind.IDENTITY,
    id=DataKind.STAY,
    listed=DataKind.STAY,
    cached_from=(expected_arrivals_by_id,),
)
@strawberry.type(description="Somebody who is expected, or waits in the house for a bed.")
class ExpectedArrival(Node):
    status: ArrivalStatus = strawberry.field(
        description="What became of it at that moment.", metadata=STAY
    )
    requested_at: datetime = strawberry.field(
        description="When it was planned or asked for.", metadata=STAY
    )
    expected_at: datetime = strawberry.field(
        description="From when on the bed is needed.", metadata=STAY
    )
    expires_at: datetime = strawberry.field(
        description="When it is expected no longer, if nothing more is told.", metadata=STAY
    )
    urgency: Urgency = strawberry.field(description="How soon.", metadata=STAY)
    ward: str | None = strawberry.field(
        description="The ward; absent where it may be any.", metadata=STAY
    )
    isolation: bool = strawberry.field(
        description="Whether the patient has to lie alone.", metadata=STAY
    )
    sex: Sex | None = strawberry.field(
        description="The sex that the room is needed for.", metadata=STAY
    )
    monitor: bool = strawberry.field(description="Whether a monitor is needed.", metadata=STAY)
    specialty: str | None = strawberry.field(description="The specialty.", metadata=STAY)
    family_name: str | None = strawberry.field(
        description="Family name, as told before the patient was registered."
    )
    given_name: str | None = strawberry.field(
        description="Given name, as told before the patient was registered."
    )
    birth_date: date | None = strawberry.field(
        description="Birth date, as told before the patient was registered."
    )
    note: str | None = strawberry.field(description="What else is to be known.")
    altered_details: list[AlteredDetail] = strawberry.field(
        description="Which of birthDate and sex somebody altered in the database: they read as not"
        " known. Altered texts read ALTERED.",
        metadata=STAY,
    )
    view: strawberry.Private[ArrivalView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: ArrivalView, at: AsOf) -> Self:
        if view.patient is not None:
            at.record_access(view.patient)
        return cls(
            id=strawberry.ID(str(view.arrival)),
            status=ArrivalStatus(view.status),
            requested_at=view.requested_at,
            expected_at=view.expected_at,
            expires_at=view.expires_at,
            urgency=Urgency(view.urgency),
            ward=view.ward,
            isolation=view.isolation,
            sex=Sex(view.sex) if view.sex else None,
            monitor=view.monitor,
            specialty=view.specialty,
            family_name=view.family_name,
            given_name=view.given_name,
            birth_date=view.birth_date,
            note=view.note,
            altered_details=[AlteredDetail(name) for name in view.altered],
            view=view,
            at=at,
        )

    @classmethod
    async def find(cls, info: Info, id: UUID | None, at: AsOf) -> Self | None:
        view = await info.context.load(expected_arrivals_by_id, id, at)
        return cls.of(view, at) if view else None

    @strawberry.field(
        description="Version of the record; give it back as expectedVersion.",
        metadata={**STAY, **VERSION},
    )
    async def version(self, info: Info) -> int:
        return await info.context.versions(UUID(self.id), self.at)

    @strawberry.field(description="The patient, once registered and named.", metadata=STAY)
    async def patient(self, info: Info) -> Patient | None:
        if self.view.patient is None and self.view.converted_by is not None:
            stay = await _stay(info, self.view.converted_by, self.at)
            return await stay.patient(info) if stay else None
        return await Patient.find(info, self.view.patient, self.at)

    @strawberry.field(description="The stay of a patient in the house.", metadata=STAY)
    async def stay(self, info: Info) -> LazyStay | None:
        return await _stay(info, self.view.stay, self.at)

    @strawberry.field(
        description="The stay that was admitted with it, or has the bed, as now held.",
        metadata=STAY,
    )
    async def converted_by(self, info: Info) -> LazyStay | None:
        return await _stay(info, self.view.converted_by, self.at)


async def _stay(info: Info, id: UUID | None, at: AsOf) -> "Stay | None":
    from api.graphql.types.stays import Stay

    return await Stay.find(info, id, at)
