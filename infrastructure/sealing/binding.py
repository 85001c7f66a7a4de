"""Binding of a log to its key store, and the record of what is done to that by hand."""

import psycopg

from infrastructure.postgres.database import Database


def forget_key_store(database: Database) -> None:
    """Forget the key store of a log, so that the next start binds it to the new one."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "SELECT audit.add_key_acts('GIVEN_UP', ARRAY[NULL], store) FROM record.key_store"
        )
        owner.execute("DELETE FROM record.key_store")


def record_rewrapping(database: Database, store: str) -> None:
    """Record that the keys of a store are wrapped by another key of the house."""
    with psycopg.connect(database.app_url) as connection:
        connection.execute("SELECT audit.add_key_acts('WRAPPED_ANEW', ARRAY[NULL], %s)", [store])
