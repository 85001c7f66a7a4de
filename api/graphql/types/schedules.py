"""Medicines and schedules of prescriptions, and the doses that are due by them."""

from datetime import datetime, time
from typing import TYPE_CHECKING, Annotated, Self

import msgspec
import strawberry

import domain.prescription.schedule
from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.types.enums import DoseStatus
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.doses_due import DueView, doses_due
from infrastructure.read_models.prescriptions import PrescriptionView, prescriptions_by_id

if TYPE_CHECKING:
    from api.graphql.types.stays import Prescription, Stay


@shows(DataKind.CLINICAL, read_by=(prescriptions_by_id,))
@strawberry.type(description="A drug, by name and by code.")
class Medication:
    name: str = strawberry.field(description="Name.")
    code: str | None = strawberry.field(description="Code in the coding system.")
    system: str | None = strawberry.field(description="Coding system: ATC, RxNorm, a formulary.")


@shows(DataKind.CLINICAL, read_by=(prescriptions_by_id,))
@strawberry.type(description="When the doses of a prescription are due, as a program reads it.")
class Schedule:
    times_of_day: list[time] = strawberry.field(
        description="By the hospital's clocks; a time that they skip is the first moment after."
    )
    every_hours: int | None = strawberry.field(description="Every so many hours from the start on.")
    as_needed: bool = strawberry.field(description="Whether it is given as needed.")
    min_interval_minutes: int | None = strawberry.field(
        description="As needed: the least time between two doses."
    )
    max_per_day: int | None = strawberry.field(
        description="As needed: the most doses within 24 hours."
    )

    @classmethod
    def of(cls, view: PrescriptionView) -> Self | None:
        if view.schedule is None:
            return None
        schedule = msgspec.convert(view.schedule, domain.prescription.schedule.Schedule)
        return cls(
            times_of_day=list(schedule.times_of_day),
            every_hours=schedule.every_hours,
            as_needed=schedule.as_needed,
            min_interval_minutes=schedule.min_interval_minutes,
            max_per_day=schedule.max_per_day,
        )


@shows(DataKind.CLINICAL, read_by=(doses_due,))
@strawberry.type(description="A dose that is due, and of which nothing is recorded.")
class DoseDue:
    due_at: datetime = strawberry.field(description="When it is due.")
    status: DoseStatus = strawberry.field(description="How it stands at the moment.")
    view: strawberry.Private[DueView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: DueView, at: AsOf) -> Self:
        return cls(due_at=view.due_at, status=view.status, view=view, at=at)

    @strawberry.field(description="The prescription.")
    async def prescription(
        self, info: Info
    ) -> Annotated["Prescription", strawberry.lazy("api.graphql.types.stays")] | None:
        from api.graphql.types.stays import Prescription

        return await Prescription.find(info, self.view.prescription, self.at)

    @strawberry.field(description="The stay, with the patient and the bed.")
    async def stay(
        self, info: Info
    ) -> Annotated["Stay", strawberry.lazy("api.graphql.types.stays")] | None:
        from api.graphql.types.stays import Stay

        return await Stay.find(info, self.view.stay, self.at)
