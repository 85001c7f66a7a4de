"""Over HTTP: who may ask, how much, how faults are told, and whether the server is well."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql
from starlette.testclient import TestClient

from api.server import MAX_BODY, app
from infrastructure.database import Database
from infrastructure.settings import Settings
from tests.api.ward import Ward, place
from tests.conftest import TOKEN
from tests.graphql import GraphQLClient

QUERY = {"query": "{ wards { name } }"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def codes(answer: Any) -> set[str]:
    return {error["extensions"]["code"] for error in answer["errors"]}


# -- who may ask --


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer x {TOKEN}",
        "Bearer é",
    ],
)
def test_nobody_asks_without_the_token(shared: Ward, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.encode()}
    for answer in (
        shared.client.http.post("/graphql", json=QUERY, headers=headers),  # type: ignore[arg-type]
        shared.client.http.get("/graphql", params=QUERY, headers=headers),  # type: ignore[arg-type]
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert codes(answer.json()) == {"UNAUTHENTICATED"}
        assert "data" not in answer.json()
        assert TOKEN not in answer.text


def test_the_scheme_may_be_written_in_any_case(shared: Ward) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {TOKEN}"}
        assert shared.client.http.post("/graphql", json=QUERY, headers=headers).status_code == 200


def test_a_websocket_gets_nothing_without_the_token(shared: Ward) -> None:
    with pytest.raises(Exception), shared.client.http.websocket_connect("/graphql") as socket:  # noqa: B017, PT011
        socket.send_json({"type": "connection_init"})
        socket.receive_json()


# -- how much --


def test_a_body_that_is_too_large_is_refused(shared: Ward) -> None:
    large = json.dumps({"query": "{ wards { name } }" + " " * MAX_BODY}).encode()
    json_type = {**BEARER, "Content-Type": "application/json"}

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(large), 50_000):
            yield large[start : start + 50_000]

    for content in (large, chunks()):
        answer = shared.client.http.post("/graphql", content=content, headers=json_type)
        assert answer.status_code == 413
        assert codes(answer.json()) == {"TOO_LARGE"}


def test_a_body_of_the_allowed_size_is_taken(shared: Ward) -> None:
    room = MAX_BODY - len(json.dumps(QUERY)) - 10
    fits = json.dumps({"query": QUERY["query"] + " " * room}).encode()
    assert len(fits) <= MAX_BODY
    headers = {**BEARER, "Content-Type": "application/json"}
    assert shared.client.http.post("/graphql", content=fits, headers=headers).status_code == 200


# -- how --


def test_a_query_may_be_asked_by_get_and_a_mutation_may_not(shared: Ward) -> None:
    asked = shared.client.http.get("/graphql", params=QUERY, headers=BEARER)
    assert asked.status_code == 200
    assert "data" in asked.json()

    command = """mutation { registerPatient(input: {
        commandId: "00000000-0000-4000-8000-000000000001", mrn: "by-get" }) { __typename } }"""
    given = shared.client.http.get("/graphql", params={"query": command}, headers=BEARER)
    assert given.status_code in (400, 405)
    found = shared.ask('{ patient(mrn: "by-get") { id } }')
    assert found["patient"] is None


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "}",
        "{ wards { name } ",
        "{ nope }",
        "{ wards }",
        "{ wards { name(x: 1) } }",
        "{ stay { id } }",
        "query($at: DateTime!) { wards(asOf: $at) { name } }",
        "subscription { timelineExtended { id } }",
        "{ wards { ...Missing } }",
        "{a" * 2_000 + "}" * 2_000,
    ],
    ids=lambda query: query[:40],
)
def test_a_malformed_query_is_a_fault_with_a_code(shared: Ward, query: str) -> None:
    answer = shared.client.raw(query)
    assert codes(answer) == {"BAD_REQUEST"}
    assert answer.get("data") is None


def test_fields_are_not_suggested_to_those_who_guess(shared: Ward) -> None:
    told = json.dumps(shared.client.raw("{ patien { mrn } wards { nam } }"))
    assert "Did you mean" not in told


def test_batches_are_not_taken(shared: Ward) -> None:
    answer = shared.client.http.post("/graphql", json=[QUERY, QUERY], headers=BEARER)
    assert answer.status_code == 400


# -- faults --


def secret_free(text: str) -> bool:
    """Whether nothing of the database or of a patient is in a text."""
    secrets = ("Okafor", "visits_v1", "patients_v1", "SELECT", "psycopg", "sqlalchemy", "relation")
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
    logged = [r.getMessage() for r in caplog.records if r.name == "api.graphql.schema"]
    assert logged
    formatted = "\n".join(
        caplog.handler.format(r) for r in caplog.records if r.name == "api.graphql.schema"
    )
    assert "ProgrammingError" in formatted
    assert "Okafor" not in formatted
    assert ward.ask(query, id=stay)["stay"]["visits"] == []


def test_a_command_that_breaks_tells_neither_database_nor_patient(
    ward: Ward, database: Database
) -> None:
    query = """mutation($input: RegisterPatientInput!) {
        registerPatient(input: $input) { __typename } }"""
    input = {"mrn": "M1", "familyName": "Okafor"}
    id = "00000000-0000-4000-8000-000000000001"
    with broken(database, "record.unique_claims"):
        answer = ward.client.raw(query, {"input": {"commandId": id, **input}})

    assert codes(answer) == {"INTERNAL"}
    assert secret_free(json.dumps(answer))
    assert ward.record("registerPatient", commandId=id, **input)


def test_when_the_database_is_away_answers_say_so_and_come_back_with_it(
    server: Database, database: Database, ward: Ward
) -> None:
    mrn = ward.patient(familyName="Okafor")
    id = "00000000-0000-4000-8000-000000000001"
    query = """mutation($input: AdmitPatientInput!) {
        admitPatient(input: $input) { __typename } }"""
    input = {"commandId": id, "patientMrn": mrn, "admissionType": "ELECTIVE"}
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
    assert ward.record("admitPatient", **input)["stay"]["status"] == "ADMITTED"
    assert ward.client.http.get("/readyz").status_code == 200


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


# -- whether it is well --


def test_a_server_is_alive_ready_and_says_how_to_begin(shared: Ward) -> None:
    http = shared.client.http
    assert http.get("/livez").text == "alive\n"
    ready = http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "behind": []})
    home = http.get("/")
    assert home.status_code == 200
    assert "/graphql" in home.text
    assert TOKEN not in home.text
    assert http.get("/nothing").status_code == 404


# -- a server whose read models nobody fills --


@pytest.fixture
def stalled(settings: Settings, database: Database, hospital: Any) -> Iterator[Callable[[], Ward]]:
    """A server without a worker, that does not wait long."""
    chosen = replace(settings, read_timeout_seconds=0.05)
    with TestClient(app(chosen, database, TOKEN, with_worker=False)) as http:
        yield lambda: Ward(GraphQLClient(http, TOKEN))


def test_what_is_recorded_but_not_yet_readable_is_told_so_and_is_safe(
    stalled: Callable[[], Ward], hospital: Any
) -> None:
    from infrastructure.follow import Follower

    ward = stalled()
    input = {"mrn": "M1", "commandId": "00000000-0000-4000-8000-000000000001"}
    told = ward.give("registerPatient", **input)
    assert told["__typename"] == "RecordedNotYetReadable"
    again = ward.give("registerPatient", **input)
    assert again == told

    late = ward.client.raw(
        "query($p: Position) { wards(atLeast: $p) { name } }", {"p": told["position"]}
    )
    assert codes(late) == {"READ_MODELS_BEHIND"}

    house = ward.client.http.app.state.house  # type: ignore[attr-defined]
    Follower(house.database.app_url).catch_up()
    found = ward.ask(
        'query($p: Position) { patient(mrn: "M1", atLeast: $p) { mrn } }', p=told["position"]
    )
    assert found["patient"] == {"mrn": "M1"}
    read = ward.give("registerPatient", **input)
    assert read["__typename"] == "PatientRecorded"
    assert (read["position"], read["recordedAt"]) == (told["position"], told["recordedAt"])


def test_a_refusal_needs_no_read_model(stalled: Callable[[], Ward]) -> None:
    ward = stalled()
    ward.give("openRoom", ward="A", room="1", beds=["a"])
    ward.give("closeBed", **place("A/1/a"), reason="paint")
    ward.give("registerPatient", mrn="M1")
    told = ward.give("admitPatient", patientMrn="M1", admissionType="ELECTIVE", **place("A/1/a"))
    assert (told["__typename"], told["reason"]) == ("BedNotOpen", "paint")


def test_answers_from_a_simulated_log_say_that_they_are(
    settings: Settings, simulated: Database
) -> None:
    with TestClient(app(settings, simulated, TOKEN)) as http:
        told = GraphQLClient(http, TOKEN).raw("{ wards { name } }")
    assert told["extensions"]["simulated"] is True
