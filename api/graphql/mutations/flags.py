"""Inputs of the commands about the flags on the board."""

from api.graphql.mutations.care_payloads import FlagRecorded
from api.graphql.mutations.inputs import (
    IN_ERROR_ALONE,
    CommandInput,
    FlagId,
    StayId,
    optional,
    required,
)
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.enums import CancellationReason

KIND = "One of Hospital.flags: FALL_RISK, ISOLATION, NIL_BY_MOUTH, RESUSCITATION, NOTE by default."


@command_input("raise_flag", FlagRecorded, "A flag of a patient on the board, from occurredAt on.")
class RaiseFlagInput(CommandInput):
    stay_id: StayId = required("The stay.")
    flag_kind: str = required(KIND)
    note: str | None = optional("What is to be noted; a NOTE needs it.")


@command_input(
    "correct_flag", FlagRecorded, "It holds since another time (occurredAt), or is another."
)
class CorrectFlagInput(CommandInput):
    stay_id: StayId = required("The stay.")
    flag_id: FlagId = required("The flag.")
    flag_kind: str | None = optional(KIND)
    note: str | None = optional("What is really to be noted.")


@command_input("cancel_flag", FlagRecorded, "The flag never held.")
class CancelFlagInput(CommandInput):
    stay_id: StayId = required("The stay.")
    flag_id: FlagId = required("The flag.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)


@command_input("lower_flag", FlagRecorded, "The flag holds no more, from occurredAt on.")
class LowerFlagInput(CommandInput):
    stay_id: StayId = required("The stay.")
    flag_id: FlagId = required("The flag.")


@command_input(
    "correct_flag_lowering", FlagRecorded, "The flag was lowered at another time (occurredAt)."
)
class CorrectFlagLoweringInput(CommandInput):
    stay_id: StayId = required("The stay.")
    flag_id: FlagId = required("The flag.")


@command_input("cancel_flag_lowering", FlagRecorded, "The flag still holds.")
class CancelFlagLoweringInput(CommandInput):
    stay_id: StayId = required("The stay.")
    flag_id: FlagId = required("The flag.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)
