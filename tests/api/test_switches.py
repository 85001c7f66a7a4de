"""Caches and the fast executor change no answer: each can be switched off by one setting."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings, from_environment
from tests.api.test_queries import EXAMPLES
from tests.conftest import LOGIN, TOKEN, empty
from tests.support.api_dsl import Ward
from tests.support.graphql_client import GraphQLClient

OFF = {
    "WARDBOOK_KEPT_ANSWERS_MB": "0",
    "WARDBOOK_READ_SNAPSHOT": "off",
    "WARDBOOK_SINGLE_FLIGHT": "off",
    "WARDBOOK_FAST_EXECUTOR": "off",
}

CHANGES = re.compile("accesses|lagSeconds")
"""What is another answer each time: the access log has one entry more, the clock has gone on."""

Asked = list[tuple[str, dict[str, Any]]]


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


@pytest.mark.parametrize("switch", [None, *OFF] if "WARDBOOK_SWITCHES" in os.environ else [None])
def test_answers_are_the_same_with_it_and_without_it(
    switch: str | None, asked: Asked, migrated: Database, tmp_path: Path
) -> None:
    """``None``: all of them at once. Each by itself is for the nightly run (WARDBOOK_SWITCHES)."""
    off = from_environment(OFF if switch is None else {switch: OFF[switch]})
    on = Settings(home=tmp_path)
    with (
        TestClient(app(on, migrated, LOGIN)) as first,
        TestClient(app(replace(off, home=tmp_path), migrated, LOGIN, with_worker=False)) as second,
    ):
        clients = [GraphQLClient(http, TOKEN) for http in (first, first, second)]
        for query, variables in asked:
            answer, again, plain = [client.raw(query, variables) for client in clients]
            assert answer == again == plain, query
