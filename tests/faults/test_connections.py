"""Connections that break: terminated at random, cut before the answer, silent."""

import threading
from contextlib import closing
from random import Random

import psycopg
import pytest

from application.hospital import Hospital
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.support.checker import (
    ROUNDS,
    Acknowledgements,
    caught_up,
    check,
    following,
    write_patients,
)
from tests.support.hospital_dsl import at_once
from tests.support.proxy import Wire

pytestmark = pytest.mark.nightly

SEEDS = range(ROUNDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_backends_terminated_at_random_lose_and_double_nothing(
    hospital: Hospital, database: Database, seed: int
) -> None:
    acknowledgements, done, killed = Acknowledgements(), threading.Event(), []
    lot = Random(seed)

    def terminate() -> None:
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            while not done.wait(lot.random() * 0.03):
                victims = owner.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND usename = 'wardbook_app' ORDER BY pid"
                ).fetchall()
                if victims:
                    killed.append(
                        owner.execute("SELECT pg_terminate_backend(%s)", lot.choice(victims))
                    )

    killer = threading.Thread(target=terminate)
    with following(database.app_url):
        killer.start()
        try:
            ended = at_once(
                *[
                    lambda n=n: write_patients(
                        hospital, acknowledgements, Random(seed * 10 + n), f"P{n}", lambda i: i < 60
                    )
                    for n in range(4)
                ]
            )
        finally:
            done.set()
            killer.join()
        assert ended == [None] * 4
        caught_up(database)
    assert len(killed) > 3
    assert len(acknowledgements.positions) == 240
    check(database, acknowledgements)


@pytest.mark.parametrize("seed", SEEDS)
def test_connections_cut_after_the_commit_and_before_the_answer(
    settings: Settings, database: Database, seed: int
) -> None:
    acknowledgements, lot = Acknowledgements(), Random(seed)
    with closing(Wire(database.app_url)) as wire, following(database.app_url):
        with closing(wired(settings, Database(wire.url))) as far:
            for n in range(30):
                wire.cuts = lot.choice([0, 1, 2, 3])
                write_patients(far, acknowledgements, lot, f"P{n}", lambda i: i < 1)
        caught_up(database)
    assert len(acknowledgements.positions) == 30
    check(database, acknowledgements)
