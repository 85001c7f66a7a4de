"""Inputs of the commands about rooms and beds."""

from datetime import date, datetime

import strawberry

from api.graphql.mutations.house_payloads import (
    BedCleaningRecorded,
    RoomRecorded,
    RoomsRecorded,
)
from api.graphql.mutations.inputs import (
    BedStateId,
    CommandInput,
    ReservationId,
    StayId,
    about_person,
    authority_of_mrn,
    optional,
    required,
)
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.enums import RoomPolicy


@strawberry.input
class RoomInput(CommandInput):
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")


@strawberry.input
class BedInput(RoomInput):
    bed: str = required("The bed's code.")


@command_input("open_room", RoomRecorded, "Open a room of a ward with its beds.")
class OpenRoomInput(RoomInput):
    beds: list[str] = required("The codes of its beds.")


@command_input("add_bed", RoomRecorded, "Put another bed into a room.")
class AddBedInput(RoomInput):
    bed: str = required("The code of the new bed.")


@command_input("set_room_policy", RoomRecorded, "Set a policy of a room, or lift it.")
class SetRoomPolicyInput(RoomInput):
    policy: RoomPolicy = required("The policy.")
    applies: bool | None = optional("False lifts it; true by default.")


@command_input("close_bed", RoomRecorded, "Close a bed; the reason is needed.")
class CloseBedInput(BedInput):
    since: datetime | None = optional("From when; may be planned; occurredAt by default.", "from")
    until: datetime | None = optional("Until when; absent: until it is reopened.")
    about_patient_mrn: str | None = about_person()
    mrn_authority: str | None = authority_of_mrn()


@command_input(
    "set_bed_cleaning",
    BedCleaningRecorded,
    "Decide whether a bed is to be cleaned after each patient before it is given again.",
)
class SetBedCleaningInput(CommandInput):
    applies: bool = required("Whether it is to be cleaned.")
    ward: str | None = optional("The ward; absent: the whole house, where its ward says nothing.")
    since: datetime | None = optional("From when on; may lie ahead; occurredAt by default.", "from")


@command_input("reopen_bed", RoomRecorded, "End the closure in force.")
class ReopenBedInput(BedInput):
    about_patient_mrn: str | None = about_person()
    mrn_authority: str | None = authority_of_mrn()


@command_input("start_cleaning", RoomRecorded, "A bed is being cleaned.")
class StartCleaningInput(BedInput):
    pass


@command_input("finish_cleaning", RoomRecorded, "A bed is clean.")
class FinishCleaningInput(BedInput):
    pass


@command_input("reserve_bed", RoomRecorded, "Reserve a bed for a patient or a stay.")
class ReserveBedInput(BedInput):
    since: datetime | None = optional("From when; occurredAt by default.", "from")
    until: datetime = required("When it lapses.")
    patient_mrn: str | None = optional("For this patient.")
    mrn_authority: str | None = authority_of_mrn()
    stay_id: StayId | None = optional("For this stay.")


@command_input("release_reservation", RoomRecorded, "Give up a reservation before it lapses.")
class ReleaseReservationInput(RoomInput):
    reservation_id: ReservationId = required("As shown at the bed.")


@command_input(
    "correct_room",
    RoomRecorded,
    "A room's ward or number was typed wrong, or it was opened at another time: occurredAt.",
)
class CorrectRoomInput(CommandInput):
    ward: str = required("The ward, as recorded.")
    room: str = required("The number within the ward, as recorded.")
    new_ward: str | None = optional("The right ward.", blank_is_absent=True)
    new_room: str | None = optional("The right number.", blank_is_absent=True)


@command_input("change_room", RoomRecorded, "A room has another ward or number from a day on.")
class ChangeRoomInput(RoomInput):
    new_ward: str | None = optional("The ward from then on.", blank_is_absent=True)
    new_room: str | None = optional("The number from then on.", blank_is_absent=True)
    valid_from: date | None = optional("The hospital's day from which it is so; today by default.")


@command_input(
    "cancel_room_change", RoomRecorded, "The last change of a room's ward or number never was."
)
class CancelRoomChangeInput(CommandInput):
    ward: str = required("The ward, as recorded.")
    room: str = required("The number within the ward, as recorded.")
    valid_from: date | None = optional("The day of the change; the last one by default.")


@command_input(
    "rename_ward",
    RoomsRecorded,
    "A ward has another name from a day on; a ward that has it already is joined.",
)
class RenameWardInput(CommandInput):
    ward: str = required("The ward.")
    new_ward: str = required("Its name from then on.")
    valid_from: date | None = optional("The hospital's day from which it is so; today by default.")


@command_input("correct_bed", RoomRecorded, "A bed is there since another time: occurredAt.")
class CorrectBedInput(BedInput):
    pass


@command_input("cancel_bed", RoomRecorded, "A bed was entered in error, and never used.")
class CancelBedInput(BedInput):
    pass


@command_input("retire_beds", RoomsRecorded, "A bed, a room or a ward is out of service for good.")
class RetireBedsInput(CommandInput):
    ward: str = required("The ward.")
    room: str | None = optional("This room of it only.", blank_is_absent=True)
    bed: str | None = optional("This bed of the room only.", blank_is_absent=True)


@command_input(
    "cancel_retirement", RoomsRecorded, "A bed, a room or a ward is not out of service after all."
)
class CancelRetirementInput(CommandInput):
    ward: str = required("The ward.")
    room: str | None = optional("This room of it only.", blank_is_absent=True)
    bed: str | None = optional("This bed of the room only.", blank_is_absent=True)


@command_input(
    "correct_bed_state",
    RoomRecorded,
    "A bed was closed, being cleaned or reserved at other times.",
)
class CorrectBedStateInput(RoomInput):
    bed_state_id: BedStateId = required("As shown at the bed and at the room.")
    since: datetime | None = optional("Since when it was so.", "from")
    until: datetime | None = optional("Until when it was so.")
    open_ended: bool | None = optional("True: it has not ended after all.")
    about_patient_mrn: str | None = about_person()
    mrn_authority: str | None = authority_of_mrn()


@command_input(
    "cancel_bed_state",
    RoomRecorded,
    "A bed was not closed, cleaned or reserved: entered in error, or given up.",
)
class CancelBedStateInput(RoomInput):
    bed_state_id: BedStateId = required("As shown at the bed and at the room.")
    about_patient_mrn: str | None = about_person()
    mrn_authority: str | None = authority_of_mrn()


@command_input(
    "correct_room_policy", RoomRecorded, "A policy was set or lifted at another time: occurredAt."
)
class CorrectRoomPolicyInput(RoomInput):
    policy: RoomPolicy = required("The policy.")
    set_at: datetime = required("When it was set or lifted, as recorded.")


@command_input("cancel_room_policy", RoomRecorded, "A policy was not set or lifted after all.")
class CancelRoomPolicyInput(RoomInput):
    policy: RoomPolicy = required("The policy.")
    set_at: datetime = required("When it was set or lifted, as recorded.")
