"""Questions about the record itself: what became of a command, how far the read models are."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.read_models import READ_MODELS


@dataclass(frozen=True, slots=True)
class CommandView:
    """An accepted command."""

    command_id: UUID
    operation: str
    first_position: int
    last_position: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ProjectionView:
    """A read model: how far it is, and how far behind the log."""

    name: str
    position: int
    lag: int
    lag_seconds: float
    alive_at: datetime | None


async def command_by_id(connection: AsyncConnection, id: UUID) -> CommandView | None:
    """An accepted command; None if it was refused or never given."""
    found = await connection.execute(
        text(
            "SELECT command_id, operation, first_position, last_position, recorded_at"
            " FROM record.commands WHERE command_id = :id"
        ),
        {"id": id},
    )
    row = found.one_or_none()
    return CommandView(*row) if row else None


async def projections(connection: AsyncConnection) -> list[ProjectionView]:
    """Every read model with its lag in events, and in seconds since the oldest event it lacks."""
    told = []
    for model in READ_MODELS:
        found = await connection.execute(
            text(
                "SELECT coalesce(p.position, 0), l.last - coalesce(p.position, 0),"
                " coalesce(extract(epoch FROM clock_timestamp() - (SELECT e.recorded_at"
                "   FROM record.events e WHERE e.position = coalesce(p.position, 0) + 1)), 0),"
                " p.alive_at"
                " FROM (SELECT coalesce(max(position), 0) AS last FROM record.events) l"
                f" LEFT JOIN {model.metadata.schema}.position p ON true"
            )
        )
        position, lag, seconds, alive_at = found.one()
        told.append(ProjectionView(model.name, position, lag, max(0.0, float(seconds)), alive_at))
    return told
