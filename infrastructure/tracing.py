"""Traces for OpenTelemetry: what a server did, in which order, for how long. Nothing about anybody.

Spans have names and attributes that the program knows; no argument, no variable, no id, and of an
error its type only: what it says may contain a value of the database. Off unless one of the standard
variables asks for it: `asked_for`. The libraries are those of the extra ``telemetry``.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from domain.errors import ConfigurationError
from domain.refusals import Refusal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

NAME = "wardbook"

_OFF: AbstractContextManager[None] = nullcontext()
_tracer: "Tracer | None" = None


class NoTraces(ConfigurationError):
    """Traces are asked for in a way that cannot be met; the message says what to do."""


def asked_for(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the standard variables ask for traces: an endpoint of OTLP, or an exporter by name."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    named = environ.get("OTEL_TRACES_EXPORTER")
    if named:
        return named != "none"
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
    if not asked_for(environ):
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
    named = environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if named == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
    )
    if named != "otlp" or protocol != "http/protobuf":
        raise NoTraces(
            "Traces are sent by OTLP as http/protobuf (OTEL_TRACES_EXPORTER=otlp), or written to"
            f" standard output (console); not by {named!r} as {protocol!r}."
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def end(provider: "TracerProvider | None") -> None:
    """Send what is left, and switch traces off."""
    global _tracer
    _tracer = None
    if provider is not None:
        provider.shutdown()


def is_on() -> bool:
    return _tracer is not None


def span(name: str, /, **said: str | int) -> AbstractContextManager[None]:
    """A part of what is done now. ``said``: numbers, and names that the program knows."""
    return _OFF if _tracer is None else _span(_tracer, name, said)


def request(method: str, path: str, traceparent: str | None) -> AbstractContextManager[None]:
    """The answer to a request, as a part of the caller's trace if it says one (W3C Trace Context)."""
    if _tracer is None:
        return _OFF
    said = {"http.request.method": method, "url.path": path}
    return _span(_tracer, f"{method} {path}", said, traceparent, is_request=True)


def note(**said: str | int) -> None:
    """Say more about what is done now."""
    if _tracer is not None:
        from opentelemetry import trace

        trace.get_current_span().set_attributes(_named(said))


@contextmanager
def _span(
    tracer: "Tracer",
    name: str,
    said: Mapping[str, str | int],
    traceparent: str | None = None,
    *,
    is_request: bool = False,
) -> Iterator[None]:
    from opentelemetry.trace import SpanKind, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = None
    if traceparent is not None:
        parent = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    with tracer.start_as_current_span(
        name,
        context=parent,
        kind=SpanKind.SERVER if is_request else SpanKind.INTERNAL,
        attributes=_named(said),
        # an exception's message and traceback may contain a patient's data
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield
        except BaseException as raised:
            made.set_attribute("error.type", type(raised).__name__)
            if not isinstance(raised, Refusal):
                made.set_status(StatusCode.ERROR)
            raise


def _named(said: Mapping[str, str | int]) -> dict[str, str | int]:
    """Names of ours begin with the program's."""
    return {n if "." in n else f"{NAME}.{n}": value for n, value in said.items()}
