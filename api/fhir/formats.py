"""Formats of responses (https://hl7.org/fhir/R4/http.html#mime-type): JSON alone."""

import re
from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.fhir.outcome import FhirError
from api.http.middleware import preferred_media_type

MEDIA_TYPE = "application/fhir+json"
FORMATS = ("json", MEDIA_TYPE, "application/json", "text/json")
"""Values of ``_format``; the others that the specification has are of XML, Turtle and HTML."""

ACCEPTED = dict.fromkeys((*FORMATS[1:], "application/*", "*/*"), MEDIA_TYPE)


VERSION = re.compile(r'fhirversion\s*=\s*"?([^",;\s]*)', re.IGNORECASE)
VERSIONS = ("4.0", "4.0.1")


def check_format(request: Request, parameters: Sequence[tuple[str, str]]) -> None:
    """Refuse a request for another format. ``_format`` overrides Accept. Raises FhirError."""
    formats = [value for name, value in parameters if name == "_format" and value]
    names = [value.partition(";")[0].strip().lower().replace(" ", "+") for value in formats]
    accept = ",".join(request.headers.getlist("accept"))
    media_types = ",".join(item for item in accept.split(",") if _is_of_version(item))
    if names:
        is_format = set(names) <= set(FORMATS) and all(map(_is_of_version, formats))
    else:
        is_format = bool(media_types or not accept) and bool(
            preferred_media_type({"accept": media_types}, ACCEPTED)
        )
    if not is_format:
        raise FhirError(
            406,
            "not-supported",
            f"Responses are in JSON, of FHIR 4.0: Accept: {MEDIA_TYPE}, or _format=json, which"
            " overrides it.",
        )


def _is_of_version(media_type: str) -> bool:
    """Return whether a media type names no other version of FHIR than the one that is spoken here."""
    version = VERSION.search(media_type)
    return version is None or version[1] in VERSIONS


def is_pretty(parameters: Sequence[tuple[str, str]]) -> bool:
    """Return whether a response is for people to read, in lines. Raises FhirError."""
    values = {value for name, value in parameters if name == "_pretty"}
    if not values <= {"true", "false"}:
        raise FhirError(400, "invalid", "_pretty is true or false.")
    return "true" in values


def in_lines(response: Response) -> Response:
    """Return a response in lines, for people to read."""
    if response.body:
        response.body = msgspec.json.format(response.body, indent=2)
        response.headers["Content-Length"] = str(len(response.body))
    return response
