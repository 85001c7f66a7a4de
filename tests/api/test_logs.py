"""Tests of log lines: they name their request by ids that no patient is known by."""

import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.telemetry.logs import JsonLines
from infrastructure.postgres.database import Database
from tests.api.test_faults import broken
from tests.api.test_metrics import CANARY
from tests.conftest import TOKEN
from tests.support.api_dsl import Ward

BEARER = {"Authorization": f"Bearer {TOKEN}"}
GIVEN = "0b2f4c7a9d1e4f60a1b2c3d4e5f60718"


class Lines(logging.Handler):
    """Keeps the lines that are logged."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[dict[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, str]]]:
    """The lines of errors that are logged from now on."""
    handler = Lines()
    handler.setLevel(logging.ERROR)
    logging.getLogger().addHandler(handler)
    yield handler.lines
    logging.getLogger().removeHandler(handler)


def test_a_log_line_has_the_ids_of_its_request_and_its_command(
    ward: Ward, database: Database, lines: list[dict[str, str]]
) -> None:
    command, query = str(uuid4()), "{ wards { name } }"
    mutation = """mutation($input: RegisterPatientInput!) {
        registerPatient(input: $input) { __typename } }"""
    body = {"query": mutation, "variables": {"input": {"commandId": command, "mrn": "M1"}}}
    headers = {**BEARER, "X-Request-ID": GIVEN}
    with broken(database, "record.unique_claims"):
        answer = ward.client.http.post("/graphql", json=body, headers=headers)
    with broken(database, "rooms_v1.rooms"):
        other = ward.client.http.post("/graphql", json={"query": query}, headers=BEARER)

    first, *_, last = [line for line in lines if line["logger"] == "api.graphql.error_masking"]
    assert (first["request_id"], first["command_id"]) == (GIVEN, command)
    assert answer.headers["x-request-id"] == GIVEN
    assert last["request_id"] == other.headers["x-request-id"] != GIVEN
    assert "command_id" not in last


def test_commands_of_a_batch_are_logged_with_their_own_ids(
    ward: Ward, database: Database, lines: list[dict[str, str]]
) -> None:
    ids = [str(uuid4()) for _ in range(2)]
    at = "2026-03-01T08:00:00Z"
    commands = [
        {
            "mutation": "registerPatient",
            "input": {"commandId": id, "mrn": id, "occurredAt": at, "reason": "offline"},
        }
        for id in ids
    ]
    with broken(database, "record.unique_claims"):
        ward.client.http.post("/commands", json={"commands": commands}, headers=BEARER)
    assert [line["command_id"] for line in lines] == ids
    assert len({line["request_id"] for line in lines}) == 1


@pytest.mark.parametrize("given", ["", CANARY, "12345678", f"{GIVEN} {GIVEN}", f"{{{GIVEN}}}"])
def test_a_request_id_that_is_no_uuid_is_not_taken(followed: Ward, given: str) -> None:
    answer = followed.client.http.get("/livez", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] != given
    assert UUID(answer.headers["x-request-id"]).version == 4


def test_a_websocket_has_a_request_id_too(shared: Ward) -> None:
    http: Any = shared.client.http
    headers = {**BEARER, "X-Request-ID": GIVEN}
    with http.websocket_connect("/graphql", ["graphql-transport-ws"], headers=headers) as socket:
        assert dict(socket.extra_headers) == {b"x-request-id": GIVEN.encode()}
