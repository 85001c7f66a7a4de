"""Inputs of the commands about prescriptions and doses, with their corrections."""

from datetime import datetime

from api.graphql.mutations.fact_inputs import (
    DoseDetails,
    GivenDose,
    PrescriptionDetails,
    RegimenDetails,
    UnprescribedDose,
)
from api.graphql.mutations.inputs import (
    CHANGE_ID,
    CONFIRMED,
    IN_ERROR_ALONE,
    SCHEDULE,
    AdministrationId,
    ChangeId,
    CommandInput,
    MedicationInput,
    PrescriptionId,
    ScheduleInput,
    StayId,
    optional,
    required,
)
from api.graphql.mutations.payloads import PrescriptionRecorded
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.enums import (
    CancellationReason,
    ClinicalWarning,
)


@command_input("write_prescription", PrescriptionRecorded, "Prescribe a medicine.")
class WritePrescriptionInput(CommandInput):
    stay_id: StayId = required("The stay.")
    medication: MedicationInput = required("What.")
    dose: str | None = optional("How much at a time.")
    route: str | None = optional("By which route.")
    frequency: str | None = optional("How often.")
    schedule: ScheduleInput | None = optional(SCHEDULE)
    start: datetime | None = optional("From when; may lie ahead; occurredAt by default.")
    stop: datetime | None = optional("Until when, if that is planned.")
    prescriber: str | None = optional("Staff number of the prescriber.")
    confirmed_warnings: list[ClinicalWarning] | None = optional(CONFIRMED)


@command_input(
    "change_prescription", PrescriptionRecorded, "Another dose, route, frequency or planned stop."
)
class ChangePrescriptionInput(CommandInput):
    prescription_id: PrescriptionId = required("The prescription.")
    dose: str | None = optional("How much at a time.")
    route: str | None = optional("By which route.")
    frequency: str | None = optional("How often.")
    schedule: ScheduleInput | None = optional(SCHEDULE)
    stop: datetime | None = optional("Until when.")


@command_input("hold_prescription", PrescriptionRecorded, "Pause a prescription.")
class HoldPrescriptionInput(CommandInput):
    prescription_id: PrescriptionId = required("The prescription.")
    until: datetime | None = optional(
        "When it was resumed, if that is past: of a hold that is told after a dose that came after it."
    )


@command_input(
    "resume_prescription", PrescriptionRecorded, "Go on with a prescription that is held."
)
class ResumePrescriptionInput(CommandInput):
    prescription_id: PrescriptionId = required("The prescription.")
    until: datetime | None = optional(
        "When it was held again, if that is past: where a later hold and its end were told before."
    )


@command_input("stop_prescription", PrescriptionRecorded, "End a prescription.")
class StopPrescriptionInput(CommandInput):
    prescription_id: PrescriptionId = required("The prescription.")


@command_input("complete_prescription", PrescriptionRecorded, "A prescription has run its course.")
class CompletePrescriptionInput(CommandInput):
    prescription_id: PrescriptionId = required("The prescription.")


@command_input(
    "cancel_prescription",
    PrescriptionRecorded,
    "A prescription was entered in error; refused once a dose was given.",
    mutation_description="A prescription was entered in error.",
)
class CancelPrescriptionInput(CommandInput):
    prescription_id: PrescriptionId = required("The prescription.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)


@command_input(
    "correct_prescription_change",
    PrescriptionRecorded,
    "Another time (occurredAt) or content of a change, hold, resumption or end.",
    mutation_description="Another time or content of a change, hold, resumption or end.",
)
class CorrectPrescriptionChangeInput(CommandInput, RegimenDetails):
    pass


@command_input(
    "cancel_prescription_change",
    PrescriptionRecorded,
    "It was not changed, held, resumed or ended then.",
)
class CancelPrescriptionChangeInput(CommandInput):
    change_id: ChangeId = required(CHANGE_ID)
    because: CancellationReason | None = optional(IN_ERROR_ALONE)


@command_input(
    "correct_prescription",
    PrescriptionRecorded,
    "Something else was written, or at another time (occurredAt); refused if what was given or"
    " changed since does not fit the corrected text.",
    mutation_description="Something else was written in a prescription.",
)
class CorrectPrescriptionInput(CommandInput, PrescriptionDetails):
    stay_id: StayId | None = optional(
        "The stay that it really was written in, to which it goes with its changes and doses, at its"
        " right times (occurredAt, start, stop, openEnded); nothing else is given then."
    )


@command_input("record_administration", PrescriptionRecorded, "A dose given, or not given and why.")
class RecordAdministrationInput(CommandInput, GivenDose):
    pass


@command_input(
    "record_unprescribed_dose",
    PrescriptionRecorded,
    "A dose was given that nobody prescribed in writing; performedBy says who gave it.",
)
class RecordUnprescribedDoseInput(CommandInput, UnprescribedDose):
    pass


@command_input(
    "correct_administration",
    PrescriptionRecorded,
    "Another time (occurredAt) or amount of a dose, or it was not given.",
    mutation_description="Another time or amount of a dose, or it was not given.",
)
class CorrectAdministrationInput(CommandInput, DoseDetails):
    prescription_id: PrescriptionId | None = optional(
        "The prescription under which it was really given, perhaps in another stay, at its"
        " right time (occurredAt); nothing else is given then."
    )
    stay_id: StayId | None = optional(
        "The stay that a dose without a prescription really was in, at its right time (occurredAt);"
        " nothing else is given then."
    )


@command_input("cancel_administration", PrescriptionRecorded, "The dose never was.")
class CancelAdministrationInput(CommandInput):
    administration_id: AdministrationId = required("The dose.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)


@command_input("end_infusion", PrescriptionRecorded, "An infusion ended at occurredAt.")
class EndInfusionInput(CommandInput):
    administration_id: AdministrationId = required("The dose that is an infusion.")


@command_input(
    "correct_infusion_end", PrescriptionRecorded, "The infusion ended at another time (occurredAt)."
)
class CorrectInfusionEndInput(CommandInput):
    administration_id: AdministrationId = required("The dose that is an infusion.")


@command_input(
    "cancel_infusion_end",
    PrescriptionRecorded,
    "The infusion goes on, or nobody knows when it ended.",
)
class CancelInfusionEndInput(CommandInput):
    administration_id: AdministrationId = required("The dose that is an infusion.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)
