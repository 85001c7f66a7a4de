"""A patient's name, put on every way on which something can go wrong, is in no error and in no log."""

import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from application.access import Role
from infrastructure.database import Database
from tests.api.test_faults import closed
from tests.api.ward import Ward, codes
from tests.conftest import LOGIN
from tests.graphql import GraphQLClient

CANARY = "Canarywood"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that was logged, as it would be written, with tracebacks."""
    caplog.set_level(logging.DEBUG)
    formatter = logging.Formatter("%(name)s %(levelname)s %(message)s %(args)s")
    return lambda: "\n".join(formatter.format(record) for record in caplog.records)


def errors(told: Any) -> str:
    """What is told of faults; what the client itself called its fields is not looked at."""
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
def test_what_is_malformed_is_told_without_its_values(
    shared: Ward, logged: Callable[[], str], query: str, input: Any
) -> None:
    told = shared.client.raw(query, None if input is None else {"i": input})
    assert codes(told) == {"BAD_REQUEST"}
    assert CANARY not in json.dumps(told)
    assert CANARY not in logged()


REFUSED = [
    ('query($x: String!) { patient(mrn: $x, id: "x") { mrn } }', "InvalidInput"),
    ("query($x: String!) { patients(after: $x) { nodes { mrn } } }", "InvalidInput"),
    ("query($x: ID!) { command(id: $x) { position } }", "NotFound"),
    ("query($x: Position!) { wards(atLeast: $x) { name } }", "InvalidInput"),
]


@pytest.mark.parametrize(("query", "code"), REFUSED, ids=[code for _, code in REFUSED])
def test_what_is_refused_as_a_fault_is_told_without_its_values(
    shared: Ward, logged: Callable[[], str], query: str, code: str
) -> None:
    told = shared.client.raw(query, {"x": CANARY})
    assert codes(told) == {code}
    assert CANARY not in json.dumps(told)
    assert CANARY not in logged()


def test_what_is_closed_is_told_without_what_is_in_it(
    shared: Ward, logged: Callable[[], str]
) -> None:
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
        told = nurse.raw(query, {"id": id, "m": mrn})
        assert codes(told) == {"NOT_ALLOWED"}
        assert CANARY not in json.dumps(told)
    assert CANARY not in logged()


ASKED = [
    ("query($x: String) { patient(mrn: $x) { mrn } }", "SELECT ON patients_v2.patients"),
    ("query($x: String) { timeline(mrn: $x) { nodes { data } } }", "SELECT ON timeline_v2.entries"),
    (
        "query($x: String) { patients(search: $x) { nodes { mrn } } }",
        "SELECT ON patients_v2.patients",
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
            told = shared.client.raw(
                query.replace("{ patient", f"{{ {CANARY}: patient"), {"x": mrn}
            )
        finally:
            owner.execute(f"GRANT {right} TO wardbook_app".encode())
    assert codes(told) == {"INTERNAL"}
    assert CANARY not in errors(told)
    assert "internal error at" in logged()
    assert "InsufficientPrivilege" in logged() or "ProgrammingError" in logged()
    assert CANARY not in logged()


def test_a_command_that_our_own_fault_stops_is_logged_without_its_content(
    shared: Ward, migrated: Database, logged: Callable[[], str]
) -> None:
    input = {"commandId": str(uuid4()), "mrn": CANARY, "familyName": CANARY, "reason": CANARY}
    with psycopg.connect(migrated.owner_url, autocommit=True) as owner:
        owner.execute(
            "ALTER TABLE record.stored_events ADD CONSTRAINT no_more CHECK (position < 0) NOT VALID"
        )
        try:
            told = shared.client.raw(REGISTER, {"i": input})
        finally:
            owner.execute("ALTER TABLE record.stored_events DROP CONSTRAINT no_more")
    assert codes(told) == {"INTERNAL"}
    assert CANARY not in json.dumps(told)
    assert "CheckViolation" in logged()
    assert CANARY not in logged()


def test_without_a_database_nothing_is_said_of_what_was_asked(
    ward: Ward, server: Database, database: Database, logged: Callable[[], str]
) -> None:
    input = {"commandId": str(uuid4()), "mrn": CANARY, "familyName": CANARY}
    with closed(server, database):
        command = ward.client.raw(REGISTER, {"i": input})
        read = ward.client.raw(
            "query($x: String) { patients(search: $x) { nodes { mrn } } }", {"x": CANARY}
        )
    assert codes(command) == codes(read) == {"DATABASE_AWAY"}
    assert CANARY not in json.dumps([command, read])
    assert CANARY not in logged()


def test_who_is_not_logged_in_hears_nothing(shared: Ward, logged: Callable[[], str]) -> None:
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
    assert CANARY not in logged()
