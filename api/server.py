"""The server: GraphQL, health, and a page that says how to begin."""

import contextlib
import threading
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from api import metrics
from api.batch import Batch
from api.endpoint import Endpoint
from api.house import House
from api.login import Login
from infrastructure.database import Database
from infrastructure.follow import Follower
from infrastructure.kept import Kept
from infrastructure.live import Live
from infrastructure.present import Present
from infrastructure.queries import record
from infrastructure.readable import Readable
from infrastructure.readings import Readings
from infrastructure.settings import Settings
from infrastructure.wiring import hospital, seed


def app(
    settings: Settings, database: Database, login: Login, *, with_worker: bool = True
) -> Starlette:
    """The server's application. With a worker inside, it keeps the read models up to date itself."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        log = database.open_log()
        the_hospital = hospital(settings, database)
        engine = database.async_engine()
        readable = Readable(database.app_url, engine)
        seed(settings, the_hospital, log)
        follower = Follower(database.app_url)
        worker = threading.Thread(target=follower.run, name="follower", daemon=True)
        if with_worker:
            worker.start()
        await readable.start()
        live = Live(readable, engine)
        live.start()
        readings, present = Readings(engine), Present(engine)
        kept = Kept(engine, present, settings.kept_answers_mb * 1_000_000)
        house = House(
            settings, database, log, the_hospital, engine, readable, readings, live, present, kept
        )
        endpoint = Endpoint(house, login)
        app.state.house = house
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

    return Starlette(
        routes=[
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
    """Ready when the database answers, no read model has halted or is ten seconds behind."""
    house: House = request.app.state.house
    try:
        async with house.engine.connect() as connection:
            models = await record.projections(connection)
    except Exception:
        return JSONResponse({"ready": False, "why": "the database cannot be reached"}, 503)
    behind = [m.name for m in models if m.lag_seconds > 10]
    halted = [m.name for m in models if m.state == "HALTED"]
    parked = [m.name for m in models if m.state == "PARKED"]
    ready = not behind and not halted
    told: dict[str, Any] = {"ready": ready, "behind": behind, "halted": halted, "parked": parked}
    return JSONResponse(told, 200 if ready else 503)


async def _metrics(request: Request) -> Response:
    """Numbers for Prometheus; without the read models' while the database is away."""
    house: House = request.app.state.house
    models: list[record.ProjectionView] = []
    with contextlib.suppress(Exception):
        async with house.engine.connect() as connection:
            models = await record.projections(connection)
    return Response(metrics.told(house, models), media_type=metrics.CONTENT_TYPE)


_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Wardbook</title>
<h1>Wardbook</h1>
<p>The hospital's record of every stay. Ask it by GraphQL at <code>/graphql</code>,
with the token that the server printed:</p>
<pre>curl -s "$URL/graphql" -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"query": "{ roomOccupancy { room { ward number } beds { code state patient { mrn } } } }"}'
</pre>
"""
