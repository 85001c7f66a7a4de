"""Revocations: tokens, and logins up to a moment, that are taken no more though they have not expired.

They are given on the command line, and known to every server within `REFRESH_SECONDS`.
"""

import asyncio
import logging
from datetime import datetime
from time import monotonic

import psycopg
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import ConfigurationError
from infrastructure.event_store.log_reader import DatabaseUnavailable

log = logging.getLogger(__name__)

REFRESH_SECONDS = 2.0
"""For how long a server goes by the list that it read."""

MOST_SECONDS = 5.0
"""Seconds for which the list is waited for."""

_LIST = text("SELECT issuer, subject, token_id, until FROM audit.revocations")

_LOCK = "LOCK TABLE audit.revocations IN SHARE ROW EXCLUSIVE MODE"
"""Lets numbers be committed in their order, so that the follower that signs them misses none."""

_ADD = """
INSERT INTO audit.revocations (issuer, subject, token_id, until, reason, revoked_by)
VALUES (%s, %s, %s, coalesce(%s, clock_timestamp()), %s, %s)
"""


class NotTheOwner(ConfigurationError):
    """A login of the database that may not add to the list."""


class Revocations:
    """The list of what was revoked, as a server knows it; as it last was while the database is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._read_at = float("-inf")
        self._is_read = False
        self._tokens: set[tuple[str, str]] = set()
        self._logins: dict[tuple[str, str], datetime] = {}
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Read the list again where it is old; who comes first to a server waits until it is read.

        Raises DatabaseUnavailable while it could not be read at all: it would name nobody.
        """
        if self._is_old() or not self._is_read:
            async with self._lock:
                if self._is_old():
                    await self._read()
        if not self._is_read:
            raise DatabaseUnavailable("The list of revoked tokens cannot be read; ask again.")

    def covers(
        self, issuer: str, subject: str, token_id: str | None, issued_at: datetime | None
    ) -> bool:
        """Return whether a token is revoked, by its id or with its login, in the list as last read."""
        if token_id is not None and (issuer, token_id) in self._tokens:
            return True
        until = self._logins.get((issuer, subject))
        return until is not None and (issued_at is None or issued_at <= until)

    def _is_old(self) -> bool:
        return monotonic() - self._read_at > REFRESH_SECONDS

    async def _read(self) -> None:
        self._read_at = monotonic()
        try:
            async with asyncio.timeout(MOST_SECONDS), self._engine.connect() as connection:
                rows = (await connection.execute(_LIST)).all()
        except (TimeoutError, SQLAlchemyError):
            log.warning("the list of revoked tokens cannot be read; it holds as it was")
            self._read_at = monotonic()
            return
        self._is_read = True
        self._tokens = {(issuer, id) for issuer, _, id, _ in rows if id is not None}
        self._logins = {}
        for issuer, subject, _, until in rows:
            if subject is not None:
                login = issuer, subject
                self._logins[login] = max(until, self._logins.get(login, until))


def revoke(
    owner_url: str,
    issuer: str,
    *,
    subject: str | None = None,
    token_id: str | None = None,
    until: datetime | None = None,
    reason: str,
    by: str,
) -> None:
    """Add a token, or the tokens of a login that were issued up to a moment, to the list.

    Raises NotTheOwner.
    """
    try:
        with psycopg.connect(owner_url) as owner:
            owner.execute(_LOCK)
            owner.execute(_ADD, (issuer, subject, token_id, until, reason, by))
    except InsufficientPrivilege:
        raise NotTheOwner("Revoking needs the owner's login: set WARDBOOK_DATABASE_URL.") from None
