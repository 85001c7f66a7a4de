"""Binding of a log to its key store, and the record of what is done to that by hand."""

import psycopg

from infrastructure.postgres.database import Database


def bound_store(database: Database) -> str | None:
    """Return the id of the key store of a log."""
    with psycopg.connect(database.app_url) as connection:
        row = connection.execute("SELECT store FROM record.key_store").fetchone()
    return None if row is None else str(row[0])


def forget_key_store(database: Database) -> None:
    """Forget the key store of a log, so that the next start binds it to the new one."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "SELECT audit.add_key_acts('GIVEN_UP', ARRAY[NULL], store) FROM record.key_store"
        )
        owner.execute("DELETE FROM record.key_store")


def record_act(database: Database, act: str, store: str) -> None:
    """Record what is done to all keys of a store: WRAPPED_ANEW, GIVEN_UP."""
    with psycopg.connect(database.app_url) as connection:
        connection.execute("SELECT audit.add_key_acts(%s, ARRAY[NULL], %s)", [act, store])
