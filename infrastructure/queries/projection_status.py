"""Questions about the record itself: what became of a command, how far the read models are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf
from infrastructure.read_models import READ_MODELS


@dataclass(frozen=True, slots=True)
class ProjectionView:
    """A read model: how far it is, and how far behind the log."""

    name: str
    position: int
    lag: int
    lag_seconds: float
    alive_at: datetime | None
    parked: int
    halts: bool
    is_of_this_log: bool = True
    """Not so after the log was restored: it is of another log or epoch, or ahead of this one."""

    @property
    def state(self) -> str:
        """HALTED at a command it may not miss, PARKED commands aside, FOLLOWING, or BEHIND.

        REWOUND when it is not of this log: it has to be filled anew.
        """
        if not self.is_of_this_log:
            return "REWOUND"
        if self.parked:
            return "HALTED" if self.halts else "PARKED"
        return "BEHIND" if self.lag else "FOLLOWING"


@dataclass(frozen=True, slots=True)
class ParkedView:
    """A command that a read model has not taken in, and why. It names nobody."""

    model: str
    command: UUID
    operation: str
    first_position: int
    last_position: int
    error: str


async def projections(connection: AsyncConnection) -> list[ProjectionView]:
    """Every read model with its lag in events, and in seconds since the oldest event it lacks."""
    told = []
    for model in READ_MODELS:
        found = await connection.execute(
            text(
                "SELECT coalesce(p.position, 0), greatest(l.last - coalesce(p.position, 0), 0),"
                " coalesce(extract(epoch FROM clock_timestamp() - (SELECT e.recorded_at"
                "   FROM record.events e WHERE e.position = coalesce(p.position, 0) + 1)), 0),"
                f" p.alive_at, (SELECT count(*) FROM {model.metadata.schema}.parked),"
                " p.position IS NULL OR"
                "   (p.log_id, p.epoch) = (l.log_id, l.epoch) AND p.position <= l.last"
                " FROM (SELECT log_id, epoch, (SELECT coalesce(max(position), 0)"
                "   FROM record.events) AS last FROM record.log) l"
                f" LEFT JOIN {model.metadata.schema}.position p ON true"
            )
        )
        position, lag, seconds, alive_at, parked, is_ours = found.one()
        since = max(0.0, float(seconds))
        told.append(
            ProjectionView(model.name, position, lag, since, alive_at, parked, model.halts, is_ours)
        )
    return told


async def parked_commands(connection: AsyncConnection) -> list[ParkedView]:
    """What the read models have parked, and where they have halted, in the order of the log."""
    found = await connection.execute(
        text(
            "SELECT p.model, p.command, c.operation, p.first, p.last, p.error"
            f" FROM ({_of_all('model, command, first, last, error')}) AS p"
            " JOIN record.commands c ON c.command_id = p.command ORDER BY p.first, p.model"
        )
    )
    return [ParkedView(*row) for row in found]


async def models_that_parked(connection: AsyncConnection) -> set[str]:
    """The read models that have parked anything, or have halted."""
    asked = " UNION ALL ".join(
        f"SELECT '{model.name}' WHERE EXISTS (SELECT FROM {model.metadata.schema}.parked)"
        for model in READ_MODELS
    )
    found = await connection.execute(text(asked))
    return set(found.scalars())


async def parked_in(connection: AsyncConnection, command: UUID) -> list[str]:
    """The read models that have parked a command, or have halted at it."""
    found = await connection.execute(
        text(f"SELECT model FROM ({_of_all('model, command')}) AS p WHERE command = :command"),
        {"command": command},
    )
    return sorted(found.scalars())


async def parked_things(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, bool]:
    """The stays and rooms among them that a parked command touches, whatever the moment."""
    found = await connection.execute(
        text(
            "SELECT DISTINCT id FROM unnest(CAST(:ids AS uuid[])) AS asked (id)"
            f" JOIN ({_of_all('touches')}) AS p ON id = ANY(touches)"
        ),
        {"ids": list(ids)},
    )
    return dict.fromkeys(found.scalars(), True)


def _of_all(columns: str) -> str:
    """A SELECT of what each read model has parked."""
    return " UNION ALL ".join(
        f"SELECT {columns} FROM (SELECT '{model.name}' AS model, * FROM"
        f" {model.metadata.schema}.parked) AS one"
        for model in READ_MODELS
    )
