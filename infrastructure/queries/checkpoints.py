"""Query on the signed checkpoints: how old they are, and how long what they lack has waited."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_AGES = text(
    "SELECT t.tree, coalesce(extract(epoch FROM clock_timestamp() - c.signed_at), 0),"
    " coalesce(extract(epoch FROM clock_timestamp() - CASE t.tree"
    "  WHEN 'events' THEN (SELECT recorded_at FROM record.stored_events"
    "    WHERE position > coalesce(c.last, 0) ORDER BY position LIMIT 1)"
    "  WHEN 'accesses' THEN (SELECT at FROM audit.accesses"
    "    WHERE no > coalesce(c.last, 0) ORDER BY no LIMIT 1)"
    "  WHEN 'revocations' THEN (SELECT at FROM audit.revocations"
    "    WHERE no > coalesce(c.last, 0) ORDER BY no LIMIT 1)"
    "  ELSE (SELECT at FROM audit.key_acts WHERE no > coalesce(c.last, 0) ORDER BY no LIMIT 1)"
    "  END), 0)"
    " FROM (VALUES ('events'), ('accesses'), ('revocations'), ('keys')) AS t (tree)"
    " LEFT JOIN LATERAL (SELECT last, signed_at FROM record.checkpoints"
    "   WHERE tree = t.tree ORDER BY no DESC LIMIT 1) AS c ON true"
)


@dataclass(frozen=True, slots=True)
class CheckpointAge:
    """The age of the newest checkpoint of a tree, and of the oldest row that no checkpoint is of."""

    tree: str
    seconds: float
    unsigned_seconds: float


async def checkpoint_ages(connection: AsyncConnection) -> list[CheckpointAge]:
    """Return the ages of the newest checkpoints; 0 where there is none, or nothing unsigned."""
    rows = await connection.execute(_AGES)
    return [CheckpointAge(tree, float(age), max(0.0, float(lag))) for tree, age, lag in rows]
