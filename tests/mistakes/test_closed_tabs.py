"""Mistakes of servers about questions whose asker is gone: see `test_covered`."""

import asyncio
import json
import logging
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from infrastructure.postgres.database import Database
from tests.conftest import app_on_empty_log
from tests.support.checker import wait_until
from tests.support.server_process import LOGIN, Client, served

LONGER_THAN_BUFFERS = 30_000_000


def driver(connection: AsyncConnection) -> psycopg.AsyncConnection:
    assert connection.sync_connection is not None
    result = connection.sync_connection.connection.driver_connection
    assert isinstance(result, psycopg.AsyncConnection)
    return result


async def pid_of(engine: AsyncEngine) -> int:
    """Return the process of the server that answers by the only connection of a pool."""
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar() == 1
        return driver(connection).info.backend_pid


def test_mistake_391_who_closes_a_tab_while_a_question_is_sent_takes_a_connection_along(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Each such question cost a connection of the pool, and a warning."""

    async def ask_and_go() -> tuple[int, int]:
        engine = database.async_engine(1)
        before = await pid_of(engine)
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
        after = await pid_of(engine)
        await engine.dispose()
        return before, after

    with caplog.at_level(logging.WARNING, "psycopg"):
        before, after = asyncio.run(ask_and_go())
    assert not [record for record in caplog.records if record.name.startswith("psycopg")]
    assert before == after, "the connection is still there"


def test_mistake_540_a_question_that_is_cancelled_twice_takes_a_connection_along(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Its time ended while its client went away: psycopg broke the cancel off, and the connection."""

    async def ask_and_go_twice(watch: psycopg.Connection) -> tuple[int, int]:
        engine = database.async_engine(1)
        before = await pid_of(engine)
        for turns in range(5):  # of the loop between both
            asking = asyncio.Event()

            async def ask(asking: asyncio.Event) -> None:
                async with engine.connect() as connection:
                    asking.set()
                    await connection.execute(text("SELECT pg_sleep(60)"))

            question = asyncio.create_task(ask(asking))
            await asking.wait()
            while number(watch, SLEEPS) == 0:
                await asyncio.sleep(0)
            while not question.done():
                question.cancel()
                for _ in range(turns + 1):
                    await asyncio.sleep(0)
            with suppress(asyncio.CancelledError):
                await question
        after = await pid_of(engine)
        await engine.dispose()
        return before, after

    with (
        psycopg.connect(database.owner_url, autocommit=True) as watch,
        caplog.at_level(logging.WARNING),
    ):
        before, after = asyncio.run(ask_and_go_twice(watch))
    assert not caplog.records
    assert before == after, "the connection is still there"


def number(watch: psycopg.Connection, what: str) -> int:
    row = watch.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        f" AND {what}".encode()
    ).fetchone()
    assert row is not None
    return int(row[0])


SLEEPS, WAITS = "wait_event = 'PgSleep'", "wait_event_type = 'Lock'"


def test_a_question_whose_tab_is_closed_ends_in_the_database(
    migrated: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        served(app_on_empty_log(migrated, tmp_path)) as server,
        psycopg.connect(migrated.owner_url, autocommit=True) as watch,
        psycopg.connect(migrated.owner_url) as owner,
    ):
        owner.execute("LOCK TABLE practitioners_v1.practitioners IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            with Client(server.url) as client:
                client.subscribe("{ practitioners { nodes { id } } }")
                wait_until(lambda: number(watch, WAITS) == 1, 10, "it is asked")
            wait_until(lambda: number(watch, WAITS) == 0, 10, "it is cancelled")
    assert not [record for record in caplog.records if record.name.startswith("psycopg")]


ASKED = {"query": "{ practitioners { nodes { id } } }"}
"""It reads one table, which the tests lock."""


@pytest.mark.parametrize("path", ["/graphql", "/fhir/Practitioner"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_mistake_541_a_question_over_http_goes_on_in_the_database_when_nobody_waits_for_it(
    migrated: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture, path: str, method: str
) -> None:
    """Who asked again and again, and went, filled the pool with questions that nobody waited for."""
    body = json.dumps(ASKED) if path == "/graphql" else ""
    kind = "application/json" if path == "/graphql" else "application/x-www-form-urlencoded"
    if method == "GET":
        path, body = f"{path}?{urlencode(ASKED) if body else ''}", ""
    elif not body:
        path = f"{path}/_search"
    head = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: {LOGIN['Authorization']}"]
    head += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"] if method == "POST" else []
    with (
        served(app_on_empty_log(migrated, tmp_path)) as server,
        psycopg.connect(migrated.owner_url, autocommit=True) as watch,
        psycopg.connect(migrated.owner_url) as owner,
    ):
        owner.execute("LOCK TABLE practitioners_v1.practitioners IN ACCESS EXCLUSIVE MODE")
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall("\r\n".join([*head, "", body]).encode())
                wait_until(lambda: number(watch, WAITS) == 1, 10, "it is asked")
            wait_until(lambda: number(watch, WAITS) == 0, 10, "it is cancelled")
        owner.rollback()
        with server.http() as http:
            assert http.post("/graphql", headers=LOGIN, json=ASKED).json()["data"]
    assert not caplog.records


def test_a_command_whose_client_is_gone_is_recorded(
    migrated: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Only questions are cancelled: a command may be half way into the log."""
    practitioner = {"commandId": str(uuid4()), "staffNumber": "1", "familyName": "Ott"}
    mutation = (
        "mutation ($input: RegisterPractitionerInput!)"
        " { registerPractitioner(input: $input) { __typename } }"
    )
    body = json.dumps({"query": mutation, "variables": {"input": practitioner}})
    head = ["POST /graphql HTTP/1.1", "Host: x", f"Authorization: {LOGIN['Authorization']}"]
    head += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", body]
    recorded = "SELECT count(*) FROM record.commands"
    with (
        served(app_on_empty_log(migrated, tmp_path)) as server,
        psycopg.connect(migrated.owner_url, autocommit=True) as watch,
        psycopg.connect(migrated.owner_url) as owner,
    ):
        before = watch.execute(recorded).fetchone()
        owner.execute("LOCK TABLE record.commands IN ACCESS EXCLUSIVE MODE")
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall("\r\n".join(head).encode())
            wait_until(lambda: number(watch, WAITS) >= 1, 10, "it is given")
        with server.http() as http:
            assert (
                http.get("/livez").status_code == 200
            )  # after it has seen that the client is gone
        assert number(watch, WAITS) >= 1
        owner.rollback()
        wait_until(lambda: watch.execute(recorded).fetchone() != before, 10, "it is recorded")
