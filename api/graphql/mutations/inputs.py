"""Input fields and input types that mutations have in common.

A field has the name of the command's parameter (a test compares).
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from api.graphql.types.enums import (
    AdmissionType,
    AllergyAction,
    AllergySeverity,
    BedState,
    Disposition,
    PatientDetail,
    Precision,
    Sex,
    SourceMovementKind,
)
from domain.things import Thing

BLANK_IS_ABSENT = "blank_is_absent"
"""Metadata of a field whose empty text is the same as none."""


IN_ERROR_ALONE = "ENTERED_IN_ERROR, the default and the only reason possible."
PRECISION = "How precisely that time is known; MINUTE by default."
CHANGE_ID = "The change: changeId of its recording, movementId of its entry in the timeline."
CONFIRMED = "The warnings against it that are confirmed; the reason is needed."
SCHEDULE = (
    "How often, as a program reads it; frequency and schedule are one statement, and one alone"
    " replaces both."
)


def optional(description: str, name: str | None = None, *, blank_is_absent: bool = False) -> Any:
    """Declare an input field that may be absent; null is the same as absent."""
    metadata = {BLANK_IS_ABSENT: blank_is_absent}
    return strawberry.field(default=UNSET, description=description, name=name, metadata=metadata)


def required(description: str, name: str | None = None) -> Any:
    """Declare an input field that has to be given."""
    return strawberry.field(description=description, name=name)


def authority_of_mrn() -> Any:
    """Declare the input field that names the authority of an MRN."""
    return optional("Who assigned the MRN; the hospital's own by default.")


def about_person() -> Any:
    """Declare the input field that names the person whom the reason is about."""
    return optional(
        "The MRN of the person whom the reason is about, if it is about one: it is erased with them."
        " Name nobody in a reason without it."
    )


@dataclass(frozen=True)
class IdOf:
    """Kind of an input's id. Text that cannot be an id is refused: there is no such ``kind``.

    ``field`` is the input field at fault, where that is not the one with the id.
    """

    thing: Thing
    field: str | None = None


AdministrationId = Annotated[strawberry.ID, IdOf(Thing.DOSE)]
AllergyId = Annotated[strawberry.ID, IdOf(Thing.ALLERGY)]
BedStateId = Annotated[strawberry.ID, IdOf(Thing.BED_STATE)]
ChangeId = Annotated[strawberry.ID, IdOf(Thing.CHANGE)]
ChildStayId = Annotated[strawberry.ID, IdOf(Thing.STAY, field="sharers")]
ConsultId = Annotated[strawberry.ID, IdOf(Thing.CONSULT)]
ExpectedArrivalId = Annotated[strawberry.ID, IdOf(Thing.EXPECTED_ARRIVAL)]
FlagId = Annotated[strawberry.ID, IdOf(Thing.FLAG)]
IssueId = Annotated[strawberry.ID, IdOf(Thing.ISSUED_REPORT)]
MergeId = Annotated[strawberry.ID, IdOf(Thing.MERGE)]
MovementId = Annotated[strawberry.ID, IdOf(Thing.MOVEMENT)]
OwnPrescriptionId = Annotated[strawberry.ID, IdOf(Thing.PRESCRIPTION_OF_STAY)]
PatientId = Annotated[strawberry.ID, IdOf(Thing.PATIENT)]
PrescriptionId = Annotated[strawberry.ID, IdOf(Thing.PRESCRIPTION)]
ReservationId = Annotated[strawberry.ID, IdOf(Thing.RESERVATION)]
StayId = Annotated[strawberry.ID, IdOf(Thing.STAY)]
VisitId = Annotated[strawberry.ID, IdOf(Thing.VISIT)]


@strawberry.input
class CommandInput:
    command_id: strawberry.ID = required("A UUID made by the client; a repeat has one effect.")
    occurred_at: datetime | None = optional(
        "When it happened; now by default, never in the future."
    )
    occurred_at_precision: Precision | None = optional(
        "How precisely that is known; MINUTE by default."
    )
    performed_by: str | None = optional("Who did it, where that is not who records it.")
    witnessed_by: str | None = optional("Who witnessed it, where two must sign.")
    reason: str | None = optional(
        "Why; needed for late entries (hospital { lateAfterMinutes }), for what is put right, taken"
        " back, merged or closed, for confirmed warnings, legal holds, erasures and emergency access."
    )
    expected_version: int | None = optional(
        "The version that was read of what the command names first, as a stay, patient or room:"
        " refused (VersionConflict) if that is another by now."
    )


@strawberry.input(description="A drug, by name and by code.")
class MedicationInput:
    name: str = required("Name.")
    code: str | None = optional("Code in the coding system.", blank_is_absent=True)
    system: str | None = optional("Coding system: ATC, RxNorm, a formulary.", blank_is_absent=True)


@strawberry.input(
    description="When doses are due: one of timesOfDay, everyHours and asNeeded, this with its limits."
)
class ScheduleInput:
    times_of_day: list[time] | None = optional(
        "By the hospital's clocks; a time that they skip is the first moment after."
    )
    every_hours: int | None = optional("Every so many hours from the start on.")
    as_needed: bool | None = optional("Whether it is given as needed.")
    min_interval_minutes: int | None = optional("As needed: the least time between two doses.")
    max_per_day: int | None = optional("As needed: the most doses within 24 hours.")


@strawberry.input(description="Where a child goes that shared its mother's bed.")
class SharerInput:
    stay_id: ChildStayId = required("The child's stay.")
    shares_bed: bool | None = optional("Along with the mother: into her new bed, or on leave.")
    ward: str | None = optional("The ward of a bed of its own.", blank_is_absent=True)
    room: str | None = optional("The room of that bed.", blank_is_absent=True)
    bed: str | None = optional("That bed's code.", blank_is_absent=True)
    without_bed: str | None = optional(
        "A place of its own without a bed: a cot, the nursery.", blank_is_absent=True
    )
    disposition: Disposition | None = optional(
        "Of a child that is discharged together with the mother; hers by default."
    )


@strawberry.input(description="A patient as far as another system knows one; empty for an unknown.")
class SourcePatientInput:
    family_name: str | None = optional("Family name.")
    given_name: str | None = optional("Given name.")
    birth_date: date | None = optional("Birth date.")
    sex: Sex | None = optional("Administrative sex.")
    unknown: list[PatientDetail] | None = optional(
        "Of DETAILS: what that system had told, and nobody knows after all."
    )


@strawberry.input(description="A substance, by name and by code.")
class SubstanceInput:
    name: str = required("Name.")
    code: str | None = optional("Code in the coding system.", blank_is_absent=True)
    system: str | None = optional(
        "Coding system: ATC, in which the code of a group covers its substances, SNOMED CT, …",
        blank_is_absent=True,
    )


@strawberry.input(description="An allergy as another system tells it.")
class SourceAllergyInput:
    substance: SubstanceInput = required("Of what.")
    action: AllergyAction = required("Whether it is new, put right or deleted.")
    severity: AllergySeverity | None = optional("Severity of the reaction.")
    reaction: str | None = optional("The reaction, in words.")


@strawberry.input(description="What another system says that happened.")
class SourceMovementInput:
    kind: SourceMovementKind = required("What happened; a TRANSFER may be into the first bed.")
    occurred_at: datetime | None = optional(
        "When it happened; the command's occurredAt by default."
    )
    patient_mrn: str | None = optional("The patient's MRN, for an admission.")
    mrn_authority: str | None = optional("Who assigned it; the hospital's own by default.")
    admission_type: AdmissionType | None = optional(
        "How the patient came in, EMERGENCY by default; in a later movement, what it became."
    )
    ward: str | None = optional(
        "The ward, for an admission, a transfer or a return; alone, without a bed there."
    )
    room: str | None = optional("The room of the bed.")
    bed: str | None = optional("The bed's code.")
    without_bed: str | None = optional("Where a patient without a bed is: corridor, trolley.")
    keep_bed: bool | None = optional("Whether the bed is kept during a leave; true by default.")
    disposition: Disposition | None = optional("Where the patient went; OTHER by default.")
    destination: str | None = optional("Where to, by name.")
    attending: str | None = optional("Staff number of the doctor who is responsible from then on.")
    specialty: str | None = optional("The specialty that is responsible from then on.")
    occurred_at_precision: Precision | None = optional(
        "How precisely the time is known; the command's by default."
    )
    patient: SourcePatientInput | None = optional(
        "What is known of the patient of an admission, who is registered so if nobody has the MRN;"
        " or of a person, as DETAILS."
    )
    former_mrn: str | None = optional("Of a MERGE or CHANGE_MRN: the number that holds no longer.")
    former_mrn_authority: str | None = optional("Who assigned that; the hospital's own by default.")
    expected_at: datetime | None = optional(
        "Of an EXPECT: for when the admission is planned; its own time by default. Of a RESERVATION:"
        " until when the bed is held."
    )
    bed_state: BedState | None = optional(
        "Of a BED_STATE: CLOSED, CLEANING or FREE; of a RESERVATION: RESERVED, or FREE once it is"
        " given up."
    )
    allergy: SourceAllergyInput | None = optional("Of an ALLERGY of patientMrn.")
