"""Tests of WebSockets: who may open one, what it may say, and how it ends."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.graphql.extensions.limits import TEXT
from api.http.app import app
from api.http.middleware import MAX_BODY, SECURITY_HEADERS
from api.http.websocket import MOST_SUBSCRIPTIONS
from application.authorization.roles import Caller, Role
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import KEY, TOKEN
from tests.conftest import LOGIN as TOKENS
from tests.support.api_dsl import Ward
from tests.support.server_process import LOGIN, Client, Served, served

ODD_CLAIMS: dict[str, dict[str, Any]] = {
    "role": {"role": {"roles": ["nurse"]}, "exp": 2**32},
    "exp": {"role": "nurse", "exp": 10**30},
    "scope": {"role": "admin", "exp": 2**32, "scope": "openid user/*.rs"},
}
ODD = {
    name: jwt.encode(
        {"alg": "HS256"}, {"iss": "local", "sub": "Ada", **claims}, OctKey.import_key(KEY)
    )
    for name, claims in ODD_CLAIMS.items()
}
"""Tokens that are signed as they should be, and whose claims make no sense, or are for FHIR alone."""

FOLLOW = "subscription { events { id } }"
QUERY = "{ wards { name } }"


def code_of(told: dict[str, Any]) -> str:
    """The code of the one fault that a message of type error tells."""
    assert told["type"] == "error"
    (fault,) = told["payload"]
    return str(fault["extensions"]["code"])


# -- who --


@pytest.mark.parametrize(
    "login",
    [
        {},
        {"Authorization": None},
        {"Authorization": TOKEN},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {ODD['role']}"},
        {"Authorization": f"Bearer {ODD['exp']}"},
        {"Authorization": f"Bearer {ODD['scope']}"},
        {"Authorization": {"Bearer": TOKEN}},
        {"token": TOKEN},
    ],
)
def test_nobody_follows_without_the_token(running: Served, login: dict[str, Any]) -> None:
    with Client(running.url, login=None) as socket:
        socket.send(type="connection_init", payload=login)
        with suppress(ConnectionClosed):  # it may be closed already
            socket.send(id="1", type="subscribe", payload={"query": FOLLOW})
        assert socket.closed() == (4403, "Forbidden")


def test_nothing_is_answered_before_the_login(running: Served, followed: Ward) -> None:
    with Client(running.url, login=None) as socket:
        socket.send(id="1", type="subscribe", payload={"query": QUERY})
        assert socket.closed() == (4401, "Unauthorized")


def test_the_token_may_be_shown_in_the_handshake(running: Served, followed: Ward) -> None:
    with Client(running.url, login={}, headers=LOGIN) as socket:
        socket.subscribe(QUERY)
        assert isinstance(socket.next(), list)


def test_a_wrong_token_in_the_login_is_not_made_good_by_the_handshake(running: Served) -> None:
    with Client(running.url, login=None, headers=LOGIN) as socket:
        socket.send(type="connection_init", payload={"Authorization": "Bearer nonsense"})
        assert socket.closed() == (4403, "Forbidden")


def test_a_page_of_another_origin_opens_no_socket(running: Served) -> None:
    for origin in (
        "https://evil.example",
        "null",
        f"https://127.0.0.1:{running.port}.evil.example",
    ):
        with pytest.raises(InvalidStatus) as refusal:
            Client(running.url, origin=origin)
        response = refusal.value.response
        assert response.status_code == 403
        for name, value in SECURITY_HEADERS.items():
            assert response.headers[name] == value
        assert response.headers["X-Request-ID"]


def test_pages_of_our_own_origin_and_of_those_that_are_allowed_do(running: Served) -> None:
    for origin in (f"http://127.0.0.1:{running.port}", "https://board.example"):
        with Client(running.url, origin=origin) as socket:
            socket.subscribe(QUERY)
            assert isinstance(socket.next(), list)


# -- what --


def test_the_legacy_protocol_is_not_spoken(running: Served) -> None:
    with Client(running.url, login=None, protocol="graphql-ws") as socket:
        assert socket.closed() == (4406, "Subprotocol not acceptable")


def test_a_ping_is_answered(socket: Client) -> None:
    socket.send(type="ping")
    assert socket.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "3",
        "null",
        "[]",
        "{}",
        '{"type": 3}',
        '{"type": "nonsense"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "1", "payload": []}',
        '{"type": "subscribe", "id": "1", "payload": {"query": {}}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}}',
        '{"type": "complete"}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_message_closes_the_socket(socket: Client, text: str) -> None:
    socket.send_text(text)
    assert socket.closed()[0] == 4400


def test_a_message_that_is_too_large_closes_the_socket(socket: Client) -> None:
    socket.send_text(json.dumps({"type": "ping", "payload": {"x": "x" * MAX_BODY}}))
    assert socket.closed()[0] == 1009


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { nothing { id } }", "BAD_REQUEST"),
        ('subscription { events(after: "garbage") { id } }', "InvalidInput"),
        ("subscription { timelineExtended { id } }", "InvalidInput"),
        ('subscription { timelineExtended(mrn: "nobody") { id } }', "NotFound"),
        ('subscription { timelineExtended(stayId: "nonsense") { id } }', "NotFound"),
        ("subscription { events { id } events2: events { id } }", "BAD_REQUEST"),
        ("{ nothing }", "BAD_REQUEST"),
        ("subscription { events { id } } #" + "x" * TEXT, "TOO_COSTLY"),
    ],
    ids=lambda part: part[:40],
)
def test_what_cannot_be_followed_is_refused_with_a_code(
    socket: Client, query: str, code: str
) -> None:
    socket.subscribe(query)
    assert code_of(socket.receive()) == code
    socket.subscribe(QUERY)
    assert isinstance(socket.next(), list)


@pytest.mark.parametrize("query", ["{ patien { mrn } }", "subscription { event { id } }"])
def test_no_field_is_suggested_over_a_websocket(running: Served, query: str) -> None:
    nurse = {"Authorization": f"Bearer {TOKENS.make(Role.NURSE, 'who guesses')}"}
    with Client(running.url, login=nurse) as socket:
        socket.subscribe(query)
        answer = socket.receive()
    assert code_of(answer) == "BAD_REQUEST"
    assert "Did you mean" not in json.dumps(answer)


def test_there_is_a_limit_of_subscriptions(socket: Client) -> None:
    for _ in range(MOST_SUBSCRIPTIONS):
        socket.subscribe(FOLLOW)
    socket.subscribe(FOLLOW)
    answer = socket.receive()
    assert answer["id"] == str(MOST_SUBSCRIPTIONS + 1)
    assert code_of(answer) == "TOO_MANY_REQUESTS"
    socket.send(id="1", type="complete")
    socket.subscribe(QUERY)
    assert isinstance(socket.next(), list)


def test_each_operation_reads_the_present(socket: Client, followed: Ward) -> None:
    query = "query($mrn: String!) { patient(mrn: $mrn) { familyName } }"
    mrn = followed.patient()
    for name in ("Adeyemi", "Okafor"):
        correction = {"patientMrn": mrn, "familyName": name, "reason": "misheard"}
        followed.record("correctPatientDetails", **correction)
        socket.subscribe(query, mrn=mrn)
        assert socket.next() == {"familyName": name}
        assert socket.receive()["type"] == "complete"


def test_what_is_no_longer_followed_is_not_told(
    running: Served, socket: Client, followed: Ward
) -> None:
    first, second = socket.subscribe(FOLLOW), socket.subscribe(FOLLOW)
    running.await_followers(2)
    socket.send(id=first, type="complete")
    running.await_followers(1)
    followed.patient()
    assert socket.receive()["id"] == second


# -- how it ends --


ADA = {"Authorization": f"Bearer {TOKENS.make(subject='Ada')}"}


@pytest.fixture
def token_ends(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes Ada's token end, and nobody else's."""
    left = property(lambda caller: 0.0 if caller.actor.subject == "Ada" else 60.0)
    return lambda: monkeypatch.setattr(Caller, "seconds_left", left)


def test_it_lasts_as_long_as_the_token_and_a_client_with_another_one_goes_on(
    running: Served,
    followed: Ward,
    monkeypatch: pytest.MonkeyPatch,
    token_ends: Callable[[], None],
) -> None:
    """4403 is what graphql-ws and others take as a reason to connect again, with another token."""
    monkeypatch.setattr("api.http.websocket.LOOK_SECONDS", 0.02)
    query = "subscription($after: Position) { events(after: $after) { data position } }"
    with Client(running.url, login=ADA) as socket:
        socket.subscribe(query)
        running.await_followers(1)
        followed.patient()
        position = socket.next()["position"]
        token_ends()
        assert socket.closed() == (4403, "the token has expired: log in again")
    running.await_followers(0)
    missed = followed.patient()
    with Client(running.url) as socket:
        socket.subscribe(query, after=position)
        assert socket.next()["data"]["mrn"] == missed


def test_what_happens_just_when_the_token_ends_is_not_told(
    running: Served, followed: Ward, token_ends: Callable[[], None]
) -> None:
    """Though the connection may still be there: each item and each operation looks at the token."""
    with Client(running.url, login=ADA) as socket:
        socket.subscribe(FOLLOW)
        running.await_followers(1)
        token_ends()
        followed.patient()
        answer = socket.receive()["payload"]
        assert answer["data"] is None
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert socket.receive()["type"] == "complete"
        socket.subscribe(QUERY)
        assert code_of(socket.receive()) == "UNAUTHENTICATED"


def test_a_server_that_stops_says_so(database: Database, settings: Settings) -> None:
    with served(app(settings, database, TOKENS)) as server, Client(server.url) as socket:
        socket.subscribe(FOLLOW)
        socket.subscribe(QUERY)
        assert socket.next() == []
        server.stop()
        assert socket.closed()[0] == 1012
