"""CapabilityStatement (https://hl7.org/fhir/R4/capabilitystatement.html), made of the declarations."""

from datetime import UTC, datetime
from importlib.metadata import version

from api.fhir.registry import RESOURCES, reverse_includes
from api.fhir.resource import Resource
from api.fhir.smart import security
from api.fhir.values import Json, present
from infrastructure.settings import Settings

FHIR_VERSION = "4.0.1"

STARTED = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

TWO_CLOCKS = (
    "Every read and every search may name two moments: asOf, at the bedside, and knownAt, of the record."
    " Without them it is now. A search that is not told to be strict (Prefer: handling=strict) leaves"
    " out parameters that it does not know, and says so. A parameter that leads to one type may be"
    " chained once, by a parameter of that type's search: patient.identifier=SYSTEM|MRN,"
    " patient.family=Abel."
    " _sort takes any parameter of the search, with a minus for the other direction."
)

MOMENTS = [
    {
        "name": "asOf",
        "type": "date",
        "documentation": "As of this moment at the bedside (with an offset); now by default.",
    },
    {
        "name": "knownAt",
        "type": "date",
        "documentation": "As known to the record then (with an offset); now by default.",
    },
]


def statement(settings: Settings, base: str) -> Json:
    """Return the CapabilityStatement of this server."""
    body: Json = present(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": STARTED,
            "kind": "instance",
            "fhirVersion": FHIR_VERSION,
            "format": ["application/fhir+json", "json"],
            "software": {"name": "Wardbook", "version": version("wardbook")},
            "implementation": {
                "description": settings.hospital_name or settings.hospital,
                "url": base,
            },
            "rest": [
                {
                    "mode": "server",
                    "documentation": TWO_CLOCKS,
                    "security": security(settings, base),
                    "resource": [_resource(resource) for resource in RESOURCES.values()],
                    "searchParam": MOMENTS,
                }
            ],
        }
    )
    return body


def _conditional_read(resource: Resource) -> str:
    by_time = resource.has_time and not resource.follows_clock
    if resource.has_versions:
        return "full-support" if by_time else "not-match"
    return "modified-since" if by_time else "not-supported"


def _resource(resource: Resource) -> Json:
    interactions = ["read", "search-type"]
    if resource.has_versions:
        interactions += ["vread", "history-instance"]
    required_names = resource.needed
    operation = {
        "name": "everything",
        "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
    }
    return {
        "type": resource.type,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{resource.type}",
        "documentation": resource.documentation
        + (
            f" A search names one of {', '.join((*required_names, '_id'))}."
            if required_names
            else ""
        ),
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned" if resource.has_versions else "no-version",
        "readHistory": resource.has_versions,
        "updateCreate": False,
        "conditionalRead": _conditional_read(resource),
        "searchInclude": [f"{resource.type}:{name}" for name in resource.includes],
        "searchRevInclude": [":".join(pair) for pair in reverse_includes(resource.type)],
        "searchParam": [
            {"name": name, "type": p.kind.value, "documentation": p.documentation}
            for name, p in resource.searched_by.items()
        ],
        "operation": [operation] if resource.type == "Patient" else [],
    }
