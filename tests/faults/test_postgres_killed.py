"""kill -9 of PostgreSQL during writes; and calls while it is away."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from infrastructure.bootstrap import hospital as wired
from infrastructure.event_store.log_reader import DatabaseUnavailable
from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_server import ensure_server
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings
from tests.support.checker import (
    ROUNDS,
    Acknowledgements,
    caught_up,
    check,
    following,
    wait_until,
    write_patients,
)
from tests.support.hospital_dsl import at_once, request
from tests.support.server_home import server_home

pytestmark = pytest.mark.nightly


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with a server of its own, that may be killed."""
    with server_home() as folder:
        yield folder


def kill_server(home: Path) -> None:
    """kill -9 the postmaster of this home, by its own id."""
    pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_killing_postgres_during_writes_loses_and_doubles_nothing(home: Path, seed: int) -> None:
    database = Database(ensure_server(home))
    migrate(database)
    database.open_log("real")
    acknowledgements, done, lot = Acknowledgements(), threading.Event(), Random(seed)

    def kill_and_start() -> None:
        try:
            for _ in range(2):
                goal = len(acknowledgements.positions) + lot.randint(20, 60)
                wait_until(lambda g=goal: len(acknowledgements.positions) >= g, 20, "writes go on")  # type: ignore[misc]
                kill_server(home)
                ensure_server(home)
            goal = len(acknowledgements.positions) + 20
            wait_until(
                lambda: len(acknowledgements.positions) >= goal, 20, "writes go on after the kills"
            )
        finally:
            done.set()

    with closing(wired(Settings(home=home), database)) as house, following(database.app_url):
        writers = [
            lambda n=n: write_patients(
                house, acknowledgements, Random(seed * 10 + n), f"P{n}", lambda i: not done.is_set()
            )
            for n in range(4)
        ]
        assert at_once(kill_and_start, *writers) == [None] * 5
        caught_up(database)
    check(database, acknowledgements)


def test_with_the_database_away_a_call_fails_within_5_s_and_works_when_it_is_back(
    home: Path,
) -> None:
    database = Database(ensure_server(home))
    migrate(database)
    database.open_log("real")
    with closing(wired(Settings(home=home), database)) as house:
        acknowledgements, refusal = Acknowledgements(), 0
        kill_server(home)
        for n in range(50):
            said, begun = request(), monotonic()
            try:
                recorded = house.patients.register_patient(said, mrn=f"away-{n}")
            except DatabaseUnavailable:
                refusal += 1
            else:  # a backend outlives its postmaster for a moment; what it commits counts
                assert not refusal
                acknowledgements.positions[said.command_id] = recorded.position
            assert monotonic() - begun < 5
            if refusal == 4:
                break
        assert refusal == 4
        ensure_server(home)
        house.patients.register_patient(request(), mrn="at once")
        last = len(acknowledgements.positions)
        write_patients(house, acknowledgements, Random(0), "back", lambda i: i < 1)
        assert len(acknowledgements.positions) == last + 1
    with following(database.app_url):
        caught_up(database)
    check(database, acknowledgements)
