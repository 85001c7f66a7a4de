"""The server: GraphQL, health, and a page that says how to begin."""

import contextlib
import threading
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy.exc import NoResultFound, ProgrammingError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from api.auth.authentication import Login
from api.container import AppState
from api.http.command_batch import Batch
from api.http.documentation import documentation
from api.http.graphql_endpoint import Endpoint
from api.telemetry import metrics
from infrastructure.access_log import AccessLog
from infrastructure.bootstrap import hospital, seed
from infrastructure.caching.read_snapshot import Snapshots
from infrastructure.caching.response_cache import ResponseCache
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.queries import projection_status
from infrastructure.queries.log import log_of
from infrastructure.settings import Settings
from infrastructure.subscriptions.broker import Broker
from infrastructure.subscriptions.projection_progress import ProjectionProgress


def app(
    settings: Settings, database: Database, login: Login, *, with_worker: bool = True
) -> Starlette:
    """The server's application. With a worker inside, it keeps the read models up to date itself."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        log = database.open_log()
        the_hospital = hospital(settings, database)
        engine = database.async_engine()
        readable = ProjectionProgress(database.app_url, engine)
        seed(settings, the_hospital, log)
        follower = ProjectionRunner(database.app_url)
        worker = threading.Thread(target=follower.run, name="follower", daemon=True)
        if with_worker:
            worker.start()
        await readable.start()
        live = Broker(readable, engine)
        live.start()
        readings, present = AccessLog(engine), Snapshots(engine)
        kept = ResponseCache(engine, present, settings.kept_answers_mb * 1_000_000)
        state = AppState(
            settings, database, log, the_hospital, engine, readable, readings, live, present, kept
        )
        endpoint = Endpoint(state, login)
        app.state.container = state
        asked = [
            Route("/graphql", endpoint, methods=["GET", "POST", "OPTIONS", "PUT", "DELETE"]),
            WebSocketRoute("/graphql", endpoint),
            Route("/commands", Batch(endpoint), methods=["POST"]),
        ]
        app.routes.extend(asked)
        try:
            yield
        finally:
            app.routes[:] = [route for route in app.routes if route not in asked]
            follower.stop()
            await live.stop()
            await readable.stop()
            await engine.dispose()
            if with_worker:
                worker.join(timeout=5)
            the_hospital.close()

    # where only trusted documents are answered the schema is not told, neither here nor by itself
    told = [] if settings.trusted_documents else [Route("/docs", documentation)]
    return Starlette(
        routes=[
            *told,
            Route("/", _home),
            Route("/livez", _alive),
            Route("/readyz", _ready),
            Route("/metrics", _metrics),
        ],
        lifespan=lifespan,
    )


async def _home(request: Request) -> Response:
    return HTMLResponse(_PAGE)


async def _alive(request: Request) -> Response:
    return PlainTextResponse("alive\n")


async def _ready(request: Request) -> Response:
    """Ready when the database answers and holds the log that this server serves.

    And when no read model has halted, is ten seconds behind, or is of another log.
    """
    state: AppState = request.app.state.container
    try:
        async with state.engine.connect() as connection:
            log = await log_of(connection)
            models = await projection_status.projections(connection)
    except (NoResultFound, ProgrammingError):
        return _not_ready("tables are not there, or not those of this program: wardbook migrate")
    except Exception:
        return _not_ready("the database cannot be reached")
    if log != (state.log.id, state.log.epoch):
        return _not_ready("the log is another one, or was restored: start the server again")
    rewound = [m.name for m in models if m.state == "REWOUND"]
    if rewound:
        return _not_ready(
            f"the log was restored to before {', '.join(rewound)}: drop their schemas, and run"
            " wardbook migrate"
        )
    behind = [m.name for m in models if m.lag_seconds > 10]
    halted = [m.name for m in models if m.state == "HALTED"]
    parked = [m.name for m in models if m.state == "PARKED"]
    ready = not behind and not halted
    told: dict[str, Any] = {"ready": ready, "behind": behind, "halted": halted, "parked": parked}
    return JSONResponse(told, 200 if ready else 503)


def _not_ready(why: str) -> Response:
    return JSONResponse({"ready": False, "why": why}, 503)


async def _metrics(request: Request) -> Response:
    """Numbers for Prometheus; without the read models' while the database is away."""
    state: AppState = request.app.state.container
    models: list[projection_status.ProjectionView] = []
    with contextlib.suppress(Exception):
        async with state.engine.connect() as connection:
            models = await projection_status.projections(connection)
    return Response(metrics.told(state, models), media_type=metrics.CONTENT_TYPE)


_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Wardbook</title>
<h1>Wardbook</h1>
<p>The hospital's record of every stay. Ask it by GraphQL at <code>/graphql</code>,
with the token that the server printed:</p>
<pre>curl -s "$URL/graphql" -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"query": "{ roomOccupancy { room { ward number } beds { code state patient { mrn } } } }"}'
</pre>
<p>All that may be asked: <a href="/docs">the API</a>.</p>
"""
