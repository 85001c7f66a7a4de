"""Tests of faults: what is told of a thing that is broken, away or behind, and what is not."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.testclient import TestClient

from api.graphql.context import Context
from api.graphql.schema import schema
from api.http.app import app
from application.authorization.roles import Caller, Role
from domain.envelope import Actor
from infrastructure.bootstrap import hospital as wired
from infrastructure.bootstrap import seed
from infrastructure.postgres.database import Database, sqlalchemy_url
from infrastructure.postgres.reused_connection import ReusingEngine
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.api.test_metrics import numbers
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward, codes, place
from tests.support.app_without_http import alone
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import request

ID = "00000000-0000-4000-8000-000000000001"


def secret_free(text: str) -> bool:
    """Return whether nothing of the database or of a patient is in a text."""
    secrets = ("Okafor", "visits_v1", "patients_v4", "SELECT", "psycopg", "sqlalchemy", "relation")
    return not any(secret.lower() in text.lower() for secret in secrets)


@contextmanager
def broken(database: Database, table: str) -> Iterator[None]:
    """A table that is not there for a while."""
    schema, name = table.split(".")

    def rename(old: str, new: str) -> None:
        with psycopg.connect(database.owner_url) as owner:
            owner.execute(
                sql.SQL("ALTER TABLE {} RENAME TO {}").format(
                    sql.Identifier(schema, old), sql.Identifier(new)
                )
            )

    rename(name, f"{name}_away")
    try:
        yield
    finally:
        rename(f"{name}_away", name)


def test_an_error_of_our_own_tells_neither_database_nor_patient(
    ward: Ward, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    mrn = ward.patient(familyName="Okafor")
    stay = ward.stay(patientMrn=mrn)
    query = "query($id: ID!) { stay(id: $id) { patient { familyName } visits { note } } }"
    with caplog.at_level(logging.DEBUG), broken(database, "visits_v1.visits"):
        answer = ward.client.raw(query, {"id": stay})

    assert codes(answer) == {"INTERNAL"}
    assert answer["data"] == {"stay": None}
    assert secret_free(json.dumps(answer))
    logged = [r.getMessage() for r in caplog.records if r.name == "api.graphql.error_masking"]
    assert logged
    format_error = "\n".join(
        caplog.handler.format(r) for r in caplog.records if r.name == "api.graphql.error_masking"
    )
    assert "ProgrammingError" in format_error
    assert "Okafor" not in format_error
    assert ward.ask(query, id=stay)["stay"]["visits"] == []


def test_a_command_that_breaks_tells_neither_database_nor_patient(
    ward: Ward, database: Database
) -> None:
    query = """mutation($input: RegisterPatientInput!) {
        registerPatient(input: $input) { __typename } }"""
    input = {"mrn": "M1", "familyName": "Okafor"}
    with broken(database, "record.unique_claims"):
        answer = ward.client.raw(query, {"input": {"commandId": ID, **input}})

    assert codes(answer) == {"INTERNAL"}
    assert secret_free(json.dumps(answer))
    assert ward.record("registerPatient", commandId=ID, **input)


def test_when_the_database_is_away_answers_say_so_and_come_back_with_it(
    server: Database, database: Database, ward: Ward
) -> None:
    mrn = ward.patient(familyName="Okafor")
    query = """mutation($input: AdmitPatientInput!) {
        admitPatient(input: $input) { __typename } }"""
    input = {"commandId": ID, "patientMrn": mrn, "admissionType": "ELECTIVE"}
    with closed(server, database):
        command = ward.client.raw(query, {"input": input})
        read = ward.client.raw("{ wards { name } }")
        ready = ward.client.http.get("/readyz")
        alive = ward.client.http.get("/livez")

    assert codes(command) == {"DATABASE_AWAY"}
    assert "commandId" in command["errors"][0]["message"]
    assert codes(read) == {"DATABASE_AWAY"}
    assert secret_free(json.dumps([command, read]))
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert alive.status_code == 200
    # a connection that was cut fails once more when it is used again, so a client may ask again
    again = [ward.client.raw(query, {"input": input}) for _ in range(5)]
    assert again[-1]["data"] == {"admitPatient": {"__typename": "StayRecorded"}}
    assert {code for answer in again if "errors" in answer for code in codes(answer)} <= {
        "DATABASE_AWAY"
    }
    assert 200 in [ward.client.http.get("/readyz").status_code for _ in range(5)]


@contextmanager
def closed(server: Database, database: Database) -> Iterator[None]:
    """A database that lets nobody in, and has thrown everybody out."""
    name = database.owner_url.rpartition("?")[0].rpartition("/")[2]
    with psycopg.connect(server.owner_url, autocommit=True) as owner:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        owner.execute(allow.format(sql.Identifier(name), sql.Literal(False)))
        try:
            owner.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                [name],
            )
            yield
        finally:
            owner.execute(allow.format(sql.Identifier(name), sql.Literal(True)))


# -- a server whose read models nobody fills --


@pytest.fixture
def stalled(settings: Settings, database: Database) -> Iterator[Ward]:
    """A server without a worker, that does not wait long."""
    chosen = replace(settings, read_timeout_seconds=0.05)
    with TestClient(app(chosen, database, LOGIN, with_worker=False)) as http:
        yield Ward(GraphQLClient(http, TOKEN))


def test_what_is_recorded_but_not_yet_readable_is_told_so_and_is_safe(
    stalled: Ward, database: Database
) -> None:
    ward = stalled
    input = {"mrn": "M1", "commandId": ID}
    answer = ward.execute("registerPatient", **input)
    assert answer["__typename"] == "RecordedNotYetReadable"
    again = ward.execute("registerPatient", **input)
    assert again == answer

    late = ward.client.raw(
        "query($p: Position) { wards(atLeast: $p) { name } }", {"p": answer["position"]}
    )
    assert codes(late) == {"READ_MODELS_BEHIND"}

    ProjectionRunner(database.app_url).catch_up()
    result = ward.ask(
        'query($p: Position) { patient(mrn: "M1", atLeast: $p) { mrn } }', p=answer["position"]
    )
    assert result["patient"] == {"mrn": "M1"}
    read = ward.execute("registerPatient", **input)
    assert read["__typename"] == "PatientRecorded"
    assert (read["position"], read["recordedAt"]) == (answer["position"], answer["recordedAt"])


def test_a_refusal_needs_no_read_model(stalled: Ward) -> None:
    ward = stalled
    ward.execute("openRoom", ward="A", room="1", beds=["a"])
    ward.execute("closeBed", **place("A/1/a"), reason="paint")
    ward.execute("registerPatient", mrn="M1")
    answer = ward.execute(
        "admitPatient", patientMrn="M1", admissionType="ELECTIVE", **place("A/1/a")
    )
    assert (answer["__typename"], answer["reason"]) == ("BedNotOpen", "paint")


def test_answers_from_a_simulated_log_say_that_they_are(
    settings: Settings, simulated: Database
) -> None:
    with TestClient(app(settings, simulated, LOGIN)) as http:
        answer = GraphQLClient(http, TOKEN).raw("{ wards { name } }")
    assert answer["extensions"]["simulated"] is True


def test_a_server_whose_read_models_are_behind_is_not_ready(
    settings: Settings, simulated: Database
) -> None:
    long_ago = datetime(2026, 3, 1, tzinfo=UTC)
    with closing(wired(settings, simulated)) as hospital:
        seed(settings, hospital, simulated.open_log(), long_ago)
        with TestClient(app(settings, simulated, LOGIN, with_worker=False)) as http:
            ProjectionRunner(simulated.app_url).catch_up()
            assert http.get("/readyz").status_code == 200
            hospital.patients.register_patient(request(now=long_ago), mrn="M1")
            behind, counted = http.get("/readyz"), numbers(http)
            ProjectionRunner(simulated.app_url).catch_up()
            assert http.get("/readyz").status_code == 200

    assert (behind.status_code, behind.json()["ready"]) == (503, False)
    assert "stays" in behind.json()["behind"]
    assert counted["wardbook_read_model_lag_events", "stays"] == 1
    assert counted["wardbook_read_model_lag_seconds", "stays"] > 10


@pytest.mark.parametrize(
    ("rewound", "back", "why"),
    [
        (
            "UPDATE record.log SET epoch = epoch + 1",
            "UPDATE record.log SET epoch = epoch - 1",
            "was restored",
        ),
        (
            "UPDATE projections.status SET position = position + 1000 WHERE read_model = 'stays_v1'",
            "UPDATE projections.status SET position = position - 1000 WHERE read_model = 'stays_v1'",
            "before stays",
        ),
        (
            "ALTER SCHEMA visits_v1 RENAME TO visits_gone",
            "ALTER SCHEMA visits_gone RENAME TO visits_v1",
            "wardbook migrate",
        ),
    ],
    ids=["epoch", "ahead of the log", "dropped"],
)
def test_a_server_of_a_log_that_was_rewound_is_alive_and_not_ready(
    stalled: Ward, database: Database, rewound: str, back: str, why: str
) -> None:
    http = stalled.client.http
    ProjectionRunner(database.app_url).catch_up()
    assert http.get("/readyz").status_code == 200
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(rewound.encode())
        try:
            response = http.get("/readyz")
            metrics = http.get("/metrics")
        finally:
            owner.execute(back.encode())
    assert (response.status_code, response.json()["ready"]) == (503, False)
    assert why in response.json()["why"]
    assert metrics.status_code == 200
    assert http.get("/livez").status_code == 200
    assert http.get("/readyz").status_code == 200


def test_numbers_are_told_while_the_database_is_away(
    server: Database, database: Database, ward: Ward
) -> None:
    """Without those of the read models: what cannot be asked is not told as it was before."""
    assert "wardbook_read_model_lag_events{" in ward.client.http.get("/metrics").text
    with closed(server, database):
        response = ward.client.http.get("/metrics")
    assert response.status_code == 200
    assert "wardbook_requests_total" in response.text
    assert "wardbook_read_model_lag_events{" not in response.text


def test_who_finds_no_connection_free_is_told_that_too_much_is_asked_at_once(
    database: Database,
) -> None:
    async def told() -> Any:
        url = sqlalchemy_url(database.app_url)
        pool = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.05)
        narrow = ReusingEngine(pool.sync_engine)
        ends = datetime.now(UTC) + timedelta(hours=1)
        caller = Caller(Actor(issuer="test", subject="n", role=Role.NURSE), None, ends)
        async with alone(database) as house, narrow.connect():
            context = Context(replace(house, engine=narrow), caller)
            query = "{ patients { nodes { mrn } } }"
            result = await schema.execute(query, context_value=context)
        await narrow.dispose()
        return result

    (error,) = asyncio.run(told()).errors
    assert error.extensions["code"] == "DATABASE_AWAY"
    assert error.message == "Too much is asked of the database at once; ask again in a moment."


@pytest.mark.parametrize(
    ("field", "is_named"), [("birthDat", True), ("Canarywood", False), ("anna meier", False)]
)
def test_an_unknown_field_is_named_unless_it_may_be_a_value(
    shared: Ward, field: str, is_named: bool
) -> None:
    query = "query($filter: PatientFilter) { patients(filter: $filter) { nodes { mrn } } }"

    answer = shared.client.raw(query, {"filter": {field: "2000-01-01"}})

    (error,) = answer["errors"]
    assert "'PatientFilter' not to include unknown field" in error["message"]
    assert (field in error["message"]) == is_named
    assert "2000" not in error["message"]
    assert ("'birthDate' or 'birthYear'?" in error["message"]) == is_named
