"""Inputs of the commands that correct or cancel movements and visits."""

from api.graphql.mutations.fact_inputs import (
    DoseCorrectionInput,
    InfusionEndCorrectionInput,
    LateDoseInput,
    LateEntryInput,
    LateUnprescribedDoseInput,
    LateVisitInput,
    MovementCancelInput,
    MovementCorrectionInput,
    MovementDetails,
    PrescriptionChangeCorrectionInput,
    PrescriptionCorrectionInput,
    VisitCorrectionInput,
    VisitDetails,
)
from api.graphql.mutations.inputs import (
    IN_ERROR_ALONE,
    AdministrationId,
    CommandInput,
    MovementId,
    SharerInput,
    StayId,
    VisitId,
    optional,
    required,
)
from api.graphql.mutations.payloads import StayRecorded, VisitRecorded
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.enums import (
    CancellationReason,
)

SHARERS = "Where each child goes that shares a bed that is left so."


@command_input(
    "cancel_admission", StayRecorded, "Take a whole stay back; its bed is free in the same act."
)
class CancelAdmissionInput(CommandInput):
    stay_id: StayId = required("The stay.")
    because: CancellationReason = required("Entered in error, or the decision was reversed.")
    void_clinical_facts: bool | None = optional(
        "Void its visits, prescriptions and doses too; otherwise they stop the cancel."
    )
    sharers: list[SharerInput] | None = optional(SHARERS)


@command_input(
    "cancel_discharge",
    StayRecorded,
    "Take a discharge back, naming the bed to come back to.",
    mutation_description="Take a discharge back, naming where the patient is. A death that followed from"
    " it goes with it; one with a time of its own (recordDeath, correctDeath) stays: cancelDeath.",
)
class CancelDischargeInput(CommandInput):
    stay_id: StayId = required("The stay.")
    because: CancellationReason = required("Entered in error, or the decision was reversed.")
    ward: str | None = optional("The ward of the bed to come back to.")
    room: str | None = optional("The room of that bed.")
    bed: str | None = optional("That bed's code.")
    without_bed: str | None = optional("A place without a bed, instead.")
    sharers: list[SharerInput] | None = optional(SHARERS)


@command_input(
    "cancel_movement", StayRecorded, "Take back any movement by its id; a swap, in both stays."
)
class CancelMovementInput(CommandInput):
    movement_id: MovementId = required("The movement.")
    because: CancellationReason = required("Entered in error, or the decision was reversed.")
    ward: str | None = optional("Reversed: the ward of another bed than the one before.")
    room: str | None = optional("The room of that bed.")
    bed: str | None = optional("That bed's code.")
    without_bed: str | None = optional("A place without a bed, instead.")
    sharers: list[SharerInput] | None = optional(SHARERS)


@command_input(
    "correct_movement",
    StayRecorded,
    "A movement was at another time (occurredAt), in another place, or otherwise.",
)
class CorrectMovementInput(CommandInput, MovementDetails):
    sharers: list[SharerInput] | None = optional(SHARERS)


@command_input(
    "correct_facts",
    StayRecorded,
    "Several corrections, cancels and late entries, decided on the end result.",
)
class CorrectFactsInput(CommandInput):
    corrections: list[MovementCorrectionInput] | None = optional("Movements that were otherwise.")
    cancels: list[MovementCancelInput] | None = optional("Facts that are taken back.")
    entries: list[LateEntryInput] | None = optional("Movements that were never entered.")
    visits: list[VisitCorrectionInput] | None = optional("Visits that were otherwise.")
    doses: list[DoseCorrectionInput] | None = optional("Doses that were otherwise.")
    prescription_changes: list[PrescriptionChangeCorrectionInput] | None = optional(
        "Changes, holds, resumptions and ends of prescriptions that were otherwise."
    )
    infusion_ends: list[InfusionEndCorrectionInput] | None = optional(
        "Infusions that ended at another time."
    )
    cancelled_infusion_ends: list[AdministrationId] | None = optional(
        "Infusions that did not end then: they go on, or nobody knows when they ended."
    )
    prescriptions: list[PrescriptionCorrectionInput] | None = optional(
        "Prescriptions that were written otherwise."
    )
    new_visits: list[LateVisitInput] | None = optional("Visits that were never entered.")
    new_doses: list[LateDoseInput] | None = optional("Doses that were never entered.")
    new_unprescribed_doses: list[LateUnprescribedDoseInput] | None = optional(
        "Doses that nobody prescribed in writing, and that were never entered."
    )
    sharers: list[SharerInput] | None = optional(SHARERS)


@command_input(
    "move_stay",
    StayRecorded,
    "A stay, with all its facts, goes from the wrong patient to the right one.",
)
class MoveStayInput(CommandInput):
    stay_id: StayId = required("The stay.")
    patient_mrn: str = required("The MRN of the patient whose stay it really is.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")


@command_input(
    "amend_visit",
    VisitRecorded,
    "Another time (occurredAt), doctor, kind or note of a visit; what is absent stays.",
    mutation_description="Another time, doctor, kind or note of a visit.",
)
class AmendVisitInput(CommandInput, VisitDetails):
    stay_id: StayId | None = optional(
        "The stay that it really was in, at its right time (occurredAt); nothing else is given then."
    )


@command_input("cancel_visit", StayRecorded, "The visit never was.")
class CancelVisitInput(CommandInput):
    visit_id: VisitId = required("The visit.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)
