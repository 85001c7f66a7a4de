"""Writes down who read whose data, before the answer leaves.

Answers that are ready at the same time share one commit.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from application.authorization.roles import Purpose
from domain.envelope import Actor
from infrastructure.caching.single_flight import BatchRunner

_RECORD = text("SELECT audit.record(CAST(:readings AS jsonb))")


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """What one answer shows: whose data, to whom, by which operation, and what for."""

    by: Actor
    operation: str
    purpose: Purpose
    patients: Collection[UUID]
    opened: Collection[UUID] = ()
    """Those among them whose glass the reader had broken."""

    def row(self) -> dict[str, Any]:
        return {
            "issuer": self.by.issuer,
            "subject": self.by.subject,
            "role": self.by.role,
            "operation": self.operation,
            "purpose": self.purpose.value,
            "patients": sorted(self.patients),
            "opened": sorted(self.opened),
        }


async def write(engine: AsyncEngine, readings: Sequence[AccessRecord]) -> None:
    """Write them down, for good when this returns."""
    told = msgspec.json.encode([reading.row() for reading in readings]).decode()
    async with engine.connect() as connection:
        await connection.execute(_RECORD, {"readings": told})


class AccessLog:
    """Writes them down for all answers of a server."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._together = BatchRunner("readings", partial(write, engine))

    async def record(self, reading: AccessRecord) -> None:
        """Returns once it is durable. Raises what the database raises; then nothing may be shown."""
        await self._together.ask(reading)
