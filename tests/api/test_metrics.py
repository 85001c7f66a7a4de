"""Tests of metrics: true numbers, and nothing about a patient."""

import json
import logging
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.http.app import app
from api.telemetry.logs import JsonLines
from application.authorization.roles import Caller
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.support.api_dsl import Ward
from tests.support.server_process import Client, Served

CANARY = "Canary-Featherstonehaugh"


def numbers(http: TestClient) -> dict[tuple[str, str], float]:
    """By name and label."""
    answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_requests_and_refusals_are_counted(followed: Ward) -> None:
    before = numbers(followed.client.http)
    followed.patient()
    assert followed.execute("recordDeath", patientMrn="nobody")["code"] == "NotFound"
    followed.client.raw("{ nothing }")
    followed.client.http.post("/graphql", json={"query": "{ wards { name } }"})
    after = numbers(followed.client.http)

    def more(name: str, label: str) -> float:
        return after[name, label] - before.get((name, label), 0)

    assert more("wardbook_requests_total", "200") >= 3
    assert more("wardbook_requests_total", "401") == 1
    assert more("wardbook_refusals_total", "NotFound") == 1
    assert more("wardbook_refusals_total", "BAD_REQUEST") == 1


class Broken:
    """A login that fails as nobody has thought of."""

    async def authenticate(self, token: str | None) -> Caller:
        raise RuntimeError


def test_what_fails_before_it_is_answered_is_counted_too(
    settings: Settings, database: Database
) -> None:
    with TestClient(app(settings, database, Broken()), raise_server_exceptions=False) as http:
        before = numbers(http).get(("wardbook_requests_total", "500"), 0)
        response = http.post("/graphql", json={"query": "{ wards { name } }"})
        assert response.status_code == 500
        assert numbers(http)["wardbook_requests_total", "500"] == before + 1


def test_sockets_and_read_models_are_told(running: Served, followed: Ward) -> None:
    followed.patient()
    before = numbers(followed.client.http)
    with Client(running.url) as socket:
        socket.subscribe("subscription { events { id } }")
        running.await_followers(1)
        result = numbers(followed.client.http)
    assert result["wardbook_sockets", ""] == before["wardbook_sockets", ""] + 1
    assert result["wardbook_followers", ""] == 1
    assert result["wardbook_read_model_lag_events", "stays"] == 0
    assert result["wardbook_read_model_lag_seconds", "stays"] == 0
    assert result["wardbook_read_model_parked_commands", "stays"] == 0
    assert ("wardbook_pool_connections", "in_use") in result


def test_nothing_of_a_patient_is_told(followed: Ward) -> None:
    mrn = followed.patient(familyName=CANARY)
    followed.client.raw(f'{{ patient(mrn: "{CANARY}", nothing: 1) {{ mrn }} }}')
    followed.execute("recordDeath", patientMrn=CANARY)
    result = followed.client.http.get("/metrics").text
    assert CANARY not in result
    assert mrn not in result


def test_a_log_line_is_json_and_says_nothing_that_an_error_says() -> None:
    try:
        raise ValueError(CANARY)
    except ValueError:
        failed = sys.exc_info()
    record = logging.LogRecord("x", logging.ERROR, "f.py", 1, "it %s", ("failed",), failed)

    line = JsonLines().format(record)

    answer = json.loads(line)
    assert (answer["level"], answer["message"], answer["error"]) == (
        "error",
        "it failed",
        "ValueError",
    )
    assert "test_a_log_line" in answer["at"][0]
    assert CANARY not in line


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_nobody_needs_a_token_to_see_whether_it_is_well(followed: Ward, path: str) -> None:
    assert followed.client.http.get(path).status_code == 200
