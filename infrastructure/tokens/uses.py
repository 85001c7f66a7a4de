"""Uses of tokens: when each was last used, so that one left unused for too long is taken no more."""

import logging
from datetime import datetime
from time import monotonic

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

log = logging.getLogger(__name__)

WRITTEN_AFTER = 0.25
"""The share of the idle time after which a use is written again; until then it is kept in memory."""

MOST_TOKENS = 10_000
"""The tokens whose last write a server remembers."""

_USE = text(
    """
WITH ended AS (
    DELETE FROM audit.token_uses WHERE ends < clock_timestamp() - interval '1 day'
)
INSERT INTO audit.token_uses AS u (issuer, token, used_at, ends)
VALUES (:issuer, :token, clock_timestamp(), :ends)
ON CONFLICT (issuer, token) DO UPDATE SET used_at = clock_timestamp()
    WHERE u.used_at > clock_timestamp() - make_interval(secs => :seconds)
RETURNING true
"""
)


class TokenUses:
    """The last uses of tokens, shared by all servers of a house, to a quarter of the idle time."""

    def __init__(self, engine: AsyncEngine, idle_minutes: float) -> None:
        self._engine, self._seconds = engine, idle_minutes * 60
        self._written: dict[tuple[str, str], float] = {}

    async def take(self, issuer: str, token: str, ends: datetime) -> bool:
        """Note a use of a token; return False where its last one is too long ago.

        While the database is away every token is taken: no question is answered without it.
        """
        if not self._seconds:
            return True
        key = issuer, token
        if monotonic() - self._written.get(key, float("-inf")) < self._seconds * WRITTEN_AFTER:
            return True
        values = {"issuer": issuer, "token": token, "ends": ends, "seconds": self._seconds}
        try:
            async with self._engine.begin() as connection:
                is_taken = (await connection.execute(_USE, values)).first() is not None
        except (TimeoutError, SQLAlchemyError):
            log.warning("the use of a token cannot be written; it is taken")
            return True
        if is_taken:
            if len(self._written) >= MOST_TOKENS:
                self._written.clear()
            self._written[key] = monotonic()
        return is_taken
