"""Over HTTP: who may ask, how much, and how; and whether the server is well."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from api.graphql.scalars import encode_cursor
from api.http.app import app
from api.http.middleware import MAX_BODY
from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward, codes
from tests.support.graphql_client import GraphQLClient

QUERY = {"query": "{ wards { name } }"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {**BEARER, "Content-Type": "application/json"}


# -- who may ask --


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer x {TOKEN}",
        "Bearer é",
    ],
)
def test_nobody_asks_without_the_token(shared: Ward, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.encode()}
    for answer in (
        shared.client.http.post("/graphql", json=QUERY, headers=headers),  # type: ignore[arg-type]
        shared.client.http.get("/graphql", params=QUERY, headers=headers),  # type: ignore[arg-type]
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert codes(answer.json()) == {"UNAUTHENTICATED"}
        assert "data" not in answer.json()
        assert TOKEN not in answer.text


def test_the_scheme_may_be_written_in_any_case(shared: Ward) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {TOKEN}"}
        assert shared.client.http.post("/graphql", json=QUERY, headers=headers).status_code == 200


# -- how much --


def test_a_body_that_is_too_large_is_refused(shared: Ward) -> None:
    large = json.dumps({"query": "{ wards { name } }" + " " * MAX_BODY}).encode()

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(large), 50_000):
            yield large[start : start + 50_000]

    for content in (large, chunks()):
        answer = shared.client.http.post("/graphql", content=content, headers=JSON)
        assert answer.status_code == 413
        assert codes(answer.json()) == {"TOO_LARGE"}


def test_a_body_of_the_allowed_size_is_taken(shared: Ward) -> None:
    room = MAX_BODY - len(json.dumps(QUERY)) - 10
    fits = json.dumps({"query": QUERY["query"] + " " * room}).encode()
    assert len(fits) <= MAX_BODY
    assert shared.client.http.post("/graphql", content=fits, headers=JSON).status_code == 200


# -- how --


def test_a_query_may_be_asked_by_get_and_a_mutation_may_not(shared: Ward) -> None:
    response = shared.client.http.get("/graphql", params=QUERY, headers=BEARER)
    assert response.status_code == 200
    assert "data" in response.json()

    command = """mutation { registerPatient(input: {
        commandId: "00000000-0000-4000-8000-000000000001", mrn: "by-get" }) { __typename } }"""
    reply = shared.client.http.get("/graphql", params={"query": command}, headers=BEARER)
    assert reply.status_code in (400, 405)
    assert codes(shared.client.raw('{ patient(mrn: "by-get") { id } }')) == {"NotFound"}


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "}",
        "{ wards { name } ",
        "{ nope }",
        "{ wards }",
        "{ wards { name(x: 1) } }",
        "{ stay { id } }",
        "query($at: DateTime!) { wards(asOf: $at) { name } }",
        "subscription { timelineExtended { id } }",
        "{ wards { ...Missing } }",
        "{a" * 2_000 + "}" * 2_000,
    ],
    ids=lambda query: query[:40],
)
def test_a_malformed_query_is_a_fault_with_a_code(shared: Ward, query: str) -> None:
    answer = shared.client.raw(query)
    assert codes(answer) == {"BAD_REQUEST"}
    assert answer.get("data") is None


@pytest.mark.parametrize(
    "guess",
    [
        "{ patien { mrn } wards { nam } }",
        '{ patient(mr: "1") { mrn } }',
        '{ node(id: "1") { ... on Patien { mrn } } }',
        "query($s: Patien) { viewer { role } }",
        '{ report(name: "x", period: {fro: "2026-01-01", to: "2026-01-01"}) { digest } }',
        "mutation { closeBed(input: {war: 1}) { __typename } }",
        '{ dosesDue(ward: "A", orderBy: DU) { __typename } }',
        "{ viewer { role @skp(if: true) } }",
    ],
)
def test_fields_are_not_suggested_to_those_who_guess(shared: Ward, guess: str) -> None:
    nurse = GraphQLClient(shared.client.http, LOGIN.make(Role.NURSE, "who guesses"))
    answer = nurse.raw(guess)
    assert answer["errors"]
    assert "Did you mean" not in json.dumps(answer)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"{",
        b"3",
        b"[]",
        b'"x"',
        b'{"query": 3}',
        b'{"query": "\xff"}',
        b"[" * 100_000,
    ],
    ids=lambda body: str(body[:20]),
)
def test_a_body_that_is_no_question_is_a_fault_of_its_sender(shared: Ward, body: bytes) -> None:
    answer = shared.client.http.post("/graphql", content=body, headers=JSON)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "media_type", ["application/jsonp", "application/json, text/plain", "text/plain", "a/json"]
)
def test_only_json_is_taken_as_json(shared: Ward, media_type: str) -> None:
    headers = {**BEARER, "Content-Type": media_type}
    answer = shared.client.http.post("/graphql", content=json.dumps(QUERY), headers=headers)
    assert answer.status_code == 415, answer.text


def test_a_number_without_end_is_its_senders_fault(shared: Ward) -> None:
    body = '{"query": "{ wards { name } }", "variables": {"a": %s}}' % ("9" * 5000)
    answer = shared.client.http.post("/graphql", content=body, headers=JSON)
    assert (answer.status_code, codes(answer.json())) == (400, {"BAD_REQUEST"})


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/metrics", "/docs", "/nowhere"])
def test_every_response_has_the_security_headers(shared: Ward, path: str) -> None:
    headers = shared.client.http.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"


def test_nobody_stores_what_names_a_patient(shared: Ward) -> None:
    for answer in (
        shared.client.http.post("/graphql", json=QUERY, headers=BEARER),
        shared.client.http.get("/graphql", params=QUERY, headers=BEARER),
        shared.client.http.post("/graphql", json=QUERY),
    ):
        assert answer.headers["Cache-Control"] == "no-store"


def test_batches_are_not_taken(shared: Ward) -> None:
    answer = shared.client.http.post("/graphql", json=[QUERY, QUERY], headers=BEARER)
    assert answer.status_code == 400


ODD = ["a NUL \0", "half a pair \ud800"]


@pytest.mark.parametrize("text", ODD, ids=ascii)
@pytest.mark.parametrize(
    "query",
    [
        "query($s: String) { practitioners(staffNumber: $s) { nodes { staffNumber } } }",
        "query($s: String) { stays(filter: {ward: $s}) { nodes { id } } }",
        "query($s: String) { roomOccupancy(ward: $s) { room { id } } }",
    ],
)
def test_text_that_nothing_can_be_named_by_is_its_senders_fault(
    shared: Ward, caplog: pytest.LogCaptureFixture, query: str, text: str
) -> None:
    body = json.dumps({"query": query, "variables": {"s": text}})
    answer = shared.client.http.post("/graphql", content=body, headers=JSON)

    assert codes(answer.json()) <= {"BAD_REQUEST", "NotFound"}
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("place", [("a\0", str(uuid4())), ("\0", str(uuid4()))])
def test_a_cursor_of_odd_text_is_its_senders_fault(shared: Ward, place: tuple[str, ...]) -> None:
    after = encode_cursor("patients", *place)
    answer = shared.client.raw(
        "query($s: String) { patients(after: $s) { nodes { mrn } } }", {"s": after}
    )
    assert codes(answer) == {"BAD_REQUEST"}


# -- whether it is well --


def test_a_server_is_alive_ready_and_says_how_to_begin(shared: Ward) -> None:
    http = shared.client.http
    assert http.get("/livez").text == "alive\n"
    ready = http.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        200,
        {"ready": True, "behind": [], "halted": [], "parked": []},
    )
    home = http.get("/")
    assert home.status_code == 200
    assert "/graphql" in home.text
    assert TOKEN not in home.text
    assert http.get("/nothing").status_code == 404


def test_health_and_metrics_are_made_once_for_all_who_ask_within_the_time(
    migrated: Database, tmp_path: Path
) -> None:
    migrated.open_log("real")
    settings = Settings(home=tmp_path, health_seconds=3600, health_port=9)
    with TestClient(app(settings, migrated, LOGIN), base_url="http://testserver:9") as http:
        first = http.get("/metrics").text
        http.get("http://testserver/graphql")  # is counted
        assert http.get("/metrics").text == first
        assert http.get("/readyz").json()["ready"] is True
        for path in ("/", "/graphql", "/commands", "/docs"):
            assert http.get(path).status_code == 404, path  # at the port of its health
        for path, result in (("/", 200), ("/livez", 200), ("/readyz", 404), ("/metrics", 404)):
            assert http.get(f"http://testserver{path}").status_code == result, path
