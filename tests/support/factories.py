# mypy: allow-untyped-calls
"""Entries and events as the record holds them, with sensible defaults (factory-boy).

Aggregates have no factory: an aggregate is built by its history.
"""

from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from factory.base import Factory
from factory.declarations import LazyAttribute, Sequence, SubFactory

from domain.aggregate import Event
from domain.allergies import AllergyKind, AllergyVerification, Substance
from domain.envelope import Actor, Envelope
from domain.erasure import LegalBasis
from domain.patient import Confidentiality, Patient, Sex
from domain.prescription.aggregate import Prescription
from domain.prescription.course import Basis
from domain.prescription.events import Medication
from domain.room.aggregate import Room
from domain.room.policies import RoomPolicy
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType, VisitKind
from domain.stay.facts import DischargePlan, Disposition

E = TypeVar("E", bound=Event)

NURSE = Actor(issuer="test", subject="nurse-1", role="nurse")
SOMEBODY = UUID(int=1)


class EntryFactory(Factory[Envelope]):
    """Each entry is of a command of its own."""

    class Meta:
        model = Envelope

    command_id = Sequence(lambda n: UUID(int=1_000 + n))
    operation = "told_by_a_test"
    digest = "digest"
    occurred_at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    recorded_by = NURSE
    hospital = "main"


class EventFactory(Factory[E]):
    class Meta:
        abstract = True

    originator_id = SOMEBODY
    originator_version = 1
    entry = SubFactory(EntryFactory)


def _made_by_entry(what: str) -> LazyAttribute:
    """An id that the command made."""
    return LazyAttribute(lambda event: event.entry.id_of(what))


# -- stay --


class Admitted(EventFactory[Stay.Admitted]):
    class Meta:
        model = Stay.Admitted

    movement = _made_by_entry("admission")
    patient = SOMEBODY
    admission_type = AdmissionType.ELECTIVE
    decided_to_admit_at = None
    attending = None
    specialty = None
    without_bed = None
    confidentiality = Confidentiality.NORMAL


class RoomAllocated(EventFactory[Stay.RoomAllocated]):
    class Meta:
        model = Stay.RoomAllocated

    movement = _made_by_entry("allocation")
    shares_bed_of = None


class Transferred(EventFactory[Stay.Transferred]):
    class Meta:
        model = Stay.Transferred

    movement = _made_by_entry("transfer")
    bed = None
    shares_bed_of = None
    without_bed = None


class BedSwapped(EventFactory[Stay.BedSwapped]):
    class Meta:
        model = Stay.BedSwapped

    movement = _made_by_entry("swap")
    with_stay = SOMEBODY


class LeaveStarted(EventFactory[Stay.LeaveStarted]):
    class Meta:
        model = Stay.LeaveStarted

    movement = _made_by_entry("leave")
    keeps_bed = True
    expected_return = None


class LeaveEnded(EventFactory[Stay.LeaveEnded]):
    class Meta:
        model = Stay.LeaveEnded

    movement = _made_by_entry("return")
    bed = None
    shares_bed_of = None
    without_bed = None


class AttendingChanged(EventFactory[Stay.AttendingChanged]):
    class Meta:
        model = Stay.AttendingChanged

    movement = _made_by_entry("attending")
    attending = SOMEBODY


class SpecialtyChanged(EventFactory[Stay.SpecialtyChanged]):
    class Meta:
        model = Stay.SpecialtyChanged

    movement = _made_by_entry("specialty")
    specialty = "cardiology"


class AdmissionTypeChanged(EventFactory[Stay.AdmissionTypeChanged]):
    class Meta:
        model = Stay.AdmissionTypeChanged

    movement = _made_by_entry("admission-type")
    admission_type = AdmissionType.DAY_CASE


class EmergencyCareRecorded(EventFactory[Stay.EmergencyCareRecorded]):
    class Meta:
        model = Stay.EmergencyCareRecorded

    movement = _made_by_entry("emergency-care")
    departed_at = None


class VisitRecorded(EventFactory[Stay.VisitRecorded]):
    class Meta:
        model = Stay.VisitRecorded

    visit = _made_by_entry("visit")
    practitioner = SOMEBODY
    visit_kind = VisitKind.ROUND
    note = None


class ConsultRequested(EventFactory[Stay.ConsultRequested]):
    class Meta:
        model = Stay.ConsultRequested

    consult = _made_by_entry("consult")
    specialty = "cardiology"
    asked = None
    requested_by = None
    question = None


class FlagRaised(EventFactory[Stay.FlagRaised]):
    class Meta:
        model = Stay.FlagRaised

    flag = _made_by_entry("flag")
    flag_kind = "FALL_RISK"
    note = None


class FlagLowered(EventFactory[Stay.FlagLowered]):
    class Meta:
        model = Stay.FlagLowered

    lowering = _made_by_entry("lowering")
    flag = SOMEBODY


class DischargePlanned(EventFactory[Stay.DischargePlanned]):
    class Meta:
        model = Stay.DischargePlanned

    movement = _made_by_entry("discharge-plan")
    plan = DischargePlan.PLANNED
    expected_at = None


class Discharged(EventFactory[Stay.Discharged]):
    class Meta:
        model = Stay.Discharged

    movement = _made_by_entry("discharge")
    disposition = Disposition.HOME
    destination = None
    discharge_medicines = ()


# -- prescription --


class Written(EventFactory[Prescription.Written]):
    """Starts when it is written, unless said otherwise."""

    class Meta:
        model = Prescription.Written

    stay = SOMEBODY
    patient = SOMEBODY
    medication = Medication(name="amoxicillin")
    dose = "500 mg"
    route = "oral"
    frequency = "every 8 hours"
    start = LazyAttribute(lambda event: event.entry.occurred_at)
    stop = None
    prescriber = None


class Changed(EventFactory[Prescription.Changed]):
    class Meta:
        model = Prescription.Changed

    change = _made_by_entry("changed")
    dose = None
    route = None
    frequency = None
    stop = None


class Held(EventFactory[Prescription.Held]):
    class Meta:
        model = Prescription.Held

    change = _made_by_entry("held")


class Resumed(EventFactory[Prescription.Resumed]):
    class Meta:
        model = Prescription.Resumed

    change = _made_by_entry("resumed")


class Stopped(EventFactory[Prescription.Stopped]):
    class Meta:
        model = Prescription.Stopped

    change = _made_by_entry("stopped")
    discharge = None


class Completed(EventFactory[Prescription.Completed]):
    class Meta:
        model = Prescription.Completed

    change = _made_by_entry("completed")


class ChangeCorrected(EventFactory[Prescription.ChangeCorrected]):
    class Meta:
        model = Prescription.ChangeCorrected

    change = _made_by_entry("held")
    at = None
    precision = None
    dose = None
    route = None
    frequency = None
    stop = None


class ChangeCancelled(EventFactory[Prescription.ChangeCancelled]):
    class Meta:
        model = Prescription.ChangeCancelled

    change = _made_by_entry("held")


class AdministrationRecorded(EventFactory[Prescription.AdministrationRecorded]):
    class Meta:
        model = Prescription.AdministrationRecorded

    administration = _made_by_entry("administration")
    given = True
    dose_given = None
    reason_not_given = None
    outside_prescription = None
    infusion = False


class UnprescribedGiven(EventFactory[Prescription.UnprescribedGiven]):
    class Meta:
        model = Prescription.UnprescribedGiven

    administration = _made_by_entry("administration")
    stay = SOMEBODY
    patient = SOMEBODY
    medication = Medication(name="adrenaline")
    basis = Basis.VERBAL_ORDER
    dose_given = "1 mg"
    route = None
    ordered_by = SOMEBODY
    infusion = False


class InfusionEnded(EventFactory[Prescription.InfusionEnded]):
    class Meta:
        model = Prescription.InfusionEnded

    end = _made_by_entry("end")
    administration = _made_by_entry("administration")


# -- room --


class Opened(EventFactory[Room.Opened]):
    class Meta:
        model = Room.Opened

    ward = "A"
    number = "119"
    beds = ("A", "B")


class BedAdded(EventFactory[Room.BedAdded]):
    class Meta:
        model = Room.BedAdded

    bed = "C"


class PolicySet(EventFactory[Room.PolicySet]):
    class Meta:
        model = Room.PolicySet

    policy = RoomPolicy.ISOLATION
    applies = True


class BedClosed(EventFactory[Room.BedClosed]):
    """Closed when it was said, unless planned otherwise."""

    class Meta:
        model = Room.BedClosed

    spell = _made_by_entry("closure")
    bed = "A"
    since = LazyAttribute(lambda event: event.entry.occurred_at)
    until = None
    why = "leaking tap"


class BedReopened(EventFactory[Room.BedReopened]):
    class Meta:
        model = Room.BedReopened

    bed = "A"


class CleaningStarted(EventFactory[Room.CleaningStarted]):
    class Meta:
        model = Room.CleaningStarted

    spell = _made_by_entry("cleaning")
    bed = "A"


class CleaningFinished(EventFactory[Room.CleaningFinished]):
    class Meta:
        model = Room.CleaningFinished

    bed = "A"


class BedReserved(EventFactory[Room.BedReserved]):
    class Meta:
        model = Room.BedReserved

    spell = _made_by_entry("reservation")
    bed = "A"
    since = LazyAttribute(lambda event: event.entry.occurred_at)
    patient = None
    stay = None


class ReservationReleased(EventFactory[Room.ReservationReleased]):
    class Meta:
        model = Room.ReservationReleased

    bed = "A"


# -- patient --


class Registered(EventFactory[Patient.Registered]):
    class Meta:
        model = Patient.Registered

    mrn = Sequence(lambda n: f"MRN-{n}")
    mrn_authority = "main"
    family_name = None
    given_name = None
    birth_date = None
    sex = Sex.UNKNOWN
    confidentiality = Confidentiality.NORMAL


class Died(EventFactory[Patient.Died]):
    class Meta:
        model = Patient.Died

    stay = None
    discharge = None


class AllergyRecorded(EventFactory[Patient.AllergyRecorded]):
    class Meta:
        model = Patient.AllergyRecorded

    allergy = _made_by_entry("allergy")
    substance = Substance(name="Penicillin")
    allergy_kind = AllergyKind.ALLERGY
    severity = None
    reaction = None
    verification = AllergyVerification.CONFIRMED


class AllergyEnded(EventFactory[Patient.AllergyEnded]):
    class Meta:
        model = Patient.AllergyEnded

    end = _made_by_entry("end")
    allergy = SOMEBODY


class DeathCorrected(EventFactory[Patient.DeathCorrected]):
    class Meta:
        model = Patient.DeathCorrected

    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    precision = None
    stay = None
    discharge = None


class DeathCancelled(EventFactory[Patient.DeathCancelled]):
    class Meta:
        model = Patient.DeathCancelled

    discharge = None


class LegalHoldPlaced(EventFactory[Patient.LegalHoldPlaced]):
    class Meta:
        model = Patient.LegalHoldPlaced

    hold = _made_by_entry("hold")


class LegalHoldLifted(EventFactory[Patient.LegalHoldLifted]):
    class Meta:
        model = Patient.LegalHoldLifted

    hold = SOMEBODY


class ErasureRequested(EventFactory[Patient.ErasureRequested]):
    class Meta:
        model = Patient.ErasureRequested

    erasure = _made_by_entry("erasure")
    legal_basis = LegalBasis.CONSENT_WITHDRAWN


class ErasureWithdrawn(EventFactory[Patient.ErasureWithdrawn]):
    class Meta:
        model = Patient.ErasureWithdrawn

    erasure = SOMEBODY


class Erased(EventFactory[Patient.Erased]):
    class Meta:
        model = Patient.Erased

    erasure = SOMEBODY
    legal_basis = LegalBasis.CONSENT_WITHDRAWN
    streams = ()
