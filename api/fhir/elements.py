"""Elements of a resource that a request leaves (https://hl7.org/fhir/R4/search.html#elements)."""

from collections.abc import Mapping, Sequence

from api.fhir.outcome import FhirError
from api.fhir.values import TERMINOLOGY, Json, coding

SUBSETTED = coding(f"{TERMINOLOGY}/v3-ObservationValue", "SUBSETTED", "subsetted")

MANDATORY = {
    "AllergyIntolerance": "clinicalStatus patient",
    "AuditEvent": "type recorded agent source",
    "Encounter": "status class",
    "Flag": "status code subject",
    "MedicationAdministration": "status medicationCodeableConcept subject effectiveDateTime"
    " effectivePeriod",
    "MedicationRequest": "status intent medicationCodeableConcept subject",
    "Provenance": "target recorded agent",
}
"""Elements that a resource cannot be without: these are always told."""

SUMMARY = {
    "AllergyIntolerance": "verificationStatus type code",
    "AuditEvent": "action outcome outcomeDesc purposeOfEvent",
    "Encounter": "serviceType subject participant",
    "Flag": "category period encounter",
    "Location": "status operationalStatus name mode physicalType",
    "MedicationAdministration": "performer",
    "MedicationRequest": "authoredOn requester",
    "Patient": "identifier active name gender birthDate deceasedDateTime link",
    "Practitioner": "identifier name",
}
"""Elements that the specification marks as of a summary, beside the mandatory ones."""


def elements_asked(given: Mapping[str, str], type: str) -> Sequence[str] | None:
    """Return the elements that ``_elements`` and ``_summary`` leave; None for all. Raises FhirError."""
    summary = given.get("_summary") or "false"
    if summary in ("true", "text") and given.get("_elements"):
        raise FhirError(400, "invalid", f"Give _elements or _summary={summary}, not both.")
    match summary:
        case "true":
            return SUMMARY.get(type, "").split()
        case "text":  # nothing here has a narrative
            return ()
        case "false" | "data" | "count":
            names = given.get("_elements", "").split(",")
            elements = [n.strip().removeprefix(f"{type}.").partition(".")[0] for n in names]
            if any(name[:1].isupper() for name in elements):
                raise FhirError(400, "not-supported", f"_elements names elements of {type} alone.")
            return [name for name in elements if name] or None
    raise FhirError(400, "invalid", "_summary is one of: true, text, data, count, false.")


def leave(resource: Json, elements: Sequence[str] | None) -> Json:
    """Return a resource with these elements and those that it cannot be without, and marked so."""
    if elements is None:
        return resource
    type = resource["resourceType"]
    names_left = {"resourceType", "id", "meta", *elements, *MANDATORY.get(type, "").split()}
    # a choice is named without its type: medication[x], effective[x], deceased[x]
    choices = ("medication", "effective", "deceased", "onset", "occurred")
    names_left |= {n for n in resource for c in choices if c in elements and n.startswith(c)}
    meta = {**resource.get("meta", {}), "tag": [SUBSETTED]}
    return {name: value for name, value in resource.items() if name in names_left} | {"meta": meta}
