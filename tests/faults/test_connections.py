"""Connections that break: terminated at random, cut before the answer, silent."""

import threading
from contextlib import ExitStack, closing
from random import Random

import psycopg
import pytest

from application.hospital import Hospital
from domain.refusals import Refusal
from infrastructure.database import Database
from infrastructure.settings import Settings
from infrastructure.wiring import hospital as wired
from tests.faults.checker import (
    ROUNDS,
    Acknowledged,
    caught_up,
    check,
    following,
    lot_id,
    write_patients,
)
from tests.record.ward import ELECTIVE, at_once, place, request, room, rows
from tests.record.wire import Wire

SEEDS = range(ROUNDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_backends_terminated_at_random_lose_and_double_nothing(
    hospital: Hospital, database: Database, seed: int
) -> None:
    told, done, killed = Acknowledged(), threading.Event(), []
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
                        hospital, told, Random(seed * 10 + n), f"P{n}", lambda i: i < 60
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
    assert len(told.told) == 240
    check(database, told)


@pytest.mark.parametrize("seed", SEEDS)
def test_connections_cut_after_the_commit_and_before_the_answer(
    settings: Settings, database: Database, seed: int
) -> None:
    told, lot = Acknowledged(), Random(seed)
    with closing(Wire(database.app_url)) as wire, following(database.app_url):
        with closing(wired(settings, Database(wire.url))) as far:
            for n in range(30):
                wire.cuts = lot.choice([0, 1, 2, 3])
                write_patients(far, told, lot, f"P{n}", lambda i: i < 1)
        caught_up(database)
    assert len(told.told) == 30
    check(database, told)


@pytest.mark.parametrize("seed", SEEDS)
def test_eight_houses_fight_for_six_beds_with_doubled_requests(
    settings: Settings, database: Database, seed: int
) -> None:
    told = Acknowledged()
    with ExitStack() as stack:
        houses = [stack.enter_context(closing(wired(settings, database))) for _ in range(8)]
        room(houses[0], "1", *"abcdef")
        lots = Random(seed)
        stays = []
        for n in range(12):
            houses[0].register_patient(request(), mrn=f"M{n}")
            admitted = houses[0].admit_patient(
                request(), patient_mrn=f"M{n}", admission_type=ELECTIVE, without_bed="corridor"
            )
            stays += admitted.ids("stay")
        moves = [(lot_id(lots), lots.choice(stays), lots.choice("abcdef")) for _ in range(60)]

        def fight(n: int) -> None:
            mine = Random(seed * 100 + n // 2).sample(moves, len(moves))  # two send the same
            for id, stay, bed in mine:
                told.give(
                    lambda said, s=stay, b=bed: houses[n].transfer_patient(  # type: ignore[misc]
                        said, stay_id=s, **place(f"A/1/{b}")
                    ),
                    id,
                )

        with following(database.app_url):
            ended = at_once(*[lambda n=n: fight(n) for n in range(8)])
            assert [
                e for e in ended if isinstance(e, Exception) and not isinstance(e, Refusal)
            ] == []
            caught_up(database)
    assert told.told
    beds = rows(database, "SELECT count(*) <= 6 FROM record.bed_claims WHERE upper_inf(during)")
    assert beds == [(True,)]
    check(database, told)
