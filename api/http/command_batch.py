"""Batches of commands that were recorded offline: ``POST /commands``, one result for each.

Each is the mutation of its name, with the authorization, refusals and limits of that mutation.
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

from api.errors import BadRequest, TooLarge, UnsupportedMediaType, format_error
from api.graphql.context import Context
from api.graphql.extensions.authorization import needed_for
from api.graphql.extensions.limits import check_variables
from api.graphql.schema import schema
from api.http.allowances import Allowances
from api.telemetry.logs import COMMAND_ID
from api.work import WORK
from application.authorization.roles import DATA

MOST = 200
"""Commands in one request."""

_MUTATIONS = cast(GraphQLObjectType, schema._schema.mutation_type).fields


class CommandBatch:
    """The endpoint of batches: execute each command as the client's own mutation, in their order."""

    def __init__(self, allowances: Allowances) -> None:
        self._allowances = allowances

    async def post(self, request: Request) -> Response:
        """Respond with one result for each command. Raises BadRequest, TooLarge, TooManyRequests."""
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type != "application/json":
            raise UnsupportedMediaType("Commands are given as application/json.")
        try:
            commands = json.loads(await request.body())["commands"]
            if not isinstance(commands, list):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BadRequest('Give {"commands": [{"mutation": …, "input": {…}}]}.') from None
        if len(commands) > MOST:
            raise TooLarge(f"Give {MOST} commands at most at once.")
        by, results = request.state.caller.actor, []
        self._allowances.requests.spend(by, len(commands))
        processor, work = self._allowances.processor, WORK.get()
        assert work is not None, "a request without its work"
        for command in commands:
            turn, before = await processor.turn(by, patience=None), work.used
            try:
                results.append(await _execute(request, command))
            finally:
                processor.finish(by, turn, work.used - before)
        return JSONResponse({"results": results})


async def _execute(request: Request, command: Any) -> dict[str, Any]:
    """Return the mutation's payload, or the errors that kept it from being executed."""
    COMMAND_ID.set(None)
    problem = _problem_of(command)
    if problem:
        return {"errors": [format_error(BadRequest(problem))]}
    try:
        check_variables(command["input"])
    except TooLarge as error:
        return {"errors": [format_error(error)]}
    context = Context(request.state.container, request.state.caller)
    result = await schema.execute(
        _document(command["mutation"], frozenset(filter(context.may, DATA))),
        variable_values={"input": command["input"]},
        context_value=context,
    )
    payload = (result.data or {}).get("payload")
    if payload is None:
        return {"errors": [error.formatted for error in result.errors or ()]}
    return {name.rpartition("___")[2]: value for name, value in payload.items()}


def _problem_of(command: Any) -> str | None:
    """Return the problem of a command; None if it can be executed."""
    if not isinstance(command, dict) or str(command.get("mutation")) not in _MUTATIONS:
        return "No command is named so: give a mutation's name, for example admitPatient."
    if not isinstance(command.get("input"), dict):
        return "The command has no input: give its fields as an object, as the mutation takes them."
    return None


@cache
def _document(name: str, kinds: frozenset[str]) -> str:
    """Return a mutation that selects all fields of any member of its result, two levels deep.

    Without those of other ``kinds`` of data, which the caller may not see in this house.
    """
    field = _MUTATIONS[name]
    union = cast(GraphQLUnionType, cast(GraphQLNonNull[Any], field.type).of_type)
    types: dict[str, set[str]] = {}
    for member in union.types:
        for name_of_field, member_field in member.fields.items():
            types.setdefault(name_of_field, set()).add(str(member_field.type))
    ambiguous = {field for field, types_of_field in types.items() if len(types_of_field) > 1}
    members = " ".join(
        f"... on {kind.name} {{ {_selection(kind, ambiguous, kinds)} }}" for kind in union.types
    )
    input = field.args["input"].type
    return (
        f"mutation($input: {input}) {{ payload: {name}(input: $input) {{ __typename {members} }} }}"
    )


def _selection(kind: GraphQLObjectType, ambiguous: set[str], kinds: frozenset[str]) -> str:
    """Return a type's fields; with an alias each that other members have with another type.

    A refusal is answered the same whenever its command is sent again: without stays as now held.
    """
    is_refusal = any(interface.name == "Refusal" for interface in kind.interfaces)
    selections = []
    for name, field in kind.fields.items():
        item = _item(field.type)
        selection = f"{kind.name}___{name}: {name}" if name in ambiguous else name
        if is_leaf_type(item):
            selections.append(selection)
        elif isinstance(item, GraphQLObjectType) and not (is_refusal and item.name == "Stay"):
            leaves = [
                leaf
                for leaf, leaf_field in item.fields.items()
                if is_leaf_type(_item(leaf_field.type)) and needed_for(item.name, leaf) in kinds
            ]
            if leaves:
                selections.append(f"{selection} {{ {' '.join(leaves)} }}")
    return " ".join(selections)


def _item(kind: Any) -> Any:
    """Return a type without its list and non-null wrappers."""
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        kind = kind.of_type
    return kind
