"""Inputs of the commands about persons, and about the hospital's own clock."""

from datetime import date, time

from api.graphql.mutations.house_payloads import HospitalTimeRecorded
from api.graphql.mutations.inputs import (
    IN_ERROR_ALONE,
    CommandInput,
    ExpectedArrivalId,
    MergeId,
    PatientId,
    StayId,
    optional,
    required,
)
from api.graphql.mutations.payloads import (
    GlassBroken,
    PatientRecorded,
    PractitionerRecorded,
)
from api.graphql.mutations.resolvers import command_input
from api.graphql.types.enums import (
    CancellationReason,
    Confidentiality,
    Grade,
    LegalBasis,
    PatientDetail,
    Sex,
)


@command_input(
    "register_patient", PatientRecorded, "Make a person known; without names: not identified yet."
)
class RegisterPatientInput(CommandInput):
    mrn: str = required("Medical record number; temporary for somebody unidentified.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    family_name: str | None = optional("Family name.")
    given_name: str | None = optional("Given name.")
    birth_date: date | None = optional("Birth date.")
    sex: Sex | None = optional("Administrative sex; UNKNOWN by default.")
    confidentiality: Confidentiality | None = optional("Confidentiality label; NORMAL by default.")
    despite_likely_duplicates: list[PatientId] | None = optional(
        "The patients that likelyDuplicates showed and who are another person, by id: kept with the"
        " registration, with who said so."
    )


@command_input("place_legal_hold", PatientRecorded, "Forbid to erase a person, saying why.")
class PlaceLegalHoldInput(CommandInput):
    patient_mrn: str | None = optional("The patient's MRN.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    expected_arrival_id: ExpectedArrivalId | None = optional(
        "In place of the MRN: the expected arrival of who was never registered."
    )


@command_input("lift_legal_hold", PatientRecorded, "Lift the legal hold of a person, saying why.")
class LiftLegalHoldInput(CommandInput):
    patient_mrn: str | None = optional("The patient's MRN.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    expected_arrival_id: ExpectedArrivalId | None = optional(
        "In place of the MRN: the expected arrival of who was never registered."
    )


@command_input(
    "request_erasure",
    PatientRecorded,
    "Request that a person is erased; another login approves it.",
)
class RequestErasureInput(CommandInput):
    patient_mrn: str | None = optional("The patient's MRN, of any record of the person.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    expected_arrival_id: ExpectedArrivalId | None = optional(
        "In place of the MRN: the expected arrival of who was never registered."
    )
    legal_basis: LegalBasis = required("Why the law wants or allows it.")


@command_input(
    "withdraw_erasure", PatientRecorded, "Withdraw a request to erase a person, or turn it down."
)
class WithdrawErasureInput(CommandInput):
    patient_mrn: str | None = optional("The patient's MRN, of any record of the person.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    expected_arrival_id: ExpectedArrivalId | None = optional(
        "In place of the MRN: the expected arrival of who was never registered."
    )


@command_input(
    "erase_patient",
    PatientRecorded,
    "Approve the request of another login, and erase the person for good: all records, all stays.",
)
class ErasePatientInput(CommandInput):
    patient_mrn: str | None = optional("The patient's MRN, of any record of the person.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    expected_arrival_id: ExpectedArrivalId | None = optional(
        "In place of the MRN: the expected arrival of who was never registered."
    )


@command_input(
    "correct_patient_details",
    PatientRecorded,
    "Details always were so, or are so from validFrom on.",
    mutation_description="Details always were so, or are so from a day on.",
)
class CorrectPatientDetailsInput(CommandInput):
    patient_mrn: str = required("The patient's MRN as recorded.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    mrn: str | None = optional("The right MRN.")
    family_name: str | None = optional("Family name.")
    given_name: str | None = optional("Given name.")
    birth_date: date | None = optional("Birth date.")
    sex: Sex | None = optional("Administrative sex.")
    confidentiality: Confidentiality | None = optional("Confidentiality label.")
    valid_from: date | None = optional(
        "The hospital's day from which they are so; absent: they always were."
    )
    new_mrn_authority: str | None = optional("Who really assigned the MRN.")
    unknown: list[PatientDetail] | None = optional(
        "The details of which a wrong value was told, and that nobody knows."
    )


@command_input(
    "correct_patient_change",
    PatientRecorded,
    "What changed from validFrom on was another, or did from newValidFrom on.",
)
class CorrectPatientChangeInput(CommandInput):
    patient_mrn: str = required("The patient's MRN.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    valid_from: date = required("The hospital's day from which it is told to be so.")
    new_valid_from: date | None = optional("The day from which it really is so.")
    family_name: str | None = optional("Family name.")
    given_name: str | None = optional("Given name.")
    sex: Sex | None = optional("Administrative sex.")
    confidentiality: Confidentiality | None = optional("Confidentiality label.")


@command_input("cancel_patient_change", PatientRecorded, "A person's details did not change so.")
class CancelPatientChangeInput(CommandInput):
    patient_mrn: str = required("The patient's MRN.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    valid_from: date = required("The hospital's day from which it is told to be so.")


@command_input(
    "merge_patients", PatientRecorded, "Two records are one person: reading follows the link."
)
class MergePatientsInput(CommandInput):
    patient_mrn: str = required("The MRN of the record that is merged away.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    into_mrn: str = required("The MRN of the record that it is merged into.")
    into_mrn_authority: str | None = optional("Who assigned that; the hospital's own by default.")


@command_input(
    "unmerge_patients", PatientRecorded, "They were not one person: exactly what was is again."
)
class UnmergePatientsInput(CommandInput):
    merge_id: MergeId = required("The merge.")


@command_input(
    "record_death", PatientRecorded, "A death, at occurredAt, of a patient named by MRN or by stay."
)
class RecordDeathInput(CommandInput):
    patient_mrn: str | None = optional("The patient's MRN.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    stay_id: StayId | None = optional("The patient's stay.")


@command_input(
    "correct_death",
    PatientRecorded,
    "The death was at another time (occurredAt). It is a fact of its own from then on, and stays if the"
    " discharge that it followed from is taken back.",
)
class CorrectDeathInput(CommandInput):
    patient_mrn: str | None = optional("The patient's MRN, of any record of the person.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    stay_id: StayId | None = optional("A stay of the patient, instead.")


@command_input("cancel_death", PatientRecorded, "The patient did not die.")
class CancelDeathInput(CommandInput):
    patient_mrn: str | None = optional("The patient's MRN, of any record of the person.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    stay_id: StayId | None = optional("A stay of the patient, instead.")
    because: CancellationReason | None = optional(IN_ERROR_ALONE)


@command_input(
    "break_glass",
    GlassBroken,
    "Open a patient's data to oneself; the reason is needed.",
    mutation_description="Open a patient's data to oneself for some hours, saying why. What is read then"
    " is marked, and asked about later.",
)
class BreakGlassInput(CommandInput):
    patient_mrn: str = required("The patient's MRN.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    hours: int | None = optional("For how long, 1 to 24; 8 by default.")


@command_input("register_practitioner", PractitionerRecorded, "Make a practitioner known.")
class RegisterPractitionerInput(CommandInput):
    staff_number: str = required("Staff number.")
    family_name: str | None = optional("Family name.")
    given_name: str | None = optional("Given name.")
    grade: Grade | None = optional("Seniority; OTHER by default.")
    grade_from: date | None = optional("The day from which the grade is held; absent: always.")
    specialty: str | None = optional("Specialty.")


@command_input(
    "correct_practitioner", PractitionerRecorded, "A practitioner's details always were so."
)
class CorrectPractitionerInput(CommandInput):
    staff_number: str = required("Staff number, as recorded.")
    new_staff_number: str | None = optional("The right staff number.", blank_is_absent=True)
    family_name: str | None = optional("Family name.")
    given_name: str | None = optional("Given name.")
    grade: Grade | None = optional("Seniority.")
    grade_from: date | None = optional("The day from which the grade is held.")
    specialty: str | None = optional("Specialty.")


@command_input(
    "change_practitioner", PractitionerRecorded, "A practitioner's details are so from a day on."
)
class ChangePractitionerInput(CommandInput):
    staff_number: str = required("Staff number.")
    new_staff_number: str | None = optional("The staff number from then on.", blank_is_absent=True)
    family_name: str | None = optional("Family name.")
    given_name: str | None = optional("Given name.")
    grade: Grade | None = optional("Seniority.")
    specialty: str | None = optional("Specialty.")
    valid_from: date | None = optional("The hospital's day from which it is so; today by default.")


@command_input(
    "cancel_practitioner_change", PractitionerRecorded, "A practitioner did not change so."
)
class CancelPractitionerChangeInput(CommandInput):
    staff_number: str = required("Staff number.")
    valid_from: date = required("The day from which it was so, as recorded.")


@command_input("set_hospital_time", HospitalTimeRecorded, "Set the hospital's own clock.")
class SetHospitalTimeInput(CommandInput):
    time_zone: str = required("IANA name, for example Europe/Berlin.")
    census_time: time | None = optional("Local time of the census; 23:59 by default.")
    valid_from: date | None = optional("The local day from which it holds; absent: always was so.")
