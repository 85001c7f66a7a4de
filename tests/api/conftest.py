"""Two ways to ask: a server of a test's own, and one that the tests of a file share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN, empty
from tests.support.api_dsl import Ward
from tests.support.canary_log import written_without_canary
from tests.support.graphql_client import GraphQLClient
from tests.support.server_process import Client, Served, served


@pytest.fixture
def ward(client: GraphQLClient) -> Ward:
    """A ward with a server of its own, on an empty log."""
    return Ward(client)


@pytest.fixture(scope="module")
def shared(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A ward that the tests of a file share: they name what they make by `Ward.name`."""
    empty(migrated)
    migrated.open_log("real")
    home: Path = tmp_path_factory.mktemp("home")
    with TestClient(app(Settings(home=home, health_seconds=0), migrated, LOGIN)) as http:
        yield Ward(GraphQLClient(http, TOKEN))


@pytest.fixture(scope="module")
def running(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A real server that the tests of a file share."""
    empty(migrated)
    migrated.open_log("real")
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        health_seconds=0,
        allowed_origins=("https://board.example",),
    )
    with served(app(settings, migrated, LOGIN)) as server:
        yield server


@pytest.fixture(scope="module")
def followed(running: Served) -> Iterator[Ward]:
    """The ward of that server."""
    with running.http() as http:
        yield Ward(GraphQLClient(http, TOKEN))  # type: ignore[arg-type]


@pytest.fixture
def socket(running: Served) -> Iterator[Client]:
    """A WebSocket that is logged in."""
    with Client(running.url) as made:
        yield made


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """All that was written so far, wherever; in the end the canary is in none of it."""
    with written_without_canary() as written:
        yield written
