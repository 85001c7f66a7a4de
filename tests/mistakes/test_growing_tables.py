"""No question reads a table that grows with the log from end to end.

Every query of the schema is asked with all of its fields, alone and with each of its arguments, in a
house whose tables have grown since anybody gathered statistics.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from graphql import GraphQLObjectType
from starlette.testclient import TestClient

from api.graphql.schema import schema
from api.http.app import app
from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward
from tests.support.canaries import documents, plant, questions
from tests.support.graphql_client import GraphQLClient
from tests.support.growth import Reads, keep_statistics_away, multiply, reads

pytestmark = pytest.mark.nightly

COPIES = 300
DEPTH = 2
OF_THE_PERIOD = {"patients_v4.patients", "prescriptions_v2.prescriptions"}
"""Read whole by reports: all copies lie in their period (`test_plans_of_reports` tells of others)."""

ROWS_SCANNED = 20
"""Rows of one table that a question may read without an index: of a tiny one."""


@pytest.fixture(scope="module")
def asked(
    server: Database, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, Reads]]:
    """All questions that were asked, and what was read for them."""
    settings = Settings(home=Path(tmp_path_factory.mktemp("home")), health_seconds=0)
    root = schema._schema.query_type
    assert root is not None
    with server.scratch(f"asked_{worker_id}") as database:
        migrate(database)
        database.open_log("real")
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            keep_statistics_away(owner)
            owner.execute("ANALYZE")
        with TestClient(app(settings, database, LOGIN)) as http:
            planted = plant(Ward(GraphQLClient(http, TOKEN)))
        multiply(database, COPIES)
        before, count = reads(database), 0
        with TestClient(app(settings, database, LOGIN)) as http:
            client = GraphQLClient(http, TOKEN)
            asked_before: set[tuple[str, frozenset[str]]] = set()
            for name, given in questions(planted, root):
                if (name, frozenset(given)) not in asked_before:
                    asked_before.add((name, frozenset(given)))
                    count += _ask(client, root, name, given)
        yield count, reads(database).since(before)


def _ask(client: GraphQLClient, root: GraphQLObjectType, name: str, given: object) -> int:
    of = root.fields[name]
    assert isinstance(given, dict)
    types = " ".join(f"${a}: {of.args[a].type}" for a in given)
    arguments = ", ".join(f"{a}: ${a}" for a in given)
    selections = documents(of.type, Role.ADMIN, DEPTH)
    for selected in selections:
        head = f"query({types})" if given else "query"
        call = f"{name}({arguments})" if given else name
        answer = client.raw(f"{head} {{ {call} {selected} }}", given)
        codes = {e["extensions"]["code"] for e in answer.get("errors", ())}
        assert not codes & {"INTERNAL", "TOO_EXPENSIVE", "TOO_DEEP"}, (name, given, answer)
    return len(selections)


def test_mistake_185_a_question_that_reads_a_table_which_grows_from_end_to_end(
    asked: tuple[int, Reads],
) -> None:
    count, read = asked
    assert count > 100
    scanned = {table for table, n in read.scanned.items() if n > ROWS_SCANNED * count}
    assert scanned <= OF_THE_PERIOD
