"""Projection status and dead letters: one row for each read model, one for each command it lacks.

Both are written in the transaction that writes the read model's rows. A read model goes by the name
of its schema here, so that a new version of it, or a draft beside it, has a status of its own.
"""

from typing import Any

from psycopg import Connection
from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Integer, MetaData, String, Table, Uuid

from infrastructure.read_models import READ_MODELS

metadata = MetaData(schema="projections")

status = Table(
    "status",
    metadata,
    Column("read_model", String, primary_key=True, comment="the schema of its tables"),
    Column("log_id", Uuid, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("position", BigInteger, nullable=False, comment="the last event that it has taken in"),
    Column("alive_at", DateTime(timezone=True), nullable=False),
    postgresql_with={"fillfactor": 10},  # a row is rewritten in its page with every batch
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("read_model", String, primary_key=True, comment="the schema of its tables"),
    Column("command", Uuid, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("streams", ARRAY(Uuid), nullable=False, comment="those that the read model folds"),
    Column("touches", ARRAY(Uuid), nullable=False, comment="stays, rooms and all streams"),
    Column("error", String, nullable=False, comment="without anything about a patient"),
)

LIVE_SCHEMAS = tuple(str(model.metadata.schema) for model in READ_MODELS)

NAMES = {str(model.metadata.schema): model.name for model in READ_MODELS}
"""The names of the live read models by their schemas."""

IS_LIVE = "read_model IN ('" + "', '".join(LIVE_SCHEMAS) + "')"
"""SQL condition: the row is about a live read model, not about a draft or a former version."""


def position_of(connection: Connection[Any], schema: str) -> int:
    """Return the position of a read model; 0 before it began."""
    row = connection.execute(
        "SELECT position FROM projections.status WHERE read_model = %s", [schema]
    ).fetchone()
    return int(row[0]) if row else 0


def forget(connection: Connection[Any], schema: str) -> None:
    """Delete the status and the dead letters of a read model whose tables are dropped."""
    for table in ("status", "dead_letters"):
        connection.execute(
            f"DELETE FROM projections.{table} WHERE read_model = %s".encode(), [schema]
        )


def put_in_place(connection: Connection[Any], draft: str, live: str) -> None:
    """Let a draft's status and dead letters be those of the live read model, as its tables are."""
    forget(connection, live)
    for table in ("status", "dead_letters"):
        connection.execute(
            f"UPDATE projections.{table} SET read_model = %s WHERE read_model = %s".encode(),
            [live, draft],
        )
