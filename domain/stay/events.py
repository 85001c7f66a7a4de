"""The events of a stay."""

from enum import StrEnum
from uuid import UUID

from domain.aggregate import Event
from domain.envelope import Sealed, Text
from domain.patient import Confidentiality
from domain.refusals import BedRef
from domain.stay.facts import CancellationReason, DischargePlan, Disposition
from domain.time import Moment, Precision


class AdmissionType(StrEnum):
    """How the patient came in."""

    EMERGENCY = "EMERGENCY"
    ELECTIVE = "ELECTIVE"
    MATERNITY = "MATERNITY"
    NEWBORN = "NEWBORN"
    TRANSFER_IN = "TRANSFER_IN"
    DAY_CASE = "DAY_CASE"


class VisitKind(StrEnum):
    """What kind of visit a doctor paid."""

    ROUND = "ROUND"
    REVIEW = "REVIEW"
    CONSULT = "CONSULT"


class StayEvents:
    """The events of a stay, which `Stay` inherits: they are read as ``Stay.Admitted``."""

    class Admitted(Event):
        TOPIC = "stay.admitted"
        movement: UUID
        patient: UUID
        admission_type: AdmissionType
        decided_to_admit_at: Moment | None
        attending: UUID | None
        specialty: Text | None
        without_bed: Text | None
        confidentiality: Confidentiality

    class RoomAllocated(Event):
        TOPIC = "stay.room-allocated"
        movement: UUID
        bed: BedRef
        shares_bed_of: UUID | None

    class Transferred(Event):
        TOPIC = "stay.transferred"
        movement: UUID
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: Text | None

    class BedSwapped(Event):
        """One half of a swap; the other half has the same movement id, in the other stay."""

        TOPIC = "stay.bed-swapped"
        movement: UUID
        with_stay: UUID
        bed: BedRef

    class LeaveStarted(Event):
        TOPIC = "stay.leave-started"
        movement: UUID
        keeps_bed: bool
        expected_return: Moment | None

    class LeaveEnded(Event):
        TOPIC = "stay.leave-ended"
        movement: UUID
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: Text | None

    class AttendingChanged(Event):
        TOPIC = "stay.attending-changed"
        movement: UUID
        attending: UUID

    class SpecialtyChanged(Event):
        TOPIC = "stay.specialty-changed"
        movement: UUID
        specialty: Text

    class VisitRecorded(Event):
        TOPIC = "stay.visit-recorded"
        visit: UUID
        practitioner: UUID
        visit_kind: VisitKind
        note: Sealed | None

    class DischargePlanned(Event):
        TOPIC = "stay.discharge-planned"
        movement: UUID
        plan: DischargePlan
        expected_at: Moment | None

    class Discharged(Event):
        TOPIC = "stay.discharged"
        movement: UUID
        disposition: Disposition
        destination: Text | None
        discharge_medicines: tuple[UUID, ...]

    class AdmissionCancelled(Event):
        """``voided``: the visits that are taken back with an admission entered in error."""

        TOPIC = "stay.admission-cancelled"
        cancel: UUID
        movement: UUID
        because: CancellationReason
        voided: tuple[UUID, ...]

    class MovementCancelled(Event):
        """Reversed, the place before it holds again, unless another is named."""

        TOPIC = "stay.movement-cancelled"
        cancel: UUID
        movement: UUID
        because: CancellationReason
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: Text | None

    class DischargeCancelled(Event):
        """Reversed, the patient comes back to the place that is named."""

        TOPIC = "stay.discharge-cancelled"
        cancel: UUID
        movement: UUID
        because: CancellationReason
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: Text | None

    class MovementCorrected(Event):
        """It happened at another time (``at``) or in another place; what is absent stays."""

        TOPIC = "stay.movement-corrected"
        movement: UUID
        at: Moment | None
        precision: Precision | None
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: Text | None

    class VisitAmended(Event):
        """What is absent stays as it was."""

        TOPIC = "stay.visit-amended"
        visit: UUID
        at: Moment | None
        precision: Precision | None
        practitioner: UUID | None
        visit_kind: VisitKind | None
        note: Sealed | None

    class VisitCancelled(Event):
        """Entered in error: it never was."""

        TOPIC = "stay.visit-cancelled"
        visit: UUID
