"""All that a process writes down: logs, metrics and traces, in which a patient's name must not stand."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest

from api.telemetry import metrics
from api.telemetry.logs import JsonLines
from infrastructure import tracing

CANARY = "Canarywood"


class Kept(logging.Handler):
    """Keeps what is logged: as it is written, and with all that a record holds."""

    def __init__(self) -> None:
        super().__init__()
        whole = logging.Formatter("%(name)s %(levelname)s %(message)s %(args)s")
        self._formatters = whole, JsonLines()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("httpx2"):  # the client's own
            self.lines += [formatter.format(record) for formatter in self._formatters]


@contextmanager
def written_without_canary() -> Iterator[Callable[[], str]]:
    """All that was written so far, wherever; in the end the canary is in none of it."""
    root, kept = logging.getLogger(), Kept()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(kept)
    exporter = InMemorySpanExporter()
    provider = tracing.begin({"OTEL_TRACES_EXPORTER": "otlp"}, exporter)
    assert provider is not None

    def written() -> str:
        provider.force_flush()
        return "\n".join(
            [
                *kept.lines,
                *(span.to_json() for span in exporter.get_finished_spans()),
                generate_latest(metrics.REGISTRY).decode(),
            ]
        )

    yield written
    tracing.end(provider)
    root.removeHandler(kept)
    root.setLevel(level)
    assert CANARY not in written()
