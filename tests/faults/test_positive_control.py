"""The positive control: what finds no fault in our log does find those of a log that has some.

The eventsourcing library's own ``POSTGRES_ENABLE_DB_FUNCTIONS`` takes no lock, so its positions are
given in one order and committed in another: who reads on from the last position seen misses events.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic
from urllib.parse import parse_qs, urlsplit

import pytest
from eventsourcing.persistence import ApplicationRecorder, InfrastructureFactory
from eventsourcing.utils import Environment

from infrastructure.postgres.database import Database
from tests.support.checker import ROUNDS, misread, read_along
from tests.support.program import FORKS, load, running

pytestmark = pytest.mark.nightly

WRITERS = 4
AT_MOST_SECONDS = 60


@pytest.fixture
def unsafe(server: Database, worker_id: str) -> Iterator[dict[str, str]]:
    """A database with the library's own tables, written by its own function."""
    with server.scratch(f"unsafe_{worker_id}") as database:
        parts = urlsplit(database.owner_url)
        where = parse_qs(parts.query)
        env = {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts.path.lstrip("/"),
            "POSTGRES_HOST": where["host"][0],
            "POSTGRES_PORT": where["port"][0],
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD": "none is asked for",
            "POSTGRES_ENABLE_DB_FUNCTIONS": "y",
        }
        with InfrastructureFactory.construct(Environment(env=env)) as factory:
            factory.application_recorder()  # makes the tables
        yield env | {"CREATE_TABLE": "n"}


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_subscriber_misses_events_of_the_unsafe_recorder_and_none_of_ours(
    database: Database, unsafe: dict[str, str], seed: int
) -> None:
    begun, rounds, missed = monotonic(), 0, list[int]()
    while not missed and monotonic() - begun < AT_MOST_SECONDS:
        missed = misread_under_load(unsafe, seed * 1000 + rounds)
        rounds += 1
    assert missed, f"the unsafe recorder was safe for {rounds} rounds: the control fails"

    ours = {
        "PERSISTENCE_MODULE": "infrastructure.event_store.recorder",
        "DATABASE": database.app_url,
    }
    for n in range(rounds):
        assert misread_under_load(ours, seed * 1000 + n) == []


def misread_under_load(env: dict[str, str], seed: int) -> list[int]:
    """Count the misreadings of a subscriber while several processes write."""
    done, seen = threading.Event(), list[int]()
    with InfrastructureFactory.construct(Environment(env=env)) as factory:
        log: ApplicationRecorder = factory.application_recorder()
        reader = threading.Thread(target=lambda: seen.extend(read_along(log, done)))
        reader.start()
        try:
            with ExitStack() as stack:
                together = FORKS.Barrier(WRITERS)
                writers = [
                    stack.enter_context(running(load, env, seed * WRITERS + n, together))
                    for n in range(WRITERS)
                ]
                assert [writer.end() for writer in writers] == [0] * WRITERS
        finally:
            done.set()
            reader.join()
        assert seen[-1] == log.max_notification_id()  # it got to the end, whatever it missed
        return misread(log, seen)
