"""What other systems report."""

from datetime import datetime
from typing import Annotated

import strawberry

from api.graphql.context import Ask
from api.graphql.mutations.dispatch import source_movement_recorded
from api.graphql.mutations.inputs import CommandInput, SourceMovementInput, optional, required
from api.graphql.mutations.payloads import CommonRefusals, SourceMovementRecorded, result_union


@strawberry.input(description="A movement as another system reports it, or that it is cancelled.")
class RecordSourceMovementInput(CommandInput):
    system: str = required("The other system, by name.")
    source_id: strawberry.ID = required("Its id of the movement: the same in every version of it.")
    source_visit: str = required("Its id of the visit that the movement is part of.")
    source_recorded_at: datetime = required(
        "When it recorded this version; of two versions of an id the later one holds."
    )
    cancelled: bool | None = optional("Whether it took the movement back.")
    movement: SourceMovementInput | None = optional("What happened; may be absent in a cancel.")


RecordSourceMovementResult = Annotated[
    SourceMovementRecorded | CommonRefusals, result_union("RecordSourceMovement")
]


@strawberry.type
class SourceMovementMutations:
    @strawberry.mutation(
        description="Keep a movement, or its cancel, as another system reports it: late, twice, out"
        " of order. What does not fit yet is pending, and tried again after each fact of that stay"
        " or room."
    )
    async def record_source_movement(
        self, info: Ask, input: RecordSourceMovementInput
    ) -> RecordSourceMovementResult:
        hospital = info.context.state.hospital
        return await source_movement_recorded(info, input, hospital.record_source_movement)
