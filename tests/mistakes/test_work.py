"""Mistakes of servers that count requests, and not the work that they are."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from api.graphql.extensions.limits import ERRORS
from api.graphql.schema import schema
from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import LOGIN, app_on_empty_log
from tests.support.api_dsl import codes
from tests.support.hostile_documents import HOSTILE, hostile


@pytest.fixture(scope="module")
def strict(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server that allows twenty requests at once, and two WebSockets with three operations."""
    application = app_on_empty_log(
        migrated,
        tmp_path_factory.mktemp("home"),
        requests_per_second=2,
        sockets_per_login=2,
        subscriptions_per_login=3,
        health_seconds=0,
    )
    with TestClient(application) as http:
        yield http


@pytest.fixture
def bearer() -> dict[str, str]:
    """The header of a login that has sent nothing yet."""
    return {"Authorization": f"Bearer {LOGIN.make(subject=str(uuid4()))}"}


def registering(count: int) -> str:
    return "mutation {" + " ".join(
        f'a{n}: registerPatient(input: {{commandId: "{uuid4()}", mrn: "{uuid4()}"}})'
        " { __typename }"
        for n in range(count)
    ) + " }"  # fmt: skip


def test_mistake_130_requests_are_limited_and_not_what_is_asked_in_one(
    strict: TestClient, bearer: dict[str, str]
) -> None:
    def send(query: str) -> int:
        response = strict.post("/graphql", json={"query": query}, headers=bearer)
        if response.status_code == 429:
            assert codes(response.json()) == {"TOO_MANY_REQUESTS"}
        return response.status_code

    assert send(registering(90)) == 429
    fragments = "{ " + " ".join(f"...F{n}" for n in range(3)) + " }"
    for n in range(3):
        fields = " ".join(f"a{n}b{m}: wards {{ name }}" for m in range(30))
        fragments += f" fragment F{n} on Query {{ {fields} }}"
    assert send(fragments) == 429
    assert send(registering(10)) == 200
    assert send(registering(15)) == 429
    reply = strict.post("/graphql", json={"query": registering(15)}, headers=bearer)
    assert int(reply.headers["retry-after"]) > 1
    assert strict.get("/graphql", params={"query": registering(9)}, headers=bearer).status_code in (
        405,
        429,
    )


def test_mistake_130_requests_over_a_websocket_are_no_cheaper(
    strict: TestClient, bearer: dict[str, str]
) -> None:
    protocol = ["graphql-transport-ws"]
    with strict.websocket_connect("/graphql", protocol, headers=bearer) as socket:
        socket.send_json({"type": "connection_init"})
        socket.receive_json()
        payload = {"query": registering(90)}
        socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        answer = socket.receive_json()
        assert codes({"errors": answer["payload"]}) == {"TOO_MANY_REQUESTS"}


def test_mistake_131_documents_that_failed_are_remembered(strict: TestClient) -> None:
    before = schema.documents.size
    for kind in HOSTILE:
        bearer = {"Authorization": f"Bearer {LOGIN.make(subject=kind)}"}
        response = strict.post("/graphql", json={"query": hostile(kind)}, headers=bearer)
        assert len(response.json()["errors"]) <= ERRORS + 1, kind
    assert schema.documents.size == before


def test_mistake_131_documents_are_bounded_by_their_memory() -> None:
    from api.graphql.documents import DocumentCache, prepare

    cache = DocumentCache(schema._schema, capacity=100_000)
    texts = [f"{{ wards {{ name a{n}: name }} }}" for n in range(100)]
    for text in texts:
        document, errors = prepare(schema._schema, text)
        assert document is not None, errors
        cache._keep(text, document)
    assert cache.size <= 100_000
    assert texts[-1] in cache
    assert texts[0] not in cache


@contextmanager
def nobody_held_up(server: TestClient) -> Iterator[None]:
    """Check that no request within holds the event loop for longer than it may.

    Measured in processor time, so that a busy machine makes no difference, and without collections:
    a server makes none meanwhile, and this process has what all its tests have left behind.
    """

    def held_long() -> float:
        text = server.get("/metrics").text
        name = "wardbook_loop_held_seconds"
        total = float(text.partition(f"\n{name}_count ")[2].split()[0])
        return total - float(text.partition(f'\n{name}_bucket{{le="0.05"}} ')[2].split()[0])

    before = held_long()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    assert held_long() == before


def test_mistake_132_one_request_holds_the_others_up(strict: TestClient) -> None:
    with nobody_held_up(strict):
        for kind in HOSTILE:
            bearer = {"Authorization": f"Bearer {LOGIN.make(subject=kind + 'again')}"}
            strict.post("/graphql", json={"query": hostile(kind)}, headers=bearer)


REGISTER = "mutation($i: RegisterPatientInput!) { registerPatient(input: $i) { __typename } }"
OPEN_ROOM = "mutation($i: OpenRoomInput!) { openRoom(input: $i) { __typename } }"
LARGE_VARIABLES: dict[str, tuple[str, Any]] = {
    "values": (OPEN_ROOM, {"i": {"ward": "A", "room": "1", "beds": [1] * 300_000}}),
    "names": (REGISTER, {"i": {f"familyNam{n}": 1 for n in range(40_000)}}),
    "unused": ("{ wards { name } }", {f"k{n}": n for n in range(60_000)}),
    "a text": ("query($m: String!) { patient(mrn: $m) { mrn } }", {"m": "\U0001f600" * 80_000}),
}
"""Bodies within a megabyte, with variables that are looked at in one step."""


@pytest.mark.parametrize("kind", LARGE_VARIABLES)
def test_mistake_340_variables_are_as_many_as_a_body_holds(
    strict: TestClient, bearer: dict[str, str], kind: str
) -> None:
    query, variables = LARGE_VARIABLES[kind]
    with nobody_held_up(strict):
        response = strict.post(
            "/graphql", json={"query": query, "variables": variables}, headers=bearer
        )
    assert (response.status_code, codes(response.json())) == (413, {"TOO_LARGE"})


def test_mistake_340_nor_are_they_over_a_websocket_or_in_a_batch(
    strict: TestClient, bearer: dict[str, str]
) -> None:
    query, variables = LARGE_VARIABLES["names"]
    with strict.websocket_connect("/graphql", ["graphql-transport-ws"], headers=bearer) as socket:
        socket.send_json({"type": "connection_init"})
        socket.receive_json()
        payload = {"query": query, "variables": variables}
        socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        assert codes({"errors": socket.receive_json()["payload"]}) == {"TOO_LARGE"}
    commands = [{"mutation": "registerPatient", "input": variables["i"]}]
    response = strict.post("/commands", json={"commands": commands}, headers=bearer)
    assert codes(response.json()["results"][0]) == {"TOO_LARGE"}


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("identifier=" + "a," * 490_000, 413),
        ("name=" + "%41" * 330_000, 413),
        ("identifier=" + "a," * 30_000, 400),
        ("&".join(["identifier=a"] * 200), 400),
        ("identifier=" + ",".join(["a"] * 1_000), 200),
    ],
    ids=lambda form: str(form)[:16],
)
def test_mistake_341_a_search_of_fhir_has_as_many_values_as_a_body_holds(
    strict: TestClient, bearer: dict[str, str], form: str, status: int
) -> None:
    headers = bearer | {"Content-Type": "application/x-www-form-urlencoded"}
    with nobody_held_up(strict):
        response = strict.post("/fhir/Patient/_search", content=form, headers=headers)
    assert response.status_code == status, response.text[:200]


def test_mistake_136_who_is_not_logged_in_keeps_the_server_busy(
    migrated: Database, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, anonymous_per_second=100, health_seconds=0)
    with TestClient(app(settings, migrated, LOGIN, with_worker=False)) as http:
        began = monotonic()
        for _ in range(50):
            for path in ("/livez", "/docs", "/nowhere"):
                http.get(path)
            assert http.post("/graphql", json={}).status_code == 401
            with http.websocket_connect("/graphql", ["graphql-transport-ws"]):
                pass
        # A failed login counts as four of a hundred a second; a second's worth is answered at once.
        assert monotonic() - began > 50 * (3 + 4 + 1) / 100 - 1 - 0.1


def test_mistake_133_a_login_opens_websockets_without_end(
    strict: TestClient, bearer: dict[str, str]
) -> None:
    protocol = ["graphql-transport-ws"]

    def connect() -> object:
        return strict.websocket_connect("/graphql", protocol, headers=bearer)

    with connect() as first, connect() as second, connect() as third:  # type: ignore[attr-defined]
        for socket in (first, second, third):
            socket.send_json({"type": "connection_init"})
            assert socket.receive_json() == {"type": "connection_ack"}
        closed = third.receive()
        assert (closed["type"], closed["code"]) == ("websocket.close", 4429)
        assert "2 WebSockets" in closed["reason"]
        follow = {"query": "subscription { events { __typename } }"}
        for n in range(4):
            second.send_json({"id": str(n), "type": "subscribe", "payload": follow})
        answer = second.receive_json()
        while answer["type"] != "error":
            answer = second.receive_json()
        assert "operations over WebSockets" in answer["payload"][0]["message"]
    with connect() as again:  # type: ignore[attr-defined]
        again.send_json({"type": "connection_init"})
        assert again.receive_json() == {"type": "connection_ack"}
        again.send_json({"type": "ping"})
        assert again.receive_json() == {"type": "pong"}


def test_mistake_228_websockets_that_are_opened_and_left_cost_their_login_nothing(
    strict: TestClient, bearer: dict[str, str]
) -> None:
    ends = set()
    for _ in range(25):
        with strict.websocket_connect(
            "/graphql", ["graphql-transport-ws"], headers=bearer
        ) as socket:
            socket.send_json({"type": "connection_init"})
            socket.send_json({"type": "ping"})
            assert socket.receive_json() == {"type": "connection_ack"}
            message = socket.receive()
            ends.add(message.get("code", message["type"]))
    assert ends == {"websocket.send", 4429}
