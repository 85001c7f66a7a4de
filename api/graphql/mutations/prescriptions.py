"""What is recorded of prescriptions and doses, and how that is put right."""

from datetime import datetime
from typing import Annotated

import strawberry

from api.graphql.context import Ask
from api.graphql.mutations.dispatch import prescription_recorded
from api.graphql.mutations.inputs import CommandInput, MedicationInput, must, said
from api.graphql.mutations.payloads import Any_, PrescriptionRecorded, union_of
from api.graphql.mutations.refusals import (
    ContradictsLaterFacts,
    MovementNotFound,
    OutsideStay,
    PatientDied,
    PrescriptionStateBroken,
)
from api.graphql.types.enums import Because, OutsidePrescription


@strawberry.input(description="Prescribe a medicine.")
class WritePrescriptionInput(CommandInput):
    stay_id: strawberry.ID = must("The stay.")
    medication: MedicationInput = must("What.")
    dose: str | None = said("How much at a time.")
    route: str | None = said("By which route.")
    frequency: str | None = said("How often.")
    start: datetime | None = said("From when; may lie ahead; occurredAt by default.")
    stop: datetime | None = said("Until when, if that is planned.")
    prescriber: str | None = said("Staff number of the prescriber.")


@strawberry.input(description="Another dose, route, frequency or planned stop.")
class ChangePrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = must("The prescription.")
    dose: str | None = said("How much at a time.")
    route: str | None = said("By which route.")
    frequency: str | None = said("How often.")
    stop: datetime | None = said("Until when.")


@strawberry.input(description="Pause a prescription.")
class HoldPrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = must("The prescription.")


@strawberry.input(description="Go on with a prescription that is held.")
class ResumePrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = must("The prescription.")


@strawberry.input(description="End a prescription.")
class StopPrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = must("The prescription.")


@strawberry.input(description="A prescription has run its course.")
class CompletePrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = must("The prescription.")


@strawberry.input(description="A prescription was entered in error; refused once a dose was given.")
class CancelPrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = must("The prescription.")
    because: Because | None = said("ENTERED_IN_ERROR, the default and the only reason possible.")


@strawberry.input(description="A dose given, or not given and why.")
class RecordAdministrationInput(CommandInput):
    prescription_id: strawberry.ID = must("The prescription.")
    given: bool = must("Whether it was given.")
    dose_given: str | None = said("How much was given.")
    reason_not_given: str | None = said("Why it was not given.")
    outside_prescription: OutsidePrescription | None = said("Why it lies outside the prescription.")


@strawberry.input(description="Another time (occurredAt) or amount of a dose, or it was not given.")
class CorrectAdministrationInput(CommandInput):
    administration_id: strawberry.ID = must("The dose.")
    given: bool | None = said("Whether it was really given.")
    dose_given: str | None = said("How much was really given.")
    reason_not_given: str | None = said("Why it was not given.")
    outside_prescription: OutsidePrescription | None = said("Why it lies outside its prescription.")


@strawberry.input(description="The dose never was.")
class CancelAdministrationInput(CommandInput):
    administration_id: strawberry.ID = must("The dose.")
    because: Because | None = said("ENTERED_IN_ERROR, the default and the only reason possible.")


WritePrescriptionResult = Annotated[
    PrescriptionRecorded | OutsideStay | PatientDied | Any_,
    union_of("WritePrescription"),
]
ChangePrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | PatientDied | ContradictsLaterFacts | Any_,
    union_of("ChangePrescription"),
]
HoldPrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | PatientDied | ContradictsLaterFacts | Any_,
    union_of("HoldPrescription"),
]
ResumePrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | PatientDied | ContradictsLaterFacts | Any_,
    union_of("ResumePrescription"),
]
StopPrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | ContradictsLaterFacts | Any_,
    union_of("StopPrescription"),
]
CompletePrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | ContradictsLaterFacts | Any_,
    union_of("CompletePrescription"),
]
CancelPrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | Any_, union_of("CancelPrescription")
]
RecordAdministrationResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | OutsideStay | PatientDied | Any_,
    union_of("RecordAdministration"),
]
CorrectAdministrationResult = Annotated[
    PrescriptionRecorded
    | PrescriptionStateBroken
    | MovementNotFound
    | OutsideStay
    | PatientDied
    | Any_,
    union_of("CorrectAdministration"),
]
CancelAdministrationResult = Annotated[
    PrescriptionRecorded | MovementNotFound | Any_, union_of("CancelAdministration")
]


@strawberry.type
class PrescriptionMutations:
    @strawberry.mutation(description="Prescribe a medicine.")
    async def write_prescription(
        self, info: Ask, input: WritePrescriptionInput
    ) -> WritePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.write_prescription
        )

    @strawberry.mutation(description="Another dose, route, frequency or planned stop.")
    async def change_prescription(
        self, info: Ask, input: ChangePrescriptionInput
    ) -> ChangePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.change_prescription
        )

    @strawberry.mutation(description="Pause a prescription.")
    async def hold_prescription(
        self, info: Ask, input: HoldPrescriptionInput
    ) -> HoldPrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.hold_prescription
        )

    @strawberry.mutation(description="Go on with a prescription that is held.")
    async def resume_prescription(
        self, info: Ask, input: ResumePrescriptionInput
    ) -> ResumePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.resume_prescription
        )

    @strawberry.mutation(description="End a prescription.")
    async def stop_prescription(
        self, info: Ask, input: StopPrescriptionInput
    ) -> StopPrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.stop_prescription
        )

    @strawberry.mutation(description="A prescription has run its course.")
    async def complete_prescription(
        self, info: Ask, input: CompletePrescriptionInput
    ) -> CompletePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.complete_prescription
        )

    @strawberry.mutation(description="A prescription was entered in error.")
    async def cancel_prescription(
        self, info: Ask, input: CancelPrescriptionInput
    ) -> CancelPrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.cancel_prescription
        )

    @strawberry.mutation(description="A dose given, or not given and why.")
    async def record_administration(
        self, info: Ask, input: RecordAdministrationInput
    ) -> RecordAdministrationResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.record_administration
        )

    @strawberry.mutation(description="Another time or amount of a dose, or it was not given.")
    async def correct_administration(
        self, info: Ask, input: CorrectAdministrationInput
    ) -> CorrectAdministrationResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.correct_administration
        )

    @strawberry.mutation(description="The dose never was.")
    async def cancel_administration(
        self, info: Ask, input: CancelAdministrationInput
    ) -> CancelAdministrationResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.cancel_administration
        )
