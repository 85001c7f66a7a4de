"""Benchmark of occupancy at past moments, in a house of 600 beds, as its log grows.

The house of `many` is filled to 100 thousand events, then to a million (``WARDBOOK_BENCH_EVENTS``);
each time a worker of its own fills all read models, and the same questions are asked about moments
all over the past: by the query function, and through GraphQL over HTTP with all its occupants.
"""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, sleep
from typing import Any

import httpx2
import psycopg

from api.auth.local_tokens import LocalTokens
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import create_missing_read_models
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.occupancy import board
from infrastructure.settings import Settings
from tests.benchmarks.many import BEGUN, House, waves
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say

BEDS = 600
EVENTS = int(os.environ.get("WARDBOOK_BENCH_EVENTS", "1000000"))
LEAST = 100_000
MOMENTS = 60

QUESTION = """
query($at: DateTime!) {
  roomOccupancy(asOf: $at) {
    room { ward number }
    beds { code state occupants { since } }
  }
}
"""


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    made = hospital(Settings(), database)
    asked: list[tuple[int, float, float]] = []
    rows: list[Row] = []
    try:
        house = House(made, BEDS)
        for events in waves(EVENTS, LEAST):
            start = perf_counter()
            last = house.fill(events)
            say(f"{events:,} events made in {perf_counter() - start:.0f} s; a worker fills")
            start = perf_counter()
            memory = _worker_fills(database, folder)
            say(f"filled in {perf_counter() - start:.0f} s; asking")
            with psycopg.connect(database.owner_url, autocommit=True) as owner:
                owner.execute("VACUUM ANALYZE")
            query = asyncio.run(_by_query(database, last))
            through, resting = _through_graphql(database, folder, last)
            asked.append((events, query, through))
            say(f"{query:.1f} ms by the query, {through:.1f} ms through GraphQL")
            rows.append(_memory(f"memory of a worker that fills from {events:,}", memory, 300))
            rows.append(_memory(f"memory of serve at rest, {events:,} events", resting, 200))
    finally:
        made.close()
    (few, query, through), (many, later_query, later_through) = asked[0], asked[-1]
    return [
        _asked(
            f"occupancy of {BEDS} beds, query, {many:,} events", later_query, few, query, "10 ms"
        ),
        _asked(f"the same through GraphQL, {many:,} events", later_through, few, through, "60 ms"),
        *rows,
    ]


def _asked(what: str, now: float, few: int, then: float, wanted: str) -> Row:
    slower = f"{wanted}; {now / then:.2f}x slower, 1.5x"
    return Row(what, f"{now:.1f} ms", f"the same, {few:,} events", f"{then:.1f} ms", None, slower)


def _memory(what: str, megabytes: float, most: int) -> Row:
    return Row(what, f"{megabytes:.0f} MB", wanted=f"{most} MB")


def _moments(last: datetime) -> list[datetime]:
    random = Random(1)
    return [BEGUN + (last - BEGUN) * random.random() for _ in range(MOMENTS)]


async def _by_query(database: Database, last: datetime) -> float:
    """Milliseconds, the median."""
    engine = database.async_engine()
    took = []
    async with engine.connect() as connection:
        position = (
            await connection.exec_driver_sql("SELECT max(position) FROM record.events")
        ).scalar()
        for moment in _moments(last):
            start = perf_counter()
            rooms = await board(connection, AsOf(moment, int(position or 0)))
            took.append((perf_counter() - start) * 1000)
            assert sum(len(room.beds) for room in rooms) == BEDS
    await engine.dispose()
    return median(took)


def _through_graphql(database: Database, folder: Path, last: datetime) -> tuple[float, float]:
    """Milliseconds, the median; and the server's memory before anything was asked."""
    home = folder / "home-of-many"
    took = []
    with served(database, home) as (address, process):
        resting = megabytes(process.pid, "VmRSS")
        headers = {"Authorization": f"Bearer {LocalTokens.of(home).make()}"}
        with httpx2.Client(base_url=address, headers=headers, timeout=30) as client:
            for moment in _moments(last):
                variables: dict[str, Any] = {"at": moment.isoformat()}
                start = perf_counter()
                answer = client.post("/graphql", json={"query": QUESTION, "variables": variables})
                took.append((perf_counter() - start) * 1000)
                assert len(answer.json()["data"]["roomOccupancy"]) == BEDS // 2
        return median(took), resting


def megabytes(pid: int, what: str) -> float:
    """A process's memory now (VmRSS), or its most so far (VmHWM); 0 where /proc is not there."""
    status = Path(f"/proc/{pid}/status")
    result = re.search(rf"{what}:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(result[1]) / 1024 if result else 0.0


def _worker_fills(database: Database, folder: Path) -> float:
    """The most memory that a worker took to fill empty read models up to the end of the log."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DROP SCHEMA IF EXISTS occupancy_v1, stays_v1, timeline_v3 CASCADE")
    create_missing_read_models(database)
    with worker(database, folder / "home-of-many") as process:
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            while _behind(owner):
                if process.poll() is not None:
                    raise RuntimeError("the worker stopped")
                sleep(0.2)
        return megabytes(process.pid, "VmHWM")


def _behind(owner: psycopg.Connection[Any]) -> bool:
    row = owner.execute(
        "SELECT (SELECT max(position) FROM record.events) > least("
        " (SELECT CASE WHEN count(*) = 3 THEN min(position) ELSE 0 END FROM projections.status"
        "   WHERE read_model IN ('occupancy_v1', 'stays_v1', 'timeline_v3')))"
    ).fetchone()
    return bool(row and row[0])


@contextmanager
def worker(database: Database, home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {
        **os.environ,
        "WARDBOOK_DATABASE_URL": database.owner_url,
        "WARDBOOK_HOME": str(home),
    }
    command = [sys.executable, "-c", "from api.cli import main; main()", "worker"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
