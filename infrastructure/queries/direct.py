"""Direct execution: statements that most answers wait for, sent by psycopg on SQLAlchemy's connection.

Between SQLAlchemy and psycopg each statement passes several greenlets, which takes longer than the
database takes to answer (docs/adr/0058).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import psycopg
from sqlalchemy import Result
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.ext.asyncio import AsyncConnection

DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


async def execute(
    connection: AsyncConnection, statement: str, values: Mapping[str, Any]
) -> Result[*tuple[Any, ...]]:
    """Execute a statement in autocommit; return its rows.

    What failed is executed once more by SQLAlchemy, whose errors the callers know, and whose pool
    drops a connection that is broken; and so is everything while somebody listens to its statements.
    """
    sqlalchemy = connection.sync_connection
    assert sqlalchemy is not None
    if sqlalchemy._has_events or sqlalchemy.engine._has_events:
        return await connection.exec_driver_sql(statement, dict(values))
    driver = cast("psycopg.AsyncConnection[Any]", sqlalchemy.connection.driver_connection)
    try:
        parameters = {name: _as_text(value) for name, value in values.items()}
        cursor = await driver.execute(statement.encode(), parameters)
        rows = await cursor.fetchall()
    except psycopg.Error:
        return await connection.exec_driver_sql(statement, dict(values))
    result = cursor.pgresult
    assert result is not None
    # not of the cursor's description, which makes an object of each column
    keys = tuple([result.fname(n) for n in range(result.nfields)])
    return IteratorResult(_metadata(keys), iter(rows))


def _as_text(value: Any) -> Any:
    """Return an array of ids as a text that PostgreSQL reads: psycopg dumps them one after the other."""
    if type(value) is list and value and type(value[0]) is UUID:
        return "{" + ",".join([id.hex for id in value]) + "}"
    return value


@lru_cache(maxsize=1_000)
def _metadata(keys: tuple[bytes | None, ...]) -> SimpleResultMetaData:
    return SimpleResultMetaData([(key or b"").decode() for key in keys])
