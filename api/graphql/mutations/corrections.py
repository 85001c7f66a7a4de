"""Inputs of the commands that correct or cancel movements and visits."""

from datetime import datetime

import strawberry

from api.graphql.mutations.inputs import (
    IN_ERROR_ALONE,
    PRECISION,
    AdministrationId,
    ChangeId,
    CommandInput,
    ConsultId,
    LateEntryInput,
    MedicationInput,
    MovementCancelInput,
    MovementCorrectionInput,
    MovementId,
    PrescriptionId,
    ScheduleInput,
    SharerInput,
    StayId,
    VisitId,
    optional,
    required,
)
from api.graphql.mutations.payloads import StayRecorded, VisitRecorded
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.enums import (
    AdmissionType,
    CancellationReason,
    ClinicalWarning,
    DischargePlan,
    Disposition,
    MovementDetail,
    OutsidePrescription,
    Precision,
    UnprescribedBasis,
    VisitKind,
)


@command_input(
    "cancel_admission", StayRecorded, "Take a whole stay back; its bed is free in the same act."
)
class CancelAdmissionInput(CommandInput):
    stay_id: StayId = required("The stay.")
    because: CancellationReason = required("Entered in error, or the decision was reversed.")
    void_clinical_facts: bool | None = optional(
        "Void its visits, prescriptions and doses too; otherwise they stop the cancel."
    )
    sharers: list[SharerInput] | None = optional(
        "Where each child goes that shares a bed that is left so."
    )


@command_input(
    "cancel_discharge",
    StayRecorded,
    "Take a discharge back, naming the bed to come back to.",
    mutation_description="Take a discharge back, naming where the patient is.",
)
class CancelDischargeInput(CommandInput):
    stay_id: StayId = required("The stay.")
    because: CancellationReason = required("Entered in error, or the decision was reversed.")
    ward: str | None = optional("The ward of the bed to come back to.")
    room: str | None = optional("The room of that bed.")
    bed: str | None = optional("That bed's code.")
    without_bed: str | None = optional("A place without a bed, instead.")
    sharers: list[SharerInput] | None = optional(
        "Where each child goes that shares a bed that is left so."
    )


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
    sharers: list[SharerInput] | None = optional(
        "Where each child goes that shares a bed that is left so."
    )


@command_input(
    "correct_movement",
    StayRecorded,
    "A movement was at another time (occurredAt), in another place, or otherwise.",
)
class CorrectMovementInput(CommandInput):
    movement_id: MovementId = required("The movement.")
    ward: str | None = optional("The ward where it really was.")
    room: str | None = optional("The room where it really was.")
    bed: str | None = optional("The bed where it really was.")
    shares_bed_of: StayId | None = optional("The mother's stay, for a child in her bed.")
    without_bed: str | None = optional("The place without a bed where it really was.")
    admission_type: AdmissionType | None = optional("Of an admission: how the patient came in.")
    decided_to_admit_at: datetime | None = optional("Of an admission: when it was decided.")
    attending: str | None = optional(
        "Of an admission or a change of the doctor: who really is responsible, by staff number."
    )
    specialty: str | None = optional("Of an admission or a change of it: the specialty.")
    keep_bed: bool | None = optional("Of a leave: whether the bed was kept.")
    expected_return: datetime | None = optional("Of a leave: when the patient is expected back.")
    plan: DischargePlan | None = optional("Of a discharge plan: how far it was planned.")
    expected_at: datetime | None = optional("Of a discharge plan: when it was expected.")
    disposition: Disposition | None = optional("Of a discharge: where the patient went.")
    destination: str | None = optional("Of a discharge: where to, by name.")
    departed_at: datetime | None = optional(
        "Of emergency care: when the patient left the department."
    )
    unknown: list[MovementDetail] | None = optional("What was said of it, and nobody knows.")
    sharers: list[SharerInput] | None = optional(
        "Where each child goes that shares a bed that is left so."
    )


@strawberry.input(description="A visit was otherwise; what is absent stays as recorded.")
class VisitCorrectionInput:
    visit_id: VisitId = required("The visit.")
    occurred_at: datetime | None = optional("When it really was; absent: as recorded.")
    occurred_at_precision: Precision | None = optional(PRECISION)
    practitioner: str | None = optional("Who really saw the patient: staff number.")
    kind: VisitKind | None = optional("What kind it really was.")
    note: str | None = optional("The note as it should be.")
    consult_id: ConsultId | None = optional("The consult that it really answers.")


@strawberry.input(description="A dose was otherwise; what is absent stays as recorded.")
class DoseCorrectionInput:
    administration_id: AdministrationId = required("The dose.")
    occurred_at: datetime | None = optional("When it really was; absent: as recorded.")
    occurred_at_precision: Precision | None = optional(PRECISION)
    given: bool | None = optional("Whether it was really given.")
    dose_given: str | None = optional("How much was really given.")
    reason_not_given: str | None = optional("Why it was not given.")
    outside_prescription: OutsidePrescription | None = optional(
        "Why it lies outside its prescription."
    )
    medication: MedicationInput | None = optional("Of one without a prescription: the drug.")
    basis: UnprescribedBasis | None = optional(
        "Of one without a prescription: on what it was given."
    )
    route: str | None = optional("Of one without a prescription: the route.")
    ordered_by: str | None = optional(
        "Of one without a prescription: the staff number of who ordered it."
    )
    confirmed_warnings: list[ClinicalWarning] | None = optional(
        "Warnings that were seen, and in spite of which this is so."
    )


@strawberry.input(
    description="A change, hold, resumption or end of a prescription was otherwise; absent: as recorded."
)
class PrescriptionChangeCorrectionInput:
    change_id: ChangeId = required("The change.")
    occurred_at: datetime | None = optional("When it really was; absent: as recorded.")
    occurred_at_precision: Precision | None = optional(PRECISION)
    dose: str | None = optional("Of a change of the regimen: the dose.")
    route: str | None = optional("Of a change of the regimen: the route.")
    frequency: str | None = optional("Of a change of the regimen: how often.")
    schedule: ScheduleInput | None = optional("Of a change of the regimen: when doses are due.")
    stop: datetime | None = optional("Of a change of the regimen: the planned stop.")


@strawberry.input(description="An infusion ended at another time.")
class InfusionEndCorrectionInput:
    administration_id: AdministrationId = required("The dose.")
    occurred_at: datetime | None = optional("When it really ended; absent: as recorded.")
    occurred_at_precision: Precision | None = optional(PRECISION)


@strawberry.input(description="Something else was written in a prescription; absent: as recorded.")
class PrescriptionCorrectionInput:
    prescription_id: PrescriptionId = required("The prescription.")
    occurred_at: datetime | None = optional("When it was really written; absent: as recorded.")
    occurred_at_precision: Precision | None = optional(PRECISION)
    medication: MedicationInput | None = optional("The drug.")
    dose: str | None = optional("How much at a time.")
    route: str | None = optional("By which route.")
    frequency: str | None = optional("How often.")
    schedule: ScheduleInput | None = optional("When doses are due.")
    start: datetime | None = optional("From when.")
    stop: datetime | None = optional("Until when, if that was planned.")
    open_ended: bool | None = optional("That no stop was planned.")
    prescriber: str | None = optional("Staff number of the prescriber.")
    confirmed_warnings: list[ClinicalWarning] | None = optional(
        "Warnings that were seen, and in spite of which this is so."
    )


@strawberry.input(description="A visit that was never entered.")
class LateVisitInput:
    stay_id: StayId = required("The stay.")
    occurred_at: datetime = required("When it was.")
    occurred_at_precision: Precision | None = optional(PRECISION)
    practitioner: str = required("Who saw the patient: staff number.")
    kind: VisitKind = required("What kind of visit.")
    note: str | None = optional("What was found.")
    consult_id: ConsultId | None = optional("The consult that it answers.")


@strawberry.input(description="A dose that was never entered: given, or not given and why.")
class LateDoseInput:
    prescription_id: PrescriptionId = required("The prescription.")
    occurred_at: datetime = required("When it was.")
    occurred_at_precision: Precision | None = optional(PRECISION)
    given: bool = required("Whether it was given.")
    dose_given: str | None = optional("How much was given.")
    reason_not_given: str | None = optional("Why it was not given.")
    outside_prescription: OutsidePrescription | None = optional(
        "Why it lies outside the prescription."
    )
    infusion: bool | None = optional("Whether it is an infusion, which begins then.")
    ended_at: datetime | None = optional("When the infusion ended; absent while it goes on.")
    confirmed_warnings: list[ClinicalWarning] | None = optional(
        "Warnings that were seen, and in spite of which it was given."
    )


@strawberry.input(
    description="A dose that nobody prescribed in writing, and that was never entered."
)
class LateUnprescribedDoseInput:
    stay_id: StayId = required("The stay.")
    occurred_at: datetime = required("When it was.")
    occurred_at_precision: Precision | None = optional(PRECISION)
    medication: MedicationInput = required("What.")
    basis: UnprescribedBasis = required("On what it was given.")
    dose_given: str | None = optional("How much was given.")
    route: str | None = optional("By which route.")
    ordered_by: str | None = optional(
        "Staff number of who ordered it; a verbal order is somebody's."
    )
    infusion: bool | None = optional("Whether it is an infusion, which begins then.")
    ended_at: datetime | None = optional("When the infusion ended; absent while it goes on.")
    confirmed_warnings: list[ClinicalWarning] | None = optional(
        "Warnings that were seen, and in spite of which it was given."
    )


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
    sharers: list[SharerInput] | None = optional(
        "Where each child goes that shares a bed that is left so."
    )


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
class AmendVisitInput(CommandInput):
    visit_id: VisitId = required("The visit.")
    practitioner: str | None = optional("Who really saw the patient: staff number.")
    kind: VisitKind | None = optional("What kind it really was.")
    note: str | None = optional("The note as it should be.")
    consult_id: ConsultId | None = optional("The consult that it really answers.")
    stay_id: StayId | None = optional(
        "The stay that it really was in, at its right time (occurredAt); nothing else is given then."
    )


@command_input("cancel_visit", StayRecorded, "The visit never was.")
class CancelVisitInput(CommandInput):
    visit_id: VisitId = required("The visit.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)
