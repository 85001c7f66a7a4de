"""Input of the command that records what another system reports."""

from datetime import datetime

import strawberry

from api.graphql.mutations.inputs import CommandInput, SourceMovementInput, optional, required
from api.graphql.mutations.payloads import SourceMovementRecorded
from api.graphql.mutations.resolvers import command_input


@command_input(
    "record_source_movement",
    SourceMovementRecorded,
    "A movement as another system reports it, or that it is cancelled.",
    mutation_description="Keep a movement, or its cancel, as another system reports it: late, twice, out"
    " of order. What does not fit yet is pending, and tried again after each fact of that stay"
    " or room.",
)
class RecordSourceMovementInput(CommandInput):
    system: str = required("The other system, by name.")
    source_id: strawberry.ID = required("Its id of the movement: the same in every version of it.")
    source_recorded_at: datetime = required(
        "When it recorded this version; of two versions of an id the later one holds."
    )
    source_visit: str | None = optional(
        "Its id of the visit that the movement is part of; absent of a MERGE or CHANGE_MRN."
    )
    source_sequence: int | None = optional(
        "Its number in the order of that system, which orders what has one time (HL7 MSH-13)."
    )
    cancelled: bool | None = optional(
        "Whether it took the movement back: for good, whatever is reported of the id besides."
    )
    movement: SourceMovementInput | None = optional("What happened; may be absent in a cancel.")
    derived_id: bool | None = optional(
        "Whether the id is made of visit, kind and time, since that system gives none: what it reports"
        " of the id later than its cancel holds again."
    )
