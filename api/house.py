"""What a server has at hand: the hospital, its database, the readable position, and who follows."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from application.hospital import Hospital
from infrastructure.database import Database, Log
from infrastructure.kept import Kept
from infrastructure.live import Live
from infrastructure.present import Present
from infrastructure.readable import Readable
from infrastructure.readings import Readings
from infrastructure.settings import Settings


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
