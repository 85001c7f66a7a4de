"""The events of a stay."""

from typing import ClassVar
from uuid import UUID

from domain.aggregate import Cancelling, Correcting, Event, FactId, Remedy
from domain.bed_ref import BedRef
from domain.described_enum import DescribedEnum
from domain.envelope import Sealed, SealedLine, Text
from domain.patient import Confidentiality
from domain.stay.facts import (
    AdmissionType,
    CancellationReason,
    DischargePlan,
    Disposition,
    MovementDetail,
)
from domain.stay.observations import FLAGS, FlagEvents, Observed
from domain.time import Moment, Precision

__all__ = ["CARE", "AdmissionType", "Observed", "StayEvents", "VisitKind"]


class VisitKind(DescribedEnum):
    """Kind of visit that a doctor paid."""

    ROUND = "ROUND", "A round on the ward."
    REVIEW = "REVIEW", "A look at one patient by the treating team."
    CONSULT = "CONSULT", "Another specialty was asked."


MOVEMENT_CORRECTIONS = ("correct_movement", "correct_facts")


class Movement:
    """A mixin of events that each tell one movement."""

    CORRECTED_BY: ClassVar[Remedy] = MOVEMENT_CORRECTIONS
    CANCELLED_BY: ClassVar[Remedy] = ("cancel_movement", "correct_facts")


class StayEvents(FlagEvents):
    """The events of a stay, which `Stay` inherits: they are read as ``Stay.Admitted``."""

    class Admitted(Event):
        TOPIC = "stay.admitted"
        PUBLIC = "stay.admitted"
        DESCRIPTION = "A patient was admitted."
        CORRECTED_BY = (*MOVEMENT_CORRECTIONS, "move_stay")
        CANCELLED_BY = ("cancel_admission", "correct_facts")
        movement: FactId
        patient: UUID
        admission_type: AdmissionType
        decided_to_admit_at: Moment | None
        attending: UUID | None
        specialty: Text | None
        without_bed: SealedLine | None
        confidentiality: Confidentiality

    class EmergencyCareRecorded(Movement, Event):
        """The patient came to the emergency department when it occurred, before the admission."""

        TOPIC = "stay.emergency-care-recorded"
        PUBLIC = "stay.emergency-care-recorded"
        DESCRIPTION = "A patient came to the emergency department, before the admission."
        movement: FactId
        departed_at: Moment | None

    class RoomAllocated(Movement, Event):
        TOPIC = "stay.room-allocated"
        PUBLIC = "stay.room-allocated"
        DESCRIPTION = "A patient who had no bed got one."
        movement: FactId
        bed: BedRef
        shares_bed_of: UUID | None

    class Transferred(Movement, Event):
        TOPIC = "stay.transferred"
        PUBLIC = "stay.transferred"
        DESCRIPTION = "A patient was moved to another place."
        movement: FactId
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: SealedLine | None

    class BedSwapped(Movement, Event):
        """One half of a swap; the other half has the same movement id, in the other stay."""

        TOPIC = "stay.bed-swapped"
        PUBLIC = "stay.bed-swapped"
        DESCRIPTION = "Two patients swapped their beds."
        movement: FactId
        with_stay: UUID
        bed: BedRef

    class LeaveStarted(Movement, Event):
        TOPIC = "stay.leave-started"
        PUBLIC = "stay.leave-started"
        DESCRIPTION = "A patient went on leave."
        movement: FactId
        keeps_bed: bool
        expected_return: Moment | None

    class LeaveEnded(Movement, Event):
        TOPIC = "stay.leave-ended"
        PUBLIC = "stay.leave-ended"
        DESCRIPTION = "A patient came back from leave."
        movement: FactId
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: SealedLine | None

    class AttendingChanged(Movement, Event):
        TOPIC = "stay.attending-changed"
        PUBLIC = "stay.attending-changed"
        DESCRIPTION = "Another doctor answers for the stay."
        movement: FactId
        attending: UUID

    class SpecialtyChanged(Movement, Event):
        TOPIC = "stay.specialty-changed"
        PUBLIC = "stay.specialty-changed"
        DESCRIPTION = "The stay belongs to another specialty."
        movement: FactId
        specialty: Text

    class AdmissionTypeChanged(Movement, Event):
        TOPIC = "stay.admission-type-changed"
        PUBLIC = "stay.admission-type-changed"
        DESCRIPTION = "The stay is of another type: a day case that became an inpatient, or back."
        movement: FactId
        admission_type: AdmissionType

    class VisitRecorded(Observed, Event):
        OBSERVATION = "visit"
        TOPIC = "stay.visit-recorded"
        PUBLIC = "visit.recorded"
        DESCRIPTION = "A doctor visited a patient."
        CORRECTED_BY = ("amend_visit", "correct_facts")
        CANCELLED_BY = ("cancel_visit", "correct_facts")
        visit: FactId
        practitioner: UUID
        visit_kind: VisitKind
        note: Sealed | None
        consult: UUID | None = None
        """The consult that it answers."""

    class ConsultRequested(Observed, Event):
        """It is no visit: that is recorded when it took place, and names the consult."""

        OBSERVATION = "consult"
        TOPIC = "stay.consult-requested"
        PUBLIC = "consult.requested"
        DESCRIPTION = "A consult was asked for."
        CORRECTED_BY = ("correct_consult",)
        CANCELLED_BY = ("cancel_consult",)
        consult: FactId
        specialty: Text | None
        asked: UUID | None
        requested_by: UUID | None
        question: Sealed | None

    class ConsultWithdrawn(Observed, Event):
        OBSERVATION = "consult withdrawal"
        TOPIC = "stay.consult-withdrawn"
        PUBLIC = "consult.withdrawn"
        DESCRIPTION = "A consult that was asked for is not wanted any more."
        CORRECTED_BY = ("correct_consult_withdrawal",)
        CANCELLED_BY = ("cancel_consult_withdrawal",)
        withdrawal: FactId
        consult: UUID

    class DischargePlanned(Movement, Event):
        TOPIC = "stay.discharge-planned"
        PUBLIC = "stay.discharge-planned"
        DESCRIPTION = "A discharge was planned, or the plan changed."
        movement: FactId
        plan: DischargePlan
        expected_at: Moment | None

    class Discharged(Event):
        TOPIC = "stay.discharged"
        PUBLIC = "stay.discharged"
        DESCRIPTION = "A patient was discharged."
        CORRECTED_BY = MOVEMENT_CORRECTIONS
        CANCELLED_BY = ("cancel_discharge", "correct_facts")
        movement: FactId
        disposition: Disposition
        destination: SealedLine | None
        discharge_medicines: tuple[UUID, ...]

    class AdmissionCancelled(Cancelling, Event):
        """The admission is taken back; ``voided``: the observations that are taken back with it."""

        TOPIC = "stay.admission-cancelled"
        PUBLIC = "stay.admission-cancelled"
        PUBLIC_FIELDS = {"voided": "voided_visit_ids"}
        DESCRIPTION = "An admission was taken back, and the stay with it."
        cancel: UUID
        movement: FactId
        because: CancellationReason
        voided: tuple[UUID, ...]

    class MovementCancelled(Cancelling, Event):
        """The movement is taken back; reversed, the place before it holds again, or the named one."""

        TOPIC = "stay.movement-cancelled"
        PUBLIC = "stay.movement-cancelled"
        DESCRIPTION = "A movement was taken back."
        cancel: UUID
        movement: FactId
        because: CancellationReason
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: SealedLine | None

    class DischargeCancelled(Cancelling, Event):
        """The discharge is taken back; reversed, the patient comes back to the named place."""

        TOPIC = "stay.discharge-cancelled"
        PUBLIC = "stay.discharge-cancelled"
        DESCRIPTION = "A discharge was taken back."
        cancel: UUID
        movement: FactId
        because: CancellationReason
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: SealedLine | None

    class MovementCorrected(Correcting, Event):
        """The movement was otherwise; an absent value stays as it was. ``at``: its time.

        ``unknown``: what was said of it and is not known.
        """

        TOPIC = "stay.movement-corrected"
        PUBLIC = "stay.movement-corrected"
        DESCRIPTION = "What was said of a movement was put right."
        movement: FactId
        at: Moment | None
        precision: Precision | None
        bed: BedRef | None
        shares_bed_of: UUID | None
        without_bed: SealedLine | None
        admission_type: AdmissionType | None = None
        decided_to_admit_at: Moment | None = None
        attending: UUID | None = None
        specialty: Text | None = None
        keeps_bed: bool | None = None
        expected_return: Moment | None = None
        plan: DischargePlan | None = None
        expected_at: Moment | None = None
        disposition: Disposition | None = None
        destination: SealedLine | None = None
        departed_at: Moment | None = None
        unknown: tuple[MovementDetail, ...] = ()

    class PatientCorrected(Correcting, Event):
        """The stay was recorded under the wrong patient: with all its facts it is of this one."""

        TOPIC = "stay.patient-corrected"
        PUBLIC = "stay.patient-corrected"
        DESCRIPTION = "A stay that was recorded under the wrong patient went to the right one."
        patient: UUID

    class VisitAmended(Correcting, Event):
        """The visit was otherwise; an absent value stays as it was."""

        TOPIC = "stay.visit-amended"
        PUBLIC = "visit.amended"
        DESCRIPTION = "What was said of a visit was put right."
        visit: FactId
        at: Moment | None
        precision: Precision | None
        practitioner: UUID | None
        visit_kind: VisitKind | None
        note: Sealed | None
        consult: UUID | None = None

    class ConsultCorrected(Correcting, Event):
        """The consult was asked for otherwise; an absent value stays as it was."""

        TOPIC = "stay.consult-corrected"
        PUBLIC = "consult.corrected"
        DESCRIPTION = "What was said of a consult that was asked for was put right."
        consult: FactId
        at: Moment | None
        precision: Precision | None
        specialty: Text | None
        asked: UUID | None
        requested_by: UUID | None
        question: Sealed | None
        source_recorded_at: Moment | None = None
        source_sequence: int | None = None

    class ConsultCancelled(Cancelling, Event):
        """Entered in error: it was never asked for."""

        TOPIC = "stay.consult-cancelled"
        PUBLIC = "consult.cancelled"
        DESCRIPTION = "A consult was never asked for."
        consult: FactId

    class ConsultWithdrawalCorrected(Correcting, Event):
        TOPIC = "stay.consult-withdrawal-corrected"
        PUBLIC = "consult.withdrawal-corrected"
        DESCRIPTION = "A consult was withdrawn at another time."
        withdrawal: FactId
        consult: UUID
        at: Moment
        precision: Precision

    class ConsultWithdrawalCancelled(Cancelling, Event):
        """Entered in error: it is still wanted, or was."""

        TOPIC = "stay.consult-withdrawal-cancelled"
        PUBLIC = "consult.withdrawal-cancelled"
        DESCRIPTION = "The withdrawal of a consult was taken back."
        withdrawal: FactId
        consult: UUID

    class VisitCancelled(Cancelling, Event):
        """The visit was entered in error."""

        TOPIC = "stay.visit-cancelled"
        PUBLIC = "visit.cancelled"
        DESCRIPTION = "A visit was taken back."
        visit: FactId


CARE = (
    StayEvents.VisitRecorded,
    StayEvents.VisitAmended,
    StayEvents.VisitCancelled,
    StayEvents.ConsultRequested,
    StayEvents.ConsultCorrected,
    StayEvents.ConsultCancelled,
    StayEvents.ConsultWithdrawn,
    StayEvents.ConsultWithdrawalCorrected,
    StayEvents.ConsultWithdrawalCancelled,
    *FLAGS,
)
"""The events of visits, consults and flags: none of them changes where the patient is."""
