"""The page for staff: its files, and the rights and forms of all commands, made of the schema.

Files need no login: they say nothing of a hospital. What they show they ask `/graphql` for.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLUnionType,
    get_named_type,
)
from graphql.pyutils import Undefined
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.graphql.extensions.authorization import snake
from api.graphql.schema import schema
from application.authorization.roles import DATA, LABELS, MAY, QUERIES, Role, may
from infrastructure.settings import Settings

WEB = Path(__file__).parent.parent / "web"
"""The folder of the page's files."""

_OUTCOMES = {
    "StayRecorded": "stay { id version } movements { id kind status occurredAt }",
    "PatientRecorded": "patient { id mrn mrnAuthority } merge { id }",
    "ReportRecorded": "issue { id }",
    "GlassBroken": "patient { id } until",
    "PractitionerRecorded": "validFrom",
    "RoomRecorded": "bedStates { id }",
    "VisitRecorded": "stay { id }",
    "ConsultRecorded": "stay { id }",
    "PrescriptionRecorded": "stay { id }",
    "ExpectedArrivalRecorded": "expectedArrival { id }",
    "AllergyRecorded": "allergy { id }",
    "Parked": "message",
    "BedOccupied": "byStay bed",
    "PatientAlreadyAdmitted": "stayId: stay",
    "ContradictsLaterFacts": "facts { id kind: factKind occurredAt stay }",
    "SharersUnplaced": "stays",
    "InFuture": "now",
    "InvalidInput": "field",
    "BedNotOpen": "bed state",
    "StayNotOpen": "endedAt",
    "RoomPolicyBroken": "policy: roomPolicy",
    "PatientDied": "diedAt",
    "LikelyDuplicates": "candidates",
    "WarningsUnconfirmed": "warnings",
    **dict.fromkeys(
        ("BedStateBroken", "StayStateBroken", "PrescriptionStateBroken", "AllergyStateBroken"),
        "problem",
    ),
    **dict.fromkeys(("MergeImpossible", "ErasureImpossible", "ReasonNeeded"), "problem"),
}
"""Fields that the page asks of an outcome beside those that all have."""

_DOCUMENT = (
    "mutation TITLE($input: INPUT!) { NAME(input: $input) { __typename"
    " ... on Recorded { commandId position recordedAt occurredAt }"
    " ... on Refusal { code: errorCode message path } OUTCOMES } }"
)
"""The document by which the page gives a command; words in capitals stand for what each has."""

_AN_INPUT: Any = schema._schema.type_map["WithdrawConsultInput"]
COMMON: Mapping[str, Any] = {
    name: field for name, field in _AN_INPUT.fields.items() if name != "consultId"
}
"""The fields that the inputs of all commands have."""


_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/[ \t]*\n?|//[^\n]*\n)", re.MULTILINE | re.DOTALL)
"""A comment that begins a line of a script or style sheet."""
_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
"""Blanks that begin a line: in a template, too, where one blank is shown as many are."""


class Files(StaticFiles):
    """The page's files with its security headers, without comments and indentation."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(directory=WEB)
        self._headers = headers

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if isinstance(response, FileResponse) and response.status_code == 200:
            response = Response(
                body_of(Path(response.path)),
                media_type=response.media_type,
                headers={"ETag": response.headers["ETag"]},
            )
        response.headers.update(self._headers)
        return response


def body_of(file: Path) -> bytes:
    """Return the body of a file: scripts and styles without comments and indentation, compact JSON."""
    content = file.read_bytes()
    if file.suffix in (".js", ".css") and file.parent.name != "vendor":
        return _INDENTATION.sub("", _COMMENT.sub("", content.decode())).encode()
    return msgspec.json.format(content, indent=-1) if file.suffix == ".json" else content


def page_routes(settings: Settings) -> list[BaseRoute]:
    """Return the routes of the page and its files."""
    headers = page_headers(settings)
    configuration = msgspec.json.encode(page_configuration(settings))

    async def index(request: Request) -> Response:
        return FileResponse(WEB / "index.html", headers=headers)

    def json(content: Callable[[], bytes]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return Response(content(), media_type="application/json", headers=headers)

        return endpoint

    return [
        Route("/", index),
        Route("/web/rights.json", json(rights_json)),
        Route("/web/forms.json", json(forms_json)),
        Route("/web/config.json", json(lambda: configuration)),
        Mount("/web", Files(headers)),
    ]


def page_headers(settings: Settings) -> dict[str, str]:
    """Return the headers of the page's files. Its scripts ask here, and the login's provider."""
    provider = ""
    if settings.oidc_client_id is not None and settings.oidc_issuer is not None:
        parts = urlsplit(settings.oidc_issuer)
        provider = f" {parts.scheme}://{parts.netloc}"
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
        f" connect-src 'self'{provider}; img-src 'self' data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html",
        # kept, and compared by their ETags: a new version is there at the next look
        "Cache-Control": "no-cache",
    }


def page_configuration(settings: Settings) -> dict[str, Any]:
    """Return the configuration of the page before anybody is logged in."""
    login = {
        "issuer": settings.oidc_issuer,
        "clientId": settings.oidc_client_id,
        "parameters": settings.oidc_parameters,
    }
    return {
        "login": login if settings.oidc_client_id is not None else None,
        "logoffMinutes": settings.logoff_minutes,
    }


@cache
def forms_json() -> bytes:
    """Return the forms as JSON; they are made once."""
    return msgspec.json.encode(forms())


@cache
def rights_json() -> bytes:
    """Return the rights as JSON; they are made once."""
    return msgspec.json.encode(rights())


def rights() -> dict[str, Any]:
    """Return the roles that may give each command, and those that have each other right."""
    mutations = schema._schema.mutation_type
    assert mutations is not None, "the schema has commands"
    commands = {
        name: [role for role in Role if may(role, snake(name))] for name in mutations.fields
    }
    others = {action: sorted(MAY[action]) for action in (*QUERIES, *DATA, *LABELS)}
    return {"commands": commands, "rights": others}


def forms() -> dict[str, Any]:
    """Return the command of each form with its fields; its document; enums."""
    mutations = schema._schema.mutation_type
    assert mutations is not None, "the schema has commands"
    inputs: dict[str, Any] = {}
    enums: dict[str, list[str]] = {}
    common = _fields(COMMON, inputs, enums)
    commands = {
        name: {
            "input": _add_input(get_named_type(field.args["input"].type), inputs, enums),
            "outcomes": _outcomes_of(field.type.of_type),
            "without": _deprecated_fields(get_named_type(field.args["input"].type)),
        }
        for name, field in mutations.fields.items()
    }
    return {
        "document": _DOCUMENT,
        "outcomes": _OUTCOMES,
        "commands": commands,
        "common": common,
        "inputs": inputs,
        "enums": enums,
    }


def _add_input(kind: Any, inputs: dict[str, Any], enums: dict[str, list[str]]) -> str:
    """Add the fields of an input type, and of those within it; return its name."""
    assert isinstance(kind, GraphQLInputObjectType)
    if kind.name not in inputs:
        inputs[kind.name] = []
        own_fields = {name: field for name, field in kind.fields.items() if name not in COMMON}
        inputs[kind.name] = _fields(
            own_fields if "commandId" in kind.fields else kind.fields, inputs, enums
        )
    return kind.name


def _deprecated_fields(kind: Any) -> list[str]:
    """Return the common fields that a form does not ask for: the command refuses them."""
    return [name for name in COMMON if kind.fields[name].deprecation_reason]


def _fields(
    fields: Mapping[str, Any], inputs: dict[str, Any], enums: dict[str, list[str]]
) -> list[dict[str, Any]]:
    form_fields = []
    for name, field in fields.items():
        type = get_named_type(field.type)
        inner = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
        if isinstance(type, GraphQLEnumType):
            enums[type.name] = list(type.values)
        elif isinstance(type, GraphQLInputObjectType):
            _add_input(type, inputs, enums)
        form_field = {"name": name, "type": type.name, "about": field.description}
        if isinstance(field.type, GraphQLNonNull) and field.default_value is Undefined:
            form_field["required"] = True
        if isinstance(inner, GraphQLList):
            form_field["list"] = True
        form_fields.append(form_field)
    return form_fields


def _outcomes_of(union: Any) -> list[str]:
    """Return the members of a result of which the page asks more than what all have."""
    assert isinstance(union, GraphQLUnionType)
    return [member.name for member in union.types if member.name in _OUTCOMES]
