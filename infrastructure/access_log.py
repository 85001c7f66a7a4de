"""Access log: who read whose data, written before the response leaves; and its query for auditors.

Responses that are ready at the same time share one commit.
"""

import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from application.authorization.roles import Purpose
from domain.envelope import Actor
from infrastructure.caching.single_flight import BatchRunner
from infrastructure.queries.direct import execute
from infrastructure.read_models.prescriptions import prescriptions
from infrastructure.read_models.stays import stays

SUCCESS, REFUSED = "success", "refused"
"""The outcomes: data were shown, or what was asked was refused."""

NOBODY_SHOWN = "nobody was shown"
"""Entity of a search or a number that shows nobody: that a person is not there is an answer, too."""

SERVER = socket.gethostname()

NOBODY = UUID(int=0)
"""In the order of a page, in place of the patient of an entry that is about none."""

_PATIENT = f"coalesce(p.patient, '{NOBODY}')"

_RESOURCES = f"""ARRAY(SELECT r FROM unnest(a.resources) AS r
    WHERE EXISTS (SELECT FROM {stays.fullname} s WHERE s.stay = r AND s.patient = p.patient)
    OR EXISTS (SELECT FROM {prescriptions.fullname} s
      WHERE s.prescription = r AND s.patient = p.patient))"""
"""Resources of an entry's patient: of the others in the same answer it tells nothing."""

RECORD = "SELECT audit.record(%(readings)s::jsonb)"


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """An entry of the access log: whose data a response shows, to whom, by which operation, for what."""

    by: Actor
    operation: str
    purpose: Purpose
    patients: Collection[UUID]
    opened: Collection[UUID] = ()
    """The patients among them whom the reader had opened by break-glass."""
    outcome: str = SUCCESS
    entity: str | None = None
    """Question that was asked: a report with its period, SQL; of a refusal, its code."""
    resources: Collection[UUID] = ()
    """The stays and prescriptions that were shown."""
    as_of: datetime | None = None
    known_at: datetime | None = None
    wards: Collection[str] | None = None
    token_id: str | None = None
    address: str | None = None

    def row(self) -> dict[str, Any]:
        return {
            "issuer": self.by.issuer,
            "subject": self.by.subject,
            "role": self.by.role,
            "operation": self.operation,
            "purpose": self.purpose.value,
            "patients": sorted(self.patients, key=attrgetter("int")),
            "opened": sorted(self.opened, key=attrgetter("int")),
            "outcome": self.outcome,
            "entity": self.entity,
            "resources": sorted(self.resources, key=attrgetter("int")),
            "shown": len(self.patients),
            "as_of": self.as_of,
            "known_at": self.known_at,
            "wards": None if self.wards is None else sorted(self.wards),
            "on_behalf_of": self.by.on_behalf_of,
            "token_id": self.token_id,
            "address": self.address,
            "server": SERVER,
        }


async def write(engine: AsyncEngine, readings: Sequence[AccessRecord]) -> None:
    """Write entries of the access log, durably."""
    entries = msgspec.json.encode([reading.row() for reading in readings]).decode()
    async with engine.connect() as connection:
        await execute(connection, RECORD, {"readings": entries})


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
    patient: UUID | None
    broke_glass: bool
    outcome: str
    entity: str | None
    resources: list[UUID]
    shown: int | None
    as_of: datetime | None
    known_at: datetime | None
    on_behalf_of: str | None
    token_id: str | None
    address: str | None
    server: str | None


async def accesses_page(
    connection: AsyncConnection,
    *,
    patients: Sequence[UUID] | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    broke_glass: bool | None = None,
    outcome: str | None = None,
    first: int,
    after: tuple[int, UUID] | None = None,
) -> list[AccessView]:
    """Return a page of accesses, the latest first, one for each patient that a response showed.

    One that is about nobody (a report, a refusal of the role) is one entry without a patient.
    """
    values: dict[str, Any] = {"first": first}
    conditions = ["true"]
    if patients is not None:
        conditions.append("a.patients && :patients AND p.patient = ANY(:patients)")
        values["patients"] = list(patients)
    if subject is not None:
        conditions.append("a.subject = :subject")
        values["subject"] = subject
    if since is not None:
        conditions.append("a.at >= :since")
        values["since"] = since
    if until is not None:
        conditions.append("a.at < :until")
        values["until"] = until
    if broke_glass is not None:
        conditions.append(
            f"{'' if broke_glass else 'NOT '}coalesce(p.patient = ANY(a.opened), false)"
        )
        conditions.append("cardinality(a.opened) > 0" if broke_glass else "true")
    if outcome is not None:
        conditions.append("a.outcome = :outcome")
        values["outcome"] = outcome
    if after is not None:
        conditions.append(f"a.no <= :no AND (a.no, {_PATIENT}) < (:no, :patient)")
        values["no"], values["patient"] = after
    rows = await connection.execute(
        text(
            "SELECT a.no, a.at, a.issuer, a.subject, a.role, a.operation, a.purpose, p.patient,"
            " coalesce(p.patient = ANY(a.opened), false), a.outcome, a.entity,"
            f" {_RESOURCES}, a.shown, a.as_of, a.known_at, a.on_behalf_of, a.token_id, a.address,"
            " a.server"
            " FROM audit.accesses a"
            " LEFT JOIN LATERAL unnest(a.patients) AS p (patient) ON true"
            f" WHERE {' AND '.join(conditions)} ORDER BY a.no DESC, {_PATIENT} DESC LIMIT :first"
        ),
        values,
    )
    return [AccessView(*row) for row in rows]
