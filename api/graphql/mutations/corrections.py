"""How movements and visits are put right, or taken back."""

from typing import Annotated

import strawberry

from api.graphql.context import Ask
from api.graphql.mutations.dispatch import stay_recorded, visit_recorded
from api.graphql.mutations.inputs import (
    CommandInput,
    LateEntryInput,
    MovementCancelInput,
    MovementCorrectionInput,
    optional,
    required,
)
from api.graphql.mutations.payloads import (
    BedRefusals,
    CommonRefusals,
    StayRecorded,
    StayRefusals,
    VisitRecorded,
    result_union,
)
from api.graphql.mutations.refusals import (
    MovementNotFound,
    PatientAlreadyAdmitted,
    PatientDied,
    PrescriptionStateBroken,
)
from api.graphql.types.enums import CancellationReason, VisitKind


@strawberry.input(description="Take a whole stay back; its bed is free in the same act.")
class CancelAdmissionInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    because: CancellationReason = required("Entered in error, or the decision was reversed.")
    void_clinical_facts: bool | None = optional(
        "Void its visits, prescriptions and doses too; otherwise they stop the cancel."
    )


@strawberry.input(description="Take a discharge back, naming the bed to come back to.")
class CancelDischargeInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    because: CancellationReason = required("Entered in error, or the decision was reversed.")
    ward: str | None = optional("The ward of the bed to come back to.")
    room: str | None = optional("The room of that bed.")
    bed: str | None = optional("That bed's code.")
    without_bed: str | None = optional("A place without a bed, instead.")


@strawberry.input(description="Take back any movement by its id; a swap, in both stays.")
class CancelMovementInput(CommandInput):
    movement_id: strawberry.ID = required("The movement.")
    because: CancellationReason = required("Entered in error, or the decision was reversed.")
    ward: str | None = optional("Reversed: the ward of another bed than the one before.")
    room: str | None = optional("The room of that bed.")
    bed: str | None = optional("That bed's code.")
    without_bed: str | None = optional("A place without a bed, instead.")


@strawberry.input(
    description="A movement happened at another time (occurredAt), or in another place."
)
class CorrectMovementInput(CommandInput):
    movement_id: strawberry.ID = required("The movement.")
    ward: str | None = optional("The ward where it really was.")
    room: str | None = optional("The room where it really was.")
    bed: str | None = optional("The bed where it really was.")
    shares_bed_of: strawberry.ID | None = optional("The mother's stay, for a child in her bed.")
    without_bed: str | None = optional("The place without a bed where it really was.")


@strawberry.input(
    description="Several corrections, cancels and late entries, decided on the end result."
)
class CorrectFactsInput(CommandInput):
    corrections: list[MovementCorrectionInput] | None = optional("Movements that were otherwise.")
    cancels: list[MovementCancelInput] | None = optional("Movements that are taken back.")
    entries: list[LateEntryInput] | None = optional("Movements that were never entered.")


@strawberry.input(
    description="Another time (occurredAt), doctor, kind or note of a visit; what is absent stays."
)
class AmendVisitInput(CommandInput):
    visit_id: strawberry.ID = required("The visit.")
    practitioner: str | None = optional("Who really saw the patient: staff number.")
    kind: VisitKind | None = optional("What kind it really was.")
    note: str | None = optional("The note as it should be.")


@strawberry.input(description="The visit never was.")
class CancelVisitInput(CommandInput):
    visit_id: strawberry.ID = required("The visit.")
    because: CancellationReason | None = optional(
        "ENTERED_IN_ERROR, the default and the only reason possible."
    )


_Corrected = PatientDied | PatientAlreadyAdmitted | MovementNotFound | PrescriptionStateBroken
CancelAdmissionResult = Annotated[
    StayRecorded | PatientDied | BedRefusals | StayRefusals | CommonRefusals,
    result_union("CancelAdmission"),
]
CancelDischargeResult = Annotated[
    StayRecorded | _Corrected | BedRefusals | StayRefusals | CommonRefusals,
    result_union("CancelDischarge"),
]
CancelMovementResult = Annotated[
    StayRecorded | _Corrected | BedRefusals | StayRefusals | CommonRefusals,
    result_union("CancelMovement"),
]
CorrectMovementResult = Annotated[
    StayRecorded | _Corrected | BedRefusals | StayRefusals | CommonRefusals,
    result_union("CorrectMovement"),
]
CorrectFactsResult = Annotated[
    StayRecorded | _Corrected | BedRefusals | StayRefusals | CommonRefusals,
    result_union("CorrectFacts"),
]
AmendVisitResult = Annotated[
    VisitRecorded | MovementNotFound | PatientDied | StayRefusals | CommonRefusals,
    result_union("AmendVisit"),
]
CancelVisitResult = Annotated[
    StayRecorded | MovementNotFound | CommonRefusals, result_union("CancelVisit")
]


@strawberry.type
class CorrectionMutations:
    @strawberry.mutation(description="Take a whole stay back; its bed is free in the same act.")
    async def cancel_admission(
        self, info: Ask, input: CancelAdmissionInput
    ) -> CancelAdmissionResult:
        return await stay_recorded(info, input, info.context.state.hospital.cancel_admission)

    @strawberry.mutation(description="Take a discharge back, naming where the patient is.")
    async def cancel_discharge(
        self, info: Ask, input: CancelDischargeInput
    ) -> CancelDischargeResult:
        return await stay_recorded(info, input, info.context.state.hospital.cancel_discharge)

    @strawberry.mutation(description="Take back any movement by its id; a swap, in both stays.")
    async def cancel_movement(self, info: Ask, input: CancelMovementInput) -> CancelMovementResult:
        return await stay_recorded(info, input, info.context.state.hospital.cancel_movement)

    @strawberry.mutation(
        description="A movement happened at another time (occurredAt), or in another place."
    )
    async def correct_movement(
        self, info: Ask, input: CorrectMovementInput
    ) -> CorrectMovementResult:
        return await stay_recorded(info, input, info.context.state.hospital.correct_movement)

    @strawberry.mutation(
        description="Several corrections, cancels and late entries, decided on the end result."
    )
    async def correct_facts(self, info: Ask, input: CorrectFactsInput) -> CorrectFactsResult:
        return await stay_recorded(info, input, info.context.state.hospital.correct_facts)

    @strawberry.mutation(description="Another time, doctor, kind or note of a visit.")
    async def amend_visit(self, info: Ask, input: AmendVisitInput) -> AmendVisitResult:
        return await visit_recorded(info, input, info.context.state.hospital.amend_visit)

    @strawberry.mutation(description="The visit never was.")
    async def cancel_visit(self, info: Ask, input: CancelVisitInput) -> CancelVisitResult:
        return await stay_recorded(info, input, info.context.state.hospital.cancel_visit)
