"""Inputs of facts: what a command of one fact and `correctFacts` of many have in common, and its parts.

The fields of a fact are declared once; a part of `correctFacts` has its own time, before them.
"""

from datetime import datetime

import strawberry

from api.graphql.mutations.inputs import (
    CHANGE_ID,
    CONFIRMED,
    PRECISION,
    SCHEDULE,
    AdministrationId,
    ChangeId,
    ConsultId,
    MedicationInput,
    MovementId,
    PrescriptionId,
    ScheduleInput,
    StayId,
    VisitId,
    optional,
    required,
)
from api.graphql.types.enums import (
    AdmissionType,
    CancellationReason,
    ClinicalWarning,
    DischargePlan,
    Disposition,
    EntryKind,
    MovementDetail,
    OutsidePrescription,
    Precision,
    UnprescribedBasis,
    VisitKind,
)

INFUSION = "Whether it is an infusion, which begins at occurredAt."
INFUSION_END = "When the infusion ended; absent while it goes on."


@strawberry.input
class CorrectedTime:
    occurred_at: datetime | None = optional("When it really was; absent: as recorded.")
    occurred_at_precision: Precision | None = optional(PRECISION)


@strawberry.input
class LateTime:
    occurred_at: datetime = required("When it was.")
    occurred_at_precision: Precision | None = optional(PRECISION)


@strawberry.input
class MovementDetails:
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


@strawberry.input
class VisitDetails:
    visit_id: VisitId = required("The visit.")
    practitioner: str | None = optional("Who really saw the patient: staff number.")
    kind: VisitKind | None = optional("What kind it really was.")
    note: str | None = optional("The note as it should be.")
    consult_id: ConsultId | None = optional("The consult that it really answers.")


@strawberry.input
class DoseDetails:
    administration_id: AdministrationId = required("The dose.")
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
    confirmed_warnings: list[ClinicalWarning] | None = optional(CONFIRMED)


@strawberry.input
class RegimenDetails:
    change_id: ChangeId = required(CHANGE_ID)
    dose: str | None = optional("Of a change of the regimen: how much at a time.")
    route: str | None = optional("Of a change of the regimen: by which route.")
    frequency: str | None = optional("Of a change of the regimen: how often.")
    schedule: ScheduleInput | None = optional(SCHEDULE)
    stop: datetime | None = optional("Of a change of the regimen: until when.")


@strawberry.input
class PrescriptionDetails:
    prescription_id: PrescriptionId = required("The prescription.")
    medication: MedicationInput | None = optional("The drug.")
    dose: str | None = optional("How much at a time.")
    route: str | None = optional("By which route.")
    frequency: str | None = optional("How often.")
    schedule: ScheduleInput | None = optional(SCHEDULE)
    start: datetime | None = optional("From when.")
    stop: datetime | None = optional("Until when, if that was planned.")
    open_ended: bool | None = optional("That no stop was planned.")
    prescriber: str | None = optional("Staff number of the prescriber.")
    confirmed_warnings: list[ClinicalWarning] | None = optional(CONFIRMED)


@strawberry.input
class MadeVisit:
    stay_id: StayId = required("The stay.")
    practitioner: str = required("Who saw the patient: staff number.")
    kind: VisitKind = required("What kind of visit.")
    note: str | None = optional("What was found.")
    consult_id: ConsultId | None = optional("The consult that it answers.")


@strawberry.input
class GivenDose:
    prescription_id: PrescriptionId = required("The prescription.")
    given: bool = required("Whether it was given.")
    dose_given: str | None = optional("How much was given.")
    reason_not_given: str | None = optional("Why it was not given.")
    outside_prescription: OutsidePrescription | None = optional(
        "Why it lies outside the prescription."
    )
    infusion: bool | None = optional(INFUSION)
    ended_at: datetime | None = optional(INFUSION_END)
    confirmed_warnings: list[ClinicalWarning] | None = optional(CONFIRMED)


@strawberry.input
class UnprescribedDose:
    stay_id: StayId = required("The stay.")
    medication: MedicationInput = required("What.")
    basis: UnprescribedBasis = required("On what it was given.")
    dose_given: str | None = optional("How much was given.")
    route: str | None = optional("By which route.")
    ordered_by: str | None = optional(
        "Staff number of who ordered it; a verbal order is somebody's."
    )
    infusion: bool | None = optional(INFUSION)
    ended_at: datetime | None = optional(INFUSION_END)
    confirmed_warnings: list[ClinicalWarning] | None = optional(CONFIRMED)


@strawberry.input(description="A movement was otherwise; what is absent stays as recorded.")
class MovementCorrectionInput(CorrectedTime, MovementDetails):
    pass


@strawberry.input(description="A visit was otherwise; what is absent stays as recorded.")
class VisitCorrectionInput(CorrectedTime, VisitDetails):
    pass


@strawberry.input(description="A dose was otherwise; what is absent stays as recorded.")
class DoseCorrectionInput(CorrectedTime, DoseDetails):
    pass


@strawberry.input(
    description="A change, hold, resumption or end of a prescription was otherwise; absent: as recorded."
)
class PrescriptionChangeCorrectionInput(CorrectedTime, RegimenDetails):
    pass


@strawberry.input(description="An infusion ended at another time.")
class InfusionEndCorrectionInput(CorrectedTime):
    administration_id: AdministrationId = required("The dose.")


@strawberry.input(description="Something else was written in a prescription; absent: as recorded.")
class PrescriptionCorrectionInput(CorrectedTime, PrescriptionDetails):
    pass


@strawberry.input(description="A visit that was never entered.")
class LateVisitInput(LateTime, MadeVisit):
    pass


@strawberry.input(description="A dose that was never entered: given, or not given and why.")
class LateDoseInput(LateTime, GivenDose):
    pass


@strawberry.input(
    description="A dose that nobody prescribed in writing, and that was never entered."
)
class LateUnprescribedDoseInput(LateTime, UnprescribedDose):
    pass


@strawberry.input(description="A fact is taken back.")
class MovementCancelInput:
    movement_id: MovementId = required("The movement, visit, dose or change of a prescription.")
    because: CancellationReason = required("Entered in error, or the decision was reversed.")
    occurred_at: datetime | None = optional("When it was reversed; now by default.")
    ward: str | None = optional("The ward of another bed than the one before.")
    room: str | None = optional("The room of that bed.")
    bed: str | None = optional("That bed's code.")
    without_bed: str | None = optional("A place without a bed, instead.")
    occurred_at_precision: Precision | None = optional(PRECISION)


@strawberry.input(description="A movement that was never entered.")
class LateEntryInput:
    stay_id: StayId | None = optional(
        "The stay; absent for an admission, and for movements of the stay that is opened with it."
    )
    kind: EntryKind = strawberry.field(default=EntryKind.TRANSFER, description="What happened.")
    occurred_at: datetime = required("When it happened.")
    ward: str | None = optional("The ward, for a transfer or a return.")
    room: str | None = optional("The room.")
    bed: str | None = optional("The bed.")
    shares_bed_of: StayId | None = optional("The mother's stay, for a child in her bed.")
    without_bed: str | None = optional("A place without a bed.")
    keep_bed: bool | None = optional("Whether the bed is kept during a leave; true by default.")
    patient_mrn: str | None = optional("Of an admission, and of movements after it: the patient.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    admission_type: AdmissionType | None = optional("Of an admission: how the patient came in.")
    decided_to_admit_at: datetime | None = optional("Of an admission: when it was decided.")
    attending: str | None = optional("Of an admission: staff number of the responsible doctor.")
    specialty: str | None = optional("Of an admission: the responsible specialty.")
    discharged_at: datetime | None = optional("Of an admission: when the patient left again.")
    disposition: Disposition | None = optional("Of a discharge: where the patient went.")
    destination: str | None = optional("Of a discharge: where to, by name.")
    occurred_at_precision: Precision | None = optional(PRECISION)
