"""message-db, as a peer: its SQL comes from npm, its `write_message` is called by the same clients."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from eventsourcing.persistence import StoredEvent

from infrastructure.postgres.database import Database
from tests.benchmarks import npm

PACKAGE = "@eventide/message-db@1.3.1"
PATH = "SET search_path = message_store, public"

FUNCTIONS = (
    "message-store-version",
    "hash-64",
    "acquire-lock",
    "category",
    "is-category",
    "id",
    "cardinal-id",
    "stream-version",
    "write-message",
)
"""What writing needs. Its extension pgcrypto is not needed: PostgreSQL has gen_random_uuid itself."""


def make(database: Database, folder: Path) -> bool:
    """Make its tables and functions; False where npm does not have it."""
    if not npm.install(folder / "message-db", PACKAGE):
        return False
    scripts = folder / "message-db" / "node_modules" / "@eventide" / "message-db" / "database"
    files = [scripts / "schema" / "message-store.sql", scripts / "tables" / "messages.sql"]
    files += [scripts / "functions" / f"{name}.sql" for name in FUNCTIONS]
    files += sorted((scripts / "indexes").glob("*.sql"))
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("SET client_min_messages = warning")
        for file in files:
            owner.execute(PATH)
            # CONCURRENTLY needs a statement of its own; on an empty table it changes nothing
            owner.execute(file.read_text().replace("CONCURRENTLY", "").encode())
    return True


class Writer:
    """One client with a connection of its own."""

    def __init__(self, database: Database, stack: ExitStack) -> None:
        self._connection: Any = psycopg.connect(database.owner_url, autocommit=True)
        stack.enter_context(self._connection)
        self._connection.execute(PATH)

    def __call__(self, event: StoredEvent) -> None:
        self._connection.execute(
            "SELECT write_message(%s, %s, %s, %s::jsonb, NULL, %s)",
            [
                str(uuid4()),
                f"stay-{event.originator_id}",
                event.topic,
                event.state.decode(),
                event.originator_version - 2,  # it counts from 0
            ],
        )
