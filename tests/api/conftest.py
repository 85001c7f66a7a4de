"""Two ways to ask: a server of a test's own, and one that the tests of a file share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.server import app
from infrastructure.database import Database
from infrastructure.settings import Settings
from tests.api.ward import Ward
from tests.conftest import LOGIN, TOKEN, empty
from tests.graphql import GraphQLClient


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
    with TestClient(app(Settings(home=home), migrated, LOGIN)) as http:
        yield Ward(GraphQLClient(http, TOKEN))
