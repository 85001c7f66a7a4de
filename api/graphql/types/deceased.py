"""The dead for whom something is left to do."""

from datetime import datetime
from typing import Self

import strawberry

from api.graphql.context import Info
from api.graphql.declarations import STAY, DataKind, shows
from api.graphql.types.people import Patient
from api.graphql.types.stays import Prescription, Stay
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.deceased import DeceasedView


@shows(DataKind.IDENTITY)
@strawberry.type(description="A dead patient whose stay or prescriptions go on.")
class Deceased:
    died_at: datetime = strawberry.field(description="When the patient died.")
    view: strawberry.Private[DeceasedView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: DeceasedView, at: AsOf) -> Self:
        at.record_access(view.patient)
        return cls(died_at=view.died_at, view=view, at=at)

    @strawberry.field(description="The patient.")
    async def patient(self, info: Info) -> Patient | None:
        return await Patient.find(info, self.view.patient, self.at)

    @strawberry.field(description="The stays that are open, with their beds.", metadata=STAY)
    def stays(self) -> list[Stay]:
        return [Stay.of(stay, self.at) for stay in self.view.stays]

    @strawberry.field(description="The prescriptions that are active or held.")
    def prescriptions(self) -> list[Prescription]:
        return [Prescription.of(prescription, self.at) for prescription in self.view.prescriptions]
