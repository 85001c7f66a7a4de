"""Reads from a replica: what it may answer, and who answers while it is away.

By day the database stands for its own copy; tests/mistakes/test_replicas.py has a real standby.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN, empty
from tests.support.api_dsl import Ward, ago
from tests.support.graphql_client import GraphQLClient

DAY = dict.fromkeys(("from", "to"), ago(days=2)[:10])

BOARD = "{ roomOccupancy { room { number } beds { code state } } }"
STAYS = "query($at: Position) { stays(atLeast: $at) { nodes { id bed } } }"
REPORT = """query($period: ReportPeriod!) {
  report(name: "inpatient-census", period: $period) { figures { value } } }"""


@pytest.fixture(scope="module", params=["there", "away"])
def house(
    request: pytest.FixtureRequest, migrated: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ward, str]]:
    """A ward whose server reads from a replica that is there, or away."""
    empty(migrated)
    migrated.open_log("real")
    replica = migrated if request.param == "there" else migrated.sibling("nowhere")
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        health_seconds=0,
        read_database_url=replica.app_url,
    )
    with TestClient(app(settings, migrated, LOGIN)) as http:
        yield Ward(GraphQLClient(http, TOKEN)), request.param


def source(ward: Ward, query: str, **variables: Any) -> str | None:
    """Return what an answer says of where it was read."""
    answer = ward.client.raw(query, variables)
    assert "errors" not in answer, answer
    result: str | None = answer["extensions"].get("readFrom")
    return result


def test_boards_timelines_and_reports_are_answered_by_the_replica_or_for_it(
    house: tuple[Ward, str],
) -> None:
    ward, where = house
    expected = "replica" if where == "there" else None
    stay = ward.stay()
    timeline = "query($stay: ID!) { timeline(stayId: $stay) { nodes { summary } } }"
    at = ward.position()
    sources = {
        source(ward, BOARD),
        source(ward, BOARD),  # once it may be kept
        source(ward, STAYS, at=at),
        source(ward, timeline, stay=stay),
        source(ward, REPORT, period=DAY),
    }
    assert sources == {expected}
    beds = ward.ask(STAYS, at=at)["stays"]["nodes"]
    assert stay in {node["id"] for node in beds}
    ready = ward.client.http.get("/readyz").json()
    assert ready["replica"] == ("ok" if where == "there" else "away")
    result = ward.client.http.get("/metrics").text
    assert f"wardbook_replica_in_use {1.0 if where == 'there' else 0.0}" in result


def test_commands_and_what_has_no_moment_are_answered_by_the_primary(
    house: tuple[Ward, str],
) -> None:
    ward, _ = house
    assert source(ward, "{ events(first: 1) { nodes { id } } }") is None
    assert source(ward, "{ wards { name } projections { name } }") is None
    command = {"commandId": str(uuid4()), "ward": "Z", "room": ward.name("R"), "beds": ["a"]}
    recorded = ward.client.raw(
        "mutation($i: OpenRoomInput!) { openRoom(input: $i) { __typename } }", {"i": command}
    )
    assert recorded["data"] == {"openRoom": {"__typename": "RoomRecorded"}}
    assert "readFrom" not in recorded["extensions"]
