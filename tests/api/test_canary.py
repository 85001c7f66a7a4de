"""A patient's name, put on every way on which something can go wrong, is told nowhere.

Neither in errors nor in logs (as they are written, and with all that a record holds), nor in metrics,
nor in traces: each test of this file looks everywhere when it ends (the fixture ``logged``).
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from httpx2 import Response
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from api.http.app import app
from api.http.middleware import MAX_BODY
from api.telemetry import metrics
from application.authorization.roles import Role
from infrastructure import tracing
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.api.test_faults import closed
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward, ago, codes
from tests.support.canary_log import CANARY
from tests.support.failing import with_a_failing
from tests.support.graphql_client import GraphQLClient
from tests.support.shared_history import running

pytestmark = pytest.mark.usefixtures("logged")

BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_all_that_is_written_is_looked_at(logged: Callable[[], str]) -> None:
    """Or nothing would be found in the others."""
    logging.getLogger("x").debug("%s", "a message")
    with tracing.span("a span", {"x": "an attribute"}):
        metrics.REFUSALS.labels("ALabel").inc()
    for word in ("a message", "a span", "an attribute", "ALabel", "wardbook_requests"):
        assert word in logged()


NOW = ago(minutes=1)


def given(ward: Ward, *commands: Any) -> list[Any]:
    """Return what a batch answers."""
    answer = ward.client.http.post("/commands", json={"commands": commands}, headers=BEARER)
    assert answer.status_code == 200
    results: list[Any] = answer.json()["results"]
    return results


@contextmanager
def followed(http: TestClient) -> Iterator[WebSocketTestSession]:
    """A WebSocket that is logged in."""
    with http.websocket_connect("/graphql", ["graphql-transport-ws"], headers=BEARER) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json()["type"] == "connection_ack"
        yield socket


def said(
    socket: WebSocketTestSession, query: str, name: str | None = None, **variables: Any
) -> list[Any]:
    """Return what is said of an operation, until that is all."""
    payload = {"query": query, "variables": variables, "operationName": name}
    id = str(uuid4())
    socket.send_json({"id": id, "type": "subscribe", "payload": payload})
    result = [socket.receive_json()]
    while result[-1]["type"] == "next":
        result.append(socket.receive_json())
    return [message for message in result if message["type"] != "complete"]


def errors(told: Any) -> str:
    """Return what is told of faults; what the client itself called its fields is not looked at."""
    return json.dumps([{**e, "path": None} for e in told.get("errors", [])])


REGISTER = "mutation($i: RegisterPatientInput!) { registerPatient(input: $i) { __typename } }"

MALFORMED: list[tuple[str, Any]] = [
    (f'{{ patient(mrn: "{CANARY}" ', None),
    (f'{{ patient(mrn: "{CANARY}) {{ mrn }} }}', None),
    (f"{{ patient(mrn: {CANARY}) {{ mrn }} }}", None),
    (f'{{ patient(mrn: {{a: "{CANARY}"}}) {{ mrn }} }}', None),
    (f'{{ patients(first: "{CANARY}") {{ nodes {{ mrn }} }} }}', None),
    (f'{{ stay(id: "x", asOf: "{CANARY}") {{ id }} }}', None),
    (f"mutation {{ registerPatient(input: {{sex: {CANARY}}}) {{ __typename }} }}", None),
    (f'mutation {{ registerPatient(input: {{x: "{CANARY}"}}) {{ __typename }} }}', None),
    (REGISTER, CANARY),
    (REGISTER, [CANARY]),
    (REGISTER, {"familyName": CANARY}),
    (REGISTER, {"commandId": "x", "mrn": [CANARY]}),
    (REGISTER, {"commandId": "x", "mrn": "m", "sex": CANARY}),
    (REGISTER, {"commandId": "x", "mrn": "m", "birthDate": CANARY}),
    (REGISTER, {"commandId": "x", "mrn": "m", CANARY: CANARY}),
    (REGISTER, {"commandId": "x", "mrn": "m", "occurredAt": {CANARY: CANARY}}),
]


@pytest.mark.parametrize(("query", "input"), MALFORMED, ids=[str(n) for n in range(len(MALFORMED))])
def test_what_is_malformed_is_told_without_its_values(shared: Ward, query: str, input: Any) -> None:
    answer = shared.client.raw(query, None if input is None else {"i": input})
    assert codes(answer) == {"BAD_REQUEST"}
    assert CANARY not in json.dumps(answer)


REFUSED = [
    ('query($x: String!) { patient(mrn: $x, id: "x") { mrn } }', "InvalidInput"),
    ("query($x: String!) { patients(after: $x) { nodes { mrn } } }", "InvalidInput"),
    ("query($x: ID!) { command(id: $x) { position } }", "NotFound"),
    ("query($x: Position!) { wards(atLeast: $x) { name } }", "InvalidInput"),
]


@pytest.mark.parametrize(("query", "code"), REFUSED, ids=[code for _, code in REFUSED])
def test_what_is_refused_as_a_fault_is_told_without_its_values(
    shared: Ward, query: str, code: str
) -> None:
    answer = shared.client.raw(query, {"x": CANARY})
    assert codes(answer) == {code}
    assert CANARY not in json.dumps(answer)


def test_what_is_closed_is_told_without_what_is_in_it(shared: Ward) -> None:
    mrn = f"{CANARY}-{shared.name('M')}"
    names = {"familyName": CANARY, "confidentiality": "VERY_RESTRICTED"}
    shared.record("registerPatient", mrn=mrn, **names)
    id = shared.ask("query($m: String) { patient(mrn: $m) { id } }", m=mrn)["patient"]["id"]
    nurse = GraphQLClient(shared.client.http, LOGIN.make(Role.NURSE, "Ada"))
    for query in (
        "query($m: String) { patient(mrn: $m) { familyName } }",
        "query($id: ID) { patient(id: $id) { familyName } }",
        "query($m: String) { timeline(mrn: $m) { nodes { summary } } }",
    ):
        answer = nurse.raw(query, {"id": id, "m": mrn})
        assert codes(answer) == {"NOT_ALLOWED"}
        assert CANARY not in json.dumps(answer)


ASKED = [
    ("query($x: String) { patient(mrn: $x) { mrn } }", "SELECT ON patients_v4.patients"),
    ("query($x: String) { timeline(mrn: $x) { nodes { data } } }", "SELECT ON timeline_v3.entries"),
    (
        "query($x: String) { patients(search: $x) { nodes { mrn } } }",
        "SELECT ON patients_v4.patients",
    ),
    (
        "query($x: String) { patients(search: $x) { nodes { mrn familyName } } }",
        "EXECUTE ON FUNCTION audit.record(jsonb)",
    ),
]


@pytest.mark.parametrize(("query", "right"), ASKED, ids=[right for _, right in ASKED])
def test_our_own_fault_is_logged_without_what_was_asked_or_found(
    shared: Ward, migrated: Database, logged: Callable[[], str], query: str, right: str
) -> None:
    """The database says what it refused, with the statement and its values: none of it is told."""
    mrn = f"{CANARY}-{shared.name('M')}"
    shared.record("registerPatient", mrn=mrn, familyName=CANARY)
    with psycopg.connect(migrated.owner_url, autocommit=True) as owner:
        owner.execute(f"REVOKE {right} FROM wardbook_app".encode())
        try:
            answer = shared.client.raw(
                query.replace("{ patient", f"{{ {CANARY}: patient"), {"x": mrn}
            )
        finally:
            owner.execute(f"GRANT {right} TO wardbook_app".encode())
    assert codes(answer) == {"INTERNAL"}
    assert CANARY not in errors(answer)
    assert "internal error at" in logged()
    assert "InsufficientPrivilege" in logged() or "ProgrammingError" in logged()


def test_a_command_that_our_own_fault_stops_is_logged_without_its_content(
    shared: Ward, migrated: Database, logged: Callable[[], str]
) -> None:
    input = {"commandId": str(uuid4()), "mrn": CANARY, "familyName": CANARY, "reason": CANARY}
    with psycopg.connect(migrated.owner_url, autocommit=True) as owner:
        owner.execute(
            "ALTER TABLE record.stored_events ADD CONSTRAINT no_more CHECK (position < 0) NOT VALID"
        )
        try:
            answer = shared.client.raw(REGISTER, {"i": input})
        finally:
            owner.execute("ALTER TABLE record.stored_events DROP CONSTRAINT no_more")
    assert codes(answer) == {"INTERNAL"}
    assert CANARY not in json.dumps(answer)
    assert "CheckViolation" in logged()


def test_who_is_not_logged_in_hears_nothing(shared: Ward) -> None:
    http: TestClient = shared.client.http
    body = {"query": f'{{ patient(mrn: "{CANARY}") {{ mrn }} }}'}
    for headers in ({}, {"Authorization": f"Bearer {CANARY}"}):
        answer = http.post("/graphql", json=body, headers=headers)
        assert answer.status_code == 401
        assert CANARY not in answer.text
    purpose = {"Authorization": f"Bearer {LOGIN.make()}", "X-Purpose": CANARY}
    answer = http.post("/graphql", json=body, headers=purpose)
    assert answer.status_code == 400
    assert CANARY not in answer.text


# -- over HTTP, before anything is an operation --

Send = Callable[[TestClient], Response]
JSON = {**BEARER, "Content-Type": "application/json"}

UNREADABLE: list[Send] = [
    lambda http: http.post("/graphql", content=f'{{"query": "{CANARY}', headers=JSON),
    lambda http: http.post("/graphql", content=f'"{CANARY}"', headers=JSON),
    lambda http: http.post("/graphql", json=[{"query": CANARY}], headers=BEARER),
    lambda http: http.post("/graphql", json={"query": {CANARY: CANARY}}, headers=BEARER),
    lambda http: http.post(
        "/graphql", json={"query": "{ __typename }", "variables": CANARY}, headers=BEARER
    ),
    lambda http: http.post(
        "/graphql", json={"query": "{ __typename }", "operationName": CANARY}, headers=BEARER
    ),
    lambda http: http.post("/graphql", json={CANARY: CANARY}, headers=BEARER),
    lambda http: http.post("/graphql", data={"query": CANARY}, headers=BEARER),
    lambda http: http.post("/graphql", content=CANARY, headers={**BEARER, "Content-Type": CANARY}),
    lambda http: http.post("/graphql", content=CANARY * (MAX_BODY // 9), headers=JSON),
    lambda http: http.post(
        "/graphql", json={"query": CANARY}, headers={**BEARER, "Accept": f"x/{CANARY}"}
    ),
    lambda http: http.get("/graphql", params={"query": CANARY}, headers=BEARER),
    lambda http: http.get(
        "/graphql", params={"query": "{ __typename }", "variables": CANARY}, headers=BEARER
    ),
    lambda http: http.get(
        "/graphql", params={"query": f'mutation {{ x(y: "{CANARY}") }}'}, headers=BEARER
    ),
    lambda http: http.put("/graphql", json={"query": CANARY}, headers=BEARER),
    lambda http: http.get(f"/{CANARY}"),
    lambda http: http.post("/commands", content=CANARY, headers=JSON),
    lambda http: http.post("/commands", json={"commands": CANARY}, headers=BEARER),
    lambda http: http.post("/commands", json={"commands": [CANARY] * 201}, headers=BEARER),
    lambda http: http.get(f"/commands?{CANARY}", headers=BEARER),
]


@pytest.mark.parametrize("send", UNREADABLE, ids=[str(n) for n in range(len(UNREADABLE))])
def test_what_is_no_request_is_told_without_what_it_is(shared: Ward, send: Send) -> None:
    answer = send(shared.client.http)
    assert 400 <= answer.status_code < 500 or codes(answer.json()) == {"BAD_REQUEST"}
    assert CANARY not in answer.text


FHIR: list[Send] = [
    lambda http: http.get(f"/fhir/Patient/{CANARY}", headers=BEARER),
    lambda http: http.get(f"/fhir/{CANARY}/1", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient/{CANARY}/_history/{CANARY}", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient/{CANARY}/$everything?_type={CANARY}", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient/1/${CANARY}", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient/1?{CANARY}=1", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient/1?asOf={CANARY}", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient?birthdate={CANARY}", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient?name:{CANARY}=x", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient?name=x&_after={CANARY}", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient?name=x&_known={CANARY}", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient?_count={CANARY}", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient?_include={CANARY}", headers=BEARER),
    lambda http: http.get(f"/fhir/Patient?name=x&_format={CANARY}", headers=BEARER),
    lambda http: http.get(
        f"/fhir/Patient?{CANARY}=x", headers={**BEARER, "Prefer": "handling=strict"}
    ),
    lambda http: http.get("/fhir/Patient", headers={**BEARER, "Accept": f"x/{CANARY}"}),
    lambda http: http.get(f"/fhir/Patient?name={CANARY}"),
    lambda http: http.get(f"/fhir/Encounter?_after={CANARY}", headers=BEARER),
    lambda http: http.put(f"/fhir/Patient/{CANARY}", json={CANARY: CANARY}, headers=BEARER),
    lambda http: http.post("/fhir", json={CANARY: CANARY}, headers=BEARER),
    lambda http: http.post("/fhir/Patient/_search", json={CANARY: CANARY}, headers=BEARER),
    lambda http: http.post("/fhir/Patient/_search", data={"birthdate": CANARY}, headers=BEARER),
]


@pytest.mark.parametrize("send", FHIR, ids=[str(n) for n in range(len(FHIR))])
def test_what_fhir_refuses_is_told_without_what_it_is(shared: Ward, send: Send) -> None:
    answer = send(shared.client.http)
    assert 400 <= answer.status_code < 500
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert CANARY not in answer.text


def test_what_fhir_has_found_is_written_nowhere(shared: Ward) -> None:
    mrn = f"{CANARY}-{shared.name('M')}"
    shared.record("registerPatient", mrn=mrn, familyName=CANARY)
    for path in (f"identifier={mrn}", f"family={CANARY}", f"_id={CANARY}"):
        assert shared.client.http.get(f"/fhir/Patient?{path}", headers=BEARER).status_code == 200


# -- in a batch --


@pytest.mark.parametrize(
    "command",
    [
        CANARY,
        {"mutation": CANARY, "input": {}},
        {"mutation": "recordDeath", "input": CANARY},
        {"mutation": "recordDeath", "input": {"patientMrn": CANARY}},
        {"mutation": "recordDeath", "input": {"patientMrn": CANARY, "occurredAt": CANARY}},
        {
            "mutation": "recordDeath",
            "input": {"patientMrn": CANARY, "occurredAt": NOW, CANARY: CANARY},
        },
    ],
    ids=range(6),
)
def test_a_command_that_cannot_be_given_is_told_without_its_values(
    shared: Ward, command: Any
) -> None:
    (result,) = given(shared, command)
    assert codes(result) == {"BAD_REQUEST"}
    assert CANARY not in json.dumps(result)


def test_a_refusal_is_written_nowhere_with_what_was_refused(shared: Ward) -> None:
    """Its sender hears which patient there is not; nobody else does."""
    room = shared.room("a").split("/")[1]
    mrn = f"{CANARY}-{shared.name('M')}"
    shared.record("registerPatient", mrn=mrn, familyName=CANARY)
    doctor, stay = CANARY, shared.stay(patientMrn=mrn)
    admission = {"patientMrn": mrn, "admissionType": "ELECTIVE"}
    refusal: list[tuple[str, dict[str, Any]]] = [
        ("recordDeath", {"patientMrn": CANARY}),
        ("registerPatient", {"mrn": mrn, "familyName": CANARY}),
        ("registerPatient", {"mrn": f"{CANARY}\0", "familyName": CANARY}),
        ("admitPatient", admission),
        ("admitPatient", {**admission, "ward": CANARY, "room": room, "bed": "a"}),
        ("recordVisit", {"stayId": stay, "practitioner": doctor, "kind": "ROUND", "note": CANARY}),
        ("startLeave", {"stayId": CANARY, "keepBed": True, "reason": CANARY}),
        ("issueReport", {"name": CANARY, "period": {"from": "2026-01-01", "to": "2026-01-02"}}),
    ]
    for name, input in refusal:
        assert not shared.execute(name, **input)["__typename"].endswith("Recorded"), name
        sent = {"commandId": str(uuid4()), "occurredAt": NOW, **input}
        (result,) = given(shared, {"mutation": name, "input": sent})
        assert not result["__typename"].endswith("Recorded"), name


# -- behind the API: servers of their own, whose log is another one --


def test_what_a_read_model_cannot_take_in_is_told_without_whose_it_is(
    settings: Settings, database: Database, logged: Callable[[], str]
) -> None:
    bad = uuid4()
    targets = with_a_failing("patients", bad, says=CANARY)
    with (
        TestClient(app(settings, database, LOGIN, with_worker=False)) as http,
        running(ProjectionRunner(database.app_url, targets=targets)),
    ):
        ward = Ward(GraphQLClient(http, TOKEN))
        answer = ward.execute("registerPatient", commandId=str(bad), mrn=CANARY, familyName=CANARY)
        assert answer["__typename"] == "Parked"
        listed = ward.client.raw("{ projections { parkedCommands { error } } }")
        ready = http.get("/readyz").text
    assert "KeyError" in json.dumps(listed)
    assert "KeyError" in logged()
    assert CANARY not in json.dumps([answer, listed, ready])


def test_without_a_database_nothing_is_said_of_what_was_asked(
    ward: Ward, server: Database, database: Database
) -> None:
    ward.ask("{ hospital { name } }")  # so that it is known which tokens are revoked
    input = {"commandId": str(uuid4()), "mrn": CANARY, "familyName": CANARY}
    with closed(server, database):
        command = ward.client.raw(REGISTER, {"i": input})
        read = ward.client.raw(
            "query($x: String) { patients(search: $x) { nodes { mrn } } }", {"x": CANARY}
        )
        (batch,) = given(
            ward, {"mutation": "registerPatient", "input": {**input, "occurredAt": NOW}}
        )
        with followed(ward.client.http) as socket:
            query = "subscription($x: String) { timelineExtended(mrn: $x) { id } }"
            (result,) = said(socket, query, x=CANARY)
    for answer in (command, read, batch, {"errors": result["payload"]}):
        assert codes(answer) == {"DATABASE_AWAY"}
        assert CANARY not in json.dumps(answer)


def test_a_server_that_never_reached_its_database_lets_nobody_in_and_says_why(
    ward: Ward, server: Database, database: Database
) -> None:
    http = ward.client.http
    with closed(server, database):
        response = http.post("/graphql", json={"query": "{ __typename }"}, headers=BEARER)
        with http.websocket_connect("/graphql", ["graphql-transport-ws"], headers=BEARER) as socket:
            socket.send_json({"type": "connection_init"})
            with pytest.raises(WebSocketDisconnect) as end:
                socket.receive_json()
    assert response.status_code == 503
    assert codes(response.json()) == {"DATABASE_AWAY"}
    assert end.value.code == 1013
