"""`make faults`, `make failover` and `make postgres` in seconds, with the wheel's PostgreSQL alone."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from api.http.app import app
from infrastructure.postgres.administrator import ADMINISTRATOR_SQL, OWNER_ROLE
from infrastructure.postgres.database import APP_ROLE, Database
from infrastructure.postgres.embedded_cluster import program_folder
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.checker import Acknowledgements, caught_up, check, following, wait_until
from tests.support.graphql_client import GraphQLClient
from tests.support.own_server import SECRET, OwnServer, own_server
from tests.support.program import running, write

REGISTER = "mutation($i: RegisterPatientInput!) { registerPatient(input: $i) { __typename } }"


@pytest.fixture
def house() -> Iterator[OwnServer]:
    """A server of a house, on which an administrator has made the logins and the database."""
    with own_server(program_folder()) as server:
        passwords = (f"ALTER ROLE {role} PASSWORD '{SECRET}';" for role in (OWNER_ROLE, APP_ROLE))
        server.run_script("\n".join((ADMINISTRATOR_SQL, *passwords)))
        yield server


def test_a_standby_takes_over_and_what_was_acknowledged_is_there(
    house: OwnServer, tmp_path: Path
) -> None:
    owner, application = (house.url(role, "wardbook") for role in (OWNER_ROLE, APP_ROLE))
    migrate(Database(owner, application))
    Database(owner, application).open_log("real")
    with house.followed() as standby:
        both = application.replace(f":{house.port}/", f":{house.port},127.0.0.1:{standby.port}/")
        url = f"{both}&target_session_attrs=read-write"
        with TestClient(app(Settings(home=tmp_path), Database(url, url), LOGIN)) as http:
            client = GraphQLClient(http, TOKEN)

            def recorded(mrn: str, command: str) -> bool:
                sent = {"i": {"commandId": command, "mrn": mrn}}
                response = (client.raw(REGISTER, sent).get("data") or {}).get("registerPatient", {})
                return "Recorded" in str(response.get("__typename"))

            acknowledged = [(f"P{number}", str(uuid4())) for number in range(5)]
            assert all(recorded(*each) for each in acknowledged)
            house.stop()
            during = ("P5", str(uuid4()))
            assert not recorded(*during)
            standby.promote()
            wait_until(lambda: recorded(*during), 20, "the one during the failover is recorded")
            assert all(recorded(*each) for each in acknowledged), "sent again, they are answered"
            patients = client.ask("{ patients { nodes { mrn } } }")["patients"]["nodes"]
            sent = [mrn for mrn, _ in (*acknowledged, during)]
            assert sorted(node["mrn"] for node in patients) == sent


def test_a_writer_that_is_killed_loses_and_doubles_nothing(database: Database) -> None:
    acknowledgements = Acknowledgements()
    with (
        following(database.app_url),
        running(write, database.app_url, "P", 1) as writer,
    ):
        acknowledgements.positions.update(islice(writer.messages(), 20))
        acknowledgements.positions.update(writer.kill())
        caught_up(database)
    check(database, acknowledgements)
