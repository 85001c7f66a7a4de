"""Lookups of what messages name without an id: allergies by substance."""

from application.commands.movement_reports import MovementReport
from application.hospital import Hospital
from domain.allergies import Allergy


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
