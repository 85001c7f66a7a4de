"""Processes killed at random, eight that fight for six beds, a LISTEN gone silent, the checker."""

import socket
import threading
from contextlib import ExitStack, closing
from itertools import islice
from random import Random

import psycopg
import pytest

from application.hospital import Hospital
from infrastructure.postgres.database import Database
from tests.support.checker import (
    ROUNDS,
    Acknowledgements,
    caught_up,
    check,
    end,
    following,
    lot_id,
    wait_until,
    write_patients,
)
from tests.support.hospital_dsl import admitted, room, rows
from tests.support.program import FORKS, fight, follow, running, write
from tests.support.proxy import Wire, _cut, _read, _send
from tests.support.shared_history import positions

pytestmark = pytest.mark.nightly


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_worker_and_a_writer_killed_at_random_lose_and_double_nothing(
    database: Database, seed: int
) -> None:
    acknowledgements, lot = Acknowledgements(), Random(seed)
    for n in range(2):
        with (
            running(follow, database.app_url) as worker,
            running(write, database.app_url, f"P{n}", seed * 10 + n) as writer,
        ):
            acknowledgements.positions.update(islice(writer.messages(), lot.randint(30, 90)))
            wait_until(lambda: min(positions(database), default=0) > 0, 10, "the worker works")
            acknowledgements.positions.update(writer.kill())
            worker.kill()
    with following(database.app_url):
        caught_up(database)
    assert len(acknowledgements.positions) >= 60
    check(database, acknowledgements)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_eight_processes_fight_for_six_beds_with_doubled_and_reordered_requests(
    hospital: Hospital, database: Database, seed: int
) -> None:
    lot = Random(seed)
    room(hospital, "1", *"abcdef")
    stays = [admitted(hospital, f"M{n}", without_bed="corridor") for n in range(12)]
    moves = [(lot_id(lot), lot.choice(stays), f"A/1/{lot.choice('abcdef')}") for _ in range(40)]
    acknowledgements, together = Acknowledgements(), FORKS.Barrier(8)
    with following(database.app_url):
        with ExitStack() as stack:
            fighters = [
                stack.enter_context(
                    running(fight, database.app_url, lot.sample(moves, len(moves)), together)
                )
                for _ in range(8)
            ]
            for fighter in fighters:
                for id, position in next(fighter.messages()).items():  # each is told the same
                    assert acknowledgements.positions.setdefault(id, position) == position
                assert fighter.end() == 0
        caught_up(database)
    assert acknowledgements.positions
    occupied = rows(database, "SELECT bed FROM record.bed_claims WHERE upper_inf(during)")
    assert len(occupied) == len(set(occupied)) <= 6
    check(database, acknowledgements)


class Silent(Wire):
    """Passes everything on, but for notifications that come alone."""

    dropped = 0

    def _answer(self, server: socket.socket, client: socket.socket, asked: threading.Event) -> None:
        while said := _read(server):
            if said[:1] == b"A" and int.from_bytes(said[1:5], "big") + 1 == len(said):
                self.dropped += 1
            elif not _send(client, said):
                break
        _cut(client)
        _cut(server)


def test_a_listen_that_goes_silent_delays_by_two_seconds_at_most(
    hospital: Hospital, database: Database
) -> None:
    acknowledgements = Acknowledgements()
    with closing(Silent(database.app_url)) as wire, following(wire.url):
        write_patients(hospital, acknowledgements, Random(0), "first", lambda n: n < 1)
        caught_up(database)
        for n in range(3):
            write_patients(hospital, acknowledgements, Random(n + 1), f"P{n}", lambda i: i < 1)
            caught_up(database, 2.5)
        assert wire.dropped > 0
    check(database, acknowledgements)


def test_the_checker_notices_what_was_acknowledged_and_lost(
    hospital: Hospital, database: Database
) -> None:
    acknowledgements = Acknowledgements()
    write_patients(hospital, acknowledgements, Random(0), "P", lambda n: n < 3)
    with following(database.app_url):
        caught_up(database)
    check(database, acknowledgements)
    last = end(database)
    with psycopg.connect(database.owner_url) as owner:
        for table, column in (("events", "position"), ("commands", "last_position")):
            owner.execute(f"DELETE FROM record.{table} WHERE {column} = {last}".encode())
    with pytest.raises(AssertionError, match="1 acknowledged"):
        check(database, acknowledgements)
