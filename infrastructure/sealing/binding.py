"""Binding of a log to its key store, which only the owner of the database takes back."""

import psycopg

from infrastructure.postgres.database import Database


def forget_key_store(database: Database) -> None:
    """Forget the key store of a log, so that the next start makes a new one."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DELETE FROM record.key_store")
