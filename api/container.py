"""What a server has at hand: the hospital, its database, the readable position, and who follows."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from application.hospital import Hospital
from infrastructure.access_log import AccessLog
from infrastructure.caching.read_snapshot import Snapshots
from infrastructure.caching.response_cache import ResponseCache
from infrastructure.postgres.database import Database, Log
from infrastructure.settings import Settings
from infrastructure.subscriptions.broker import Broker
from infrastructure.subscriptions.projection_progress import ProjectionProgress


@dataclass(frozen=True, slots=True)
class AppState:
    """One for each process; made as the server starts."""

    settings: Settings
    database: Database
    log: Log
    hospital: Hospital
    engine: AsyncEngine
    progress: ProjectionProgress
    access_log: AccessLog
    broker: Broker
    snapshots: Snapshots
    response_cache: ResponseCache
