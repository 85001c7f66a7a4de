"""Inputs of the commands about expected arrivals, and their payload."""

from datetime import date, datetime
from typing import Self

import strawberry

from api.graphql.mutations.inputs import (
    CommandInput,
    ExpectedArrivalId,
    StayId,
    optional,
    required,
)
from api.graphql.mutations.payloads import ReadBack, RecordedPayload
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.enums import CancellationReason, Sex, Urgency
from api.graphql.types.expected_arrivals import ExpectedArrival


@strawberry.input(description="Another system that knew of a fact first.")
class SourceInput:
    system: str = required("Its name.")
    id: strawberry.ID = required("Its id of the fact.")
    recorded_at: datetime | None = optional("When it recorded the fact.")


@strawberry.type(description="An expected arrival was planned, put right, or called off.")
class ExpectedArrivalRecorded(RecordedPayload):
    expected_arrival: ExpectedArrival | None = strawberry.field(
        description="The arrival as now held; null once it never was."
    )

    @classmethod
    async def load(cls, read: ReadBack) -> Self | None:
        arrival = await ExpectedArrival.find(read.info, read.first("arrival"), read.as_of)
        return cls(**read.common_fields, expected_arrival=arrival)


@command_input(
    "plan_admission",
    ExpectedArrivalRecorded,
    "A patient, or a name that is not registered yet, is to be admitted; admitPatient with"
    " expectedArrivalId converts it.",
)
class PlanAdmissionInput(CommandInput):
    expected_at: datetime = required("From when on the bed is needed.")
    patient_mrn: str | None = optional("The patient's MRN, where registered.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    family_name: str | None = optional("Family name of who is not registered yet.")
    given_name: str | None = optional("Given name of who is not registered yet.")
    birth_date: date | None = optional("Birth date of who is not registered yet.")
    ward: str | None = optional("The ward; any by default.", blank_is_absent=True)
    expires_at: datetime | None = optional(
        "When it is expected no longer; 30 days after its time by default."
    )
    urgency: Urgency | None = optional("How soon; ROUTINE by default.")
    isolation: bool | None = optional("Whether the patient has to lie alone; no by default.")
    sex: Sex | None = optional("The sex that the room is needed for.")
    monitor: bool | None = optional("Whether a monitor is needed; no by default.")
    specialty: str | None = optional("The specialty.", blank_is_absent=True)
    note: str | None = optional("What else is to be known.", blank_is_absent=True)
    source: SourceInput | None = optional("The other system that planned it, if one did.")


@command_input(
    "request_bed",
    ExpectedArrivalRecorded,
    "A patient in the house needs another bed; the bed that the patient gets there answers it.",
)
class RequestBedInput(CommandInput):
    stay_id: StayId = required("The stay.")
    expected_at: datetime | None = optional("From when on it is needed; now by default.")
    ward: str | None = optional("The ward; any by default.", blank_is_absent=True)
    expires_at: datetime | None = optional(
        "When it is needed no longer; 30 days after its time by default."
    )
    urgency: Urgency | None = optional("How soon; ROUTINE by default.")
    isolation: bool | None = optional("Whether the patient has to lie alone; no by default.")
    sex: Sex | None = optional("The sex that the room is needed for.")
    monitor: bool | None = optional("Whether a monitor is needed; no by default.")
    specialty: str | None = optional("The specialty.", blank_is_absent=True)
    note: str | None = optional("What else is to be known.", blank_is_absent=True)


@command_input(
    "correct_expected_arrival",
    ExpectedArrivalRecorded,
    "Who or what is expected was said wrongly, or when it was planned (occurredAt).",
)
class CorrectExpectedArrivalInput(CommandInput):
    expected_arrival_id: ExpectedArrivalId = required("The arrival.")
    expected_at: datetime | None = optional("From when on the bed is really needed.")
    patient_mrn: str | None = optional("The MRN of who really is expected.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    family_name: str | None = optional("Family name of who is not registered yet.")
    given_name: str | None = optional("Given name of who is not registered yet.")
    birth_date: date | None = optional("Birth date of who is not registered yet.")
    ward: str | None = optional("The ward.", blank_is_absent=True)
    expires_at: datetime | None = optional("When it is expected no longer.")
    urgency: Urgency | None = optional("How soon.")
    isolation: bool | None = optional("Whether the patient has to lie alone.")
    sex: Sex | None = optional("The sex that the room is needed for.")
    monitor: bool | None = optional("Whether a monitor is needed.")
    specialty: str | None = optional("The specialty.", blank_is_absent=True)
    note: str | None = optional("What else is to be known.", blank_is_absent=True)


@command_input(
    "cancel_expected_arrival",
    ExpectedArrivalRecorded,
    "The patient is not expected any more, or never was.",
)
class CancelExpectedArrivalInput(CommandInput):
    expected_arrival_id: ExpectedArrivalId = required("The arrival.")
    because: CancellationReason | None = optional(
        "DECISION_REVERSED by default: called off from occurredAt on. ENTERED_IN_ERROR: it never was."
    )
