"""What is recorded of persons, and of the hospital's own clock."""

from datetime import date, time
from typing import Annotated

import strawberry

from api.graphql.context import Ask
from api.graphql.mutations.dispatch import (
    glass_broken,
    hospital_time_recorded,
    patient_recorded,
    practitioner_recorded,
)
from api.graphql.mutations.inputs import CommandInput, optional, required
from api.graphql.mutations.payloads import (
    CommonRefusals,
    GlassBroken,
    HospitalTimeRecorded,
    PatientRecorded,
    PractitionerRecorded,
    result_union,
)
from api.graphql.mutations.refusals import (
    AlreadyExists,
    ContradictsLaterFacts,
    MergeImpossible,
    MovementNotFound,
    PatientDied,
)
from api.graphql.types.enums import Confidentiality, Grade, Sex


@strawberry.input(description="Make a person known; without names: not identified yet.")
class RegisterPatientInput(CommandInput):
    mrn: str = required("Medical record number; temporary for somebody unidentified.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    family_name: str | None = optional("Family name.")
    given_name: str | None = optional("Given name.")
    birth_date: date | None = optional("Birth date.")
    sex: Sex | None = optional("Administrative sex; UNKNOWN by default.")
    confidentiality: Confidentiality | None = optional("Confidentiality label; NORMAL by default.")


@strawberry.input(description="Details always were so, or are so from validFrom on.")
class CorrectPatientDetailsInput(CommandInput):
    patient_mrn: str = required("The patient's MRN as recorded.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    mrn: str | None = optional("The right MRN.")
    family_name: str | None = optional("Family name.")
    given_name: str | None = optional("Given name.")
    birth_date: date | None = optional("Birth date.")
    sex: Sex | None = optional("Administrative sex.")
    confidentiality: Confidentiality | None = optional("Confidentiality label.")
    valid_from: date | None = optional(
        "The hospital's day from which they are so; absent: they always were."
    )


@strawberry.input(description="Two records are one person: reading follows the link.")
class MergePatientsInput(CommandInput):
    patient_mrn: str = required("The MRN of the record that is merged away.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    into_mrn: str = required("The MRN of the record that it is merged into.")
    into_mrn_authority: str | None = optional("Who assigned that; the hospital's own by default.")


@strawberry.input(description="They were not one person: exactly what was is again.")
class UnmergePatientsInput(CommandInput):
    merge_id: strawberry.ID = required("The merge.")


@strawberry.input(description="A death, at occurredAt, of a patient named by MRN or by stay.")
class RecordDeathInput(CommandInput):
    patient_mrn: str | None = optional("The patient's MRN.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    stay_id: strawberry.ID | None = optional("The patient's stay.")


@strawberry.input(description="Open a patient's data to oneself; the reason is needed.")
class BreakGlassInput(CommandInput):
    patient_mrn: str = required("The patient's MRN.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    hours: int | None = optional("For how long, 1 to 24; 8 by default.")


@strawberry.input(description="Make a practitioner known.")
class RegisterPractitionerInput(CommandInput):
    staff_number: str = required("Staff number.")
    family_name: str | None = optional("Family name.")
    given_name: str | None = optional("Given name.")
    grade: Grade | None = optional("Seniority; OTHER by default.")
    grade_from: date | None = optional("The day from which the grade is held; absent: always.")
    specialty: str | None = optional("Specialty.")


@strawberry.input(description="Set the hospital's own clock.")
class SetHospitalTimeInput(CommandInput):
    time_zone: str = required("IANA name, for example Europe/Berlin.")
    census_time: time | None = optional("Local time of the census; 23:59 by default.")
    valid_from: date | None = optional("The local day from which it holds; absent: always was so.")


RegisterPatientResult = Annotated[
    PatientRecorded | AlreadyExists | CommonRefusals, result_union("RegisterPatient")
]
CorrectPatientDetailsResult = Annotated[
    PatientRecorded | AlreadyExists | CommonRefusals, result_union("CorrectPatientDetails")
]
MergePatientsResult = Annotated[
    PatientRecorded | MergeImpossible | ContradictsLaterFacts | CommonRefusals,
    result_union("MergePatients"),
]
UnmergePatientsResult = Annotated[
    PatientRecorded | MovementNotFound | CommonRefusals, result_union("UnmergePatients")
]
RecordDeathResult = Annotated[
    PatientRecorded | PatientDied | ContradictsLaterFacts | CommonRefusals,
    result_union("RecordDeath"),
]
BreakGlassResult = Annotated[GlassBroken | CommonRefusals, result_union("BreakGlass")]
RegisterPractitionerResult = Annotated[
    PractitionerRecorded | AlreadyExists | CommonRefusals, result_union("RegisterPractitioner")
]
SetHospitalTimeResult = Annotated[
    HospitalTimeRecorded | CommonRefusals, result_union("SetHospitalTime")
]


@strawberry.type
class PeopleMutations:
    @strawberry.mutation(description="Make a person known; without names: not identified yet.")
    async def register_patient(
        self, info: Ask, input: RegisterPatientInput
    ) -> RegisterPatientResult:
        return await patient_recorded(info, input, info.context.state.hospital.register_patient)

    @strawberry.mutation(description="Details always were so, or are so from a day on.")
    async def correct_patient_details(
        self, info: Ask, input: CorrectPatientDetailsInput
    ) -> CorrectPatientDetailsResult:
        return await patient_recorded(
            info, input, info.context.state.hospital.correct_patient_details
        )

    @strawberry.mutation(description="Two records are one person: reading follows the link.")
    async def merge_patients(self, info: Ask, input: MergePatientsInput) -> MergePatientsResult:
        return await patient_recorded(info, input, info.context.state.hospital.merge_patients)

    @strawberry.mutation(description="They were not one person: exactly what was is again.")
    async def unmerge_patients(
        self, info: Ask, input: UnmergePatientsInput
    ) -> UnmergePatientsResult:
        return await patient_recorded(info, input, info.context.state.hospital.unmerge_patients)

    @strawberry.mutation(
        description="A death, at occurredAt, of a patient named by MRN or by stay."
    )
    async def record_death(self, info: Ask, input: RecordDeathInput) -> RecordDeathResult:
        return await patient_recorded(info, input, info.context.state.hospital.record_death)

    @strawberry.mutation(
        description="Open a patient's data to oneself for some hours, saying why. What is read then"
        " is marked, and asked about later."
    )
    async def break_glass(self, info: Ask, input: BreakGlassInput) -> BreakGlassResult:
        return await glass_broken(info, input, info.context.state.hospital.break_glass)

    @strawberry.mutation(description="Make a practitioner known.")
    async def register_practitioner(
        self, info: Ask, input: RegisterPractitionerInput
    ) -> RegisterPractitionerResult:
        return await practitioner_recorded(
            info, input, info.context.state.hospital.register_practitioner
        )

    @strawberry.mutation(description="Set the hospital's own clock.")
    async def set_hospital_time(
        self, info: Ask, input: SetHospitalTimeInput
    ) -> SetHospitalTimeResult:
        return await hospital_time_recorded(
            info, input, info.context.state.hospital.set_hospital_time
        )
