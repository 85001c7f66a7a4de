"""The documentation of the API, made of the schema: one page, without a script and without a network.

It says of each type, field, argument and value what the schema says, and which roles may ask for it.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
    is_specified_scalar_type,
    print_ast,
)
from graphql.pyutils import Undefined
from graphql.utilities import ast_from_value
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from api.graphql.extensions.authorization import needed_for, snake
from api.graphql.schema import schema, sdl
from application.authorization.roles import Role, may

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Cache-Control": "max-age=3600",
}
GROUPS: Mapping[str, Any] = {
    "Types": GraphQLObjectType,
    "Interfaces": GraphQLInterfaceType,
    "Unions": GraphQLUnionType,
    "Inputs": GraphQLInputObjectType,
    "Enumerations": GraphQLEnumType,
    "Scalars": GraphQLScalarType,
}
ROOTS = {"Query": "Queries", "Mutation": "Mutations", "Subscription": "Subscriptions"}


async def documentation(request: Request) -> Response:
    """Respond with the page. It needs no token: it says nothing that the source does not say."""
    return HTMLResponse(page(), headers=HEADERS)


async def schema_file(request: Request) -> Response:
    """Respond with the schema in GraphQL's own language, for the tools of clients."""
    return PlainTextResponse(sdl(), headers={"Cache-Control": "no-cache"})


@cache
def page() -> str:
    """Return the page as HTML; it is built once."""
    types = schema._schema.type_map
    sections = [_section(title, [types[name]]) for name, title in ROOTS.items()]
    for title, kind in GROUPS.items():
        sections.append(
            _section(title, [t for t in _documented_types(types) if isinstance(t, kind)])
        )
    return _PAGE.replace("SECTIONS", "".join(sections))


def _documented_types(types: Mapping[str, Any]) -> Iterator[Any]:
    for name, kind in sorted(types.items()):
        if not name.startswith("__") and name not in ROOTS and not is_specified_scalar_type(kind):
            yield kind


def _section(title: str, kinds: list[Any]) -> str:
    names = " ".join(_link(kind) for kind in kinds if kind.name not in ROOTS)
    return f"<section><h2>{title}</h2><p>{names}</p>{''.join(map(_type, kinds))}</section>"


def _type(kind: Any) -> str:
    parts = [f'<article id="{kind.name}"><h3>{kind.name}</h3>', _description(kind)]
    requirement = _requirements(kind)
    if len(requirement) == 1:
        parts.append(_roles(*requirement))
    for of in getattr(kind, "interfaces", ()):
        parts.append(f"<p>Is a {_link(of)}.</p>")
    if isinstance(kind, GraphQLUnionType):
        parts.append(f"<p>One of {', '.join(_link(member) for member in kind.types)}.</p>")
    if isinstance(kind, GraphQLInterfaceType):
        members = schema._schema.get_possible_types(kind)
        parts.append(f"<p>Each of {', '.join(_link(member) for member in members)}.</p>")
    if isinstance(kind, GraphQLEnumType):
        values = (_entry(f"<code>{name}</code>", v) for name, v in kind.values.items())
        parts.append(f"<dl>{''.join(values)}</dl>")
    parts.append(f"<dl>{''.join(_fields(kind))}</dl></article>")
    return "".join(parts)


def _requirements(kind: Any) -> set[str | None]:
    """Return the permissions that a role needs, to see the fields of a type."""
    if kind.name in ROOTS or not isinstance(kind, GraphQLObjectType):
        return set()
    return {needed_for(kind.name, name) for name in kind.fields}


def _fields(kind: Any) -> Iterator[str]:
    differ = len(_requirements(kind)) > 1
    for name, field in getattr(kind, "fields", {}).items():
        roles = ""
        if kind.name in ROOTS or differ:
            roles = _roles(needed_for(kind.name, name) or snake(name))
        label = f'<code id="{kind.name}.{name}">{name}</code>: {_type_of(field)}{_default(field)}'
        arguments = "".join(
            _entry(
                f"<code>{argument_name}</code>: {_type_of(argument)}{_default(argument)}", argument
            )
            for argument_name, argument in getattr(field, "args", {}).items()
        )
        yield _entry(label, field, roles + (f"<dl>{arguments}</dl>" if arguments else ""))


def _entry(label: str, element: Any, suffix: str = "") -> str:
    return f"<dt>{label}</dt><dd>{_description(element)}{suffix}</dd>"


def _description(element: Any) -> str:
    text = escape(element.description or "")
    reason = getattr(element, "deprecation_reason", None)
    return f"<p>{text}</p>" + (
        f"<p><strong>Deprecated:</strong> {escape(reason)}</p>" if reason else ""
    )


def _type_of(element: Any) -> str:
    """Return a type in GraphQL's notation, with a link to its description."""
    named_type = get_named_type(element.type)
    if is_specified_scalar_type(named_type):
        return f"<code>{element.type}</code>"
    return f"<code>{str(element.type).replace(named_type.name, _link(named_type))}</code>"


def _default(element: Any) -> str:
    default = getattr(element, "default_value", Undefined)
    if default is Undefined or default is None:
        return ""
    literal = ast_from_value(default, element.type)
    return f" = <code>{escape(print_ast(literal))}</code>" if literal else ""


def _link(kind: Any) -> str:
    return f'<a href="#{kind.name}">{kind.name}</a>'


def _roles(requirement: str | None) -> str:
    """Return the roles that are allowed to select a field."""
    roles = [role.value for role in Role if may(role, requirement or "")]
    return f"<p class=roles>{', '.join(roles) or 'nobody'}</p>"


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Wardbook: the API</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: auto; padding: 1rem }
article { border-top: 1px solid #8888; margin-top: 1.5rem }
dd p { margin: 0 } dd dl { margin: 0 0 1rem } dt { margin-top: .5rem }
.roles { font-size: .85rem; opacity: .75 } .roles::before { content: "for " }
:target { background: #fc83 }
@media (prefers-color-scheme: dark) { :root { color-scheme: dark } }
</style>
<h1>Wardbook: the API</h1>
<p>GraphQL at <code>/graphql</code>: queries and mutations by POST, queries by GET, subscriptions over
WebSockets (<code>graphql-transport-ws</code>). Each request shows a token. What each may ask for is said
below it; wards and labels narrow it further.</p>
SECTIONS
</html>
"""
