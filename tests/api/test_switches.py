"""Caches and the fast executor change no answer: each can be switched off by one setting."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketTestSession

from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings, from_environment
from tests.api.test_queries import EXAMPLES
from tests.api.test_subscriptions import BOARD, EVENTS, TIMELINE
from tests.conftest import LOGIN, TOKEN, empty
from tests.support.api_dsl import Ward, ago, late, place
from tests.support.graphql_client import GraphQLClient

OFF = {
    "WARDBOOK_KEPT_ANSWERS_MB": "0",
    "WARDBOOK_READ_SNAPSHOT": "off",
    "WARDBOOK_SINGLE_FLIGHT": "off",
    "WARDBOOK_FAST_EXECUTOR": "off",
}

CHANGES = re.compile("accesses|lagSeconds")
"""What is another answer each time: the access log has one entry more, the clock has gone on."""

BEARER = {"Authorization": f"Bearer {TOKEN}"}

Asked = list[tuple[str, dict[str, Any]]]
Servers = tuple[TestClient, TestClient]


class Listener(GraphQLClient):
    """A client that notes each query that it sends."""

    def __init__(self, http: TestClient, token: str, asked: Asked) -> None:
        super().__init__(http, token)
        self.asked = asked

    def raw(self, query: str, variables: dict[str, Any] | None = None, **named: Any) -> Any:
        if not query.lstrip().startswith("mutation"):
            self.asked.append((query, variables or {}))
        return super().raw(query, variables, **named)


@pytest.fixture(scope="module")
def asked(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Every query of the examples, asked with all switched off; each example holds there too."""
    empty(migrated)
    migrated.open_log("real")
    settings = replace(from_environment(OFF), home=tmp_path_factory.mktemp("home"))
    asked: Asked = []
    with TestClient(app(settings, migrated, LOGIN)) as http:
        ward = Ward(Listener(http, TOKEN, asked))
        for example in EXAMPLES.values():
            example(ward)
    assert len(asked) > 3 * len(EXAMPLES) / 2
    return [(query, variables) for query, variables in asked if not CHANGES.search(query)]


@pytest.fixture(params=[None, *OFF] if "WARDBOOK_SWITCHES" in os.environ else [None])
def servers(
    request: pytest.FixtureRequest, migrated: Database, tmp_path: Path
) -> Iterator[Servers]:
    """Two servers of one log, the second with all of it off. Each by itself is for the nightly run."""
    off = from_environment(OFF if request.param is None else {request.param: OFF[request.param]})
    with (
        TestClient(app(Settings(home=tmp_path), migrated, LOGIN)) as first,
        TestClient(app(replace(off, home=tmp_path), migrated, LOGIN, with_worker=False)) as second,
    ):
        yield first, second


def test_answers_are_the_same_with_it_and_without_it(asked: Asked, servers: Servers) -> None:
    first, second = servers
    clients = [GraphQLClient(http, TOKEN) for http in (first, first, second)]
    for query, variables in asked:
        answer, again, plain = [client.raw(query, variables) for client in clients]
        assert answer == again == plain, query


def test_followers_are_told_the_same_with_it_and_without_it(asked: Asked, servers: Servers) -> None:
    """Two follow each subscription of the first server, so that they share what is read for it."""
    first, second = servers
    ward = Ward(GraphQLClient(first, TOKEN), count(1_000))
    room, mrn = ward.room(*"abcde", ward="Switches"), ward.patient()
    stay = ward.stay(f"{room}/a", ago(days=3), patientMrn=mrn)
    subscriptions = [
        (EVENTS, {"ward": "Switches"}),
        (TIMELINE, {"stay": stay}),
        (BOARD, {"ward": "Switches"}),
    ]
    after = ward.position()
    for n, (query, variables) in enumerate(subscriptions):
        with ExitStack() as stack:
            followers = [stack.enter_context(following(http)) for http in (first, first, second)]
            for follower in followers:
                payload = {"query": query, "variables": {**variables, "after": after}}
                follower.send_json({"id": "1", "type": "subscribe", "payload": payload})
            for bed, times in (("cde"[n], late(ago(days=2 - n / 2))), ("bab"[n], {})):
                ward.record("transferPatient", stayId=stay, **place(f"{room}/{bed}"), **times)
                item, shared, plain = [follower.receive_json() for follower in followers]
                assert item == shared == plain, query
                assert "errors" not in item["payload"], item
        after = ward.position()


@contextmanager
def following(http: TestClient) -> Iterator[WebSocketTestSession]:
    with http.websocket_connect("/graphql", ["graphql-transport-ws"], headers=BEARER) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json() == {"type": "connection_ack"}
        yield socket
