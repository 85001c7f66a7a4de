"""Tests of limits of an operation: attacks that are known, and the questions we make."""

import json
from contextlib import closing
from typing import Any

import psycopg
import pytest
from graphql import get_introspection_query
from httpx2 import Response
from starlette.testclient import TestClient

from api.graphql.extensions.limits import (
    ALIASES,
    DEPTH,
    DIRECTIVES,
    FRAGMENTS,
    REPEATS,
    TEXT,
    TOKENS,
)
from api.graphql.schema import schema
from api.http.app import app
from api.http.rate_limit import TokenBucket
from domain.envelope import Actor
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward, codes
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import admitted, request
from tests.support.server_process import Client, served

TIMELINE = "timeline(stayId: $s, first: 500) { nodes { id } }"


def refused(ward: Ward, query: str, **variables: Any) -> str:
    """The message with which it is refused, before anything is asked of the database."""
    answer = ward.client.raw(query, variables)
    assert answer.get("data") is None
    assert codes(answer) == {"TOO_COSTLY"}
    return str(answer["errors"][0]["message"])


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


def test_a_long_text_is_refused_and_not_remembered(shared: Ward) -> None:
    short = "{ wards { name } } #"
    allowed = short + "x" * (TEXT - len(short))
    for _ in range(2):
        assert "errors" not in shared.client.raw(allowed)
    before = schema.documents.size
    for long in (allowed + "x", short + "#x\n" * 100_000, "{ wards { name " + " " * TEXT):
        assert f"characters {len(long)}, {TEXT} are allowed" in refused(shared, long)
    assert schema.documents.size == before


def test_tokens(shared: Ward) -> None:
    long = "{ wards { " + "name " * TOKENS + "} }"
    answer = shared.client.raw(long)
    assert codes(answer) == {"BAD_REQUEST"}
    assert "tokens" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("{ " + "__typename " * 500 + "}", f"repeats of a field 500, {REPEATS} are"),
        ("{ wards { " + "... { name } " * 500 + "} }", "repeats of a field 500"),
        (
            "{ wards { " + "...F " * 500 + "} } fragment F on Ward { name }",
            "repeats of a field 500",
        ),
        ("{ a: wards { name } " + "a: wards { name } " * 500 + "}", "repeats of a field 501"),
        ("{ __typename " + "@aa" * 500 + "}", f"directives 500, {DIRECTIVES} are"),
        ("{ wards " + "@skip(if: false) " * 500 + "{ name } }", "directives 500"),
        (
            "{ __typename } "
            + " ".join(f"fragment F{n} on Ward {{ name }}" for n in range(FRAGMENTS + 1)),
            f"fragments {FRAGMENTS + 1}, {FRAGMENTS} are",
        ),
    ],
    ids=lambda part: part[:40],
)
def test_repeats_are_refused_before_they_are_compared(shared: Ward, query: str, told: str) -> None:
    assert told in refused(shared, query)


def test_some_repeats_are_no_attack(shared: Ward) -> None:
    assert shared.ask("{ " + "__typename @skip(if: false) " * DIRECTIVES + "}")


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


PAGE_OF_DOSES = """query%s { stays(first: %s) { nodes { patient { stays {
  prescriptions { administrations { id } } } } } } }"""


@pytest.mark.parametrize("default", ["", " = 1", " = 0", " = -500", " = null"])
def test_a_variable_may_be_as_much_as_a_page_whatever_its_default(
    shared: Ward, default: str
) -> None:
    literal = refused(shared, PAGE_OF_DOSES % ("", 500))
    variable = PAGE_OF_DOSES % (f"($n: Int{default})", "$n")
    assert refused(shared, variable, n=500) == literal
    assert refused(shared, variable) == literal


HISTORY = (
    "query($from: DateTime!, $to: DateTime!) { occupancyHistory(from: $from, to: $to) { %s } }"
)


def test_a_document_counts_as_all_that_is_in_it(shared: Ward) -> None:
    documents = " ".join(f"c{n}: course(mrn: $m, format: CSV) {{ text }}" for n in range(11))
    assert "cost" in refused(shared, f"query($m: String) {{ {documents} }}", m="M1")


def test_a_history_of_occupancy_counts_as_a_long_list(shared: Ward) -> None:
    query = HISTORY % "patient { stays { visits { id } } } stay { prescriptions { id } }"
    fields = {"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
    assert "cost" in refused(shared, query, **fields)


def test_who_asks_for_too_long_a_history_of_occupancy_is_told_to_ask_for_less(
    shared: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.graphql.queries.rooms.STRETCHES", 2)
    room = shared.room("a", "b", "c")
    name, number = room.split("/")
    query = """query($to: DateTime!, $ward: String!, $room: String!) {
        occupancyHistory(from: "2020-01-01T00:00:00Z", to: $to, ward: $ward, room: $room) { bed } }"""
    fields = {"to": "2099-01-01T00:00:00Z", "ward": name, "room": number}
    for bed in "ab":
        shared.stay(f"{room}/{bed}")
    assert len(shared.ask(query, **fields)["occupancyHistory"]) == 2
    shared.stay(f"{room}/c")
    answer = shared.client.raw(query, fields)
    assert codes(answer) == {"InvalidInput"}
    assert "a shorter time, a ward or a room" in answer["errors"][0]["message"]


def test_what_is_negative_takes_nothing_from_the_cost(shared: Ward) -> None:
    nodes = PAGE_OF_DOSES.removeprefix("query%s ").strip().removeprefix("{").removesuffix("}")
    less = nodes.replace("stays(", "less: stays(", 1)
    both = "{" + nodes % 500 + less % -500 + "}"
    assert "cost" in refused(shared, both)


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
        "{ wards @skip(if: false) @skip(if: false) { name } }",
    ],
    ids=lambda query: query[:40],
)
def test_what_is_odd_is_refused_as_malformed(shared: Ward, query: str) -> None:
    assert codes(shared.client.raw(query)) == {"BAD_REQUEST"}


def test_of_several_operations_it_is_said_which_is_meant(shared: Ward) -> None:
    body = {"query": "query A { wards { name } } query B { __typename }"}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    http = shared.client.http
    answer = http.post("/graphql", json=body, headers=headers).json()
    assert "operationName" in answer["errors"][0]["message"]
    fields = {**body, "operationName": "B"}
    assert http.post("/graphql", json=fields, headers=headers).json()["data"] == {
        "__typename": "Query"
    }


def test_a_chain_of_fragments_is_no_error_of_ours(shared: Ward) -> None:
    chain = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(600))
    answer = shared.client.raw("{ ...F0 } " + chain + " fragment F600 on Query { __typename }")
    assert "INTERNAL" not in json.dumps(answer)


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
    shared.client.execute("registerPatient", mrn="M")
    assert "errors" not in shared.client.raw(query)


def test_the_schema_may_be_asked_for(shared: Ward) -> None:
    assert shared.ask(get_introspection_query())["__schema"]


def test_the_document_is_measured_once_however_often_it_is_asked(shared: Ward) -> None:
    query = "{ practitioners { edges { node { staffNumber } } } }"  # whose answers are not kept
    shared.ask(query)
    assert query in schema.documents
    before = schema.documents.size
    for _ in range(3):
        shared.ask(query)
    assert schema.documents.size == before


def test_what_takes_too_long_is_given_up(database: Database, settings: Settings) -> None:
    """Here because somebody has locked a table for long."""
    impatient = Settings(home=settings.home, request_timeout_seconds=0.2)
    with TestClient(app(impatient, database, LOGIN)) as http:
        ward = Ward(GraphQLClient(http, TOKEN))
        ward.ask("{ wards { name } }")
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("LOCK TABLE rooms_v1.rooms IN ACCESS EXCLUSIVE MODE")
            answer = ward.client.raw("{ wards { name } }")
        assert codes(answer) == {"TIMED_OUT"}
        assert ward.ask("{ wards { name } }") == {"wards": []}


def test_what_takes_too_long_over_a_websocket_is_given_up_and_what_has_begun_may_last(
    database: Database, settings: Settings
) -> None:
    impatient = Settings(home=settings.home, request_timeout_seconds=1.0)
    ask = "query($stay: ID!) { stay(id: $stay) { id } }"
    follow = "subscription($stay: ID!) { timelineExtended(stayId: $stay) { kind } }"
    with closing(wired(settings, database)) as hospital:
        stay = admitted(hospital, "M1")
        ProjectionRunner(database.app_url).catch_up()
        with (
            served(app(impatient, database, LOGIN)) as server,
            Client(server.url) as socket,
        ):
            socket.subscribe(follow, stay=str(stay))
            server.await_followers(1)
            with psycopg.connect(database.owner_url) as owner:
                owner.execute("LOCK TABLE stays_v1.stays IN ACCESS EXCLUSIVE MODE")
                for query in (ask, follow):  # both at once
                    socket.subscribe(query, stay=str(stay))
                for _ in range(2):
                    answer = socket.receive()
                    assert answer["type"] == "error"
                    assert codes({"errors": answer["payload"]}) == {"TIMED_OUT"}
            hospital.stays.change_specialty(request(), stay_id=stay, specialty="Surgery")
            assert socket.next() == {"kind": "STAY_SPECIALTY_CHANGED"}


def test_a_login_may_send_so_much_and_no_more(database: Database, settings: Settings) -> None:
    """Over HTTP, in batches and over WebSockets alike; others are not kept waiting."""
    slow = Settings(home=settings.home, requests_per_second=0.4)
    with TestClient(app(slow, database, LOGIN)) as http:

        def bearer(who: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {LOGIN.make(subject=who)}"}

        def ask_as(who: str) -> Response:
            return http.post("/graphql", json={"query": "{ __typename }"}, headers=bearer(who))

        assert [ask_as("Ada").status_code for _ in range(5)] == [200, 200, 200, 200, 429]
        refused = ask_as("Ada")
        assert codes(refused.json()) == {"TOO_MANY_REQUESTS"}
        assert refused.headers["retry-after"] in ("1", "2", "3")
        assert ask_as("Bea").status_code == 200
        # a batch is as many requests as it has commands
        batch: dict[str, Any] = {"commands": [{}] * 4}
        assert http.post("/commands", json=batch, headers=bearer("Bea")).status_code == 429
        assert http.post("/commands", json=batch, headers=bearer("Cyril")).status_code == 429
        protocol = ["graphql-transport-ws"]
        with http.websocket_connect("/graphql", protocol, headers=bearer("Dora")) as socket:
            socket.send_json({"type": "connection_init"})
            assert socket.receive_json() == {"type": "connection_ack"}
            said = []
            for id in "12345":
                payload = {"query": "{ __typename }"}
                socket.send_json({"id": id, "type": "subscribe", "payload": payload})
                said.append(socket.receive_json())
                if said[-1]["type"] == "next":
                    assert socket.receive_json()["type"] == "complete"
        # that it was opened counts, too
        assert [result["type"] for result in said] == ["next"] * 3 + ["error"] * 2
        assert codes({"errors": said[-1]["payload"]}) == {"TOO_MANY_REQUESTS"}


def test_an_allowance_comes_back_with_time() -> None:
    now = [0.0]
    pace = TokenBucket(2, clock=lambda: now[0])
    ada, bea = (Actor(issuer="x", subject=who, role="nurse") for who in ("Ada", "Bea"))
    assert [pace.take(ada) for _ in range(21)] == [0] * 20 + [1]
    assert pace.take(bea, 20) == 0
    assert pace.take(bea, 20) == 10
    now[0] = 0.5
    assert [pace.take(ada), pace.take(ada)] == [0, 1]
    now[0] = 1_000
    assert [pace.take(ada, 15), pace.take(ada, 15)] == [0, 5]
    assert pace.take(bea, 500) == 0
    assert TokenBucket(0).take(ada, 1_000_000) == 0


def test_logins_that_send_nothing_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.http.rate_limit.REMEMBERED", 3)
    now = [0.0]
    pace = TokenBucket(1, clock=lambda: now[0])
    for n in range(10):
        now[0] = n * 5.0
        pace.take(Actor(issuer="x", subject=str(n), role="nurse"))
    assert len(pace._allowances) <= 4
