"""The input of each mutation. Its names are those of the command's parameters (a test compares)."""

from datetime import date, datetime, time
from typing import Any

import strawberry
from strawberry import UNSET

from api.graphql.enums import (
    AdmissionType,
    Because,
    Confidentiality,
    DischargePlan,
    Disposition,
    EntryKind,
    Grade,
    OutsidePrescription,
    Precision,
    RoomPolicy,
    Sex,
    VisitKind,
)


def _said(description: str, name: str | None = None) -> Any:
    """An optional input: absent unless said."""
    return strawberry.field(default=UNSET, description=description, name=name)


def _must(description: str, name: str | None = None) -> Any:
    return strawberry.field(description=description, name=name)


@strawberry.input
class CommandInput:
    command_id: strawberry.ID = _must("A UUID made by the client; a repeat has one effect.")
    occurred_at: datetime | None = _said("When it happened; now by default, never in the future.")
    occurred_at_precision: Precision | None = _said(
        "How precisely that is known; MINUTE by default."
    )
    performed_by: str | None = _said("Who did it, where that is not who records it.")
    witnessed_by: str | None = _said("Who witnessed it, where two must sign.")
    reason: str | None = _said("Why; needed for entries more than an hour late, and for closures.")
    expected_version: int | None = _said("The version the client read before it wrote.")


@strawberry.input(description="A drug, by name and by code.")
class MedicationInput:
    name: str = _must("Name.")
    code: str | None = _said("Code in the coding system.")
    system: str | None = _said("Coding system: ATC, RxNorm, a formulary.")


@strawberry.input(description="Where a child goes that shared its mother's bed.")
class SharerInput:
    stay_id: strawberry.ID = _must("The child's stay.")
    shares_bed: bool | None = _said("Along with the mother, into her new bed.")
    ward: str | None = _said("The ward of a bed of its own.")
    room: str | None = _said("The room of that bed.")
    bed: str | None = _said("That bed's code.")


@strawberry.input(description="Make a person known; without names: not identified yet.")
class RegisterPatientInput(CommandInput):
    mrn: str = _must("Medical record number; temporary for somebody unidentified.")
    mrn_authority: str | None = _said("Who assigned it; the hospital's own by default.")
    family_name: str | None = _said("Family name.")
    given_name: str | None = _said("Given name.")
    birth_date: date | None = _said("Birth date.")
    sex: Sex | None = _said("Administrative sex; UNKNOWN by default.")
    confidentiality: Confidentiality | None = _said("Confidentiality label; NORMAL by default.")


@strawberry.input(description="Make a practitioner known.")
class RegisterPractitionerInput(CommandInput):
    staff_number: str = _must("Staff number.")
    family_name: str | None = _said("Family name.")
    given_name: str | None = _said("Given name.")
    grade: Grade | None = _said("Seniority; OTHER by default.")
    grade_from: date | None = _said("The day from which the grade is held; absent: always.")
    specialty: str | None = _said("Specialty.")


@strawberry.input(description="Set the hospital's own clock.")
class SetHospitalTimeInput(CommandInput):
    time_zone: str = _must("IANA name, for example Europe/Berlin.")
    census_time: time | None = _said("Local time of the census; 23:59 by default.")
    valid_from: date | None = _said("The local day from which it holds; absent: always was so.")


@strawberry.input(description="A death, at occurredAt, of a patient named by MRN or by stay.")
class RecordDeathInput(CommandInput):
    patient_mrn: str | None = _said("The patient's MRN.")
    mrn_authority: str | None = _said("Who assigned it; the hospital's own by default.")
    stay_id: strawberry.ID | None = _said("The patient's stay.")


@strawberry.input(description="Open a room of a ward with its beds.")
class OpenRoomInput(CommandInput):
    ward: str = _must("The ward.")
    room: str = _must("The number within the ward.")
    beds: list[str] = _must("The codes of its beds.")


@strawberry.input(description="Put another bed into a room.")
class AddBedInput(CommandInput):
    ward: str = _must("The ward.")
    room: str = _must("The number within the ward.")
    bed: str = _must("The code of the new bed.")


@strawberry.input(description="Set a policy of a room, or lift it.")
class SetRoomPolicyInput(CommandInput):
    ward: str = _must("The ward.")
    room: str = _must("The number within the ward.")
    policy: RoomPolicy = _must("The policy.")
    applies: bool | None = _said("False lifts it; true by default.")


@strawberry.input(description="Close a bed; the reason is needed.")
class CloseBedInput(CommandInput):
    ward: str = _must("The ward.")
    room: str = _must("The number within the ward.")
    bed: str = _must("The bed's code.")
    since: datetime | None = _said("From when; may be planned; occurredAt by default.", "from")
    until: datetime | None = _said("Until when; absent: until it is reopened.")


@strawberry.input(description="End the closure in force.")
class ReopenBedInput(CommandInput):
    ward: str = _must("The ward.")
    room: str = _must("The number within the ward.")
    bed: str = _must("The bed's code.")


@strawberry.input(description="A bed is being cleaned.")
class StartCleaningInput(CommandInput):
    ward: str = _must("The ward.")
    room: str = _must("The number within the ward.")
    bed: str = _must("The bed's code.")


@strawberry.input(description="A bed is clean.")
class FinishCleaningInput(CommandInput):
    ward: str = _must("The ward.")
    room: str = _must("The number within the ward.")
    bed: str = _must("The bed's code.")


@strawberry.input(description="Reserve a bed for a patient or a stay.")
class ReserveBedInput(CommandInput):
    ward: str = _must("The ward.")
    room: str = _must("The number within the ward.")
    bed: str = _must("The bed's code.")
    since: datetime | None = _said("From when; occurredAt by default.", "from")
    until: datetime = _must("When it lapses.")
    patient_mrn: str | None = _said("For this patient.")
    mrn_authority: str | None = _said("Who assigned the MRN; the hospital's own by default.")
    stay_id: strawberry.ID | None = _said("For this stay.")


@strawberry.input(description="Give up a reservation before it lapses.")
class ReleaseReservationInput(CommandInput):
    ward: str = _must("The ward.")
    room: str = _must("The number within the ward.")
    reservation_id: strawberry.ID = _must("As shown at the bed.")


@strawberry.input(description="Open a stay, with a bed or without.")
class AdmitPatientInput(CommandInput):
    patient_mrn: str = _must("The patient's MRN.")
    mrn_authority: str | None = _said("Who assigned it; the hospital's own by default.")
    admission_type: AdmissionType = _must("How the patient came in.")
    attending: str | None = _said("Staff number of the responsible doctor.")
    specialty: str | None = _said("The responsible specialty.")
    decided_to_admit_at: datetime | None = _said("When it was decided to admit.")
    ward: str | None = _said("The ward of the bed.")
    room: str | None = _said("The room of the bed.")
    bed: str | None = _said("The bed's code.")
    shares_bed_of: strawberry.ID | None = _said("The mother's stay, for a newborn in her bed.")
    without_bed: str | None = _said("Where a patient without a bed is: corridor, trolley.")
    confidentiality: Confidentiality | None = _said(
        "Confidentiality label; the patient's by default."
    )


@strawberry.input(description="The first bed of a stay.")
class AllocateRoomInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    ward: str = _must("The ward.")
    room: str = _must("The number within the ward.")
    bed: str = _must("The bed's code.")
    shares_bed_of: strawberry.ID | None = _said("The mother's stay, for a newborn in her bed.")


@strawberry.input(description="Move a patient to another bed, or to a place without one.")
class TransferPatientInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    ward: str | None = _said("The ward of the bed.")
    room: str | None = _said("The room of the bed.")
    bed: str | None = _said("The bed's code.")
    shares_bed_of: strawberry.ID | None = _said("The mother's stay, for a newborn in her bed.")
    without_bed: str | None = _said("Where a patient without a bed is: corridor, trolley.")
    sharers: list[SharerInput] | None = _said("Where each child goes that shares the mother's bed.")


@strawberry.input(description="Two patients exchange beds, in one act.")
class SwapBedsInput(CommandInput):
    stay_id: strawberry.ID = _must("One stay.")
    with_stay_id: strawberry.ID = _must("The other stay.")


@strawberry.input(description="A patient leaves for a while.")
class StartLeaveInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    keep_bed: bool = _must("Whether the bed is kept.")
    expected_return: datetime | None = _said("When the patient is expected back.")


@strawberry.input(description="A patient is back from leave.")
class EndLeaveInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    ward: str | None = _said("The ward of the bed, if it is another than the kept one.")
    room: str | None = _said("The room of the bed.")
    bed: str | None = _said("The bed's code.")
    shares_bed_of: strawberry.ID | None = _said("The mother's stay, for a newborn in her bed.")
    without_bed: str | None = _said("Where a patient without a bed is: corridor, trolley.")


@strawberry.input(description="Another doctor is responsible.")
class ChangeAttendingInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    attending: str = _must("Staff number of the doctor.")


@strawberry.input(description="Another specialty is responsible.")
class ChangeSpecialtyInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    specialty: str = _must("The specialty.")


@strawberry.input(description="A doctor saw the patient.")
class RecordVisitInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    practitioner: str = _must("Staff number of the doctor.")
    kind: VisitKind = _must("What kind of visit.")
    note: str | None = _said("What was noted.")


@strawberry.input(description="Plan a discharge, clear it medically, or drop the plan.")
class PlanDischargeInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    plan: DischargePlan | None = _said("How far it is planned; PLANNED by default.")
    expected_at: datetime | None = _said("When it is expected.")


@strawberry.input(description="Close a stay; its bed is released and its prescriptions stop.")
class DischargePatientInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    disposition: Disposition = _must("Where the patient goes.")
    destination: str | None = _said("Where to, by name.")
    keep_prescriptions: list[strawberry.ID] | None = _said(
        "Prescriptions that go on as discharge medicines."
    )


@strawberry.input(description="Prescribe a medicine.")
class WritePrescriptionInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    medication: MedicationInput = _must("What.")
    dose: str | None = _said("How much at a time.")
    route: str | None = _said("By which route.")
    frequency: str | None = _said("How often.")
    start: datetime | None = _said("From when; may lie ahead; occurredAt by default.")
    stop: datetime | None = _said("Until when, if that is planned.")
    prescriber: str | None = _said("Staff number of the prescriber.")


@strawberry.input(description="Another dose, route, frequency or planned stop.")
class ChangePrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = _must("The prescription.")
    dose: str | None = _said("How much at a time.")
    route: str | None = _said("By which route.")
    frequency: str | None = _said("How often.")
    stop: datetime | None = _said("Until when.")


@strawberry.input(description="Pause a prescription.")
class HoldPrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = _must("The prescription.")


@strawberry.input(description="Go on with a prescription that is held.")
class ResumePrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = _must("The prescription.")


@strawberry.input(description="End a prescription.")
class StopPrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = _must("The prescription.")


@strawberry.input(description="A prescription has run its course.")
class CompletePrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = _must("The prescription.")


@strawberry.input(description="A dose given, or not given and why.")
class RecordAdministrationInput(CommandInput):
    prescription_id: strawberry.ID = _must("The prescription.")
    given: bool = _must("Whether it was given.")
    dose_given: str | None = _said("How much was given.")
    reason_not_given: str | None = _said("Why it was not given.")
    outside_prescription: OutsidePrescription | None = _said(
        "Why it lies outside the prescription."
    )


@strawberry.input(description="A movement happened at another time, or in another place.")
class MovementCorrectionInput:
    movement_id: strawberry.ID = _must("The movement.")
    occurred_at: datetime | None = _said("When it really happened; absent: as recorded.")
    ward: str | None = _said("The ward where it really was.")
    room: str | None = _said("The room where it really was.")
    bed: str | None = _said("The bed where it really was.")
    shares_bed_of: strawberry.ID | None = _said("The mother's stay, for a child in her bed.")
    without_bed: str | None = _said("The place without a bed where it really was.")


@strawberry.input(description="A movement is taken back.")
class MovementCancelInput:
    movement_id: strawberry.ID = _must("The movement.")
    because: Because = _must("Entered in error, or the decision was reversed.")
    occurred_at: datetime | None = _said("When it was reversed; now by default.")
    ward: str | None = _said("The ward of another bed than the one before.")
    room: str | None = _said("The room of that bed.")
    bed: str | None = _said("That bed's code.")
    without_bed: str | None = _said("A place without a bed, instead.")


@strawberry.input(description="A movement that was never entered.")
class LateEntryInput:
    stay_id: strawberry.ID = _must("The stay.")
    kind: EntryKind = strawberry.field(default=EntryKind.TRANSFER, description="What happened.")
    occurred_at: datetime = _must("When it happened.")
    ward: str | None = _said("The ward, for a transfer or a return.")
    room: str | None = _said("The room.")
    bed: str | None = _said("The bed.")
    shares_bed_of: strawberry.ID | None = _said("The mother's stay, for a child in her bed.")
    without_bed: str | None = _said("A place without a bed.")
    keep_bed: bool | None = _said("Whether the bed is kept during a leave; true by default.")


@strawberry.input(description="Take a whole stay back; its bed is free in the same act.")
class CancelAdmissionInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    because: Because = _must("Entered in error, or the decision was reversed.")
    void_clinical_facts: bool | None = _said(
        "Void its visits, prescriptions and doses too; otherwise they stop the cancel."
    )


@strawberry.input(description="Take a discharge back, naming the bed to come back to.")
class CancelDischargeInput(CommandInput):
    stay_id: strawberry.ID = _must("The stay.")
    because: Because = _must("Entered in error, or the decision was reversed.")
    ward: str | None = _said("The ward of the bed to come back to.")
    room: str | None = _said("The room of that bed.")
    bed: str | None = _said("That bed's code.")
    without_bed: str | None = _said("A place without a bed, instead.")


@strawberry.input(description="Take back any movement by its id; a swap, in both stays.")
class CancelMovementInput(CommandInput):
    movement_id: strawberry.ID = _must("The movement.")
    because: Because = _must("Entered in error, or the decision was reversed.")
    ward: str | None = _said("Reversed: the ward of another bed than the one before.")
    room: str | None = _said("The room of that bed.")
    bed: str | None = _said("That bed's code.")
    without_bed: str | None = _said("A place without a bed, instead.")


@strawberry.input(
    description="A movement happened at another time (occurredAt), or in another place."
)
class CorrectMovementInput(CommandInput):
    movement_id: strawberry.ID = _must("The movement.")
    ward: str | None = _said("The ward where it really was.")
    room: str | None = _said("The room where it really was.")
    bed: str | None = _said("The bed where it really was.")
    shares_bed_of: strawberry.ID | None = _said("The mother's stay, for a child in her bed.")
    without_bed: str | None = _said("The place without a bed where it really was.")


@strawberry.input(
    description="Several corrections, cancels and late entries, decided on the end result."
)
class CorrectFactsInput(CommandInput):
    corrections: list[MovementCorrectionInput] | None = _said("Movements that were otherwise.")
    cancels: list[MovementCancelInput] | None = _said("Movements that are taken back.")
    entries: list[LateEntryInput] | None = _said("Movements that were never entered.")


@strawberry.input(
    description="Another time (occurredAt), doctor, kind or note of a visit; what is absent stays."
)
class AmendVisitInput(CommandInput):
    visit_id: strawberry.ID = _must("The visit.")
    practitioner: str | None = _said("Who really saw the patient: staff number.")
    kind: VisitKind | None = _said("What kind it really was.")
    note: str | None = _said("The note as it should be.")


@strawberry.input(description="The visit never was.")
class CancelVisitInput(CommandInput):
    visit_id: strawberry.ID = _must("The visit.")
    because: Because | None = _said("ENTERED_IN_ERROR, the default and the only reason possible.")


@strawberry.input(description="A prescription was entered in error; refused once a dose was given.")
class CancelPrescriptionInput(CommandInput):
    prescription_id: strawberry.ID = _must("The prescription.")
    because: Because | None = _said("ENTERED_IN_ERROR, the default and the only reason possible.")


@strawberry.input(description="Another time (occurredAt) or amount of a dose, or it was not given.")
class CorrectAdministrationInput(CommandInput):
    administration_id: strawberry.ID = _must("The dose.")
    given: bool | None = _said("Whether it was really given.")
    dose_given: str | None = _said("How much was really given.")
    reason_not_given: str | None = _said("Why it was not given.")
    outside_prescription: OutsidePrescription | None = _said(
        "Why it lies outside its prescription."
    )


@strawberry.input(description="The dose never was.")
class CancelAdministrationInput(CommandInput):
    administration_id: strawberry.ID = _must("The dose.")
    because: Because | None = _said("ENTERED_IN_ERROR, the default and the only reason possible.")


@strawberry.input(description="Details always were so, or are so from validFrom on.")
class CorrectPatientDetailsInput(CommandInput):
    patient_mrn: str = _must("The patient's MRN as recorded.")
    mrn_authority: str | None = _said("Who assigned it; the hospital's own by default.")
    mrn: str | None = _said("The right MRN.")
    family_name: str | None = _said("Family name.")
    given_name: str | None = _said("Given name.")
    birth_date: date | None = _said("Birth date.")
    sex: Sex | None = _said("Administrative sex.")
    confidentiality: Confidentiality | None = _said("Confidentiality label.")
    valid_from: date | None = _said(
        "The hospital's day from which they are so; absent: they always were."
    )


@strawberry.input(description="Two records are one person: reading follows the link.")
class MergePatientsInput(CommandInput):
    patient_mrn: str = _must("The MRN of the record that is merged away.")
    mrn_authority: str | None = _said("Who assigned it; the hospital's own by default.")
    into_mrn: str = _must("The MRN of the record that it is merged into.")
    into_mrn_authority: str | None = _said("Who assigned that; the hospital's own by default.")


@strawberry.input(description="They were not one person: exactly what was is again.")
class UnmergePatientsInput(CommandInput):
    merge_id: strawberry.ID = _must("The merge.")
