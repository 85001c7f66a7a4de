"""Traces for OpenTelemetry: what a server did, in which order, for how long. Nothing about anybody.

Spans have names and attributes that the program knows; no argument, no variable, no id, and of an
error its type only: what it says may contain a value of the database. The API is a no-op until one of
the standard variables asks for traces: `is_requested`. What sends them is the extra ``telemetry``.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from domain.errors import ConfigurationError
from domain.refusals import Refusal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

NAME = "wardbook"

_NO_OP = trace.NoOpTracer()
_tracer: trace.Tracer = _NO_OP


class NoTraces(ConfigurationError):
    """Traces are asked for in a way that cannot be met; the message says what to do."""


def is_requested(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the standard variables ask for traces: by an endpoint or an exporter's name."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER")
    if exporter:
        return exporter != "none"
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(environ.get(name) for name in endpoints)


def begin(
    environ: Mapping[str, str] = os.environ, exporter: "SpanExporter | None" = None
) -> "TracerProvider | None":
    """Switch traces on, if the environment asks for them. Raises NoTraces.

    Endpoint, headers, sampling and batching are taken from the standard variables by the libraries.
    What is left is sent as the process ends. ``exporter``: another one than they name.
    """
    global _tracer
    if not is_requested(environ):
        return None
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise NoTraces(
            "OTEL_ variables ask for traces: install what sends them, pip install"
            " 'wardbook[telemetry]'; or set OTEL_SDK_DISABLED=true."
        ) from None
    own_name = "OTEL_SERVICE_NAME" in environ or "service.name=" in environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    resource = Resource.create(None if own_name else {"service.name": NAME})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter or _exporter(environ)))
    _tracer = provider.get_tracer(NAME)
    return provider


def _exporter(environ: Mapping[str, str]) -> "SpanExporter":
    exporter = environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if exporter == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
    )
    if exporter != "otlp" or protocol != "http/protobuf":
        raise NoTraces(
            "Traces are sent by OTLP as http/protobuf (OTEL_TRACES_EXPORTER=otlp), or written to"
            f" standard output (console); not by {exporter!r} as {protocol!r}."
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def end(provider: "TracerProvider | None") -> None:
    """Send what is left, and switch traces off."""
    global _tracer
    _tracer = _NO_OP
    if provider is not None:
        provider.shutdown()


def is_on() -> bool:
    """Return whether spans are sent: what costs time only for them can be left out."""
    return _tracer is not _NO_OP


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, str | int] | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    traceparent: str | None = None,
) -> Iterator[None]:
    """Trace a part of what is done now. ``attributes``: numbers, and names that the program knows.

    ``traceparent``: the caller's trace that it is a part of (W3C Trace Context).
    """
    if not is_on():  # the library's no-op takes 15 microseconds
        yield
        return
    parent = None
    if traceparent is not None:
        parent = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    with _tracer.start_as_current_span(
        name,
        context=parent,
        kind=kind,
        attributes=_qualify(attributes or {}),
        # an exception's message and traceback may contain a patient's data
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            if not isinstance(error, Refusal):
                current.set_status(StatusCode.ERROR)
            raise


def note(**attributes: str | int) -> None:
    """Add attributes to the current span."""
    if is_on():
        trace.get_current_span().set_attributes(_qualify(attributes))


def _qualify(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    """Return attributes with names of this program's own behind its name."""
    return {n if "." in n else f"{NAME}.{n}": value for n, value in attributes.items()}
