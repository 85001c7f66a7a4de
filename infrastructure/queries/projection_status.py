"""Queries on the status of projections: positions, lag, and parked commands (dead letters)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.projections.status import IS_LIVE, LIVE_SCHEMAS, NAMES
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.tables_read import reads
from infrastructure.read_models import READ_MODELS


@dataclass(frozen=True, slots=True)
class ProjectionView:
    """The status of a read model: its position, and its lag behind the log."""

    name: str
    position: int
    lag: int
    lag_seconds: float
    alive_at: datetime | None
    parked: int
    halts: bool
    is_of_this_log: bool = True
    """False after the log was restored: the read model is of another log or epoch, or ahead of it."""

    @property
    def state(self) -> str:
        """Return HALTED at a command it may not miss, PARKED commands aside, FOLLOWING, or BEHIND.

        REWOUND when it is not of this log: it has to be filled anew.
        """
        if not self.is_of_this_log:
            return "REWOUND"
        if self.parked:
            return "HALTED" if self.halts else "PARKED"
        return "BEHIND" if self.lag else "FOLLOWING"


@dataclass(frozen=True, slots=True)
class ParkedView:
    """A command that a read model has parked, with an error that names nobody."""

    model: str
    command: UUID
    operation: str
    first_position: int
    last_position: int
    error: str


async def projections(connection: AsyncConnection) -> list[ProjectionView]:
    """Return the status of every read model; the seconds of lag are since the oldest event it lacks."""
    rows = await connection.execute(
        text(
            "SELECT m.schema, coalesce(s.position, 0),"
            " greatest(l.last - coalesce(s.position, 0), 0),"
            " coalesce(extract(epoch FROM clock_timestamp() - (SELECT e.recorded_at"
            "   FROM record.events e WHERE e.position = coalesce(s.position, 0) + 1)), 0),"
            " s.alive_at, (SELECT count(*) FROM projections.dead_letters"
            "   WHERE read_model = m.schema), s.position IS NULL OR"
            "   (s.log_id, s.epoch) = (l.log_id, l.epoch) AND s.position <= l.last"
            " FROM (SELECT log_id, epoch, (SELECT coalesce(max(position), 0)"
            "   FROM record.events) AS last FROM record.log) l"
            " CROSS JOIN unnest(CAST(:schemas AS text[])) AS m (schema)"
            # raises if there is no such schema
            " LEFT JOIN projections.status s ON s.read_model = CAST(m.schema AS regnamespace)::text"
        ),
        {"schemas": list(LIVE_SCHEMAS)},
    )
    by_schema = {schema: rest for schema, *rest in rows}
    views = []
    for model in READ_MODELS:
        position, lag, seconds, alive_at, dead_letters, is_ours = by_schema[
            str(model.metadata.schema)
        ]
        since = max(0.0, float(seconds))
        views.append(
            ProjectionView(
                model.name, position, lag, since, alive_at, dead_letters, model.halts, is_ours
            )
        )
    return views


async def parked_commands(connection: AsyncConnection) -> list[ParkedView]:
    """Return the commands that read models have parked or halted at, in the order of the log."""
    rows = await connection.execute(
        text(
            "SELECT d.read_model, d.command, c.operation, d.first, d.last, d.error"
            " FROM projections.dead_letters d JOIN record.commands c ON c.command_id = d.command"
            f" WHERE {IS_LIVE} ORDER BY d.first, d.read_model"
        )
    )
    return [ParkedView(NAMES[schema], *rest) for schema, *rest in rows]


async def models_that_parked(connection: AsyncConnection) -> set[str]:
    """Return the names of the read models that have parked a command or have halted."""
    schemas = await connection.execute(
        text(f"SELECT DISTINCT read_model FROM projections.dead_letters WHERE {IS_LIVE}")
    )
    return {NAMES[schema] for schema in schemas.scalars()}


async def parked_in(connection: AsyncConnection, command: UUID) -> list[str]:
    """Return the names of the read models that have parked a command or halted at it."""
    schemas = await connection.execute(
        text(
            "SELECT read_model FROM projections.dead_letters"
            f" WHERE command = :command AND {IS_LIVE}"
        ),
        {"command": command},
    )
    return sorted(NAMES[schema] for schema in schemas.scalars())


@reads()
async def parked_things(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, bool]:
    """Return the stays and rooms among some that a parked command touches, whatever the moment."""
    rows = await connection.execute(
        text(
            "SELECT DISTINCT id FROM unnest(CAST(:ids AS uuid[])) AS things (id)"
            f" JOIN projections.dead_letters ON id = ANY(touches) AND {IS_LIVE}"
        ),
        {"ids": list(ids)},
    )
    return dict.fromkeys(rows.scalars(), True)
