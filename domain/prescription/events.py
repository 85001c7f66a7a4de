"""The events of a prescription."""

from uuid import UUID

from msgspec import Struct

from domain.aggregate import Cancelling, Correcting, Derived, Event, FactId
from domain.clinical_refusals import ClinicalWarning
from domain.envelope import Sealed, SealedLine, Text
from domain.prescription.course import Basis, Outside
from domain.prescription.schedule import Schedule
from domain.time import Moment, Precision


class Medication(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A drug by name, and by code where a coding system gives one."""

    name: Text
    code: Text | None = None
    system: Text | None = None


class PrescriptionEvents:
    """The events of a prescription, which `Prescription` inherits: read as ``Prescription.Held``."""

    class Written(Event):
        TOPIC = "prescription.written"
        PUBLIC = "prescription.written"
        DESCRIPTION = "A prescription was written."
        CORRECTED_BY = ("correct_prescription", "correct_facts")
        CANCELLED_BY = ("cancel_prescription",)
        stay: UUID
        patient: UUID
        medication: Medication
        dose: SealedLine | None
        route: SealedLine | None
        frequency: SealedLine | None
        start: Moment
        stop: Moment | None
        prescriber: UUID | None
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None
        schedule: Schedule | None = None

    class Changed(Event):
        """Another regimen holds from a time on; an absent value stays as it was."""

        TOPIC = "prescription.changed"
        PUBLIC = "prescription.changed"
        DESCRIPTION = "Dose, route, frequency or end of a prescription changed."
        CORRECTED_BY = ("correct_prescription_change", "correct_facts")
        CANCELLED_BY = ("cancel_prescription_change", "correct_facts")
        change: FactId
        dose: SealedLine | None
        route: SealedLine | None
        frequency: SealedLine | None
        stop: Moment | None
        schedule: Schedule | None = None

    class Held(Event):
        TOPIC = "prescription.held"
        PUBLIC = "prescription.held"
        DESCRIPTION = "A prescription is not to be given for now."
        CORRECTED_BY = ("correct_prescription_change", "correct_facts")
        CANCELLED_BY = ("cancel_prescription_change", "correct_facts")
        change: FactId

    class Resumed(Event):
        TOPIC = "prescription.resumed"
        PUBLIC = "prescription.resumed"
        DESCRIPTION = "A prescription is to be given again."
        CORRECTED_BY = ("correct_prescription_change", "correct_facts")
        CANCELLED_BY = ("cancel_prescription_change", "correct_facts")
        change: FactId

    class Stopped(Event):
        """``discharge`` names the discharge that stopped it, if one did."""

        TOPIC = "prescription.stopped"
        PUBLIC = "prescription.stopped"
        DESCRIPTION = "A prescription was ended before its time."
        CORRECTED_BY = ("correct_prescription_change", "correct_facts")
        CANCELLED_BY = ("cancel_prescription_change", "correct_facts")
        change: FactId
        discharge: UUID | None

    class Completed(Event):
        TOPIC = "prescription.completed"
        PUBLIC = "prescription.completed"
        DESCRIPTION = "A prescription was completed."
        CORRECTED_BY = ("correct_prescription_change", "correct_facts")
        CANCELLED_BY = ("cancel_prescription_change", "correct_facts")
        change: FactId

    class AdministrationRecorded(Event):
        TOPIC = "prescription.administration-recorded"
        PUBLIC = "dose.recorded"
        DESCRIPTION = "A dose was given, or not given and why."
        CORRECTED_BY = ("correct_administration", "correct_facts")
        CANCELLED_BY = ("cancel_administration", "correct_facts")
        administration: FactId
        given: bool
        dose_given: SealedLine | None
        reason_not_given: Sealed | None
        outside_prescription: Outside | None
        infusion: bool = False
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None

    class UnprescribedGiven(Event):
        """A dose that nobody prescribed in writing; it is the whole of its stream."""

        TOPIC = "prescription.unprescribed-given"
        PUBLIC = "dose.unprescribed-given"
        DESCRIPTION = "A dose was given that was not prescribed in writing."
        CORRECTED_BY = ("correct_administration", "correct_facts")
        CANCELLED_BY = ("cancel_administration", "correct_facts")
        administration: FactId
        stay: UUID
        patient: UUID
        medication: Medication
        basis: Basis
        dose_given: SealedLine | None
        route: SealedLine | None
        ordered_by: UUID | None
        infusion: bool
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None

    class InfusionEnded(Event):
        TOPIC = "prescription.infusion-ended"
        PUBLIC = "dose.infusion-ended"
        DESCRIPTION = "An infusion ended."
        CORRECTED_BY = ("correct_infusion_end", "correct_facts")
        CANCELLED_BY = ("cancel_infusion_end", "correct_facts")
        end: FactId
        administration: UUID

    class Cancelled(Cancelling, Event):
        """Entered in error: it never was."""

        TOPIC = "prescription.cancelled"
        PUBLIC = "prescription.cancelled"
        DESCRIPTION = "A prescription was taken back."

    class WrittenCorrected(Correcting, Event):
        """Something else was written; an absent value stays. ``open_ended``: no stop was written."""

        TOPIC = "prescription.written-corrected"
        PUBLIC = "prescription.written-corrected"
        DESCRIPTION = "What was written in a prescription was put right."
        at: Moment | None
        precision: Precision | None
        medication: Medication | None
        dose: SealedLine | None
        route: SealedLine | None
        frequency: SealedLine | None
        start: Moment | None
        stop: Moment | None
        open_ended: bool
        prescriber: UUID | None
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None
        schedule: Schedule | None = None

    class StopCorrected(Derived, Event):
        """The discharge that stopped it was at another time (``at``), or never was (absent)."""

        TOPIC = "prescription.stop-corrected"
        PUBLIC = "prescription.stop-corrected"
        PUBLIC_FIELDS = {"at": "stopped_at"}
        DESCRIPTION = "The end that a discharge gave a prescription was put right with it."
        change: FactId
        discharge: UUID
        at: Moment | None
        precision: Precision | None = None

    class PatientCorrected(Derived, Event):
        """The prescription is of this patient, to whom its stay was moved."""

        TOPIC = "prescription.patient-corrected"
        PUBLIC = None
        DESCRIPTION = "The stay of a prescription went to the right patient."
        patient: UUID

    class ChangeCorrected(Correcting, Event):
        """A change, hold, resumption or end was at another time, or the change another; absent stays."""

        TOPIC = "prescription.change-corrected"
        PUBLIC = "prescription.change-corrected"
        PUBLIC_FIELDS = {"at": "changed_at"}
        DESCRIPTION = "The time or the content of a change of a prescription was put right."
        change: FactId
        at: Moment | None
        precision: Precision | None
        dose: SealedLine | None
        route: SealedLine | None
        frequency: SealedLine | None
        stop: Moment | None
        schedule: Schedule | None = None

    class ChangeCancelled(Cancelling, Event):
        """Entered in error: it was not changed, held, resumed or ended then."""

        TOPIC = "prescription.change-cancelled"
        PUBLIC = "prescription.change-cancelled"
        DESCRIPTION = "A change of a prescription was taken back."
        change: FactId

    class AdministrationCorrected(Correcting, Event):
        """The dose was otherwise; an absent value stays; a dose that was not given has no amount."""

        TOPIC = "prescription.administration-corrected"
        PUBLIC = "dose.corrected"
        DESCRIPTION = "What was said of a dose was put right."
        administration: FactId
        at: Moment | None
        precision: Precision | None
        given: bool | None
        dose_given: SealedLine | None
        reason_not_given: Sealed | None
        outside_prescription: Outside | None
        medication: Medication | None = None
        basis: Basis | None = None
        route: SealedLine | None = None
        ordered_by: UUID | None = None
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None

    class InfusionEndCorrected(Correcting, Event):
        TOPIC = "prescription.infusion-end-corrected"
        PUBLIC = "dose.infusion-end-corrected"
        DESCRIPTION = "The end of an infusion was put right."
        end: FactId
        administration: UUID
        at: Moment
        precision: Precision

    class InfusionEndCancelled(Cancelling, Event):
        """It goes on, or nobody knows when it ended."""

        TOPIC = "prescription.infusion-end-cancelled"
        PUBLIC = "dose.infusion-end-cancelled"
        DESCRIPTION = "The end of an infusion was taken back."
        end: FactId
        administration: UUID

    class AdministrationCancelled(Cancelling, Event):
        """Entered in error: it never was."""

        TOPIC = "prescription.administration-cancelled"
        PUBLIC = "dose.cancelled"
        DESCRIPTION = "A dose was taken back."
        administration: FactId
