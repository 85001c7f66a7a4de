"""A patient's name, put where a WebSocket can go wrong, is told nowhere (see test_canary)."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from starlette.websockets import WebSocketDisconnect

from infrastructure.postgres.database import Database
from tests.api.test_canary import BEARER, errors, followed, said
from tests.support.api_dsl import Ward, codes
from tests.support.canary_log import CANARY

pytestmark = pytest.mark.usefixtures("logged")

FOLLOW = "subscription { events { id } }"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f'subscription {{ timelineExtended(mrn: "{CANARY}") ', "BAD_REQUEST"),
        (f"subscription {{ timelineExtended(mrn: {CANARY}) {{ id }} }}", "BAD_REQUEST"),
        ("subscription($x: Long) { timelineExtended(mrn: $x) { id } }", "BAD_REQUEST"),
        ("subscription($x: String) { timelineExtended(mrn: $x) { id } }", "NotFound"),
        ("subscription($x: ID) { timelineExtended(stayId: $x) { id } }", "NotFound"),
        ("subscription($x: Position) { events(after: $x) { id } }", "InvalidInput"),
        ("subscription($x: [EventKind!]) { events(kinds: $x) { id } }", "BAD_REQUEST"),
        (f'{{ patient(mrn: "{CANARY}" ', "BAD_REQUEST"),
        ("query($x: String) { patients(after: $x) { nodes { mrn } } }", "InvalidInput"),
        (f"query {CANARY} {{ __typename }} query B {{ __typename }}", "BAD_REQUEST"),
    ],
    ids=range(10),
)
def test_what_cannot_be_followed_is_told_without_its_values(
    shared: Ward, query: str, code: str
) -> None:
    with followed(shared.client.http) as socket:
        (result,) = said(socket, query, x=CANARY)
    faults = result["payload"] if result["type"] == "error" else result["payload"]["errors"]
    assert codes({"errors": faults}) == {code}
    assert CANARY not in errors({"errors": faults})


def test_an_operation_that_is_not_there_is_not_named(shared: Ward) -> None:
    with followed(shared.client.http) as socket:
        for query in ("query A { __typename }", FOLLOW, "fragment A on Query { __typename }"):
            (result,) = said(socket, query, CANARY)
            assert codes({"errors": result["payload"]}) == {"BAD_REQUEST"}
            assert CANARY not in json.dumps(result["payload"])


@pytest.mark.parametrize(
    "text",
    [
        CANARY,
        json.dumps({"type": CANARY}),
        json.dumps({"type": "subscribe", "id": CANARY, "payload": CANARY}),
        json.dumps({"type": "subscribe", "id": "1", "payload": {"query": {CANARY: CANARY}}}),
        json.dumps({"type": "connection_init", "payload": {CANARY: CANARY}}),
        json.dumps({"type": "subscribe", "id": CANARY, "payload": {"query": FOLLOW}}),
    ],
    ids=range(6),
)
def test_a_websocket_is_closed_without_saying_what_was_sent(shared: Ward, text: str) -> None:
    with followed(shared.client.http) as socket:
        socket.send_text(text)
        socket.send_text(text)
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_json()
    assert CANARY not in ended.value.reason


@pytest.mark.parametrize(
    "payload",
    [{"Authorization": f"Bearer {CANARY}"}, {**BEARER, "purpose": CANARY}, CANARY],
    ids=range(3),
)
def test_a_login_that_fails_is_written_nowhere(shared: Ward, payload: Any) -> None:
    http = shared.client.http
    with http.websocket_connect("/graphql", ["graphql-transport-ws"]) as socket:
        socket.send_json({"type": "connection_init", "payload": payload})
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_json()
    assert ended.value.code in (4400, 4403)
    assert CANARY not in ended.value.reason


def test_our_own_fault_over_a_websocket_is_told_without_what_was_asked(
    shared: Ward, migrated: Database, logged: Callable[[], str]
) -> None:
    mrn = f"{CANARY}-{shared.name('M')}"
    shared.record("registerPatient", mrn=mrn, familyName=CANARY)
    before = shared.client.raw("{ wards { name } }")["extensions"]["position"]
    stay = shared.stay(patientMrn=mrn)
    right = "SELECT ON timeline_v3.entries"
    entries = (
        "subscription($x: String, $a: Position) { timelineExtended(mrn: $x, after: $a) { id } }"
    )
    line = "query($x: String) { timeline(mrn: $x) { nodes { data } } }"
    with psycopg.connect(migrated.owner_url, autocommit=True) as owner:
        owner.execute(f"REVOKE {right} FROM wardbook_app".encode())
        try:
            with followed(shared.client.http) as socket:
                result = [said(socket, entries, x=mrn, a=before), said(socket, line, x=mrn)]
        finally:
            owner.execute(f"GRANT {right} TO wardbook_app".encode())
    assert stay
    for (message,) in result:
        assert codes(message["payload"]) == {"INTERNAL"}
        assert CANARY not in errors(message["payload"])
    assert "internal error at" in logged()
