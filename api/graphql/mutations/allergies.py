"""Inputs of the commands about allergies and intolerances."""

import strawberry

from api.graphql.mutations.care_payloads import AllergyRecorded
from api.graphql.mutations.inputs import (
    IN_ERROR_ALONE,
    AllergyId,
    CommandInput,
    SubstanceInput,
    optional,
    required,
)
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.enums import (
    AllergyKind,
    AllergySeverity,
    AllergyVerification,
    CancellationReason,
)


@strawberry.input
class OfPatientInput(CommandInput):
    patient_mrn: str = required("The patient's MRN, of any record of the person.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")


@command_input(
    "record_allergy",
    AllergyRecorded,
    "An allergy or intolerance that the patient has from occurredAt on.",
)
class RecordAllergyInput(OfPatientInput):
    substance: SubstanceInput = required("Of what.")
    kind: AllergyKind | None = optional("ALLERGY by default.")
    severity: AllergySeverity | None = optional("How severe the reaction is.")
    reaction: str | None = optional("What happens.")
    verification: AllergyVerification | None = optional(
        "How certain it is; UNCONFIRMED by default."
    )


@command_input(
    "correct_allergy",
    AllergyRecorded,
    "The patient has it since another time (occurredAt), or it is another.",
)
class CorrectAllergyInput(OfPatientInput):
    allergy_id: AllergyId = required("The allergy.")
    substance: SubstanceInput | None = optional("Of what.")
    kind: AllergyKind | None = optional("An allergy, or an intolerance.")
    severity: AllergySeverity | None = optional("How severe the reaction is.")
    reaction: str | None = optional("What happens.")
    verification: AllergyVerification | None = optional("How certain it is.")


@command_input("cancel_allergy", AllergyRecorded, "The patient never had it.")
class CancelAllergyInput(OfPatientInput):
    allergy_id: AllergyId = required("The allergy.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)


@command_input("end_allergy", AllergyRecorded, "The patient has it no more, from occurredAt on.")
class EndAllergyInput(OfPatientInput):
    allergy_id: AllergyId = required("The allergy.")


@command_input(
    "correct_allergy_end", AllergyRecorded, "The allergy ended at another time (occurredAt)."
)
class CorrectAllergyEndInput(OfPatientInput):
    allergy_id: AllergyId = required("The allergy.")


@command_input("cancel_allergy_end", AllergyRecorded, "The patient still has it.")
class CancelAllergyEndInput(OfPatientInput):
    allergy_id: AllergyId = required("The allergy.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)
