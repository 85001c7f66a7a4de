"""FHIR data types (https://hl7.org/fhir/R4/datatypes.html) as plain dictionaries."""

import re
from typing import Any
from urllib.parse import quote, unquote

Json = dict[str, Any]

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
OWN = "urn:wardbook"
"""Origin of identifiers and codes that no standard has."""

DRUG_SYSTEMS = {
    "ATC": "http://www.whocc.no/atc",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "SNOMED": "http://snomed.info/sct",
    "SNOMED CT": "http://snomed.info/sct",
    "NDC": "http://hl7.org/fhir/sid/ndc",
}
"""Coding systems of drugs by the names that hospitals give them (terminologies-systems.html)."""

_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)
_QUANTITY = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*(\S.*?)?\s*")


def present(value: Any) -> Any:
    """Return a value without what is absent: FHIR has neither null nor an empty list or object."""
    if isinstance(value, dict):
        members = {key: present(item) for key, item in value.items()}
        return {key: item for key, item in members.items() if item not in (None, {}, [], "")}
    if isinstance(value, list | tuple):
        return [item for item in map(present, value) if item not in (None, {}, [], "")]
    return value


def uri(name: str, kind: str) -> str:
    """Return a name as a URI: as it is where it is one, else one of ours for its kind."""
    return name if _URI.fullmatch(name) else f"{OWN}:{kind}:{quote(name, safe='')}"


def named_by(system: str, kind: str) -> str:
    """Return the name that `uri` made a URI of."""
    prefix = f"{OWN}:{kind}:"
    return unquote(system.removeprefix(prefix)) if system.startswith(prefix) else system


def coding(system: str, code: str | None, display: str | None = None) -> Json:
    return {"system": system, "code": code, "display": display} if code else {}


def concept(*codings: Json, text: str | None = None) -> Json:
    return {"coding": [c for c in codings if c], "text": text}


def reference(type: str, id: str | None, display: str | None = None) -> Json:
    """Return a reference to a resource of ours; none without an id."""
    return {"reference": f"{type}/{id}", "display": display} if id else {}


def to(type: str, node: Json | None) -> Json:
    """Return a reference to what a field of GraphQL has given, if it has."""
    return reference(type, node["id"]) if node else {}


def period(start: str | None, end: str | None) -> Json:
    return {"start": start, "end": end}


def quantity(text: str | None) -> Json:
    """Return an amount as it was written, with its number apart; nothing if it begins with none."""
    match = _QUANTITY.fullmatch(text or "")
    if not match:
        return {}
    number = float(match[1].replace(",", "."))
    return {"value": int(number) if number.is_integer() else number, "unit": match[2]}


def login(issuer: str, subject: str) -> Json:
    """Return a reference to a login by its name alone: it may be of a person or of a program."""
    return {
        "identifier": {"system": uri(issuer, "issuer"), "value": subject},
        "display": subject,
    }


LABELS = {"NORMAL": "N", "RESTRICTED": "R", "VERY_RESTRICTED": "V"}


def security_label(confidentiality: str) -> Json:
    """Return the part of ``meta`` that has the confidentiality label."""
    return {"security": [coding(f"{TERMINOLOGY}/v3-Confidentiality", LABELS[confidentiality])]}
