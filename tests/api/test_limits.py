"""What one operation may ask, and what it may not: attacks that are known, and the questions we make."""

import json
from typing import Any

import psycopg
import pytest
from graphql import get_introspection_query
from starlette.testclient import TestClient
from strawberry.extensions.validation_cache import _get_validate_cache

from api.graphql.limits import ALIASES, DEPTH, TOKENS
from api.server import app
from infrastructure.database import Database
from infrastructure.settings import Settings
from tests.api.ward import Ward, codes
from tests.conftest import LOGIN, TOKEN
from tests.graphql import GraphQLClient

TIMELINE = "timeline(stayId: $s, first: 500) { nodes { id } }"


def refused(ward: Ward, query: str, **variables: Any) -> str:
    """The message with which it is refused, before anything is asked of the database."""
    told = ward.client.raw(query, variables)
    assert told.get("data") is None
    assert codes(told) == {"TOO_COSTLY"}
    return str(told["errors"][0]["message"])


def test_depth(shared: Ward) -> None:
    query = "{ room { number } }"
    deep = "{ stay(id: 1) " + "{ room { beds { stay " * 5 + query + " } } }" * 5 + " }"
    assert f"{DEPTH} are allowed" in refused(shared, deep)


def test_aliases(shared: Ward) -> None:
    many = " ".join(f"a{n}: wards {{ name }}" for n in range(ALIASES + 1))
    assert f"aliases {ALIASES + 1}" in refused(shared, f"{{ {many} }}")
    leaves = " ".join(f"a{n}: name" for n in range(ALIASES + 1))
    assert "aliases" in refused(shared, f"{{ wards {{ {leaves} }} }}")
    enough = " ".join(f"a{n}: __typename" for n in range(ALIASES))
    assert len(shared.ask(f"{{ {enough} }}")) == ALIASES


def test_tokens(shared: Ward) -> None:
    long = "{ wards { " + "name " * TOKENS + "} }"
    told = shared.client.raw(long)
    assert codes(told) == {"BAD_REQUEST"}
    assert "tokens" in told["errors"][0]["message"]


@pytest.mark.parametrize(
    "query",
    [
        "{ stays(first: 500) { nodes { visits { practitioner { id } } prescriptions {"
        " administrations { id } } } } }",
        "query($n: Int) { stays(first: $n) { nodes { visits { id } prescriptions {"
        " administrations { id } } } } }",
        "{ patients(first: 500) { nodes { stays { visits { id } patient { mrn } } } } }",
        "{ roomOccupancy { beds { patient { stays { patient { stays { id } } } } } } }",
        "{ a: roomOccupancy { ...B } b: roomOccupancy { ...B } c: roomOccupancy { ...B } }"
        " fragment B on RoomOccupancy { beds { patient { stays { id } } } }",
    ],
    ids=lambda query: query[:40],
)
def test_cost(shared: Ward, query: str) -> None:
    assert "cost" in refused(shared, query)


def test_a_bomb_of_fragments_is_measured_without_being_spread(shared: Ward) -> None:
    bomb = "query { ...F0 } " + " ".join(
        f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60)
    )
    assert "cost" in refused(shared, bomb + " fragment F60 on Query { wards { name } }")


@pytest.mark.parametrize(
    "query",
    [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { wards { name } ...A }",
        "{ ...Missing }",
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        "query A { __typename } query B { __typename }",
        "{ wards @include(if: 3) { name } }",
        "{ wards " + "@skip(if: false) " * 1000 + "{ name } }",
    ],
    ids=lambda query: query[:40],
)
def test_what_is_odd_is_refused_as_malformed(shared: Ward, query: str) -> None:
    assert codes(shared.client.raw(query)) == {"BAD_REQUEST"}


def test_of_several_operations_it_is_said_which_is_meant(shared: Ward) -> None:
    body = {"query": "query A { wards { name } } query B { __typename }"}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    http = shared.client.http
    told = http.post("/graphql", json=body, headers=headers).json()
    assert "operationName" in told["errors"][0]["message"]
    named = {**body, "operationName": "B"}
    assert http.post("/graphql", json=named, headers=headers).json()["data"] == {
        "__typename": "Query"
    }


def test_a_chain_of_fragments_is_no_error_of_ours(shared: Ward) -> None:
    chain = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(600))
    told = shared.client.raw("{ ...F0 } " + chain + " fragment F600 on Query { __typename }")
    assert "INTERNAL" not in json.dumps(told)


@pytest.mark.parametrize(
    "query",
    [
        "{ roomOccupancy { room { ward number policies } beds { code state since until stateReason"
        " stay { id specialty attending { staffNumber } } patient { mrn familyName }"
        " occupants { since stay { id } patient { mrn } } } } }",
        "{ stays(first: 500) { nodes { id room { ward number } patient { mrn } attending {"
        " staffNumber } } pageInfo { endCursor } } }",
        '{ timeline(mrn: "M", first: 500) { nodes { id summary recordedBy { subject } source {'
        " system } } } }",
        "{ events(first: 500) { nodes { id data } pageInfo { endCursor } } }",
    ],
    ids=lambda query: query[:40],
)
def test_what_wards_ask_is_allowed(shared: Ward, query: str) -> None:
    assert "errors" not in shared.client.raw(query)


def test_the_schema_may_be_asked_for(shared: Ward) -> None:
    assert shared.ask(get_introspection_query())["__schema"]


def test_the_document_is_measured_once_however_often_it_is_asked(shared: Ward) -> None:
    cache: Any = _get_validate_cache(1000)
    query = "{ practitioners { edges { node { staffNumber } } } }"  # whose answers are not kept
    shared.ask(query)
    before = cache.cache_info().hits
    for _ in range(3):
        shared.ask(query)
    assert cache.cache_info().hits == before + 3


def test_what_takes_too_long_is_given_up(database: Database, settings: Settings) -> None:
    """Here because somebody has locked a table for long."""
    impatient = Settings(home=settings.home, request_timeout_seconds=0.2)
    with TestClient(app(impatient, database, LOGIN)) as http:
        ward = Ward(GraphQLClient(http, TOKEN))
        ward.ask("{ wards { name } }")
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("LOCK TABLE rooms_v1.rooms IN ACCESS EXCLUSIVE MODE")
            told = ward.client.raw("{ wards { name } }")
        assert codes(told) == {"TIMED_OUT"}
        assert ward.ask("{ wards { name } }") == {"wards": []}
