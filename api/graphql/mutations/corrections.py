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
    must,
    said,
)
from api.graphql.mutations.payloads import Any_, Bed_, Stay_, StayRecorded, VisitRecorded, union_of
from api.graphql.mutations.refusals import (
    MovementNotFound,
    PatientAlreadyAdmitted,
    PatientDied,
    PrescriptionStateBroken,
)
from api.graphql.types.enums import Because, VisitKind


@strawberry.input(description="Take a whole stay back; its bed is free in the same act.")
class CancelAdmissionInput(CommandInput):
    stay_id: strawberry.ID = must("The stay.")
    because: Because = must("Entered in error, or the decision was reversed.")
    void_clinical_facts: bool | None = said(
        "Void its visits, prescriptions and doses too; otherwise they stop the cancel."
    )


@strawberry.input(description="Take a discharge back, naming the bed to come back to.")
class CancelDischargeInput(CommandInput):
    stay_id: strawberry.ID = must("The stay.")
    because: Because = must("Entered in error, or the decision was reversed.")
    ward: str | None = said("The ward of the bed to come back to.")
    room: str | None = said("The room of that bed.")
    bed: str | None = said("That bed's code.")
    without_bed: str | None = said("A place without a bed, instead.")


@strawberry.input(description="Take back any movement by its id; a swap, in both stays.")
class CancelMovementInput(CommandInput):
    movement_id: strawberry.ID = must("The movement.")
    because: Because = must("Entered in error, or the decision was reversed.")
    ward: str | None = said("Reversed: the ward of another bed than the one before.")
    room: str | None = said("The room of that bed.")
    bed: str | None = said("That bed's code.")
    without_bed: str | None = said("A place without a bed, instead.")


@strawberry.input(
    description="A movement happened at another time (occurredAt), or in another place."
)
class CorrectMovementInput(CommandInput):
    movement_id: strawberry.ID = must("The movement.")
    ward: str | None = said("The ward where it really was.")
    room: str | None = said("The room where it really was.")
    bed: str | None = said("The bed where it really was.")
    shares_bed_of: strawberry.ID | None = said("The mother's stay, for a child in her bed.")
    without_bed: str | None = said("The place without a bed where it really was.")


@strawberry.input(
    description="Several corrections, cancels and late entries, decided on the end result."
)
class CorrectFactsInput(CommandInput):
    corrections: list[MovementCorrectionInput] | None = said("Movements that were otherwise.")
    cancels: list[MovementCancelInput] | None = said("Movements that are taken back.")
    entries: list[LateEntryInput] | None = said("Movements that were never entered.")


@strawberry.input(
    description="Another time (occurredAt), doctor, kind or note of a visit; what is absent stays."
)
class AmendVisitInput(CommandInput):
    visit_id: strawberry.ID = must("The visit.")
    practitioner: str | None = said("Who really saw the patient: staff number.")
    kind: VisitKind | None = said("What kind it really was.")
    note: str | None = said("The note as it should be.")


@strawberry.input(description="The visit never was.")
class CancelVisitInput(CommandInput):
    visit_id: strawberry.ID = must("The visit.")
    because: Because | None = said("ENTERED_IN_ERROR, the default and the only reason possible.")


_Corrected = PatientDied | PatientAlreadyAdmitted | MovementNotFound | PrescriptionStateBroken
CancelAdmissionResult = Annotated[
    StayRecorded | PatientDied | Bed_ | Stay_ | Any_, union_of("CancelAdmission")
]
CancelDischargeResult = Annotated[
    StayRecorded | _Corrected | Bed_ | Stay_ | Any_, union_of("CancelDischarge")
]
CancelMovementResult = Annotated[
    StayRecorded | _Corrected | Bed_ | Stay_ | Any_, union_of("CancelMovement")
]
CorrectMovementResult = Annotated[
    StayRecorded | _Corrected | Bed_ | Stay_ | Any_, union_of("CorrectMovement")
]
CorrectFactsResult = Annotated[
    StayRecorded | _Corrected | Bed_ | Stay_ | Any_, union_of("CorrectFacts")
]
AmendVisitResult = Annotated[
    VisitRecorded | MovementNotFound | PatientDied | Stay_ | Any_, union_of("AmendVisit")
]
CancelVisitResult = Annotated[StayRecorded | MovementNotFound | Any_, union_of("CancelVisit")]


@strawberry.type
class CorrectionMutations:
    @strawberry.mutation(description="Take a whole stay back; its bed is free in the same act.")
    async def cancel_admission(
        self, info: Ask, input: CancelAdmissionInput
    ) -> CancelAdmissionResult:
        return await stay_recorded(info, input, info.context.house.hospital.cancel_admission)

    @strawberry.mutation(description="Take a discharge back, naming where the patient is.")
    async def cancel_discharge(
        self, info: Ask, input: CancelDischargeInput
    ) -> CancelDischargeResult:
        return await stay_recorded(info, input, info.context.house.hospital.cancel_discharge)

    @strawberry.mutation(description="Take back any movement by its id; a swap, in both stays.")
    async def cancel_movement(self, info: Ask, input: CancelMovementInput) -> CancelMovementResult:
        return await stay_recorded(info, input, info.context.house.hospital.cancel_movement)

    @strawberry.mutation(
        description="A movement happened at another time (occurredAt), or in another place."
    )
    async def correct_movement(
        self, info: Ask, input: CorrectMovementInput
    ) -> CorrectMovementResult:
        return await stay_recorded(info, input, info.context.house.hospital.correct_movement)

    @strawberry.mutation(
        description="Several corrections, cancels and late entries, decided on the end result."
    )
    async def correct_facts(self, info: Ask, input: CorrectFactsInput) -> CorrectFactsResult:
        return await stay_recorded(info, input, info.context.house.hospital.correct_facts)

    @strawberry.mutation(description="Another time, doctor, kind or note of a visit.")
    async def amend_visit(self, info: Ask, input: AmendVisitInput) -> AmendVisitResult:
        return await visit_recorded(info, input, info.context.house.hospital.amend_visit)

    @strawberry.mutation(description="The visit never was.")
    async def cancel_visit(self, info: Ask, input: CancelVisitInput) -> CancelVisitResult:
        return await stay_recorded(info, input, info.context.house.hospital.cancel_visit)
