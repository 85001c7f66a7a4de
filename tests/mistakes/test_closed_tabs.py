"""Mistakes of servers about questions whose asker is gone: see `test_covered`."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.postgres.database import Database
from tests.conftest import app_on_empty_log
from tests.support.checker import wait_until
from tests.support.server_process import Client, served

LONGER_THAN_BUFFERS = 30_000_000


def driver(connection: AsyncConnection) -> psycopg.AsyncConnection:
    assert connection.sync_connection is not None
    found = connection.sync_connection.connection.driver_connection
    assert isinstance(found, psycopg.AsyncConnection)
    return found


def test_mistake_391_who_closes_a_tab_while_a_question_is_sent_takes_a_connection_along(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Each such question cost a connection of the pool, and a warning."""

    async def ask_and_go() -> tuple[int, int]:
        engine = database.async_engine(1)
        async with engine.connect() as connection:
            before = driver(connection).info.backend_pid
        asking = asyncio.Event()

        async def ask() -> None:
            async with engine.connect() as connection:
                asking.set()
                await connection.execute(
                    text("SELECT length(:t)"), {"t": "x" * LONGER_THAN_BUFFERS}
                )

        for turns in range(5):  # of the loop, after which it is gone: another moment each
            asking.clear()
            question = asyncio.create_task(ask())
            await asking.wait()
            for _ in range(turns):
                await asyncio.sleep(0)
            question.cancel()
            with suppress(asyncio.CancelledError):
                await question
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar() == 1
            after = driver(connection).info.backend_pid
        await engine.dispose()
        return before, after

    with caplog.at_level(logging.WARNING, "psycopg"):
        before, after = asyncio.run(ask_and_go())
    assert not [record for record in caplog.records if record.name.startswith("psycopg")]
    assert before == after, "the connection is still there"


def test_a_question_whose_tab_is_closed_ends_in_the_database(
    migrated: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def number(watch: psycopg.Connection, what: str) -> int:
        row = watch.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            f" AND {what}".encode()
        ).fetchone()
        assert row is not None
        return int(row[0])

    waits = "wait_event_type = 'Lock'"
    with (
        served(app_on_empty_log(migrated, tmp_path)) as server,
        psycopg.connect(migrated.owner_url, autocommit=True) as watch,
        psycopg.connect(migrated.owner_url) as owner,
    ):
        owner.execute("LOCK TABLE practitioners_v1.practitioners IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            with Client(server.url) as client:
                client.subscribe("{ practitioners { nodes { id } } }")
                wait_until(lambda: number(watch, waits) == 1, 10, "it is asked")
            wait_until(lambda: number(watch, waits) == 0, 10, "it is cancelled")
    assert not [record for record in caplog.records if record.name.startswith("psycopg")]
