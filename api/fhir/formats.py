"""Formats of responses (https://hl7.org/fhir/R4/http.html#mime-type): JSON alone."""

from collections.abc import Sequence

from starlette.requests import Request

from api.fhir.outcome import FhirError
from api.http.middleware import preferred_media_type

MEDIA_TYPE = "application/fhir+json"
FORMATS = ("json", MEDIA_TYPE, "application/json", "text/json")
"""Values of ``_format``; the others that the specification has are of XML, Turtle and HTML."""

ACCEPTED = dict.fromkeys((*FORMATS[1:], "application/*", "*/*"), MEDIA_TYPE)


def check_format(request: Request, parameters: Sequence[tuple[str, str]]) -> None:
    """Refuse a request for another format. ``_format`` overrides Accept. Raises FhirError."""
    formats = [value for name, value in parameters if name == "_format" and value]
    names = [value.partition(";")[0].strip().lower().replace(" ", "+") for value in formats]
    if not (
        set(names) <= set(FORMATS) if names else preferred_media_type(request.headers, ACCEPTED)
    ):
        raise FhirError(
            406,
            "not-supported",
            f"Responses are in JSON: Accept: {MEDIA_TYPE}, or _format=json, which overrides it.",
        )
