"""Lookups of what messages name without an id: reservations by bed and stay, allergies by substance."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from application.hospital import Hospital
from domain.allergies import Allergy, Substance
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


def allergies_alike(hospital: Hospital, content: Mapping[str, Any]) -> list[Allergy]:
    """Return the allergies of a patient to the substance of a command that are no other than it says."""
    return [
        allergy
        for allergy in allergies_to(hospital, content, content["substance"])
        if content["severity"] in (None, allergy.severity)
        and content["reaction"] in (None, allergy.reaction)
    ]


def allergies_to(
    hospital: Hospital, person: Mapping[str, Any], substance: Substance
) -> list[Allergy]:
    """Return the allergies of a person to a substance. Raises NotFound for an unknown person."""
    return hospital.allergies.held_of(person["patient_mrn"], person["mrn_authority"], substance)
