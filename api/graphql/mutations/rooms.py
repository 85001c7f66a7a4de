"""Inputs of the commands about rooms and beds."""

from datetime import datetime

from api.graphql.mutations.inputs import CommandInput, ReservationId, StayId, optional, required
from api.graphql.mutations.payloads import RoomRecorded
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.enums import RoomPolicy


@command_input("open_room", RoomRecorded, "Open a room of a ward with its beds.")
class OpenRoomInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    beds: list[str] = required("The codes of its beds.")


@command_input("add_bed", RoomRecorded, "Put another bed into a room.")
class AddBedInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The code of the new bed.")


@command_input("set_room_policy", RoomRecorded, "Set a policy of a room, or lift it.")
class SetRoomPolicyInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    policy: RoomPolicy = required("The policy.")
    applies: bool | None = optional("False lifts it; true by default.")


@command_input("close_bed", RoomRecorded, "Close a bed; the reason is needed.")
class CloseBedInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")
    since: datetime | None = optional("From when; may be planned; occurredAt by default.", "from")
    until: datetime | None = optional("Until when; absent: until it is reopened.")


@command_input("reopen_bed", RoomRecorded, "End the closure in force.")
class ReopenBedInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")


@command_input("start_cleaning", RoomRecorded, "A bed is being cleaned.")
class StartCleaningInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")


@command_input("finish_cleaning", RoomRecorded, "A bed is clean.")
class FinishCleaningInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")


@command_input("reserve_bed", RoomRecorded, "Reserve a bed for a patient or a stay.")
class ReserveBedInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")
    since: datetime | None = optional("From when; occurredAt by default.", "from")
    until: datetime = required("When it lapses.")
    patient_mrn: str | None = optional("For this patient.")
    mrn_authority: str | None = optional("Who assigned the MRN; the hospital's own by default.")
    stay_id: StayId | None = optional("For this stay.")


@command_input("release_reservation", RoomRecorded, "Give up a reservation before it lapses.")
class ReleaseReservationInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    reservation_id: ReservationId = required("As shown at the bed.")
