"""Questions about who read whose data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class AccessView:
    """Somebody read a patient's data."""

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
    """The latest first, one for each patient that an answer showed, from a place in that order."""
    wanted: dict[str, Any] = {"first": first}
    where = ["true"]
    if patients is not None:
        where.append("a.patients && :patients AND p.patient = ANY(:patients)")
        wanted["patients"] = list(patients)
    if subject is not None:
        where.append("a.subject = :subject")
        wanted["subject"] = subject
    if since is not None:
        where.append("a.at >= :since")
        wanted["since"] = since
    if until is not None:
        where.append("a.at < :until")
        wanted["until"] = until
    if after is not None:
        where.append("a.no <= :no AND (a.no, p.patient) < (:no, :patient)")
        wanted["no"], wanted["patient"] = after
    found = await connection.execute(
        text(
            "SELECT a.no, a.at, a.issuer, a.subject, a.role, a.operation, a.purpose, p.patient,"
            " p.patient = ANY(a.opened) FROM audit.accesses a"
            " CROSS JOIN LATERAL unnest(a.patients) AS p (patient)"
            f" WHERE {' AND '.join(where)} ORDER BY a.no DESC, p.patient DESC LIMIT :first"
        ),
        wanted,
    )
    return [AccessView(*row) for row in found]
