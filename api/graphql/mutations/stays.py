"""Inputs of the commands of a stay, from admission to discharge."""

from datetime import datetime

from api.graphql.mutations.fact_inputs import MadeVisit
from api.graphql.mutations.inputs import (
    CommandInput,
    ExpectedArrivalId,
    OwnPrescriptionId,
    SharerInput,
    StayId,
    optional,
    required,
)
from api.graphql.mutations.payloads import StayRecorded, VisitRecorded
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.enums import (
    AdmissionType,
    Confidentiality,
    DischargePlan,
    Disposition,
)

WITHOUT_BED = "In place of ward, room and bed: where somebody without one is: corridor, trolley."


@command_input("admit_patient", StayRecorded, "Open a stay, with a bed or without.")
class AdmitPatientInput(CommandInput):
    patient_mrn: str = required("The patient's MRN.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    admission_type: AdmissionType = required("How the patient came in.")
    attending: str | None = optional("Staff number of the responsible doctor.")
    specialty: str | None = optional("The responsible specialty.")
    decided_to_admit_at: datetime | None = optional("When it was decided to admit.")
    ward: str | None = optional("The ward of the bed.")
    room: str | None = optional("The room of the bed.")
    bed: str | None = optional("The bed's code.")
    shares_bed_of: StayId | None = optional("The mother's stay, for a newborn in her bed.")
    without_bed: str | None = optional(WITHOUT_BED)
    confidentiality: Confidentiality | None = optional(
        "Confidentiality label; the patient's by default."
    )
    discharged_at: datetime | None = optional(
        "When the patient left again, for a past stay that is entered whole."
    )
    disposition: Disposition | None = optional("Where the patient went then.")
    destination: str | None = optional("Where to, by name.")
    expected_arrival_id: ExpectedArrivalId | None = optional(
        "The planned admission that it converts, for as long as the stay holds."
    )


@command_input(
    "record_emergency_care",
    StayRecorded,
    "The patient came to the emergency department (occurredAt), before the admission.",
)
class RecordEmergencyCareInput(CommandInput):
    stay_id: StayId = required("The stay.")
    departed_at: datetime | None = optional("When the patient left the department, if known.")


@command_input("allocate_room", StayRecorded, "The first bed of a stay.")
class AllocateRoomInput(CommandInput):
    stay_id: StayId = required("The stay.")
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")
    shares_bed_of: StayId | None = optional("The mother's stay, for a newborn in her bed.")


@command_input(
    "transfer_patient", StayRecorded, "Move a patient to another bed, or to a place without one."
)
class TransferPatientInput(CommandInput):
    stay_id: StayId = required("The stay.")
    ward: str | None = optional("The ward of the bed.")
    room: str | None = optional("The room of the bed.")
    bed: str | None = optional("The bed's code.")
    shares_bed_of: StayId | None = optional("The mother's stay, for a newborn in her bed.")
    without_bed: str | None = optional(WITHOUT_BED)
    sharers: list[SharerInput] | None = optional(
        "Where each child goes that shares the mother's bed."
    )


@command_input("swap_beds", StayRecorded, "Two patients exchange beds, in one act.")
class SwapBedsInput(CommandInput):
    stay_id: StayId = required("One stay.")
    with_stay_id: StayId = required("The other stay.")
    sharers: list[SharerInput] | None = optional(
        "Where each child goes that shares a bed of the two."
    )


@command_input("start_leave", StayRecorded, "A patient leaves for a while.")
class StartLeaveInput(CommandInput):
    stay_id: StayId = required("The stay.")
    keep_bed: bool = required("Whether the bed is kept.")
    expected_return: datetime | None = optional("When the patient is expected back.")
    sharers: list[SharerInput] | None = optional(
        "Where each child goes that shares the bed that is released."
    )


@command_input("end_leave", StayRecorded, "A patient is back from leave.")
class EndLeaveInput(CommandInput):
    stay_id: StayId = required("The stay.")
    ward: str | None = optional("The ward of the bed, if it is another than the kept one.")
    room: str | None = optional("The room of the bed.")
    bed: str | None = optional("The bed's code.")
    shares_bed_of: StayId | None = optional("The mother's stay, for a newborn in her bed.")
    without_bed: str | None = optional(WITHOUT_BED)
    sharers: list[SharerInput] | None = optional(
        "Where each child goes that shares the bed that was kept."
    )


@command_input("change_attending", StayRecorded, "Another doctor is responsible.")
class ChangeAttendingInput(CommandInput):
    stay_id: StayId = required("The stay.")
    attending: str = required("Staff number of the doctor.")


@command_input("change_specialty", StayRecorded, "Another specialty is responsible.")
class ChangeSpecialtyInput(CommandInput):
    stay_id: StayId = required("The stay.")
    specialty: str = required("The specialty.")


@command_input("change_admission_type", StayRecorded, "The stay is of another type from then on.")
class ChangeAdmissionTypeInput(CommandInput):
    stay_id: StayId = required("The stay.")
    admission_type: AdmissionType = required("The type: DAY_CASE for who became an outpatient.")


@command_input("record_visit", VisitRecorded, "A doctor saw the patient.")
class RecordVisitInput(CommandInput, MadeVisit):
    pass


@command_input(
    "plan_discharge", StayRecorded, "Plan a discharge, clear it medically, or drop the plan."
)
class PlanDischargeInput(CommandInput):
    stay_id: StayId = required("The stay.")
    plan: DischargePlan | None = optional("How far it is planned; PLANNED by default.")
    expected_at: datetime | None = optional("When it is expected.")


@command_input(
    "discharge_patient",
    StayRecorded,
    "Close a stay; its bed is released and its prescriptions stop.",
)
class DischargePatientInput(CommandInput):
    stay_id: StayId = required("The stay.")
    disposition: Disposition = required("Where the patient goes.")
    destination: str | None = optional("Where to, by name.")
    keep_prescriptions: list[OwnPrescriptionId] | None = optional(
        "Prescriptions that go on as discharge medicines."
    )
    sharers: list[SharerInput] | None = optional(
        "The children who share the bed: to places of their own, or discharged together."
    )
