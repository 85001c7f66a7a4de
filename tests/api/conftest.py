"""Two ways to ask: a server of a test's own, and one that the tests of a file share."""

from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from infrastructure.postgres.database import Database
from tests.conftest import TOKEN, app_on_empty_log
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
    home = tmp_path_factory.mktemp("home")
    with TestClient(app_on_empty_log(migrated, home, health_seconds=0)) as http:
        yield Ward(GraphQLClient(http, TOKEN))


@pytest.fixture(scope="module")
def running(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A real server that the tests of a file share."""
    home, origins = tmp_path_factory.mktemp("home"), ("https://board.example",)
    application = app_on_empty_log(migrated, home, health_seconds=0, allowed_origins=origins)
    with served(application) as server:
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
