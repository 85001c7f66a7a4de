"""The feed in a broker: all of it, each event once and in order, over any kill."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from jsonschema import Draft202012Validator

from api.broker.bridge import Bridge, StreamOfAnotherLog, Target
from api.feed.cloudevents import BY_TOPIC, event_id, feed_schema
from application.hospital import Hospital
from domain.stay.facts import Disposition
from infrastructure.postgres.database import Database
from infrastructure.queries.feed import events_page
from tests.support.checker import ROUNDS, Acknowledgements, caught_up, following, wait_until
from tests.support.checker import write_patients as register
from tests.support.hospital_dsl import admitted, request, room
from tests.support.jetstream import JetStream, jetstream, jetstream_of_three
from tests.support.program import running, write

STREAM = "wardbook-main"
ROOT = Path(__file__).parents[2]
CONSUMER = ROOT / "docs" / "consume_feed.py"


@pytest.fixture(scope="module")
def broker() -> Iterator[JetStream]:
    with jetstream() as server:
        yield server


def bridge(database: Database, broker: JetStream, **options: Any) -> int:
    """Publish all there is; return how many events that were."""
    published = Bridge(database, database.open_log(), Target(broker.url, "main"))
    asyncio.run(published.run(once=True, **options))
    return published.published


def feed(database: Database) -> list[str]:
    """Return the ids of all events of the feed, in its order."""

    async def read() -> list[str]:
        engine = database.async_engine(1)
        ids: list[str] = []
        after, until = 0, database.log_size().events
        try:
            while after < until:
                async with engine.connect() as connection:
                    page = await events_page(connection, after, until, 500, frozenset(BY_TOPIC))
                ids += [str(event_id(entry)) for entry in page.events]
                after = page.reached
        finally:
            await engine.dispose()
        return ids

    return asyncio.run(read())


def test_the_stream_has_the_feed_once_and_may_be_wiped_and_filled_anew(
    hospital: Hospital, database: Database, broker: JetStream, tmp_path: Path
) -> None:
    kept = tmp_path / "stays.sqlite"
    room(hospital, "1", *"abc")
    stays = [admitted(hospital, f"M{n}", f"A/1/{bed}") for n, bed in enumerate("abc")]
    register(hospital, Acknowledgements(), Random(1), "P", lambda n: n < 30)
    with following(database.app_url):
        caught_up(database)
    expected = feed(database)
    assert bridge(database, broker) == len(expected) > 40
    hospital.stays.discharge_patient(request(), stay_id=stays[0], disposition=Disposition.HOME)
    with following(database.app_url):
        caught_up(database)
    expected = feed(database)
    assert bridge(database, broker) > 0
    assert bridge(database, broker) == 0
    events = broker.events(STREAM)
    assert [event["id"] for event in events] == expected
    validator = Draft202012Validator(json.loads(feed_schema()))
    for event in events:
        validator.validate(event)

    def consume() -> int:
        command = [sys.executable, str(CONSUMER), broker.url, STREAM, str(kept)]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(ended.stdout.split()[0])

    assert consume() == len(expected)
    assert bridge(database, broker, refill=True) == len(expected)
    assert [event["id"] for event in broker.events(STREAM)] == expected
    assert consume() == len(expected)
    with closing(sqlite3.connect(kept)) as open_stays:
        assert {stay for (stay,) in open_stays.execute("SELECT stay FROM open_stay")} == {
            str(stay) for stay in stays[1:]
        }
    with psycopg.connect(database.owner_url) as owner:
        rows = owner.execute(
            "SELECT count(DISTINCT patient) FROM audit.accesses, unnest(patients) AS patient"
            " WHERE subject = 'feed'"
        ).fetchall()
    assert rows[0][0] > 0, "what the broker gets is recorded as read"


def test_a_stream_of_before_a_restore_is_refused(
    hospital: Hospital, database: Database, broker: JetStream
) -> None:
    register(hospital, Acknowledgements(), Random(1), "P", lambda n: n < 3)
    with following(database.app_url):
        caught_up(database)
    broker.delete(STREAM)
    assert bridge(database, broker) == 3
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE record.log SET epoch = epoch + 1")
    with pytest.raises(StreamOfAnotherLog, match="--refill"):
        bridge(database, broker)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_kills_of_bridge_and_broker_lose_and_double_nothing(
    database: Database, broker: JetStream, seed: int
) -> None:
    broker.delete(STREAM)
    lot, acknowledgements = Random(seed), Acknowledgements()
    with (
        following(database.app_url),
        running(write, database.app_url, "P", seed) as writer,
        running(publish, database.app_url, broker.url) as other,
    ):
        for _ in range(6):
            with running(publish, database.app_url, broker.url) as bridging:
                acknowledgements.positions.update(islice(writer.messages(), lot.randint(20, 60)))
                if lot.random() < 0.5:
                    broker.kill()
                    acknowledgements.positions.update(islice(writer.messages(), 10))
                    broker.start()
                bridging.kill()
        acknowledgements.positions.update(writer.kill())
        other.kill()
        caught_up(database)
    bridge(database, broker)
    ids = [event["id"] for event in broker.events(STREAM)]
    assert ids == feed(database)
    assert len(ids) >= len(acknowledgements.positions) >= 120


@pytest.mark.nightly
def test_the_command_line_publishes_to_three_brokers_whose_leader_is_killed(
    database: Database, tmp_path: Path
) -> None:
    lot, acknowledgements = Random(7), Acknowledgements()
    with jetstream_of_three() as servers, following(database.app_url):
        url = ",".join(server.url for server in servers)
        command = [sys.executable, "-c", "from api.cli import main; main()", "feed"]
        command += ["--to", url, "--replicas", "3"]
        environment = {
            **os.environ,
            "WARDBOOK_HOME": str(tmp_path / "home"),
            "WARDBOOK_DATABASE_URL": database.owner_url,
        }
        with (
            running(write, database.app_url, "P", 7) as writer,
            closing_process(subprocess.Popen(command, env=environment, cwd=ROOT)),
        ):
            for _ in range(3):
                acknowledgements.positions.update(islice(writer.messages(), lot.randint(40, 80)))
                wait_until(lambda: bool(leader(servers)), 60, "the stream has a leader")
                (leading,) = (s for s in servers if s.name == leader(servers))
                leading.kill()
                acknowledgements.positions.update(islice(writer.messages(), 40))
                others = [s for s in servers if s is not leading]
                wait_until(lambda: bool(leader(others)), 60, "another leads")  # noqa: B023
                leading.start()
            acknowledgements.positions.update(writer.kill())
            caught_up(database)
            expected = feed(database)
            wait_until(lambda: messages(servers) == len(expected), 120, "all are published")
        assert [event["id"] for event in servers[0].events(STREAM)] == expected
        assert len(expected) >= len(acknowledgements.positions) >= 240


def leader(servers: Sequence[JetStream]) -> str:
    """The name of the server that leads the stream, as one of the others says."""
    return next((name for server in servers if (name := server.leader(STREAM))), "")


def messages(servers: Sequence[JetStream]) -> int:
    return max(server.size(STREAM) for server in servers)


@contextmanager
def closing_process(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process, which was to go on until then."""
    try:
        yield
        assert process.poll() is None, "the bridge has ended"
    finally:
        process.terminate()
        process.wait(timeout=20)


def publish(say: Pipe, url: str, broker: str) -> None:
    """Be a bridge until it is killed."""
    database = Database(url)
    asyncio.run(Bridge(database, database.open_log(), Target(broker, "main")).run())
