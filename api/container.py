"""What a server has at hand: the hospital, its database, the readable position, and who follows."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from application.hospital import Hospital
from infrastructure.access_log import Readings
from infrastructure.caching.read_snapshot import Present
from infrastructure.caching.response_cache import Kept
from infrastructure.postgres.database import Database, Log
from infrastructure.settings import Settings
from infrastructure.subscriptions.broker import Live
from infrastructure.subscriptions.projection_progress import Readable


@dataclass(frozen=True, slots=True)
class House:
    """One for each process; made as the server starts."""

    settings: Settings
    database: Database
    log: Log
    hospital: Hospital
    engine: AsyncEngine
    readable: Readable
    readings: Readings
    live: Live
    present: Present
    kept: Kept
