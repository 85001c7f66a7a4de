"""A house without a server and a worker: operations are executed in the test itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from api.container import AppState
from application.reports.disclosed_figures import DisclosedFigures
from infrastructure.access_log import AccessLog
from infrastructure.caching.read_snapshot import Snapshots
from infrastructure.caching.response_cache import ResponseCache
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from infrastructure.subscriptions.projection_progress import ProjectionProgress
from infrastructure.tokens.revocations import Revocations
from infrastructure.tokens.uses import TokenUses


@asynccontextmanager
async def alone(
    database: Database, hospital: Any = None, look: Callable[[AsyncEngine], Snapshots] = Snapshots
) -> AsyncIterator[AppState]:
    """A house that keeps no answers, and that nobody follows; read-only without a hospital."""
    engine = database.async_engine(4)
    present = look(engine)
    nobody: Any = None
    try:
        yield AppState(
            Settings(),
            database,
            database.open_log(),
            hospital,
            engine,
            ProjectionProgress(database.app_url, engine),
            AccessLog(engine),
            nobody,
            present,
            ResponseCache(engine, present, 0),
            Revocations(engine),
            TokenUses(engine, 0),
            DisclosedFigures(),
            ProjectionRunner(database.app_url),
        )
    finally:
        await engine.dispose()
