"""Tests of traces: they tell what was done, in which order, and nothing about anybody."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import parse
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.graphql.extensions.tracing import shape
from infrastructure import tracing
from tests.conftest import TOKEN
from tests.support.api_dsl import Ward

ON = {"OTEL_TRACES_EXPORTER": "otlp"}


@dataclass
class Traces:
    """The spans that have ended so far."""

    provider: TracerProvider
    exporter: InMemorySpanExporter

    def taken(self) -> list[ReadableSpan]:
        """Those since the last time, in the order in which they began."""
        self.provider.force_flush()
        result = self.exporter.get_finished_spans()
        self.exporter.clear()
        return sorted(result, key=lambda span: span.start_time or 0)


@pytest.fixture
def traces() -> Iterator[Traces]:
    exporter = InMemorySpanExporter()
    provider = tracing.begin(ON, exporter)
    assert provider is not None
    yield Traces(provider, exporter)
    tracing.end(provider)


def tree(spans: list[ReadableSpan], of: ReadableSpan | None = None) -> dict[str, Any]:
    """The names of spans, each with those within it."""
    whose = of.context.span_id if of and of.context else None
    within = [s for s in spans if (s.parent.span_id if s.parent else None) == whose]
    return {span.name: tree(spans, span) for span in within}


def test_a_question_is_traced_to_the_database(shared: Ward, traces: Traces) -> None:
    mrn = shared.patient()
    traces.taken()
    shared.ask("query Mine($m: String) { x: patient(mrn: $m) { mrn } wards { name } }", m=mrn)
    spans = traces.taken()
    result = tree(spans)
    assert list(result) == ["POST /graphql"]
    operation = result["POST /graphql"]["query patient wards"]
    assert set(operation) == {"read patient_by_mrn", "read wards", "record the reading"}
    assert dict(spans[0].attributes or {}) == {
        "http.request.method": "POST",
        "url.path": "/graphql",
        "http.response.status_code": 200,
    }
    assert spans[0].resource.attributes["service.name"] == "wardbook"


def test_a_command_is_traced_from_the_decision_to_the_answer(shared: Ward, traces: Traces) -> None:
    shared.patient()
    traces.taken()
    shared.record("registerPatient", mrn=shared.name("M"))
    (request,) = tree(traces.taken()).values()
    (mutation,) = request.values()
    assert mutation["command register_patient"] == {"decide": {}, "append": {}}
    assert "wait for the read models" in mutation
    assert "read patients_by_id" in mutation


def test_a_refusal_is_no_error_and_a_fault_has_its_code(shared: Ward, traces: Traces) -> None:
    shared.execute("recordDeath", patientMrn="nobody")
    shared.client.raw("{ nothing }")
    spans = traces.taken()
    (command,) = [s for s in spans if s.name == "command record_death"]
    assert (command.attributes or {})["error.type"] == "NotFound"
    assert command.status.is_unset
    faults = [(s.attributes or {}).get("wardbook.fault") for s in spans]
    assert "BAD_REQUEST" in faults


def test_a_batch_and_a_subscription_are_traced(shared: Ward, traces: Traces) -> None:
    http, bearer = shared.client.http, {"Authorization": f"Bearer {TOKEN}"}
    before = shared.position()
    shared.patient()
    traces.taken()
    http.post("/commands", json={"commands": []}, headers=bearer)
    assert list(tree(traces.taken())) == ["POST /commands"]
    with http.websocket_connect("/graphql", ["graphql-transport-ws"], headers=bearer) as socket:
        socket.send_json({"type": "connection_init"})
        query = "subscription($after: Position) { events(after: $after) { id } }"
        payload = {"query": query, "variables": {"after": before}}
        socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        assert [socket.receive_json()["type"] for _ in range(2)] == ["connection_ack", "next"]
        assert "subscription events" in tree(traces.taken())


def test_a_trace_goes_on_that_the_caller_began(shared: Ward, traces: Traces) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "traceparent": f"00-{trace}-00f067aa0ba902b7-01",
    }
    body = {"query": "{ __typename }"}
    shared.client.http.post("/graphql", json=body, headers=headers)
    span = traces.taken()[0]
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == trace
    shared.client.http.post("/graphql", json=body, headers={**headers, "traceparent": "nonsense"})
    assert traces.taken()[0].parent is None


def test_the_shape_of_a_document_is_that_of_its_fields() -> None:
    one, *others = (
        shape(parse(document))
        for document in (
            '{ patient(mrn: "Canary") { mrn } }',
            'query Canary { Canary: patient(mrn: "x") { Canary: mrn } }',
            "query ($Canary: String) { patient(mrn: $Canary) { mrn } }",
        )
    )
    assert others == [one, one]
    assert shape(parse('{ patient(id: "x") { mrn } }')) != one
    assert shape(parse('{ patient(mrn: "x") { mrn sex } }')) != one


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ON, "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
                "OTEL_TRACES_EXPORTER": "none",
            },
            False,
        ),
    ],
    ids=str,
)
def test_the_standard_variables_switch_it_on(environ: dict[str, str], asked: bool) -> None:
    assert tracing.is_requested(environ) == asked
    if not asked:
        assert tracing.begin(environ) is None


@pytest.mark.parametrize(
    "environ",
    [{"OTEL_TRACES_EXPORTER": "zipkin"}, {**ON, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}],
    ids=str,
)
def test_what_cannot_be_met_is_said(environ: dict[str, str]) -> None:
    with pytest.raises(tracing.NoTraces, match="http/protobuf"):
        tracing.begin(environ)


@pytest.mark.nightly
def test_a_server_needs_no_sdk_until_traces_are_asked_for() -> None:
    """And says how to get it when they are."""
    program = """
import sys
sys.modules["opentelemetry.sdk"] = None
import api.http.app
from infrastructure import tracing
assert tracing.begin({}) is None
with tracing.span("x", traceparent="nonsense"):
    tracing.note(x=1)
try:
    tracing.begin({"OTEL_TRACES_EXPORTER": "otlp"})
except tracing.NoTraces as why:
    print(why)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "pip install 'wardbook[telemetry]'" in ran.stdout


def test_a_failure_is_traced_by_its_type_only(
    traces: Traces, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(ValueError), tracing.span("x"):  # noqa: PT011
        raise ValueError("Canary")
    (span,) = traces.taken()
    assert "Canary" not in span.to_json()
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert (span.status.is_ok, span.events) == (False, ())
