"""What is recorded of a stay, from admission to discharge."""

from datetime import datetime
from typing import Annotated

import strawberry

from api.graphql.context import Ask
from api.graphql.mutations.dispatch import stay_recorded, visit_recorded
from api.graphql.mutations.inputs import CommandInput, SharerInput, optional, required
from api.graphql.mutations.payloads import (
    BedRefusals,
    CommonRefusals,
    StayRecorded,
    StayRefusals,
    VisitRecorded,
    result_union,
)
from api.graphql.mutations.refusals import (
    PatientAlreadyAdmitted,
    PatientDied,
    PrescriptionStateBroken,
    SharersUnplaced,
)
from api.graphql.types.enums import (
    AdmissionType,
    Confidentiality,
    DischargePlan,
    Disposition,
    VisitKind,
)


@strawberry.input(description="Open a stay, with a bed or without.")
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
    shares_bed_of: strawberry.ID | None = optional("The mother's stay, for a newborn in her bed.")
    without_bed: str | None = optional("Where a patient without a bed is: corridor, trolley.")
    confidentiality: Confidentiality | None = optional(
        "Confidentiality label; the patient's by default."
    )


@strawberry.input(description="The first bed of a stay.")
class AllocateRoomInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    ward: str = required("The ward.")
    room: str = required("The number within the ward.")
    bed: str = required("The bed's code.")
    shares_bed_of: strawberry.ID | None = optional("The mother's stay, for a newborn in her bed.")


@strawberry.input(description="Move a patient to another bed, or to a place without one.")
class TransferPatientInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    ward: str | None = optional("The ward of the bed.")
    room: str | None = optional("The room of the bed.")
    bed: str | None = optional("The bed's code.")
    shares_bed_of: strawberry.ID | None = optional("The mother's stay, for a newborn in her bed.")
    without_bed: str | None = optional("Where a patient without a bed is: corridor, trolley.")
    sharers: list[SharerInput] | None = optional(
        "Where each child goes that shares the mother's bed."
    )


@strawberry.input(description="Two patients exchange beds, in one act.")
class SwapBedsInput(CommandInput):
    stay_id: strawberry.ID = required("One stay.")
    with_stay_id: strawberry.ID = required("The other stay.")


@strawberry.input(description="A patient leaves for a while.")
class StartLeaveInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    keep_bed: bool = required("Whether the bed is kept.")
    expected_return: datetime | None = optional("When the patient is expected back.")


@strawberry.input(description="A patient is back from leave.")
class EndLeaveInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    ward: str | None = optional("The ward of the bed, if it is another than the kept one.")
    room: str | None = optional("The room of the bed.")
    bed: str | None = optional("The bed's code.")
    shares_bed_of: strawberry.ID | None = optional("The mother's stay, for a newborn in her bed.")
    without_bed: str | None = optional("Where a patient without a bed is: corridor, trolley.")


@strawberry.input(description="Another doctor is responsible.")
class ChangeAttendingInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    attending: str = required("Staff number of the doctor.")


@strawberry.input(description="Another specialty is responsible.")
class ChangeSpecialtyInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    specialty: str = required("The specialty.")


@strawberry.input(description="A doctor saw the patient.")
class RecordVisitInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    practitioner: str = required("Staff number of the doctor.")
    kind: VisitKind = required("What kind of visit.")
    note: str | None = optional("What was noted.")


@strawberry.input(description="Plan a discharge, clear it medically, or drop the plan.")
class PlanDischargeInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    plan: DischargePlan | None = optional("How far it is planned; PLANNED by default.")
    expected_at: datetime | None = optional("When it is expected.")


@strawberry.input(description="Close a stay; its bed is released and its prescriptions stop.")
class DischargePatientInput(CommandInput):
    stay_id: strawberry.ID = required("The stay.")
    disposition: Disposition = required("Where the patient goes.")
    destination: str | None = optional("Where to, by name.")
    keep_prescriptions: list[strawberry.ID] | None = optional(
        "Prescriptions that go on as discharge medicines."
    )


AdmitPatientResult = Annotated[
    StayRecorded
    | PatientAlreadyAdmitted
    | PatientDied
    | BedRefusals
    | StayRefusals
    | CommonRefusals,
    result_union("AdmitPatient"),
]
AllocateRoomResult = Annotated[
    StayRecorded | BedRefusals | StayRefusals | CommonRefusals, result_union("AllocateRoom")
]
TransferPatientResult = Annotated[
    StayRecorded | BedRefusals | StayRefusals | CommonRefusals, result_union("TransferPatient")
]
SwapBedsResult = Annotated[
    StayRecorded | BedRefusals | StayRefusals | CommonRefusals, result_union("SwapBeds")
]
StartLeaveResult = Annotated[
    StayRecorded | PatientDied | BedRefusals | StayRefusals | CommonRefusals,
    result_union("StartLeave"),
]
EndLeaveResult = Annotated[
    StayRecorded | PatientDied | BedRefusals | StayRefusals | CommonRefusals,
    result_union("EndLeave"),
]
ChangeAttendingResult = Annotated[
    StayRecorded | StayRefusals | CommonRefusals, result_union("ChangeAttending")
]
ChangeSpecialtyResult = Annotated[
    StayRecorded | StayRefusals | CommonRefusals, result_union("ChangeSpecialty")
]
RecordVisitResult = Annotated[
    VisitRecorded | PatientDied | StayRefusals | CommonRefusals, result_union("RecordVisit")
]
PlanDischargeResult = Annotated[
    StayRecorded | StayRefusals | CommonRefusals, result_union("PlanDischarge")
]
DischargePatientResult = Annotated[
    StayRecorded | SharersUnplaced | PrescriptionStateBroken | StayRefusals | CommonRefusals,
    result_union("DischargePatient"),
]


@strawberry.type
class StayMutations:
    @strawberry.mutation(description="Open a stay, with a bed or without.")
    async def admit_patient(self, info: Ask, input: AdmitPatientInput) -> AdmitPatientResult:
        return await stay_recorded(info, input, info.context.state.hospital.admit_patient)

    @strawberry.mutation(description="The first bed of a stay.")
    async def allocate_room(self, info: Ask, input: AllocateRoomInput) -> AllocateRoomResult:
        return await stay_recorded(info, input, info.context.state.hospital.allocate_room)

    @strawberry.mutation(description="Move a patient to another bed, or to a place without one.")
    async def transfer_patient(
        self, info: Ask, input: TransferPatientInput
    ) -> TransferPatientResult:
        return await stay_recorded(info, input, info.context.state.hospital.transfer_patient)

    @strawberry.mutation(description="Two patients exchange beds, in one act.")
    async def swap_beds(self, info: Ask, input: SwapBedsInput) -> SwapBedsResult:
        return await stay_recorded(info, input, info.context.state.hospital.swap_beds)

    @strawberry.mutation(description="A patient leaves for a while.")
    async def start_leave(self, info: Ask, input: StartLeaveInput) -> StartLeaveResult:
        return await stay_recorded(info, input, info.context.state.hospital.start_leave)

    @strawberry.mutation(description="A patient is back from leave.")
    async def end_leave(self, info: Ask, input: EndLeaveInput) -> EndLeaveResult:
        return await stay_recorded(info, input, info.context.state.hospital.end_leave)

    @strawberry.mutation(description="Another doctor is responsible.")
    async def change_attending(
        self, info: Ask, input: ChangeAttendingInput
    ) -> ChangeAttendingResult:
        return await stay_recorded(info, input, info.context.state.hospital.change_attending)

    @strawberry.mutation(description="Another specialty is responsible.")
    async def change_specialty(
        self, info: Ask, input: ChangeSpecialtyInput
    ) -> ChangeSpecialtyResult:
        return await stay_recorded(info, input, info.context.state.hospital.change_specialty)

    @strawberry.mutation(description="A doctor saw the patient.")
    async def record_visit(self, info: Ask, input: RecordVisitInput) -> RecordVisitResult:
        return await visit_recorded(info, input, info.context.state.hospital.record_visit)

    @strawberry.mutation(description="Plan a discharge, clear it medically, or drop the plan.")
    async def plan_discharge(self, info: Ask, input: PlanDischargeInput) -> PlanDischargeResult:
        return await stay_recorded(info, input, info.context.state.hospital.plan_discharge)

    @strawberry.mutation(
        description="Close a stay; its bed is released and its prescriptions stop."
    )
    async def discharge_patient(
        self, info: Ask, input: DischargePatientInput
    ) -> DischargePatientResult:
        return await stay_recorded(info, input, info.context.state.hospital.discharge_patient)
