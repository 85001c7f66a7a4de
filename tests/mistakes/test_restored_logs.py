"""Mistakes of other systems about a log that was restored from a backup."""

from starlette.testclient import TestClient

from api.cli.filling import fill
from api.http.app import app
from infrastructure.postgres.backup import begin_epoch
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward
from tests.support.graphql_client import GraphQLClient


def test_mistake_469_after_a_restore_a_client_is_told_that_it_has_the_version_already(
    settings: Settings, database: Database
) -> None:
    """A restored log gives the positions after its backup once more, to other facts."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(app(settings, database, LOGIN)) as http:
        path = f"/fhir/Encounter/{Ward(GraphQLClient(http, TOKEN)).stay()}"
        read = http.get(path, headers=headers)
        headers["If-None-Match"] = read.headers["etag"]
        assert http.get(path, headers=headers).status_code == 304
    begin_epoch(database)
    migrate(database)
    fill(database)
    with TestClient(app(settings, database, LOGIN)) as http:
        again = http.get(path, headers=headers)
        version = again.json()["meta"]["versionId"]
        assert again.headers["etag"] == f'W/"{version}"' != read.headers["etag"]
        assert http.get(f"{path}/_history/{version}", headers=headers).status_code == 200
        former = read.json()["meta"]["versionId"]
        assert http.get(f"{path}/_history/{former}", headers=headers).status_code == 404
