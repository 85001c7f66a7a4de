"""Access log: who read whose data, written before the response leaves; and its query for auditors.

Responses that are ready at the same time share one commit.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from application.authorization.roles import Purpose
from domain.envelope import Actor
from infrastructure.caching.single_flight import BatchRunner

_RECORD = text("SELECT audit.record(CAST(:readings AS jsonb))")


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """An entry of the access log: whose data a response shows, to whom, by which operation, for what."""

    by: Actor
    operation: str
    purpose: Purpose
    patients: Collection[UUID]
    opened: Collection[UUID] = ()
    """The patients among them whom the reader had opened by break-glass."""

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
    """Write entries of the access log, durably."""
    entries = msgspec.json.encode([reading.row() for reading in readings]).decode()
    async with engine.connect() as connection:
        await connection.execute(_RECORD, {"readings": entries})


class AccessLog:
    """The writer of the access log for all responses of a server."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._writer = BatchRunner("readings", partial(write, engine))

    async def record(self, reading: AccessRecord) -> None:
        """Write an entry, durably. Raises what the database raises; then nothing may be shown."""
        await self._writer.add(reading)


@dataclass(frozen=True, slots=True)
class AccessView:
    """An access of somebody to a patient's data."""

    no: int
    at: datetime
    issuer: str
    subject: str
    role: str
    operation: str
    purpose: str
    patient: UUID
    broke_glass: bool


async def accesses_page(
    connection: AsyncConnection,
    *,
    patients: Sequence[UUID] | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    first: int,
    after: tuple[int, UUID] | None = None,
) -> list[AccessView]:
    """Return a page of accesses, the latest first, one for each patient that a response showed."""
    values: dict[str, Any] = {"first": first}
    where = ["true"]
    if patients is not None:
        where.append("a.patients && :patients AND p.patient = ANY(:patients)")
        values["patients"] = list(patients)
    if subject is not None:
        where.append("a.subject = :subject")
        values["subject"] = subject
    if since is not None:
        where.append("a.at >= :since")
        values["since"] = since
    if until is not None:
        where.append("a.at < :until")
        values["until"] = until
    if after is not None:
        where.append("a.no <= :no AND (a.no, p.patient) < (:no, :patient)")
        values["no"], values["patient"] = after
    rows = await connection.execute(
        text(
            "SELECT a.no, a.at, a.issuer, a.subject, a.role, a.operation, a.purpose, p.patient,"
            " p.patient = ANY(a.opened) FROM audit.accesses a"
            " CROSS JOIN LATERAL unnest(a.patients) AS p (patient)"
            f" WHERE {' AND '.join(where)} ORDER BY a.no DESC, p.patient DESC LIMIT :first"
        ),
        values,
    )
    return [AccessView(*row) for row in rows]
