"""The server: GraphQL, health, the documentation, and the page for staff."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any

import msgspec
from sqlalchemy.exc import NoResultFound, ProgrammingError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from api.auth.authentication import Authenticator
from api.container import AppState, running
from api.fhir.door import Fhir
from api.fhir.paths import OPEN as FHIR_OPEN
from api.hl7.mllp import Endpoint
from api.http.allowances import Allowances
from api.http.command_batch import CommandBatch
from api.http.cross_origin import cross_origin
from api.http.documentation import documentation, schema_file
from api.http.full_collections import FullCollections
from api.http.graphql_endpoint import GraphQLEndpoint
from api.http.middleware import (
    AnonymousPace,
    FhirErrors,
    HealthPort,
    RequestId,
    SecurityHeaders,
    middlewares,
)
from api.http.page import page_routes
from api.telemetry import metrics
from api.work import metered_task
from infrastructure.postgres.database import Database
from infrastructure.queries import projection_status
from infrastructure.queries.checkpoints import CheckpointAge, checkpoint_ages
from infrastructure.queries.log import log_of, takes_writes
from infrastructure.sealing.key_ring import key_ring
from infrastructure.settings import Settings

LOOK_SECONDS = 0.5
"""Seconds between looks whether garbage may be collected."""


def app(
    settings: Settings,
    database: Database,
    login: Authenticator,
    *,
    with_worker: bool = True,
    hl7: Endpoint | None = None,
) -> Starlette:
    """Return the server's application. With a worker inside, it keeps the read models up to date.

    ``hl7``: where it takes messages of other systems, beside.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        asyncio.get_running_loop().set_task_factory(metered_task)  # type: ignore[arg-type]
        memories = (graphql.schema_used.documents,)
        async with running(settings, database, with_worker=with_worker, memories=memories) as state:
            messages = (
                hl7.served(state.hospital, settings.home) if hl7 else contextlib.nullcontext()
            )
            collector = asyncio.create_task(_collect(allowances.collections), name="collector")
            async with messages:
                yield {"container": state}
            collector.cancel()

    allowances = Allowances(settings)
    guards = middlewares(login, allowances)
    graphql = GraphQLEndpoint(settings, login, allowances)
    methods = ["GET", "POST", "OPTIONS", "PUT", "DELETE"]
    routes: list[BaseRoute] = [
        Route("/livez", _alive),
        Route("/readyz", SharedEndpoint(_readiness, settings.health_seconds).response),
        Route("/metrics", SharedEndpoint(_metrics, settings.health_seconds).response),
        Route("/graphql", graphql, methods=methods, middleware=guards),
        WebSocketRoute("/graphql", graphql),
        *_fhir(settings, login, allowances),
        Route("/commands", CommandBatch(allowances).post, methods=["POST"], middleware=guards),
    ]
    # where only trusted documents are answered the schema is not told, neither here nor by itself
    if not settings.trusted_documents:
        routes += [Route("/docs", documentation), Route("/schema.graphql", schema_file)]
        routes += page_routes(
            settings
        )  # what it asks is not among them, and its forms tell the schema
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(RequestId),
            Middleware(SecurityHeaders),
            Middleware(AnonymousPace, allowances),
            *cross_origin(settings.allowed_origins),
            *([Middleware(HealthPort, settings.health_port)] if settings.health_port else ()),
        ],
        lifespan=lifespan,
    )


def _fhir(settings: Settings, login: Authenticator, allowances: Allowances) -> list[BaseRoute]:
    """Return the routes of FHIR: two that everybody may ask, and all others."""
    fhir = Fhir(settings, login)
    metadata, smart = FHIR_OPEN
    guards = middlewares(login, allowances, of_fhir=True)
    of_all = [Middleware(FhirErrors)]
    any_method: tuple[str, ...] = ()  # the response to another one tells what each path takes
    return [
        Route(metadata, fhir.metadata, methods=any_method, middleware=of_all),
        Route(smart, fhir.smart, methods=any_method, middleware=of_all),
        Route("/fhir", fhir.respond, methods=any_method, middleware=guards),
        Route("/fhir/{path:path}", fhir.respond, methods=any_method, middleware=guards),
    ]


async def _collect(collections: FullCollections) -> None:
    """Collect garbage between requests, until it is cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        collections.look()


async def _alive(request: Request) -> Response:
    return PlainTextResponse("alive\n")


Body = tuple[int, str, bytes]
"""Status, media type and bytes of a response."""


class SharedEndpoint:
    """An endpoint whose response is made once for all who ask within some seconds.

    They need no login, and each response takes a dozen statements.
    """

    def __init__(self, make: Callable[[AppState], Awaitable[Body]], seconds: float) -> None:
        self._make, self._seconds = make, seconds
        self._task: asyncio.Task[Body] | None = None
        self._until = 0.0

    async def response(self, request: Request) -> Response:
        """Respond with what was made within these seconds, or is being made."""
        now = monotonic()
        if self._task is None or (self._task.done() and now >= self._until):
            self._task = asyncio.ensure_future(self._make(request.state.container))
            self._until = now + self._seconds
        status, media_type, body = await asyncio.shield(self._task)
        return Response(body, status, media_type=media_type)


async def _readiness(state: AppState) -> Body:
    """Return the readiness: that the database takes writes, and has the log that this server serves.

    And that no read model has halted, is ten seconds behind, lacks what was recorded when the server
    began, or is of another log.
    """
    try:
        async with state.engine.connect() as connection:
            log = await log_of(connection)
            is_writable = await takes_writes(connection)
            models = await projection_status.projections(connection)
    except (NoResultFound, ProgrammingError):
        return _not_ready("tables are not there, or not those of this program: wardbook migrate")
    except Exception:
        return _not_ready("the database cannot be reached")
    if log != (state.log.id, state.log.epoch):
        return _not_ready("the log is another one, or was restored: start the server again")
    if not is_writable:  # nor can a reading be recorded: nothing about patients is answered
        return _not_ready("the database takes no writes: it is a standby, or read-only")
    rewound_models = [m.name for m in models if m.state == "REWOUND"]
    if rewound_models:
        return _not_ready(
            f"the log was restored to before {', '.join(rewound_models)}: drop their schemas, and run"
            " wardbook migrate"
        )
    at_start = state.progress.recorded_at_start
    behind = [m.name for m in models if m.lag_seconds > 10 or m.position < at_start]
    halted_models = [m.name for m in models if m.state == "HALTED"]
    parked_models = [m.name for m in models if m.state == "PARKED"]
    is_ready = not behind and not halted_models
    status: dict[str, object] = {"ready": is_ready, "behind": behind, "halted": halted_models}
    status["parked"] = parked_models
    if (keys := key_ring().problem()) is not None:  # what is there can be read: it goes on serving
        status["keys"] = keys
    if state.runner.problem is not None:  # another worker, of a newer program, may go on
        status["worker"] = state.runner.problem
    if state.replica is not None:
        status["replica"] = state.replica.state
    return 200 if is_ready else 503, "application/json", msgspec.json.encode(status)


def _not_ready(reason: str) -> Body:
    return 503, "application/json", msgspec.json.encode({"ready": False, "why": reason})


async def _metrics(state: AppState) -> Body:
    """Return the numbers for Prometheus; without the read models' while the database is away."""
    models: list[projection_status.ProjectionView] = []
    ages: list[CheckpointAge] = []
    with contextlib.suppress(Exception):
        async with state.engine.connect() as connection:
            models = await projection_status.projections(connection)
            ages = await checkpoint_ages(connection)
    return 200, metrics.CONTENT_TYPE, metrics.exposition(state, models, ages)
