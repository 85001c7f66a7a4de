"""What is recorded of prescriptions and doses, and how that is put right."""

from datetime import datetime
from typing import Annotated

import strawberry

from api.graphql.context import Ask
from api.graphql.mutations.dispatch import prescription_recorded
from api.graphql.mutations.inputs import CommandInput, MedicationInput, optional, required
from api.graphql.mutations.payloads import CommonRefusals, PrescriptionRecorded, result_union
from api.graphql.mutations.refusals import (
    ContradictsLaterFacts,
    MovementNotFound,
    OutsideStay,
    PatientDied,
    PrescriptionStateBroken,
)
from api.graphql.types.enums import CancellationReason, OutsidePrescription


@strawberry.input(description="Prescribe a medicine.")
class WritePrescriptionInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    medication: MedicationInput = required("What.")
    dose: str | None = optional("How much at a time.")
    route: str | None = optional("By which route.")
    frequency: str | None = optional("How often.")
    start: datetime | None = optional("From when; may lie ahead; occurredAt by default.")
    stop: datetime | None = optional("Until when, if that is planned.")
    prescriber: str | None = optional("Staff number of the prescriber.")


@strawberry.input(description="Another dose, route, frequency or planned stop.")
class ChangePrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = required("The prescription.")
    dose: str | None = optional("How much at a time.")
    route: str | None = optional("By which route.")
    frequency: str | None = optional("How often.")
    stop: datetime | None = optional("Until when.")


@strawberry.input(description="Pause a prescription.")
class HoldPrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = required("The prescription.")


@strawberry.input(description="Go on with a prescription that is held.")
class ResumePrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = required("The prescription.")


@strawberry.input(description="End a prescription.")
class StopPrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = required("The prescription.")


@strawberry.input(description="A prescription has run its course.")
class CompletePrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = required("The prescription.")


@strawberry.input(description="A prescription was entered in error; refused once a dose was given.")
class CancelPrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = required("The prescription.")
    because: CancellationReason | None = optional(
        "ENTERED_IN_ERROR, the default and the only reason possible."
    )


@strawberry.input(description="A dose given, or not given and why.")
class RecordAdministrationInput(CommandInput):
    prescription_id: strawberry.ID = required("The prescription.")
    given: bool = required("Whether it was given.")
    dose_given: str | None = optional("How much was given.")
    reason_not_given: str | None = optional("Why it was not given.")
    outside_prescription: OutsidePrescription | None = optional(
        "Why it lies outside the prescription."
    )


@strawberry.input(description="Another time (occurredAt) or amount of a dose, or it was not given.")
class CorrectAdministrationInput(CommandInput):
    administration_id: strawberry.ID = required("The dose.")
    given: bool | None = optional("Whether it was really given.")
    dose_given: str | None = optional("How much was really given.")
    reason_not_given: str | None = optional("Why it was not given.")
    outside_prescription: OutsidePrescription | None = optional(
        "Why it lies outside its prescription."
    )


@strawberry.input(description="The dose never was.")
class CancelAdministrationInput(CommandInput):
    administration_id: strawberry.ID = required("The dose.")
    because: CancellationReason | None = optional(
        "ENTERED_IN_ERROR, the default and the only reason possible."
    )


WritePrescriptionResult = Annotated[
    PrescriptionRecorded | OutsideStay | PatientDied | CommonRefusals,
    result_union("WritePrescription"),
]
ChangePrescriptionResult = Annotated[
    PrescriptionRecorded
    | PrescriptionStateBroken
    | PatientDied
    | ContradictsLaterFacts
    | CommonRefusals,
    result_union("ChangePrescription"),
]
HoldPrescriptionResult = Annotated[
    PrescriptionRecorded
    | PrescriptionStateBroken
    | PatientDied
    | ContradictsLaterFacts
    | CommonRefusals,
    result_union("HoldPrescription"),
]
ResumePrescriptionResult = Annotated[
    PrescriptionRecorded
    | PrescriptionStateBroken
    | PatientDied
    | ContradictsLaterFacts
    | CommonRefusals,
    result_union("ResumePrescription"),
]
StopPrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | ContradictsLaterFacts | CommonRefusals,
    result_union("StopPrescription"),
]
CompletePrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | ContradictsLaterFacts | CommonRefusals,
    result_union("CompletePrescription"),
]
CancelPrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | CommonRefusals,
    result_union("CancelPrescription"),
]
RecordAdministrationResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | OutsideStay | PatientDied | CommonRefusals,
    result_union("RecordAdministration"),
]
CorrectAdministrationResult = Annotated[
    PrescriptionRecorded
    | PrescriptionStateBroken
    | MovementNotFound
    | OutsideStay
    | PatientDied
    | CommonRefusals,
    result_union("CorrectAdministration"),
]
CancelAdministrationResult = Annotated[
    PrescriptionRecorded | MovementNotFound | CommonRefusals, result_union("CancelAdministration")
]


@strawberry.type
class PrescriptionMutations:
    @strawberry.mutation(description="Prescribe a medicine.")
    async def write_prescription(
        self, info: Ask, input: WritePrescriptionInput
    ) -> WritePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.state.hospital.write_prescription
        )

    @strawberry.mutation(description="Another dose, route, frequency or planned stop.")
    async def change_prescription(
        self, info: Ask, input: ChangePrescriptionInput
    ) -> ChangePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.state.hospital.change_prescription
        )

    @strawberry.mutation(description="Pause a prescription.")
    async def hold_prescription(
        self, info: Ask, input: HoldPrescriptionInput
    ) -> HoldPrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.state.hospital.hold_prescription
        )

    @strawberry.mutation(description="Go on with a prescription that is held.")
    async def resume_prescription(
        self, info: Ask, input: ResumePrescriptionInput
    ) -> ResumePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.state.hospital.resume_prescription
        )

    @strawberry.mutation(description="End a prescription.")
    async def stop_prescription(
        self, info: Ask, input: StopPrescriptionInput
    ) -> StopPrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.state.hospital.stop_prescription
        )

    @strawberry.mutation(description="A prescription has run its course.")
    async def complete_prescription(
        self, info: Ask, input: CompletePrescriptionInput
    ) -> CompletePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.state.hospital.complete_prescription
        )

    @strawberry.mutation(description="A prescription was entered in error.")
    async def cancel_prescription(
        self, info: Ask, input: CancelPrescriptionInput
    ) -> CancelPrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.state.hospital.cancel_prescription
        )

    @strawberry.mutation(description="A dose given, or not given and why.")
    async def record_administration(
        self, info: Ask, input: RecordAdministrationInput
    ) -> RecordAdministrationResult:
        return await prescription_recorded(
            info, input, info.context.state.hospital.record_administration
        )

    @strawberry.mutation(description="Another time or amount of a dose, or it was not given.")
    async def correct_administration(
        self, info: Ask, input: CorrectAdministrationInput
    ) -> CorrectAdministrationResult:
        return await prescription_recorded(
            info, input, info.context.state.hospital.correct_administration
        )

    @strawberry.mutation(description="The dose never was.")
    async def cancel_administration(
        self, info: Ask, input: CancelAdministrationInput
    ) -> CancelAdministrationResult:
        return await prescription_recorded(
            info, input, info.context.state.hospital.cancel_administration
        )
