"""Mistakes of reading from copies: an answer from before what its reader did, or none at all."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward
from tests.support.graphql_client import GraphQLClient
from tests.support.standby import Standby, replicated

pytestmark = pytest.mark.slow

NAMED = count(1)

STAYS = "{ stays { nodes { id } } }"
TIMELINE = "query($stay: ID!) { timeline(stayId: $stay) { nodes { kind } } }"


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Database, Standby]]:
    """A server with all tables, and its standby."""
    with replicated() as (database, (standby,)):
        migrate(database)
        database.open_log("real")
        yield database, standby


@pytest.fixture
def ward(pair: tuple[Database, Standby], tmp_path: Path) -> Iterator[Ward]:
    """A ward whose server reads from the standby."""
    database, standby = pair
    home = tmp_path / "home"
    url = standby.database.app_url
    settings = Settings(home=home, health_seconds=0, read_database_url=url)
    with TestClient(app(settings, database, LOGIN)) as http:
        yield Ward(GraphQLClient(http, TOKEN), NAMED)


def stays_and_source(ward: Ward) -> tuple[set[str], str]:
    """Return the open stays as an answer has them, and where it was read."""
    answer = ward.client.raw(STAYS)
    assert "errors" not in answer, answer
    ids = {node["id"] for node in answer["data"]["stays"]["nodes"]}
    return ids, answer["extensions"].get("readFrom", "primary")


def test_mistake_215_an_answer_of_a_copy_lacks_what_its_reader_has_just_recorded(
    ward: Ward, pair: tuple[Database, Standby]
) -> None:
    sources = []
    for _ in range(20):
        stay = ward.stay()
        ids, source = stays_and_source(ward)
        assert stay in ids
        sources.append(source)
        assert ward.ask(TIMELINE, stay=stay)["timeline"]["nodes"]
    assert sources.count("replica") > 10

    _, standby = pair
    standby.hold(held=True)
    try:
        stay = ward.stay()
        for _ in range(3):
            ids, source = stays_and_source(ward)
            assert (stay in ids, source) == (True, "primary")
        position = ward.position()
        at_least = "query($at: Position) { stays(atLeast: $at) { nodes { id } } }"
        assert stay in {node["id"] for node in ward.ask(at_least, at=position)["stays"]["nodes"]}
        assert ward.client.http.get("/readyz").json()["replica"] == "behind"
    finally:
        standby.hold(held=False)


def test_mistake_216_the_end_of_a_copy_is_seen_by_who_reads(
    ward: Ward, pair: tuple[Database, Standby]
) -> None:
    _, standby = pair
    stay = ward.stay()
    assert stay in stays_and_source(ward)[0]
    standby.stop()
    for _ in range(5):
        ids, source = stays_and_source(ward)
        assert (stay in ids, source) == (True, "primary")
    standby.cluster.start()
