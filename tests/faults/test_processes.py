"""kill -9 of workers and writers, a LISTEN gone silent, and whether the checker can fail."""

import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from random import Random
from uuid import UUID

import psycopg
import pytest

from application.hospital import Hospital
from infrastructure.database import Database
from tests.faults.checker import (
    ROUNDS,
    Acknowledged,
    caught_up,
    check,
    end,
    following,
    wait_until,
    write_patients,
)
from tests.record.lived import positions
from tests.record.wire import Wire, _cut, _read, _send

ROOT = Path(__file__).resolve().parent.parent.parent


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.process", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_worker_and_a_writer_killed_at_random_lose_and_double_nothing(
    database: Database, seed: int
) -> None:
    told, lot = Acknowledged(), Random(seed)
    for n in range(2):
        worker = start("follow", database.app_url)
        writer = start("write", database.owner_url, f"P{n}", str(seed * 10 + n))
        try:
            assert writer.stdout is not None
            for _ in range(lot.randint(30, 90)):
                id, position = writer.stdout.readline().split()
                told.told[UUID(id)] = int(position)
            wait_until(lambda: min(positions(database), default=0) > 0, 10, "the worker works")
        finally:
            for process in (writer, worker):
                process.kill()
        rest = writer.communicate()[0].splitlines()
        worker.communicate()
        for line in rest:
            if len(said := line.split()) == 2:
                told.told[UUID(said[0])] = int(said[1])
    with following(database.app_url):
        caught_up(database)
    assert len(told.told) >= 60
    check(database, told)


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
    told = Acknowledged()
    with closing(Silent(database.app_url)) as wire, following(wire.url):
        write_patients(hospital, told, Random(0), "first", lambda n: n < 1)
        caught_up(database)
        for n in range(3):
            write_patients(hospital, told, Random(n + 1), f"P{n}", lambda i: i < 1)
            caught_up(database, 2.5)
        assert wire.dropped > 0
    check(database, told)


def test_the_checker_notices_what_was_acknowledged_and_lost(
    hospital: Hospital, database: Database
) -> None:
    told = Acknowledged()
    write_patients(hospital, told, Random(0), "P", lambda n: n < 3)
    with following(database.app_url):
        caught_up(database)
    check(database, told)
    last = end(database)
    with psycopg.connect(database.owner_url) as owner:
        for table, column in (("events", "position"), ("commands", "last_position")):
            owner.execute(f"DELETE FROM record.{table} WHERE {column} = {last}".encode())
    with pytest.raises(AssertionError, match="1 acknowledged"):
        check(database, told)
