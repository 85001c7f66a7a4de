"""Check that a connection is one session of PostgreSQL: a pooler may share sessions among clients."""

import psycopg

from domain.errors import ConfigurationError

ROUNDS = 3
"""Comparisons of sessions: other clients of the pooler may take the one that is looked for."""


class SharedSession(ConfigurationError):
    """A pooler gives a connection another session from statement to statement."""


def check_session(url: str) -> None:
    """Compare the sessions of two connections by turns. Raises SharedSession.

    What is prepared, set, locked or listened to belongs to a session; a pooler in transaction mode
    gives that of the first connection to the second, while the first rests.
    """
    with (
        psycopg.connect(url, autocommit=True, connect_timeout=5) as first,
        psycopg.connect(url, autocommit=True, connect_timeout=5) as second,
    ):
        for _ in range(ROUNDS):
            session = _session(first)
            with second.transaction():
                _session(second)  # takes a session that rests, and keeps it meanwhile
                if _session(first) != session:
                    raise SharedSession(
                        "A pooler in transaction mode is in front of the database: what Wardbook"
                        " prepares, locks and listens to would be lost. Let it pool sessions"
                        " (pool_mode = session), or name PostgreSQL itself."
                    )


def _session(connection: "psycopg.Connection[tuple[int]]") -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return row[0]
