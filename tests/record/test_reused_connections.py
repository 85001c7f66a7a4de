"""Connections that go from one question to the next: which ones, and that nobody waits for them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.postgres.database import Database
from infrastructure.postgres.reused_connection import ReusingEngine
from infrastructure.queries import direct

PID = "SELECT pg_backend_pid()"


@asynccontextmanager
async def engine_of(database: Database, size: int = 1) -> AsyncIterator[ReusingEngine]:
    engine = database.async_engine(size)
    try:
        yield engine
    finally:
        await engine.dispose()


async def asked(engine: ReusingEngine) -> int:
    """Return the number of the server's process that answered a direct statement."""
    async with engine.connect() as connection:
        return int((await direct.execute(connection, PID, {})).scalar_one())


async def pids_of(*connections: AsyncConnection) -> set[int]:
    return {(await direct.execute(each, PID, {})).scalar_one() for each in connections}


def terminate(database: Database, pids: set[int]) -> None:
    """End processes of the server, as a failover or a restart does."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        for pid in pids:
            owner.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_the_next_question_takes_the_connection_of_the_one_before(database: Database) -> None:
    async def ask() -> None:
        async with engine_of(database) as engine:
            first = await asked(engine)
            assert engine.counts() == (0, 1)
            (left,) = engine.idle
            assert await asked(engine) == first
            assert engine.idle == [left]
            async with engine.connect():
                assert engine.counts() == (1, 0)

    asyncio.run(ask())


async def _in_transaction(connection: AsyncConnection) -> None:
    await connection.execute(text("SELECT 1"))


async def _isolated(connection: AsyncConnection) -> None:
    isolated = await connection.execution_options(isolation_level="SERIALIZABLE")
    async with isolated.begin():
        await isolated.execute(text("SELECT 1"))


async def _invalid(connection: AsyncConnection) -> None:
    await connection.invalidate()


@pytest.mark.parametrize("use", [_in_transaction, _isolated, _invalid])
def test_a_connection_that_is_not_as_it_was_goes_back_to_the_pool(
    database: Database, use: Callable[[AsyncConnection], Awaitable[None]]
) -> None:
    async def ask() -> None:
        async with engine_of(database) as engine:
            async with engine.connect() as connection:
                await use(connection)
            assert engine.idle == []
            async with engine.connect() as connection:
                level = await direct.execute(connection, "SHOW transaction_isolation", {})
                assert level.scalar_one() == "read committed"

    asyncio.run(ask())


def test_a_statement_that_is_cancelled_leaves_a_connection_that_answers(database: Database) -> None:
    async def ask() -> None:
        async with engine_of(database) as engine:
            first = await asked(engine)

            async def wait() -> None:
                async with engine.connect() as connection:
                    await direct.execute(connection, "SELECT pg_sleep(60)", {})

            task = asyncio.create_task(wait())
            with psycopg.connect(database.owner_url, autocommit=True) as owner:
                query = "SELECT state FROM pg_stat_activity WHERE pid = %s"
                while owner.execute(query, [first]).fetchone() != ("active",):
                    await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert await asked(engine) == first

    asyncio.run(ask())


def test_who_waits_gets_the_connection_that_is_left(database: Database) -> None:
    async def ask() -> None:
        async with engine_of(database) as engine:
            pids = await asyncio.gather(*(asked(engine) for _ in range(20)))
            assert len(set(pids)) == 1
            assert engine.waiting == 0

    asyncio.run(ask())


def test_all_idle_connections_are_dropped_once_one_is_broken(database: Database) -> None:
    """After a failover or a restart one question is refused, and not one for each connection."""

    async def ask() -> None:
        async with engine_of(database, 3) as engine:
            async with engine.connect() as a, engine.connect() as b, engine.connect() as c:
                pids = await pids_of(a, b, c)
            terminate(database, pids)
            assert len(engine.idle) == 3
            with pytest.raises(OperationalError):
                await asked(engine)
            assert engine.idle == []
            assert not pids & {*await asyncio.gather(*(asked(engine) for _ in range(3)))}

    asyncio.run(ask())


def test_what_was_in_use_when_another_was_broken_goes_to_no_question(database: Database) -> None:
    async def ask() -> None:
        async with engine_of(database, 3) as engine:
            async with engine.connect() as a, engine.connect() as b, engine.connect() as c:
                pids = await pids_of(a, b, c)
                terminate(database, pids)
                with pytest.raises(OperationalError):
                    await direct.execute(c, PID, {})
            assert engine.idle == []
            assert not pids & {await asked(engine)}

    asyncio.run(ask())
