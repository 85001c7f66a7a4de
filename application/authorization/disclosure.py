"""Disclosure by refusals: facts and texts only as the caller's role and wards may see them."""

from uuid import UUID

from application.authorization.roles import may
from application.authorization.scope import is_of_wards
from application.unit_of_work import UnitOfWork
from domain.clinical_refusals import WarningsUnconfirmed
from domain.erasure import ErasureImpossible
from domain.patient import Patient
from domain.refusals import (
    BedNotOpen,
    BedOccupied,
    ContradictsLaterFacts,
    MergeImpossible,
    NotAllowed,
    OutsideStay,
    PatientAlreadyAdmitted,
    PatientDied,
    Refusal,
    RoomPolicyBroken,
    SharersUnplaced,
    StayNotOpen,
)
from domain.room.aggregate import Room
from domain.stay.aggregate import Stay

TELLING = (
    BedOccupied,
    ContradictsLaterFacts,
    ErasureImpossible,
    MergeImpossible,
    NotAllowed,
    OutsideStay,
    PatientAlreadyAdmitted,
    PatientDied,
    RoomPolicyBroken,
    SharersUnplaced,
    StayNotOpen,
    WarningsUnconfirmed,
)
"""The refusals that tell something of a patient, or that keep somebody from one."""


def redact_refusal(refusal: Refusal, uow: UnitOfWork) -> Refusal:
    """Return a refusal without what the caller may not see, with the patients of whom it tells."""
    redacted_refusal = _redact(refusal, uow)
    redacted_refusal.patients = _patients(redacted_refusal, uow)
    return redacted_refusal


def _patients(refusal: Refusal, uow: UnitOfWork) -> frozenset[UUID]:
    """Return the patients of the stays that a refusal names; else those whom the command is about."""
    if not isinstance(refusal, TELLING):
        return frozenset()
    stay_ids = {fact.stay for fact in getattr(refusal, "facts", ())} | {
        *getattr(refusal, "stays", ())
    }
    stay_ids |= {getattr(refusal, "stay", None), getattr(refusal, "by_stay", None)}
    patients = {stay.patient for stay in uow.load(Stay, *(stay_ids - {None})) if stay.exists}
    if not patients:
        aggregates = uow.loaded.values()
        patients = {a.id for a in aggregates if isinstance(a, Patient) and a.exists}
        patients |= {a.patient for a in aggregates if isinstance(a, Stay)}
    return frozenset(patient for patient in patients if patient is not None)


def _redact(refusal: Refusal, uow: UnitOfWork) -> Refusal:
    role = uow.entry.recorded_by.role
    match refusal:
        case ContradictsLaterFacts() if not may(role, "data:clinical"):
            return refusal.without_clinical()
        case BedNotOpen(is_free_text=True):
            room = uow.loaded.get(refusal.bed.room)
            ward = room.ward if isinstance(room, Room) else None
            if not may(role, "data:closures") or not is_of_wards(uow.wards, ward):
                return BedNotOpen(refusal.bed, "it is closed")
    return refusal
