"""The FHIR endpoint: what a request asks for, and the response to it (https://hl7.org/fhir/R4/http.html).

Nothing is written here: facts come in by commands, and by ``wardbook import fhir``.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.auth.authentication import Authenticator
from api.fhir.capability import statement
from api.fhir.elements import elements_asked, leave
from api.fhir.formats import MEDIA_TYPE, check_format, in_lines, is_pretty
from api.fhir.history import history, version_of
from api.fhir.outcome import FhirError, TypeClosed, not_found
from api.fhir.parameters import DATE_TIME
from api.fhir.paths import PATH
from api.fhir.patient_everything import patient_everything
from api.fhir.query import EVERYWHERE, query_of
from api.fhir.reader import Item, Reader
from api.fhir.registry import RESOURCES
from api.fhir.resource import Resource, check_type
from api.fhir.search import resolve_chains, search, searchset
from api.fhir.smart import check_scope, configuration
from api.fhir.values import Json, present
from api.graphql.scalars import iso_moment
from domain.time import is_nameable
from infrastructure.settings import Settings

FORM = "application/x-www-form-urlencoded"

MOST_FORM = 65_536
"""The bytes of a form: as many as a line and headers may have, in which a search comes by GET."""

MOST_PARAMETERS = 100
MOST_VALUES = 1_000
"""The parameters of a request, and their values, with commas between them, all together."""

ONCE = ("asOf", "knownAt", "_count", "_since", "_type", "_summary", "_elements", "_sort", "_total")
"""Parameters that have one value, or several with commas: of two of them one would be left out."""

READ = ("GET", "HEAD")

Pairs = Sequence[tuple[str, str]]
Answer = tuple[Response, Sequence[Item]]
"""A response, and what it shows."""


class Fhir:
    """The endpoint of all below ``/fhir``."""

    def __init__(self, settings: Settings, login: Authenticator) -> None:
        self._settings, self._login = settings, login

    async def metadata(self, request: Request) -> Response:
        """Respond with the CapabilityStatement. Raises FhirError."""
        if options := _options(request, READ):
            return options
        parameters = request.query_params.multi_items()
        check_format(request, parameters)
        response = _response(statement(self._settings, _base(request)))
        return in_lines(response) if is_pretty(parameters) else response

    async def smart(self, request: Request) -> Response:
        """Respond with what SMART apps need to know of the login. Raises FhirError."""
        if options := _options(request, READ):
            return options
        body = await configuration(self._login)
        return _response(body, media_type="application/json")

    async def respond(self, request: Request) -> Response:
        """Respond to a read or a search. Raises FhirError."""
        parts = [part for part in request.path_params.get("path", "").split("/") if part]
        if parts and parts[0] not in RESOURCES:
            types = ", ".join(RESOURCES)
            raise FhirError(404, "not-supported", f"There is none of this type here; of: {types}.")
        if options := _options(request, _methods(parts)):
            return options
        resource = RESOURCES[parts[0]]
        parameters: Pairs = request.query_params.multi_items()
        if request.method == "POST":
            parts, parameters = parts[:1], [*parameters, *await _form(request)]
        _check_forms(parameters)
        check_format(request, parameters)
        is_for_people = is_pretty(parameters)
        reader = _reader(request, parameters)
        operation = f"fhir {resource.type}"
        try:
            check_type(reader, resource)
            response, items = await self._answer(request, reader, resource, parts[1:], parameters)
        except TypeClosed as error:
            await reader.record_refusal(operation, error.entity)
            raise
        except FhirError:
            await reader.record(operation, [])
            raise
        await reader.record(operation, items)
        return in_lines(response) if is_for_people else response

    async def _answer(
        self,
        request: Request,
        reader: Reader,
        resource: Resource,
        path: Sequence[str],
        parameters: Pairs,
    ) -> Answer:
        """Return the response, and what it shows. Raises FhirError."""
        match path:
            case [name, *_] if name[0] in "_$":
                pass
            case []:
                return await self._search(request, reader, resource, parameters)
            case [id]:
                return await self._read(request, reader, resource, id, parameters)
            case [id, "_history"] if resource.has_versions:
                return await self._history(request, reader, resource, id, parameters)
            case [id, "_history", version] if resource.has_versions:
                return await self._read(request, reader, resource, id, parameters, version)
            case [id, "$everything"] if resource.type == "Patient":
                return await self._patient_everything(request, reader, id, parameters)
        raise FhirError(404, "not-supported", "There is no such interaction; see /fhir/metadata.")

    async def _search(
        self, request: Request, reader: Reader, resource: Resource, parameters: Pairs
    ) -> Answer:
        query = query_of(resource, parameters, _is_strict(request), _base(request))
        included_types = {
            type for name in query.includes for type in resource.includes[name].targets
        }
        for type in sorted(included_types | {type for type, _ in query.reverse}):
            check_scope(request.state.caller, type)
        for type in sorted({chain.type for chain in query.chains}):
            check_type(reader, RESOURCES[type])
        await resolve_chains(reader, query)
        result = await search(reader, query)
        bundle = searchset(result, query, _base(request), reader)
        return _response(bundle), [*result.matches, *result.included, *result.counted]

    async def _read(
        self,
        request: Request,
        reader: Reader,
        resource: Resource,
        id: str,
        parameters: Pairs,
        version: str | None = None,
    ) -> Answer:
        _check_known(parameters, "_elements", "_summary")
        if version is None:
            item = await _item_by_id(reader, resource, id)
            await reader.finish([item])
        else:
            item = await version_of(reader, resource, id, version)
        if dict(parameters).get("_summary") == "count":
            raise FhirError(400, "invalid", "_summary=count is of searches.")
        elements = elements_asked(dict(parameters), resource.type)
        return await _resource_response(request, reader, item, elements), [item]

    async def _history(
        self, request: Request, reader: Reader, resource: Resource, id: str, parameters: Pairs
    ) -> Answer:
        _check_known(parameters, "_count", "_since", "_after", "_known")
        item = await _item_by_id(reader, resource, id)
        bundle, items = await history(reader, resource, item, dict(parameters), _base(request))
        return _response(bundle), items

    async def _patient_everything(
        self, request: Request, reader: Reader, id: str, parameters: Pairs
    ) -> Answer:
        _check_known(parameters, "_type", "_since", "_count", "_after", "_known")
        patient = await _item_by_id(reader, RESOURCES["Patient"], id)
        bundle, items = await patient_everything(reader, patient, dict(parameters), _base(request))
        return _response(bundle), items


def _methods(parts: Sequence[str]) -> Sequence[str]:
    """Return the methods that are taken at a path: none at the base, searches by POST, else reads."""
    if not parts:
        return ()
    return ("POST",) if parts[1:] == ["_search"] else READ


def _options(request: Request, methods: Sequence[str]) -> Response | None:
    """Return the response to OPTIONS. Raises FhirError for another method than those that are taken."""
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": ", ".join(methods)})
    if request.method not in methods:
        raise FhirError(
            405,
            "not-supported",
            "Only reads and searches are taken here, no batches or transactions; nothing is changed,"
            " with If-Match or without: facts are recorded by commands (GraphQL), or imported (wardbook"
            " import fhir).",
            allow=", ".join(methods),
        )
    return None


def _reader(request: Request, parameters: Pairs) -> Reader:
    values = dict(parameters)
    times = {name: _moment(name, values.get(name)) for name in ("asOf", "knownAt")}
    times["knownAtPosition"] = values.get("_known")
    return Reader(request.state.container, request.state.caller, times)


async def _item_by_id(reader: Reader, resource: Resource, id: str) -> Item:
    item = await resource.by_ids(reader, [id])
    if not item:
        raise not_found(resource.type)
    return item[0]


async def _form(request: Request) -> Pairs:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if body and media_type != FORM:
        raise FhirError(415, "not-supported", f"A search is posted as {FORM}.")
    if len(body) > MOST_FORM:
        raise FhirError(413, "too-long", f"A form may have {MOST_FORM} bytes at most.")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise FhirError(
            400, "invalid", f"The body is no form in UTF-8 of at most {MOST_PARAMETERS} fields."
        ) from None


def _check_forms(parameters: Pairs) -> None:
    """Raise FhirError for too many parameters or values, several of one, or what is not in UTF-8."""
    if len(parameters) > MOST_PARAMETERS:
        raise FhirError(400, "too-costly", f"A request has {MOST_PARAMETERS} parameters at most.")
    if sum(value.count(",") + 1 for _, value in parameters) > MOST_VALUES:
        raise FhirError(400, "too-costly", f"Parameters have {MOST_VALUES} values at most in all.")
    names = [name for name, _ in dict.fromkeys(parameters)]
    if names_twice := [name for name in ONCE if names.count(name) > 1]:
        raise FhirError(400, "invalid", f"Give this once: {', '.join(names_twice)}.")
    if any("\ufffd" in name + value for name, value in parameters):
        raise FhirError(
            400, "invalid", "Parameters are in UTF-8: a part of them is in no character."
        )


def _check_known(parameters: Pairs, *known: str) -> None:
    for name, _ in parameters:
        if name not in (*known, *EVERYWHERE):
            names = ", ".join((*known, *EVERYWHERE))
            raise FhirError(400, "not-supported", f"This takes the parameters {names} alone.")


def _moment(name: str, value: str | None) -> str | None:
    """Return a moment with its offset. Raises FhirError for one without, and for an empty one."""
    if value is None:
        return None
    text = value.replace(" ", "+")  # an offset's sign that was not encoded
    if DATE_TIME.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        else:
            if is_nameable(moment):
                return iso_moment(moment)
    raise FhirError(
        400, "invalid", f"{name} is a moment with an offset, like 2026-03-01T08:00:00+01:00."
    )


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/") + PATH


async def _resource_response(
    request: Request, reader: Reader, item: Item, elements: Sequence[str] | None
) -> Response:
    """Return the response of one resource; 304 to who has its version already.

    Raises FhirError to who wants another version alone (If-Match).
    """
    resource = present(leave(item.resource, elements))
    meta = resource.get("meta", {})
    headers = {}
    if "versionId" in meta:
        headers["ETag"] = f'W/"{meta["versionId"]}"'
    if "lastUpdated" in meta and item.follows_clock is None:
        moment = datetime.fromisoformat(meta["lastUpdated"])
        headers["Last-Modified"] = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
    own_tags = {headers["ETag"].removeprefix("W/"), "*"} if "ETag" in headers else set()
    if (match := _header(request, "if-match")) and own_tags.isdisjoint(_tags(match)):
        raise FhirError(412, "conflict", "It has another version now: read it without If-Match.")
    if tags := _header(request, "if-none-match"):
        # then the moment is not looked at (RFC 9110, 13.1.3)
        is_known = not own_tags.isdisjoint(_tags(tags))
    else:
        since = _date_of(request.headers.get("if-modified-since", ""))
        is_known = False
        if since and since <= datetime.now(UTC) and "Last-Modified" in headers:
            second = moment.replace(microsecond=0)
            # the date of a version is that of another one within the same second, too
            is_known = second < since or (
                second == since and not await reader.changed_twice_since(item, second)
            )
    if is_known:
        return Response(status_code=304, headers=headers)
    return _response(resource, headers=headers)


def _header(request: Request, name: str) -> str:
    """Return a header that may be given in several lines."""
    return ",".join(request.headers.getlist(name))


def _is_strict(request: Request) -> bool:
    """Return whether the client prefers a refusal to an answer without what is not known."""
    preferences = re.split("[,;]", _header(request, "prefer").lower())
    return "handling=strict" in [re.sub(r'[\s"]', "", text) for text in preferences]


def _tags(header: str) -> list[str]:
    """Return entity tags of a header, each without a sign that it is weak: all are, of FHIR."""
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]


def _date_of(http_date: str) -> datetime | None:
    """Return the moment that a date of HTTP is; None for what is no date."""
    try:
        return parsedate_to_datetime(http_date).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _response(
    body: Json,
    status: int = 200,
    headers: dict[str, str] | None = None,
    media_type: str = MEDIA_TYPE,
) -> Response:
    return Response(
        msgspec.json.encode(body), status, headers, media_type=f"{media_type}; charset=utf-8"
    )
