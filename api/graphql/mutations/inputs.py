"""What the inputs of mutations have in common.

Their names are those of the command's parameters (a test compares).
"""

from datetime import datetime
from typing import Any

import strawberry
from strawberry import UNSET

from api.graphql.types.enums import (
    AdmissionType,
    Because,
    Disposition,
    EntryKind,
    Precision,
    SourceMovementKind,
)


def said(description: str, name: str | None = None) -> Any:
    """An optional input: absent unless said."""
    return strawberry.field(default=UNSET, description=description, name=name)


def must(description: str, name: str | None = None) -> Any:
    return strawberry.field(description=description, name=name)


@strawberry.input
class CommandInput:
    command_id: strawberry.ID = must("A UUID made by the client; a repeat has one effect.")
    occurred_at: datetime | None = said("When it happened; now by default, never in the future.")
    occurred_at_precision: Precision | None = said(
        "How precisely that is known; MINUTE by default."
    )
    performed_by: str | None = said("Who did it, where that is not who records it.")
    witnessed_by: str | None = said("Who witnessed it, where two must sign.")
    reason: str | None = said("Why; needed for entries more than an hour late, and for closures.")
    expected_version: int | None = said("The version the client read before it wrote.")


@strawberry.input(description="A drug, by name and by code.")
class MedicationInput:
    name: str = must("Name.")
    code: str | None = said("Code in the coding system.")
    system: str | None = said("Coding system: ATC, RxNorm, a formulary.")


@strawberry.input(description="Where a child goes that shared its mother's bed.")
class SharerInput:
    stay_id: strawberry.ID = must("The child's stay.")
    shares_bed: bool | None = said("Along with the mother, into her new bed.")
    ward: str | None = said("The ward of a bed of its own.")
    room: str | None = said("The room of that bed.")
    bed: str | None = said("That bed's code.")


@strawberry.input(description="A movement happened at another time, or in another place.")
class MovementCorrectionInput:
    movement_id: strawberry.ID = must("The movement.")
    occurred_at: datetime | None = said("When it really happened; absent: as recorded.")
    ward: str | None = said("The ward where it really was.")
    room: str | None = said("The room where it really was.")
    bed: str | None = said("The bed where it really was.")
    shares_bed_of: strawberry.ID | None = said("The mother's stay, for a child in her bed.")
    without_bed: str | None = said("The place without a bed where it really was.")


@strawberry.input(description="A movement is taken back.")
class MovementCancelInput:
    movement_id: strawberry.ID = must("The movement.")
    because: Because = must("Entered in error, or the decision was reversed.")
    occurred_at: datetime | None = said("When it was reversed; now by default.")
    ward: str | None = said("The ward of another bed than the one before.")
    room: str | None = said("The room of that bed.")
    bed: str | None = said("That bed's code.")
    without_bed: str | None = said("A place without a bed, instead.")


@strawberry.input(description="A movement that was never entered.")
class LateEntryInput:
    stay_id: strawberry.ID = must("The stay.")
    kind: EntryKind = strawberry.field(default=EntryKind.TRANSFER, description="What happened.")
    occurred_at: datetime = must("When it happened.")
    ward: str | None = said("The ward, for a transfer or a return.")
    room: str | None = said("The room.")
    bed: str | None = said("The bed.")
    shares_bed_of: strawberry.ID | None = said("The mother's stay, for a child in her bed.")
    without_bed: str | None = said("A place without a bed.")
    keep_bed: bool | None = said("Whether the bed is kept during a leave; true by default.")


@strawberry.input(description="What another system says that happened.")
class SourceMovementInput:
    kind: SourceMovementKind = must("What happened; a TRANSFER may be into the first bed.")
    occurred_at: datetime | None = said("When it happened; the command's occurredAt by default.")
    patient_mrn: str | None = said("The patient's MRN, for an admission.")
    mrn_authority: str | None = said("Who assigned it; the hospital's own by default.")
    admission_type: AdmissionType | None = said("How the patient came in; EMERGENCY by default.")
    ward: str | None = said("The ward of the bed, for an admission, a transfer or a return.")
    room: str | None = said("The room of the bed.")
    bed: str | None = said("The bed's code.")
    without_bed: str | None = said("Where a patient without a bed is: corridor, trolley.")
    keep_bed: bool | None = said("Whether the bed is kept during a leave; true by default.")
    disposition: Disposition | None = said("Where the patient went; OTHER by default.")
