"""Tests of an enum value that is none: by each door it is answered by those that the enum has."""

import json
from typing import Any
from uuid import uuid4

import pytest
from graphql import GraphQLEnumType, GraphQLError

from api.graphql.error_masking import MOST_VALUES, NEAREST, without_values
from api.graphql.schema import schema
from application.authorization.roles import Role
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward
from tests.support.graphql_client import GraphQLClient
from tests.support.server_process import Client, Served

TYPES = schema._schema.type_map
ENUMS = {n: t for n, t in TYPES.items() if isinstance(t, GraphQLEnumType) and n[0] != "_"}
CANARY = "Adeyemi"
SEX = "'Sex' has no such value. Its values are FEMALE, MALE, OTHER, UNKNOWN."
REGISTRATION = {"commandId": str(uuid4()), "mrn": "1", "familyName": "x", "sex": CANARY}


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (f"{{ patients(filter: {{sex: {CANARY}}}) {{ nodes {{ id }} }} }}", {}),
        (f"query($s: Sex = {CANARY}) {{ patients(filter: {{sex: $s}}) {{ nodes {{ id }} }} }}", {}),
        ("query($s: Sex) { patients(filter: {sex: $s}) { nodes { id } } }", {"s": CANARY}),
        (
            "mutation($i: RegisterPatientInput!) { registerPatient(input: $i) { __typename } }",
            {"i": REGISTRATION},
        ),
    ],
)
def test_a_value_that_is_none_is_answered_by_those_there_are(
    shared: Ward, running: Served, query: str, variables: dict[str, Any]
) -> None:
    client = GraphQLClient(shared.client.http, LOGIN.make(Role.NURSE, "who mistypes"))
    with Client(running.url) as socket:
        socket.subscribe(query, **variables)
        payload = socket.receive()["payload"]
        over_socket = payload if isinstance(payload, list) else payload["errors"]
    for errors in (client.raw(query, variables)["errors"], over_socket):
        assert len(errors) == 1, errors
        (error,) = errors
        assert error["message"].endswith(SEX)
        assert CANARY not in json.dumps(errors)


def test_so_it_is_in_a_batch_of_commands(shared: Ward) -> None:
    body = {"commands": [{"mutation": "registerPatient", "input": REGISTRATION}]}
    (result,) = shared.client.http.post(
        "/commands", json=body, headers={"Authorization": f"Bearer {LOGIN.make(Role.NURSE, 'n')}"}
    ).json()["results"]
    (error,) = result["errors"]
    assert error["message"].endswith(SEX)


@pytest.mark.parametrize("name", sorted(ENUMS))
@pytest.mark.parametrize(
    "sent",
    [CANARY, f"{CANARY}' Did you mean 'Sex", f"{CANARY}\n Did you mean X?", f"x' enum {CANARY}: 1"],
)
@pytest.mark.parametrize("kind", ["literal", "variable"])
def test_of_each_enum_all_or_the_nearest_are_told_and_never_what_was_sent(
    name: str, sent: str, kind: str
) -> None:
    enum = ENUMS[name]
    value = sent if kind == "variable" else json.dumps(sent)
    messages = []
    try:
        enum.coerce_input_value(sent) if kind == "variable" else enum.parse_value(sent)
    except GraphQLError as error:
        messages.append(str(error))
    messages.append(f"Enum '{name}' cannot represent non-string value: {value}.")
    for message in messages:
        for suggests in (False, True):
            text = without_values(message, suggests=suggests, types=TYPES)
            told = [value for value in enum.values if value in text]
            assert len(told) >= min(len(enum.values), NEAREST)
            assert len(enum.values) > MOST_VALUES or told == list(enum.values)
            assert CANARY not in text


@pytest.mark.parametrize("suggests", [False, True])
@pytest.mark.parametrize(
    "message",
    [
        f"Value '{CANARY} Did you mean x",
        f"Expected value of type 'A' not to include unknown field '{CANARY} Did you mean 'x'',"
        " found: 1.",
        f"Expected value of type 'A' not to include unknown field '{CANARY}'. Did you mean 'b'?"
        f" Found: {CANARY}.",
        f"String cannot represent a non string value: {CANARY} Value 'x' does not exist in 'Sex' enum.",
        f"Unknown operation named \"{CANARY} has invalid value: Value 'x' does not exist in 'Sex' enum",
    ],
)
def test_words_of_graphql_in_a_value_do_not_tell_it(message: str, suggests: bool) -> None:
    assert CANARY not in without_values(message, suggests=suggests, types=TYPES)


def test_a_field_of_an_input_is_suggested_where_introspection_is_allowed(shared: Ward) -> None:
    query = (
        f'{{ patients(filter: {{birthDat: "1984-05-02", sex: {CANARY}}}) {{ nodes {{ id }} }} }}'
    )
    text = json.dumps(shared.client.raw(query))
    assert "unknown field 'birthDat'. Did you mean 'birthDate'" in text
    assert CANARY not in text
