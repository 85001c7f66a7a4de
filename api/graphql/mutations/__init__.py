"""All mutations: each gives one command and answers with what it changed."""

import strawberry

from api.graphql.mutations.corrections import CorrectionMutations
from api.graphql.mutations.people import PeopleMutations
from api.graphql.mutations.prescriptions import PrescriptionMutations
from api.graphql.mutations.reports import ReportMutations
from api.graphql.mutations.rooms import RoomMutations
from api.graphql.mutations.source_movements import SourceMovementMutations
from api.graphql.mutations.stays import StayMutations


@strawberry.type(description="What can be recorded.")
class Mutation(
    PeopleMutations,
    RoomMutations,
    StayMutations,
    PrescriptionMutations,
    CorrectionMutations,
    ReportMutations,
    SourceMovementMutations,
):
    pass
