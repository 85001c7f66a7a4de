"""Appending, 8 writers: the recorder, the library's stock recorder, one-row INSERTs, message-db.

All use psycopg in threads of this process and the same prebuilt events: one event in a command, a
stream of its own for each writer, each acknowledged after the commit (fsync on). Rounds alternate.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from threading import Barrier
from time import perf_counter
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from application.ports import Append
from domain.envelope import Actor, Envelope
from domain.stay.aggregate import Stay
from domain.stay.events import VisitKind
from domain.time import Precision
from infrastructure.bootstrap import hospital
from infrastructure.event_store.mapper import EventMapper
from infrastructure.event_store.recorder import Recorder
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks import message_db
from tests.benchmarks.delay import delayed
from tests.benchmarks.results import Row, say

WRITERS = 8
ROUNDS = 3
SECONDS = 1.5

Write = Callable[[StoredEvent], None]
"""Append one event; returns when it is durable."""

Contender = Callable[[Database, ExitStack], list[Write]]
"""Makes the writers."""

PLAIN = """
CREATE TABLE plain (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream   uuid NOT NULL,
    version  integer NOT NULL,
    topic    text NOT NULL,
    body     jsonb NOT NULL,
    UNIQUE (stream, version)
)
"""


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(PLAIN)
    contenders: dict[str, Contender] = {"": _ours, "stock recorder": _stock, "plain INSERT": _plain}
    if message_db.make(database, folder):
        contenders["message-db"] = _message_db
    rows = []
    for milliseconds, against_stock in ((0, "2x"), (2, "12x")):
        say(f"appending, {WRITERS} writers, {milliseconds} ms of round trip")
        way = folder / f"way-{milliseconds}"
        with delayed(database, way, milliseconds / 1000) as far:
            rates = _rates(contenders, far)
        wanted = {"stock recorder": against_stock, "plain INSERT": "1x"}
        rows += [
            Row.rates(
                f"append, {WRITERS} writers, {milliseconds} ms",
                rates[""],
                peer,
                rates[peer],
                wanted.get(peer, ""),
            )
            for peer in contenders
            if peer
        ]
    return rows


def _rates(contenders: Mapping[str, Contender], database: Database) -> dict[str, float]:
    with ExitStack() as stack:
        made = {name: contender(database, stack) for name, contender in contenders.items()}
        for writers in made.values():
            _rate(writers, SECONDS / 5)  # connections, prepared statements
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            owner.execute("ANALYZE")  # no plan is kept that was made for empty tables
        rounds = [{name: _rate(w, SECONDS) for name, w in made.items()} for _ in range(ROUNDS)]
    return {name: median(one[name] for one in rounds) for name in made}


def _rate(writers: Sequence[Write], seconds: float) -> float:
    """Commands a second, all writers together."""
    together = Barrier(len(writers))

    def work(write: Write) -> tuple[int, float]:
        events = _events(round(seconds * 3_000))
        together.wait()
        start = perf_counter()
        for event in events:
            write(event)
            if perf_counter() - start >= seconds:
                break
        return event.originator_version, perf_counter() - start

    with ThreadPoolExecutor(len(writers)) as threads:
        results = list(threads.map(work, writers))
    return sum(done for done, _ in results) / max(took for _, took in results)


def _events(count: int) -> list[StoredEvent]:
    """Visits of one stay, as they are stored."""
    entry = Envelope(
        command_id=uuid4(),
        operation="record_visit",
        digest="0" * 32,
        occurred_at=datetime.now(UTC),
        precision=Precision.MINUTE,
        recorded_by=Actor(issuer="bench", subject="nurse", role="nurse"),
        performed_by=None,
        witnessed_by=None,
        reason=None,
        source=None,
        hospital="main",
    )
    recorded: Any = Stay.VisitRecorded  # its fields are unknown to mypy
    visit = recorded(
        originator_id=uuid4(),
        originator_version=1,
        entry=entry,
        visit=uuid4(),
        practitioner=uuid4(),
        visit_kind=VisitKind.ROUND,
        note=None,
    )
    to_stored_event = EventMapper().to_stored_event
    return [to_stored_event(replace(visit, originator_version=n)) for n in range(1, count + 1)]


def _ours(database: Database, stack: ExitStack) -> list[Write]:
    made = hospital(Settings(), database)
    stack.callback(made.close)
    recorder = made.pipeline.recorder
    assert isinstance(recorder, Recorder)

    def write(event: StoredEvent) -> None:
        reads = {cast(UUID, event.originator_id): event.originator_version - 1}
        append = Append(uuid4(), "record_visit", "0" * 32, reads)
        recorder.insert_events([event], append=append)

    return [write] * WRITERS


def _stock(database: Database, stack: ExitStack) -> list[Write]:
    datastore = stack.enter_context(stock_datastore(database, WRITERS))
    recorder = PostgresApplicationRecorder(datastore)
    recorder.create_table()

    def write(event: StoredEvent) -> None:
        recorder.insert_events([event])

    return [write] * WRITERS


def stock_datastore(database: Database, connections: int) -> PostgresDatastore:
    """The library's own way to the database, with so many connections."""
    to = stock_address(database)
    return PostgresDatastore(
        to["POSTGRES_DBNAME"],
        to["POSTGRES_HOST"],
        to["POSTGRES_PORT"],
        to["POSTGRES_USER"],
        to["POSTGRES_PASSWORD"],
        pool_size=connections,
    )


def stock_address(database: Database) -> dict[str, str]:
    """A database as the library's environment names it."""
    parts = urlsplit(database.owner_url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return {
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": query.get("host", parts.hostname or ""),
        "POSTGRES_PORT": query.get("port", str(parts.port or 5432)),
        "POSTGRES_USER": parts.username or "postgres",
        "POSTGRES_PASSWORD": parts.password or "unused",
    }


def _plain(database: Database, stack: ExitStack) -> list[Write]:
    return [_inserting(database, stack) for _ in range(WRITERS)]


def _inserting(database: Database, stack: ExitStack) -> Write:
    connection: Any = psycopg.connect(database.owner_url, autocommit=True)
    stack.enter_context(connection)

    def write(event: StoredEvent) -> None:
        connection.execute(
            "INSERT INTO plain (stream, version, topic, body) VALUES (%s, %s, %s, %s::jsonb)",
            [event.originator_id, event.originator_version, event.topic, event.state.decode()],
        )

    return write


def _message_db(database: Database, stack: ExitStack) -> list[Write]:
    return [message_db.Writer(database, stack) for _ in range(WRITERS)]
