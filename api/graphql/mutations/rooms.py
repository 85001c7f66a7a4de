"""What is recorded of rooms and beds."""

from datetime import datetime
from typing import Annotated

import strawberry

from api.graphql.context import Ask
from api.graphql.mutations.dispatch import room_recorded
from api.graphql.mutations.inputs import CommandInput, optional, required
from api.graphql.mutations.payloads import CommonRefusals, RoomRecorded, result_union
from api.graphql.mutations.refusals import AlreadyExists, BedNotOpen, BedOccupied, BedStateBroken
from api.graphql.types.enums import RoomPolicy


@strawberry.input(description="Open a room of a ward with its beds.")
class OpenRoomInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    beds: list[str] = required("The codes of its beds.")


@strawberry.input(description="Put another bed into a room.")
class AddBedInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The code of the new bed.")


@strawberry.input(description="Set a policy of a room, or lift it.")
class SetRoomPolicyInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    policy: RoomPolicy = required("The policy.")
    applies: bool | None = optional("False lifts it; true by default.")


@strawberry.input(description="Close a bed; the reason is needed.")
class CloseBedInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")
    since: datetime | None = optional("From when; may be planned; occurredAt by default.", "from")
    until: datetime | None = optional("Until when; absent: until it is reopened.")


@strawberry.input(description="End the closure in force.")
class ReopenBedInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")


@strawberry.input(description="A bed is being cleaned.")
class StartCleaningInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")


@strawberry.input(description="A bed is clean.")
class FinishCleaningInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")


@strawberry.input(description="Reserve a bed for a patient or a stay.")
class ReserveBedInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")
    since: datetime | None = optional("From when; occurredAt by default.", "from")
    until: datetime = required("When it lapses.")
    patient_mrn: str | None = optional("For this patient.")
    mrn_authority: str | None = optional("Who assigned the MRN; the hospital's own by default.")
    stay_id: strawberry.ID | None = optional("For this stay.")


@strawberry.input(description="Give up a reservation before it lapses.")
class ReleaseReservationInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    reservation_id: strawberry.ID = required("As shown at the bed.")


OpenRoomResult = Annotated[RoomRecorded | AlreadyExists | CommonRefusals, result_union("OpenRoom")]
AddBedResult = Annotated[RoomRecorded | AlreadyExists | CommonRefusals, result_union("AddBed")]
SetRoomPolicyResult = Annotated[RoomRecorded | CommonRefusals, result_union("SetRoomPolicy")]
CloseBedResult = Annotated[
    RoomRecorded | BedOccupied | BedNotOpen | BedStateBroken | CommonRefusals,
    result_union("CloseBed"),
]
ReopenBedResult = Annotated[
    RoomRecorded | BedStateBroken | CommonRefusals, result_union("ReopenBed")
]
StartCleaningResult = Annotated[
    RoomRecorded | BedOccupied | BedNotOpen | BedStateBroken | CommonRefusals,
    result_union("StartCleaning"),
]
FinishCleaningResult = Annotated[
    RoomRecorded | BedStateBroken | CommonRefusals, result_union("FinishCleaning")
]
ReserveBedResult = Annotated[
    RoomRecorded | BedNotOpen | BedStateBroken | CommonRefusals, result_union("ReserveBed")
]
ReleaseReservationResult = Annotated[
    RoomRecorded | BedStateBroken | CommonRefusals, result_union("ReleaseReservation")
]


@strawberry.type
class RoomMutations:
    @strawberry.mutation(description="Open a room of a ward with its beds.")
    async def open_room(self, info: Ask, input: OpenRoomInput) -> OpenRoomResult:
        return await room_recorded(info, input, info.context.state.hospital.open_room)

    @strawberry.mutation(description="Put another bed into a room.")
    async def add_bed(self, info: Ask, input: AddBedInput) -> AddBedResult:
        return await room_recorded(info, input, info.context.state.hospital.add_bed)

    @strawberry.mutation(description="Set a policy of a room, or lift it.")
    async def set_room_policy(self, info: Ask, input: SetRoomPolicyInput) -> SetRoomPolicyResult:
        return await room_recorded(info, input, info.context.state.hospital.set_room_policy)

    @strawberry.mutation(description="Close a bed; the reason is needed.")
    async def close_bed(self, info: Ask, input: CloseBedInput) -> CloseBedResult:
        return await room_recorded(info, input, info.context.state.hospital.close_bed)

    @strawberry.mutation(description="End the closure in force.")
    async def reopen_bed(self, info: Ask, input: ReopenBedInput) -> ReopenBedResult:
        return await room_recorded(info, input, info.context.state.hospital.reopen_bed)

    @strawberry.mutation(description="A bed is being cleaned.")
    async def start_cleaning(self, info: Ask, input: StartCleaningInput) -> StartCleaningResult:
        return await room_recorded(info, input, info.context.state.hospital.start_cleaning)

    @strawberry.mutation(description="A bed is clean.")
    async def finish_cleaning(self, info: Ask, input: FinishCleaningInput) -> FinishCleaningResult:
        return await room_recorded(info, input, info.context.state.hospital.finish_cleaning)

    @strawberry.mutation(description="Reserve a bed for a patient or a stay.")
    async def reserve_bed(self, info: Ask, input: ReserveBedInput) -> ReserveBedResult:
        return await room_recorded(info, input, info.context.state.hospital.reserve_bed)

    @strawberry.mutation(description="Give up a reservation before it lapses.")
    async def release_reservation(
        self, info: Ask, input: ReleaseReservationInput
    ) -> ReleaseReservationResult:
        return await room_recorded(info, input, info.context.state.hospital.release_reservation)
