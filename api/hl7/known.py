"""Lookups of what messages name without an id: reservations by bed and stay, allergies by substance."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from application.commands.movement_reports import MovementReport
from application.hospital import Hospital
from domain.allergies import Allergy
from domain.room.aggregate import BedState
from domain.room.state import Spell


def reservations(
    hospital: Hospital, place: Mapping[str, str], stay: UUID, at: datetime
) -> list[Spell]:
    """Return the reservations of a bed for a stay that began by a moment, in order."""
    return [
        spell
        for spell in hospital.rooms.spells_of(place["ward"], place["room"], place["bed"])
        if spell.state is BedState.RESERVED and spell.stay == stay and spell.period.start <= at
    ]


def allergies_alike(hospital: Hospital, report: MovementReport) -> list[Allergy]:
    """Return the allergies of a patient to the substance of a report that are no other than it says."""
    allergy_told = report.allergy
    assert allergy_told is not None
    assert report.patient_mrn is not None
    allergies = hospital.allergies.held_of(
        report.patient_mrn, report.mrn_authority, allergy_told.substance
    )
    return [
        allergy
        for allergy in allergies
        if allergy_told.severity in (None, allergy.severity)
        and allergy_told.reaction in (None, allergy.reaction)
    ]
