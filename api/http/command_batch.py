"""Commands that were recorded offline, given together and answered one by one: ``POST /commands``.

Each is the mutation of its name, with all that holds for it: who may, what is refused, what is counted.
"""

import json
from functools import cache
from typing import Any, cast

from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    is_leaf_type,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from api.errors import BadRequest, MethodNotAllowed, TooLarge, formatted
from api.graphql.context import Context
from api.graphql.extensions.authorization import needed_for
from api.graphql.schema import schema
from api.http.errors import error_response
from api.http.graphql_endpoint import CALLER, Endpoint, too_many
from application.authorization.roles import Role, may

MOST = 200
"""Commands in one request."""

_MUTATIONS = cast(GraphQLObjectType, schema._schema.mutation_type).fields


class Batch:
    """Gives each command as the client's own mutation would, in their order."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._endpoint.guarded(scope, receive, send, self._answer)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._told(request)
        await response(scope, receive, send)

    async def _told(self, request: Request) -> Response:
        if request.method != "POST":
            return error_response(MethodNotAllowed("Commands are given by POST."))
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            return error_response(BadRequest("Commands are given as application/json."))
        try:
            commands = json.loads(await request.body())["commands"]
            if not isinstance(commands, list):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            return error_response(BadRequest('Give {"commands": [{"mutation": …, "input": {…}}]}.'))
        if len(commands) > MOST:
            return error_response(TooLarge(f"Give {MOST} commands at most at once."))
        if wait := self._endpoint.pace.take(request.scope[CALLER].actor, len(commands)):
            return error_response(too_many(wait))
        return JSONResponse({"results": [await self._give(request, c) for c in commands]})

    async def _give(self, request: Request, command: Any) -> dict[str, Any]:
        """What the mutation answers, or the faults that kept it from being given."""
        wrong = _wrong(command)
        if wrong:
            return {"errors": [formatted(BadRequest(wrong))]}
        context = cast(Context, await self._endpoint.get_context(request, Response()))
        result = await schema.execute(
            _document(command["mutation"], context.caller.role),
            variable_values={"input": command["input"]},
            context_value=context,
        )
        told = (result.data or {}).get("told")
        if told is None:
            return {"errors": [error.formatted for error in result.errors or ()]}
        return {name.rpartition("___")[2]: value for name, value in told.items()}


def _wrong(command: Any) -> str | None:
    """What a command lacks; None if it can be given."""
    if not isinstance(command, dict) or str(command.get("mutation")) not in _MUTATIONS:
        return "name a mutation of the schema"
    if not isinstance(command.get("input"), dict):
        return "give the mutation's input"
    if not command["input"].get("occurredAt"):
        return "say when it happened: occurredAt; it is not the time at which it is sent"
    return None


@cache
def _document(name: str, role: Role) -> str:
    """The mutation, asked for all that any member of its result says of itself, two levels deep.

    Without what the role may not see.
    """
    field = _MUTATIONS[name]
    union = cast(GraphQLUnionType, cast(GraphQLNonNull[Any], field.type).of_type)
    types: dict[str, set[str]] = {}
    for member in union.types:
        for said, of in member.fields.items():
            types.setdefault(said, set()).add(str(of.type))
    several = {said for said, of in types.items() if len(of) > 1}
    members = " ".join(
        f"... on {kind.name} {{ {_fields(kind, several, role)} }}" for kind in union.types
    )
    input = field.args["input"].type
    return f"mutation($input: {input}) {{ told: {name}(input: $input) {{ __typename {members} }} }}"


def _fields(kind: GraphQLObjectType, several: set[str], role: Role) -> str:
    """Its fields; under a name of its own each one that other members have with another type."""
    found = []
    for name, field in kind.fields.items():
        within = _item(field.type)
        own = f"{kind.name}___{name}: {name}" if name in several else name
        if is_leaf_type(within):
            found.append(own)
        elif isinstance(within, GraphQLObjectType):
            leaves = [
                said
                for said, of in within.fields.items()
                if is_leaf_type(_item(of.type)) and may(role, needed_for(within.name, said) or "")
            ]
            if leaves:
                found.append(f"{own} {{ {' '.join(leaves)} }}")
    return " ".join(found)


def _item(kind: Any) -> Any:
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        kind = kind.of_type
    return kind
