"""Payloads of the commands about allergies and flags."""

from typing import Self

import strawberry

from api.graphql.mutations.payloads import ReadBack, RecordedPayload
from api.graphql.types.allergies import Allergy
from api.graphql.types.flags import Flag
from api.graphql.types.people import Patient
from api.graphql.types.stays import Stay
from infrastructure.read_models.allergies import allergies_of_persons
from infrastructure.read_models.flags import flags_of


@strawberry.type(description="An allergy or intolerance was recorded, put right or taken back.")
class AllergyRecorded(RecordedPayload):
    allergy: Allergy | None = strawberry.field(
        description="The allergy; null once it is cancelled, or over."
    )
    patient: Patient = strawberry.field(description="The patient as now held.")

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        event = read.recorded.last("allergy")
        patient = await Patient.find(read.info, event.originator_id, read.as_of)
        views = await read.info.context.load(allergies_of_persons, event.originator_id, read.as_of)
        view = next((v for v in views or () if v.allergy == event.allergy), None)
        allergy = Allergy.of(view, read.as_of) if view else None
        return cls(**read.common_fields, allergy=allergy, patient=patient) if patient else None


@strawberry.type(description="A flag was raised, put right, lowered or taken back.")
class FlagRecorded(RecordedPayload):
    flag: Flag | None = strawberry.field(description="The flag; null once it does not hold.")
    stay: Stay = strawberry.field(description="The stay as now held.")

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        event = read.recorded.last("flag")
        stay = await Stay.find(read.info, event.originator_id, read.as_of)
        views = await read.info.context.load(flags_of, event.originator_id, read.as_of)
        flag = next((Flag.of(view) for view in views or () if view.flag == event.flag), None)
        return cls(**read.common_fields, flag=flag, stay=stay) if stay else None
