"""All mutations: each gives one command and answers with what it changed."""

import strawberry

from api.graphql.context import Ask
from api.graphql.inputs import (
    AddBedInput,
    AdmitPatientInput,
    AllocateRoomInput,
    AmendVisitInput,
    CancelAdministrationInput,
    CancelAdmissionInput,
    CancelDischargeInput,
    CancelMovementInput,
    CancelPrescriptionInput,
    CancelVisitInput,
    ChangeAttendingInput,
    ChangePrescriptionInput,
    ChangeSpecialtyInput,
    CloseBedInput,
    CompletePrescriptionInput,
    CorrectAdministrationInput,
    CorrectFactsInput,
    CorrectMovementInput,
    CorrectPatientDetailsInput,
    DischargePatientInput,
    EndLeaveInput,
    FinishCleaningInput,
    HoldPrescriptionInput,
    MergePatientsInput,
    OpenRoomInput,
    PlanDischargeInput,
    RecordAdministrationInput,
    RecordDeathInput,
    RecordVisitInput,
    RegisterPatientInput,
    RegisterPractitionerInput,
    ReleaseReservationInput,
    ReopenBedInput,
    ReserveBedInput,
    ResumePrescriptionInput,
    SetHospitalTimeInput,
    SetRoomPolicyInput,
    StartCleaningInput,
    StartLeaveInput,
    StopPrescriptionInput,
    SwapBedsInput,
    TransferPatientInput,
    UnmergePatientsInput,
    WritePrescriptionInput,
)
from api.graphql.recording import (
    hospital_time_recorded,
    patient_recorded,
    practitioner_recorded,
    prescription_recorded,
    room_recorded,
    stay_recorded,
    visit_recorded,
)
from api.graphql.results import (
    AddBedResult,
    AdmitPatientResult,
    AllocateRoomResult,
    AmendVisitResult,
    CancelAdministrationResult,
    CancelAdmissionResult,
    CancelDischargeResult,
    CancelMovementResult,
    CancelPrescriptionResult,
    CancelVisitResult,
    ChangeAttendingResult,
    ChangePrescriptionResult,
    ChangeSpecialtyResult,
    CloseBedResult,
    CompletePrescriptionResult,
    CorrectAdministrationResult,
    CorrectFactsResult,
    CorrectMovementResult,
    CorrectPatientDetailsResult,
    DischargePatientResult,
    EndLeaveResult,
    FinishCleaningResult,
    HoldPrescriptionResult,
    MergePatientsResult,
    OpenRoomResult,
    PlanDischargeResult,
    RecordAdministrationResult,
    RecordDeathResult,
    RecordVisitResult,
    RegisterPatientResult,
    RegisterPractitionerResult,
    ReleaseReservationResult,
    ReopenBedResult,
    ReserveBedResult,
    ResumePrescriptionResult,
    SetHospitalTimeResult,
    SetRoomPolicyResult,
    StartCleaningResult,
    StartLeaveResult,
    StopPrescriptionResult,
    SwapBedsResult,
    TransferPatientResult,
    UnmergePatientsResult,
    WritePrescriptionResult,
)


@strawberry.type(description="What can be recorded.")
class Mutation:
    @strawberry.mutation(description="Make a person known; without names: not identified yet.")
    async def register_patient(
        self, info: Ask, input: RegisterPatientInput
    ) -> RegisterPatientResult:
        return await patient_recorded(info, input, info.context.house.hospital.register_patient)

    @strawberry.mutation(description="Make a practitioner known.")
    async def register_practitioner(
        self, info: Ask, input: RegisterPractitionerInput
    ) -> RegisterPractitionerResult:
        return await practitioner_recorded(
            info, input, info.context.house.hospital.register_practitioner
        )

    @strawberry.mutation(description="Set the hospital's own clock.")
    async def set_hospital_time(
        self, info: Ask, input: SetHospitalTimeInput
    ) -> SetHospitalTimeResult:
        return await hospital_time_recorded(
            info, input, info.context.house.hospital.set_hospital_time
        )

    @strawberry.mutation(
        description="A death, at occurredAt, of a patient named by MRN or by stay."
    )
    async def record_death(self, info: Ask, input: RecordDeathInput) -> RecordDeathResult:
        return await patient_recorded(info, input, info.context.house.hospital.record_death)

    @strawberry.mutation(description="Open a room of a ward with its beds.")
    async def open_room(self, info: Ask, input: OpenRoomInput) -> OpenRoomResult:
        return await room_recorded(info, input, info.context.house.hospital.open_room)

    @strawberry.mutation(description="Put another bed into a room.")
    async def add_bed(self, info: Ask, input: AddBedInput) -> AddBedResult:
        return await room_recorded(info, input, info.context.house.hospital.add_bed)

    @strawberry.mutation(description="Set a policy of a room, or lift it.")
    async def set_room_policy(self, info: Ask, input: SetRoomPolicyInput) -> SetRoomPolicyResult:
        return await room_recorded(info, input, info.context.house.hospital.set_room_policy)

    @strawberry.mutation(description="Close a bed; the reason is needed.")
    async def close_bed(self, info: Ask, input: CloseBedInput) -> CloseBedResult:
        return await room_recorded(info, input, info.context.house.hospital.close_bed)

    @strawberry.mutation(description="End the closure in force.")
    async def reopen_bed(self, info: Ask, input: ReopenBedInput) -> ReopenBedResult:
        return await room_recorded(info, input, info.context.house.hospital.reopen_bed)

    @strawberry.mutation(description="A bed is being cleaned.")
    async def start_cleaning(self, info: Ask, input: StartCleaningInput) -> StartCleaningResult:
        return await room_recorded(info, input, info.context.house.hospital.start_cleaning)

    @strawberry.mutation(description="A bed is clean.")
    async def finish_cleaning(self, info: Ask, input: FinishCleaningInput) -> FinishCleaningResult:
        return await room_recorded(info, input, info.context.house.hospital.finish_cleaning)

    @strawberry.mutation(description="Reserve a bed for a patient or a stay.")
    async def reserve_bed(self, info: Ask, input: ReserveBedInput) -> ReserveBedResult:
        return await room_recorded(info, input, info.context.house.hospital.reserve_bed)

    @strawberry.mutation(description="Give up a reservation before it lapses.")
    async def release_reservation(
        self, info: Ask, input: ReleaseReservationInput
    ) -> ReleaseReservationResult:
        return await room_recorded(info, input, info.context.house.hospital.release_reservation)

    @strawberry.mutation(description="Open a stay, with a bed or without.")
    async def admit_patient(self, info: Ask, input: AdmitPatientInput) -> AdmitPatientResult:
        return await stay_recorded(info, input, info.context.house.hospital.admit_patient)

    @strawberry.mutation(description="The first bed of a stay.")
    async def allocate_room(self, info: Ask, input: AllocateRoomInput) -> AllocateRoomResult:
        return await stay_recorded(info, input, info.context.house.hospital.allocate_room)

    @strawberry.mutation(description="Move a patient to another bed, or to a place without one.")
    async def transfer_patient(
        self, info: Ask, input: TransferPatientInput
    ) -> TransferPatientResult:
        return await stay_recorded(info, input, info.context.house.hospital.transfer_patient)

    @strawberry.mutation(description="Two patients exchange beds, in one act.")
    async def swap_beds(self, info: Ask, input: SwapBedsInput) -> SwapBedsResult:
        return await stay_recorded(info, input, info.context.house.hospital.swap_beds)

    @strawberry.mutation(description="A patient leaves for a while.")
    async def start_leave(self, info: Ask, input: StartLeaveInput) -> StartLeaveResult:
        return await stay_recorded(info, input, info.context.house.hospital.start_leave)

    @strawberry.mutation(description="A patient is back from leave.")
    async def end_leave(self, info: Ask, input: EndLeaveInput) -> EndLeaveResult:
        return await stay_recorded(info, input, info.context.house.hospital.end_leave)

    @strawberry.mutation(description="Another doctor is responsible.")
    async def change_attending(
        self, info: Ask, input: ChangeAttendingInput
    ) -> ChangeAttendingResult:
        return await stay_recorded(info, input, info.context.house.hospital.change_attending)

    @strawberry.mutation(description="Another specialty is responsible.")
    async def change_specialty(
        self, info: Ask, input: ChangeSpecialtyInput
    ) -> ChangeSpecialtyResult:
        return await stay_recorded(info, input, info.context.house.hospital.change_specialty)

    @strawberry.mutation(description="A doctor saw the patient.")
    async def record_visit(self, info: Ask, input: RecordVisitInput) -> RecordVisitResult:
        return await visit_recorded(info, input, info.context.house.hospital.record_visit)

    @strawberry.mutation(description="Plan a discharge, clear it medically, or drop the plan.")
    async def plan_discharge(self, info: Ask, input: PlanDischargeInput) -> PlanDischargeResult:
        return await stay_recorded(info, input, info.context.house.hospital.plan_discharge)

    @strawberry.mutation(
        description="Close a stay; its bed is released and its prescriptions stop."
    )
    async def discharge_patient(
        self, info: Ask, input: DischargePatientInput
    ) -> DischargePatientResult:
        return await stay_recorded(info, input, info.context.house.hospital.discharge_patient)

    @strawberry.mutation(description="Prescribe a medicine.")
    async def write_prescription(
        self, info: Ask, input: WritePrescriptionInput
    ) -> WritePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.write_prescription
        )

    @strawberry.mutation(description="Another dose, route, frequency or planned stop.")
    async def change_prescription(
        self, info: Ask, input: ChangePrescriptionInput
    ) -> ChangePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.change_prescription
        )

    @strawberry.mutation(description="Pause a prescription.")
    async def hold_prescription(
        self, info: Ask, input: HoldPrescriptionInput
    ) -> HoldPrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.hold_prescription
        )

    @strawberry.mutation(description="Go on with a prescription that is held.")
    async def resume_prescription(
        self, info: Ask, input: ResumePrescriptionInput
    ) -> ResumePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.resume_prescription
        )

    @strawberry.mutation(description="End a prescription.")
    async def stop_prescription(
        self, info: Ask, input: StopPrescriptionInput
    ) -> StopPrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.stop_prescription
        )

    @strawberry.mutation(description="A prescription has run its course.")
    async def complete_prescription(
        self, info: Ask, input: CompletePrescriptionInput
    ) -> CompletePrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.complete_prescription
        )

    @strawberry.mutation(description="A dose given, or not given and why.")
    async def record_administration(
        self, info: Ask, input: RecordAdministrationInput
    ) -> RecordAdministrationResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.record_administration
        )

    @strawberry.mutation(description="Take a whole stay back; its bed is free in the same act.")
    async def cancel_admission(
        self, info: Ask, input: CancelAdmissionInput
    ) -> CancelAdmissionResult:
        return await stay_recorded(info, input, info.context.house.hospital.cancel_admission)

    @strawberry.mutation(description="Take a discharge back, naming where the patient is.")
    async def cancel_discharge(
        self, info: Ask, input: CancelDischargeInput
    ) -> CancelDischargeResult:
        return await stay_recorded(info, input, info.context.house.hospital.cancel_discharge)

    @strawberry.mutation(description="Take back any movement by its id; a swap, in both stays.")
    async def cancel_movement(self, info: Ask, input: CancelMovementInput) -> CancelMovementResult:
        return await stay_recorded(info, input, info.context.house.hospital.cancel_movement)

    @strawberry.mutation(
        description="A movement happened at another time (occurredAt), or in another place."
    )
    async def correct_movement(
        self, info: Ask, input: CorrectMovementInput
    ) -> CorrectMovementResult:
        return await stay_recorded(info, input, info.context.house.hospital.correct_movement)

    @strawberry.mutation(
        description="Several corrections, cancels and late entries, decided on the end result."
    )
    async def correct_facts(self, info: Ask, input: CorrectFactsInput) -> CorrectFactsResult:
        return await stay_recorded(info, input, info.context.house.hospital.correct_facts)

    @strawberry.mutation(description="Another time, doctor, kind or note of a visit.")
    async def amend_visit(self, info: Ask, input: AmendVisitInput) -> AmendVisitResult:
        return await visit_recorded(info, input, info.context.house.hospital.amend_visit)

    @strawberry.mutation(description="The visit never was.")
    async def cancel_visit(self, info: Ask, input: CancelVisitInput) -> CancelVisitResult:
        return await stay_recorded(info, input, info.context.house.hospital.cancel_visit)

    @strawberry.mutation(description="A prescription was entered in error.")
    async def cancel_prescription(
        self, info: Ask, input: CancelPrescriptionInput
    ) -> CancelPrescriptionResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.cancel_prescription
        )

    @strawberry.mutation(description="Another time or amount of a dose, or it was not given.")
    async def correct_administration(
        self, info: Ask, input: CorrectAdministrationInput
    ) -> CorrectAdministrationResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.correct_administration
        )

    @strawberry.mutation(description="The dose never was.")
    async def cancel_administration(
        self, info: Ask, input: CancelAdministrationInput
    ) -> CancelAdministrationResult:
        return await prescription_recorded(
            info, input, info.context.house.hospital.cancel_administration
        )

    @strawberry.mutation(description="Details always were so, or are so from a day on.")
    async def correct_patient_details(
        self, info: Ask, input: CorrectPatientDetailsInput
    ) -> CorrectPatientDetailsResult:
        return await patient_recorded(
            info, input, info.context.house.hospital.correct_patient_details
        )

    @strawberry.mutation(description="Two records are one person: reading follows the link.")
    async def merge_patients(self, info: Ask, input: MergePatientsInput) -> MergePatientsResult:
        return await patient_recorded(info, input, info.context.house.hospital.merge_patients)

    @strawberry.mutation(description="They were not one person: exactly what was is again.")
    async def unmerge_patients(
        self, info: Ask, input: UnmergePatientsInput
    ) -> UnmergePatientsResult:
        return await patient_recorded(info, input, info.context.house.hospital.unmerge_patients)
