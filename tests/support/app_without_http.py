"""A house without a server and a worker: operations are executed in the test itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from api.container import House
from infrastructure.access_log import Readings
from infrastructure.caching.read_snapshot import Present
from infrastructure.caching.response_cache import Kept
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from infrastructure.subscriptions.projection_progress import Readable


@asynccontextmanager
async def alone(
    database: Database, hospital: Any = None, look: Callable[[AsyncEngine], Present] = Present
) -> AsyncIterator[House]:
    """A house that keeps no answers, and that nobody follows; read-only without a hospital."""
    engine = database.async_engine(4)
    present = look(engine)
    nobody: Any = None
    try:
        yield House(
            Settings(),
            database,
            database.open_log(),
            hospital,
            engine,
            Readable(database.app_url, engine),
            Readings(engine),
            nobody,
            present,
            Kept(engine, present, 0),
        )
    finally:
        await engine.dispose()
