"""Writes down who read whose data, before the answer leaves.

Answers that are ready at the same time share one commit: while one is under way the others wait,
and go together next. One that is alone never waits for others.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from application.access import Purpose
from domain.entry import Actor

_RECORD = text("SELECT audit.record(CAST(:readings AS jsonb))")


@dataclass(frozen=True, slots=True)
class Shown:
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


async def write(engine: AsyncEngine, readings: Sequence[Shown]) -> None:
    """Write them down, for good when this returns."""
    told = msgspec.json.encode([reading.row() for reading in readings]).decode()
    async with engine.connect() as connection:
        await connection.execute(_RECORD, {"readings": told})


class Readings:
    """Writes them down for all answers of a server."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: list[tuple[Shown, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def record(self, reading: Shown) -> None:
        """Returns once it is durable. Raises what the database raises; then nothing may be shown."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((reading, done))
        if self._task is None:
            self._task = asyncio.create_task(self._write_all(), name="readings")
        await done

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._write(batch)
        finally:
            self._task = None

    async def _write(self, batch: list[tuple[Shown, asyncio.Future[None]]]) -> None:
        fault: Exception | None = None
        try:
            await write(self._engine, [reading for reading, _ in batch])
        except Exception as raised:
            fault = raised
        for _, done in batch:
            if done.cancelled():
                continue
            if fault is None:
                done.set_result(None)
            else:
                done.set_exception(fault)
