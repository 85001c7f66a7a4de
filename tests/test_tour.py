"""docs/tour.md is executed: GraphQL over HTTP, SQL on the database, Python as it stands in the files."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg

from infrastructure.postgres.database import Database
from tests.support.graphql_client import GraphQLClient

ROOT = Path(__file__).parents[1]
TOUR = (ROOT / "docs" / "tour.md").read_text()
STEPS = [(step.partition("\n")[0], step) for step in TOUR.split("\n## ")[1:]]


def blocks(language: str, text: str = TOUR) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_python_of_the_tour_stands_in_the_file_of_its_step() -> None:
    excerpts = [(title, code) for title, step in STEPS for code in blocks("python", step)]
    assert len(excerpts) >= 4
    for title, code in excerpts:
        (file,) = re.findall(r"`([\w/]+\.py)`", title)
        assert code in (ROOT / file).read_text(), f"{title}: {code}"


def test_the_tour_ends_where_it_says(client: GraphQLClient, database: Database) -> None:
    stay = _admitted_to_bed_a(client)
    before = datetime.now(UTC).isoformat()
    mutation, query = blocks("graphql")
    payload = client.ask(mutation, command=str(uuid4()), stay=stay)
    data = client.ask(query, stay=stay, before=before)
    assert [payload, data] == [json.loads(block) for block in blocks("json")]
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        tables = [_table(connection, statement) for statement in blocks("sql")]
    assert tables == _tables_of_the_page()


def _admitted_to_bed_a(client: GraphQLClient) -> str:
    long_ago = {"occurredAt": "2026-03-02T07:00:00+01:00", "reason": "entered afterwards"}
    bed = {"ward": "West", "room": "119"}
    client.record("openRoom", **bed, beds=["A", "B"], **long_ago)
    client.record("registerPatient", mrn="M1", familyName="Mensah", **long_ago)
    admitted = client.record(
        "admitPatient",
        patientMrn="M1",
        admissionType="EMERGENCY",
        **bed,
        bed="A",
        **long_ago | {"occurredAt": "2026-03-02T08:00:00+01:00"},
    )
    id: str = admitted["stay"]["id"]
    return id


def _table(connection: psycopg.Connection, statement: str) -> list[list[str]]:
    with connection.execute(statement.encode()) as cursor:
        names = [column.name for column in cursor.description or ()]
        return [names, *([str(value) for value in row] for row in cursor)]


def _tables_of_the_page() -> list[list[list[str]]]:
    tables = re.findall(r"(?:^\|.*\n)+", TOUR, re.MULTILINE)
    rows = [[line.strip("| ").split(" | ") for line in table.splitlines()] for table in tables]
    return [[header, *body] for header, _, *body in rows]
