"""The resources that are answered, by their types."""

from api.fhir.allergy_intolerance import AllergyIntolerance
from api.fhir.audit_event import AuditEvent
from api.fhir.encounter import Encounter
from api.fhir.flag import Flag
from api.fhir.location import Location
from api.fhir.medication import MedicationAdministration, MedicationRequest
from api.fhir.patient import Patient
from api.fhir.practitioner import Practitioner
from api.fhir.provenance import Provenance
from api.fhir.resource import Resource

RESOURCES: dict[str, Resource] = {
    resource.type: resource
    for resource in (
        Patient(),
        Encounter(),
        Location(),
        Practitioner(),
        MedicationRequest(),
        MedicationAdministration(),
        AllergyIntolerance(),
        Flag(),
        Provenance(),
        AuditEvent(),
    )
}

COMPARTMENT = {
    "Encounter": "patient",
    "MedicationRequest": "patient",
    "MedicationAdministration": "patient",
    "AllergyIntolerance": "patient",
    "Flag": "patient",
    "Provenance": "patient",
}
"""Types that ``$everything`` gives of a patient, with the parameters that find them."""


def reverse_includes(type: str) -> list[tuple[str, str]]:
    """Return the types and parameters by which others that refer to a type are included."""
    return [
        (other.type, name)
        for other in RESOURCES.values()
        for name in other.reverse
        if type in other.parameters[name].targets
    ]
