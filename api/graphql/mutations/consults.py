"""Inputs of the commands about consults."""

from datetime import datetime

from api.graphql.mutations.inputs import (
    IN_ERROR_ALONE,
    CommandInput,
    ConsultId,
    StayId,
    optional,
    required,
)
from api.graphql.mutations.payloads import ConsultRecorded
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.enums import CancellationReason


@command_input(
    "request_consult",
    ConsultRecorded,
    "Ask for a consult of a specialty or a practitioner; recordVisit with consultId answers it.",
)
class RequestConsultInput(CommandInput):
    stay_id: StayId = required("The stay.")
    specialty: str | None = optional("The specialty that is asked.")
    practitioner: str | None = optional("Staff number of the practitioner who is asked.")
    requested_by: str | None = optional("Staff number of who asks.")
    question: str | None = optional("What is asked.")


@command_input(
    "correct_consult",
    ConsultRecorded,
    "Another time (occurredAt) or content of a consult that was asked for.",
)
class CorrectConsultInput(CommandInput):
    consult_id: ConsultId = required("The consult.")
    specialty: str | None = optional("The specialty that was really asked.")
    practitioner: str | None = optional("Staff number of the practitioner who was really asked.")
    requested_by: str | None = optional("Staff number of who really asked.")
    question: str | None = optional("What was really asked.")
    source_recorded_at: datetime | None = optional(
        "When another system that corrects it recorded that: what it recorded last of a detail holds."
    )
    source_sequence: int | None = optional(
        "Its number in the order of that system, where its clock tells no more than seconds."
    )


@command_input("cancel_consult", ConsultRecorded, "The consult was never asked for.")
class CancelConsultInput(CommandInput):
    consult_id: ConsultId = required("The consult.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)


@command_input(
    "withdraw_consult",
    ConsultRecorded,
    "A consult that has not taken place is not wanted any more.",
)
class WithdrawConsultInput(CommandInput):
    consult_id: ConsultId = required("The consult.")


@command_input(
    "correct_consult_withdrawal",
    ConsultRecorded,
    "The consult was withdrawn at another time (occurredAt).",
)
class CorrectConsultWithdrawalInput(CommandInput):
    consult_id: ConsultId = required("The consult.")


@command_input("cancel_consult_withdrawal", ConsultRecorded, "The consult is still wanted.")
class CancelConsultWithdrawalInput(CommandInput):
    consult_id: ConsultId = required("The consult.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)
