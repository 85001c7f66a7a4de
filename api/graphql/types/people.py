"""Patients and practitioners."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_camel_case

from api.graphql.context import Info
from api.graphql.declarations import CLINICAL, STAY, VERSION, DataKind, read_by, shows
from api.graphql.relay import Connection, Node
from api.graphql.types.allergies import Allergy
from api.graphql.types.enums import (
    Confidentiality,
    Grade,
    Sex,
)
from api.graphql.types.timeline import TimelineEntry, timeline_field
from domain.described_enum import DescribedEnum
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.allergies import allergies_of_persons
from infrastructure.read_models.patients import (
    PatientView,
    deaths_of_persons,
    labels_of_persons,
    other_records_of,
    patients_by_id,
    records_of_each,
)
from infrastructure.read_models.practitioners import (
    PractitionerView,
    practitioners_by_id,
)
from infrastructure.read_models.stays import stays_of_persons
from infrastructure.read_models.timeline.altered import altered_details
from infrastructure.read_models.timeline.queries import merges_of_persons

if TYPE_CHECKING:
    from api.graphql.types.movements import Merge
    from api.graphql.types.stays import Stay


@strawberry.enum(description="What of a person reads as not known once somebody altered it.")
class AlteredDetail(DescribedEnum):
    BIRTH_DATE = "birth_date", "The birth date."
    SEX = "sex", "The sex."


async def _records_of_person(patient: Any, info: Info) -> dict[str, Any]:
    return {"patients": await info.context.load(records_of_each, UUID(patient.id), patient.at)}


@shows(
    DataKind.IDENTITY,
    id=DataKind.STAY,
    cached_from=(
        patients_by_id,
        other_records_of,
        deaths_of_persons,
        stays_of_persons,
        allergies_of_persons,
    ),
)
@strawberry.type(description="A person, known by a medical record number.")
class Patient(Node):
    mrn: str = strawberry.field(description="Medical record number, as on the wristband.")
    mrn_authority: str = strawberry.field(description="Who assigned the MRN.")
    family_name: str | None = strawberry.field(description="Absent while not identified.")
    given_name: str | None = strawberry.field(description="Absent while not identified.")
    birth_date: date | None = strawberry.field(description="Absent while not known.")
    sex: Sex = strawberry.field(description="Administrative sex.")
    unchanged_since: datetime | None = strawberry.field(
        description="The last moment at which the details or the life of the patient changed; null"
        " where they never did. A change that is planned counts from its moment on."
    )
    label: strawberry.Private[str]
    link: strawberry.Private[UUID | None]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: PatientView, at: AsOf) -> Self:
        at.record_access(view.patient)
        return cls(
            id=strawberry.ID(str(view.patient)),
            mrn=view.mrn,
            mrn_authority=view.mrn_authority,
            family_name=view.family_name,
            given_name=view.given_name,
            birth_date=view.birth_date,
            sex=Sex(view.sex),
            label=view.confidentiality,
            unchanged_since=view.since,
            link=view.merged_into,
            at=at,
        )

    @classmethod
    async def find(cls, info: Info, id: UUID | None, at: AsOf) -> Self | None:
        view = await info.context.load(patients_by_id, id, at)
        return cls.of(view, at) if view else None

    @strawberry.field(
        description="Version of the record; give it back as expectedVersion.",
        metadata={**STAY, **VERSION},
    )
    async def version(self, info: Info) -> int:
        return await info.context.versions(UUID(self.id), self.at)

    @strawberry.field(
        description="Confidentiality label: the strictest of the person's records, which closes all of"
        " them.",
        metadata={**STAY, **read_by(labels_of_persons)},
    )
    async def confidentiality(self, info: Info) -> Confidentiality:
        label = await info.context.load(labels_of_persons, UUID(self.id), self.at)
        return Confidentiality(label or self.label)

    @strawberry.field(
        description="When the patient died, whichever record of the person has the death."
    )
    async def died_at(self, info: Info) -> datetime | None:
        return await info.context.load(deaths_of_persons, UUID(self.id), self.at)

    @strawberry.field(
        description="Which of birthDate and sex somebody altered in the database: they read as not"
        " known. Altered texts read ALTERED.",
        metadata=STAY,
    )
    async def altered_details(self, info: Info) -> list[AlteredDetail]:
        return await _altered_details(self, info)

    @strawberry.field(
        description="The same as names of fields.",
        deprecation_reason="Use alteredDetails, enums.",
        metadata=STAY,
    )
    async def altered_fields(self, info: Info) -> list[str]:
        return [to_camel_case(detail.value) for detail in await _altered_details(self, info)]

    @strawberry.field(description="The record that this one was merged into.", metadata=STAY)
    async def merged_into(self, info: Info) -> "Patient | None":
        return await Patient.find(info, self.link, self.at) if self.link else None

    @strawberry.field(
        description="The other records of the same person, by the links known.", metadata=STAY
    )
    async def other_records(self, info: Info) -> list["Patient"]:
        views = await info.context.load(other_records_of, UUID(self.id), self.at)
        return [Patient.of(view, self.at) for view in views or ()]

    @strawberry.field(
        description="The merges that hold among the records of the person.", metadata=STAY
    )
    async def merges(
        self, info: Info
    ) -> list[Annotated["Merge", strawberry.lazy("api.graphql.types.movements")]]:
        from api.graphql.types.movements import Merge

        views = await info.context.load(merges_of_persons, UUID(self.id), self.at)
        return [Merge.of(info, view, self.at) for view in views or ()]

    @strawberry.field(
        description="All stays of the person up to the moment asked about, the oldest first.",
        metadata=STAY,
    )
    async def stays(
        self, info: Info
    ) -> list[Annotated["Stay", strawberry.lazy("api.graphql.types.stays")]]:
        from api.graphql.types.stays import Stay

        views = await info.context.load(stays_of_persons, UUID(self.id), self.at)
        return [Stay.of(view, self.at) for view in views or ()]

    @strawberry.field(
        description="The allergies and intolerances of the person at the moment, whichever record"
        " has them.",
        metadata=CLINICAL,
    )
    async def allergies(self, info: Info) -> list[Allergy]:
        views = await info.context.load(allergies_of_persons, UUID(self.id), self.at)
        return [Allergy.of(view, self.at) for view in views or ()]

    timeline: Connection[TimelineEntry] = timeline_field(
        "What happened to the person, in that order.", _records_of_person
    )


async def _altered_details(patient: Patient, info: Info) -> list[AlteredDetail]:
    if patient.birth_date is not None and patient.sex is not Sex.UNKNOWN:
        return []
    names = await info.context.load(altered_details, UUID(patient.id), patient.at)
    return [AlteredDetail(name) for name in names or ()]


@shows(DataKind.HOUSE, cached_from=(practitioners_by_id,))
@strawberry.type(description="Somebody who attends, visits and prescribes.")
class Practitioner(Node):
    staff_number: str = strawberry.field(description="Staff number.")
    family_name: str | None = strawberry.field(description="Family name.")
    given_name: str | None = strawberry.field(description="Given name.")
    grade: Grade = strawberry.field(description="Seniority.")
    grade_from: date | None = strawberry.field(description="Since when the grade is held.")
    specialty: str | None = strawberry.field(description="Specialty.")
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, view: PractitionerView, at: AsOf) -> Self:
        return cls(
            id=strawberry.ID(str(view.practitioner)),
            staff_number=view.staff_number,
            family_name=view.family_name,
            given_name=view.given_name,
            grade=Grade(view.grade),
            grade_from=view.grade_from,
            specialty=view.specialty,
            at=at,
        )

    @classmethod
    async def find(cls, info: Info, id: UUID | None, at: AsOf) -> Self | None:
        view = await info.context.load(practitioners_by_id, id, at)
        return cls.of(view, at) if view else None

    @strawberry.field(
        description="Version of the record; give it back as expectedVersion.", metadata=VERSION
    )
    async def version(self, info: Info) -> int:
        return await info.context.versions(UUID(self.id), self.at)
