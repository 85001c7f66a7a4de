"""Mistakes of other systems about names and ids of nothing: see `test_covered` for the list."""

import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest
from graphql import GraphQLObjectType, GraphQLScalarType, get_named_type, is_required_argument

from api.graphql.schema import schema
from application.authorization.roles import Role, may
from tests.api import test_mutations
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, codes
from tests.support.api_example import EXAMPLES
from tests.support.graphql_client import GraphQLClient

pytestmark = pytest.mark.slow

assert test_mutations  # registers the examples

NAMES = ("ward", "room", "bed", "mrn", "staffNumber", "patientMrn", "attending")
"""Arguments and fields of filters that name something of the house."""

VALUES: dict[str, Any] = {
    "DateTime": ago(hours=2),
    "String": "inpatient-census",
    "ReportPeriod": {"from": ago(days=3)[:10], "to": ago(days=2)[:10]},
    "ID": str(uuid4()),
    "CourseFormat": "JSON",
}
"""Values of arguments that are required beside the one that is tried."""

BESIDE = {"occupancyHistory": {"to": ago(hours=1)}}


def asked() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each argument of each question that names something, with values that name nothing."""
    query = schema._schema.query_type
    assert query is not None
    for field, definition in query.fields.items():
        needed = {
            name: VALUES[get_named_type(of.type).name]
            for name, of in definition.args.items()
            if is_required_argument(of)
        }
        needed |= BESIDE.get(field, {})
        for name, of in definition.args.items():
            if name in NAMES:
                yield field, name, {**needed, name: "no such"}
            for inner in getattr(get_named_type(of.type), "fields", ()) if name == "filter" else ():
                if inner in NAMES:
                    yield field, inner, {**needed, name: {inner: "no such"}}


def test_mistake_111_what_is_asked_about_and_never_was_is_refused_not_shown_empty(
    shared: Ward,
) -> None:
    shared.stay(f"{shared.room('a')}/a")
    wrong = []
    for field, name, values in asked():
        answer = shared.client.raw(*_document(field, values))
        if not answer.get("errors") or codes(answer) != {"NotFound"}:
            wrong.append((field, name, answer))
    assert wrong == []


def _document(field: str, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    query = schema._schema.query_type
    assert query is not None
    definition = query.fields[field]
    types = ", ".join(f"${name}: {definition.args[name].type}" for name in values)
    given = ", ".join(f"{name}: ${name}" for name in values)
    has_fields = isinstance(get_named_type(definition.type), GraphQLObjectType)
    return f"query({types}) {{ {field}({given}) {'{ __typename }' if has_fields else ''} }}", values


NAMING = {
    *("ward", "room", "bed", "patientMrn", "intoMrn", "staffNumber", "attending"),
    *("practitioner", "prescriber"),
}
"""Fields of inputs that name what is there; so do all that hold the id of something."""

NEW = {
    *("registerPatient", "registerPractitioner", "openRoom"),
    *("addBed.bed", "recordSourceMovement"),
}
"""Inputs and fields that name what is to be, or are kept until it is."""

REFUSED = {"NotFound", "MovementNotFound", "InvalidInput", "NotAllowed"}

FIELDS_OF: dict[str, set[str]] = {
    "nothing": set(),
    "stay": {"stayId", "withStayId", "sharesBedOf"},
    "prescription": {"prescriptionId", "dischargeMedicines"},
}
"""The fields of inputs that name things of a kind."""

ROLES = (
    [role for role in Role if role is not Role.ADMIN]
    if "WARDBOOK_CRAWLED" in os.environ
    else [Role.REGISTRAR, Role.NURSE]
)
"""All in `make nightly`: of each mutation with each id that takes a minute."""


def test_mistake_112_no_command_takes_what_it_names_for_granted(shared: Ward) -> None:
    wrong = []

    def try_unknown(name: str, input: dict[str, Any]) -> None:
        for path in _naming(_type_of(name), input):
            if name in NEW or f"{name}.{path[-1]}" in NEW:
                continue
            said = "no such" if path[-1] in NAMING else str(uuid4())
            result = _sent(shared.client, name, _with(input, path, said))
            if result["__typename"] not in REFUSED or not _names(path, result["path"]):
                wrong.append((name, path, result))
        assert wrong == []

    _give_examples(shared, try_unknown)


@pytest.mark.nightly
def test_mistake_113_an_id_of_something_else_is_refused_to_every_role_and_tells_nothing(
    shared: Ward,
) -> None:
    secret = {"familyName": "Geheimrat", "confidentiality": "VERY_RESTRICTED"}
    theirs = shared.patient(**secret)
    stay = shared.stay(patientMrn=theirs)
    kinds = {"stay": stay, "prescription": shared.prescription(stay)}
    clients = {role: GraphQLClient(shared.client.http, LOGIN.make(role, role)) for role in ROLES}

    def try_others(name: str, input: dict[str, Any]) -> None:
        for path in _naming(_type_of(name), input) if name not in NEW else ():
            for role, client in clients.items() if path[-1] not in NAMING else ():
                for kind, id in (("nothing", str(uuid4())), *kinds.items()):
                    if path[-1] in FIELDS_OF[kind] and may(role, "label:very_restricted"):
                        continue
                    result = _sent(client, name, _with(input, path, id))
                    assert result["__typename"] in REFUSED, (name, path, role, kind, result)
                    assert result["message"], (name, path, role, kind)
                    assert "Geheimrat" not in str(result), (name, path, role, kind)
                    assert theirs not in str(result), (name, path, role, kind)

    _give_examples(shared, try_others)


def _sent(client: GraphQLClient, name: str, input: dict[str, Any]) -> dict[str, Any]:
    """Send a mutation that shows a refusal alone, and return its answer."""
    document = (
        f"mutation($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input)"
        " { __typename ... on Refusal { code message path } } }"
    )
    answer: dict[str, Any] = client.ask(document, input=input)[name]
    return answer


def _names(path: tuple[Any, ...], told: list[str]) -> bool:
    """Return whether a refusal names the field at fault, or another part of the same place."""
    places = {"ward", "room", "bed"}
    fields = {part for part in path if isinstance(part, str)}
    return not fields.isdisjoint(told) or bool(fields & places and places.intersection(told))


def _give_examples(ward: Ward, first: Callable[[str, dict[str, Any]], None]) -> None:
    """Give the example of each mutation; ``first`` gets its input before it is sent."""
    for name, (_, give) in EXAMPLES.items():
        trying = Ward(ward.client, ward._named)
        trying.execute = _first(ward.client.execute, name, first)
        give(trying)


def _first(
    execute: Callable[..., Any], wanted: str, first: Callable[[str, dict[str, Any]], None]
) -> Callable[..., Any]:
    sent: list[str] = []

    def send(command: str, **input: Any) -> Any:
        if command == wanted and not sent:
            sent.append(command)
            first(command, input)
        return execute(command, **input)

    return send


def _type_of(name: str) -> Any:
    return schema._schema.type_map[f"{name[0].upper()}{name[1:]}Input"]


def _naming(kind: Any, input: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of the fields of an input that name something of the record."""
    for name, value in input.items():
        if name == "source":  # ids of another system
            continue
        of = get_named_type(kind.fields[name].type)
        is_id = isinstance(of, GraphQLScalarType) and of.name == "ID" and name != "commandId"
        if (name in NAMING or is_id) and isinstance(value, str):
            yield (*path, name)
        for n, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, dict):
                inner = (*path, name, n) if isinstance(value, list) else (*path, name)
                yield from _naming(of, item, inner)


def _with(input: dict[str, Any], path: tuple[Any, ...], value: str) -> dict[str, Any]:
    """Return an input with another value at a path, as a command of its own."""
    changed: dict[str, Any] = {**deepcopy(input), "commandId": str(uuid4())}
    inner: Any = changed
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return changed
