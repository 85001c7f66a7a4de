"""No gap and no double: clients that come and go, servers that restart, clients that are slow."""

import os
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import pytest
from starlette.testclient import TestClient
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from api.graphql.scalars import encode_position
from api.http.app import app
from api.http.websocket import MOST_SUBSCRIPTIONS, TOO_SLOW
from application.hospital import Hospital
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from infrastructure.subscriptions import broker
from tests.api.test_feed import everything
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import admitted, at_once, doctor, place, request, room
from tests.support.server_process import Client, served

pytestmark = pytest.mark.slow

EVENTS = """subscription($after: Position, $kinds: [EventKind!]) {
  events(after: $after, kinds: $kinds) { id position kind data } }"""
LAST = "PRACTITIONER_REGISTERED"
"""What is recorded in the end, and only then."""

WRITERS = 3
EACH = 8
SEEDS = min(int(os.environ.get("WARDBOOK_STORIES", "1")), 20)


class Reader:
    """A client that comes and goes, and remembers what it was told and where to go on."""

    def __init__(self, lot: Random, kinds: list[str] | None, after: str) -> None:
        self._lot, self.kinds, self._after = lot, kinds, after
        self.told: list[str] = []
        self.connections = 0
        self._is_done = False

    def _read(self, url: str) -> None:
        self.connections += 1
        kinds = [*self.kinds, LAST] if self.kinds else None
        with Client(url) as socket:
            socket.subscribe(EVENTS, after=self._after, kinds=kinds)
            for _ in range(self._lot.choice([1, 4, 12, 40])):
                event = socket.next()
                self.told.append(event["id"])
                self._after = event["position"]
                self._is_done = event["kind"] == LAST
                if self._is_done:
                    return

    def read_all(self, url: str, serving: threading.Event) -> None:
        """Come and go until the last event is told, whatever becomes of the server."""
        while not self._is_done:
            serving.wait(20)
            with suppress(ConnectionClosed, InvalidHandshake, OSError, TimeoutError):
                self._read(url)


def write(hospital: Hospital, lot: Random, n: int) -> None:
    """Commands of one event and of many, of a stay of one's own."""
    room(hospital, str(n), "a", "b")
    stay = admitted(hospital, f"M{n}", f"A/{n}/a")
    bed = "a"
    for step in range(EACH):
        if lot.random() < 0.5:
            bed = "b" if bed == "a" else "a"
            hospital.stays.transfer_patient(request(), stay_id=stay, **place(f"A/{n}/{bed}"))
        else:
            hospital.stays.change_specialty(request(), stay_id=stay, specialty=f"specialty {step}")


def asked(settings: Settings, database: Database, kinds: list[str] | None) -> list[str]:
    """The ids of all events, by the query."""
    with TestClient(app(settings, database, LOGIN)) as http:
        ward = Ward(GraphQLClient(http, TOKEN))
        return [event["id"] for event in everything(ward, kinds=kinds)]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_who_comes_and_goes_is_told_everything_once_over_a_restart_of_the_server(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(broker, "BUFFERED_CHANGES", 3)  # so that some fall behind
    lot, serving = Random(seed), threading.Event()
    some = ["STAY_TRANSFERRED", "STAY_SPECIALTY_CHANGED"]
    log = database.open_log()
    begin = encode_position(log.id, log.epoch, 0)
    of_each = (None, None, None, some, some)
    readers = [Reader(Random(lot.random()), kinds, begin) for kinds in of_each]

    def acts(numbers: range) -> list[Callable[[], None]]:
        return [partial(write, hospital, Random(lot.random()), n) for n in numbers]

    with closing(wired(settings, database)) as hospital:
        with served(app(settings, database, LOGIN)) as first:
            serving.set()
            goes_on = [partial(reader.read_all, first.url, serving) for reader in readers]
            threads = [threading.Thread(target=act) for act in goes_on]
            for thread in threads:
                thread.start()
            assert at_once(*acts(range(WRITERS))) == [None] * WRITERS
            serving.clear()
        with served(app(settings, database, LOGIN), first.port):
            serving.set()
            assert at_once(*acts(range(WRITERS, 2 * WRITERS))) == [None] * WRITERS
            doctor(hospital)
            for thread in threads:
                thread.join(timeout=60)
            assert not any(thread.is_alive() for thread in threads)

    for reader in readers:
        kinds = [*reader.kinds, LAST] if reader.kinds else None
        assert reader.told == asked(settings, database, kinds)
    assert sum(reader.connections for reader in readers) > 15


def test_a_client_that_takes_nothing_is_closed_with_a_code_and_goes_on_where_it_was(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages wait in buffers that are bounded; what it has not got is still in the log."""
    given_up = threading.Event()
    monkeypatch.setattr("api.http.websocket.log.warning", lambda *told: given_up.set())
    with closing(wired(settings, database)) as hospital:
        for n in range(4):
            write(hospital, Random(n), n)
        doctor(hospital)
    log = database.open_log()
    after = encode_position(log.id, log.epoch, 0)
    told: list[dict[str, Any]] = []
    impatient = replace(settings, slow_client_seconds=0.3)
    with served(app(impatient, database, LOGIN), send_buffer=4096) as server:
        with Client(server.url, receive_buffer=4096) as socket:
            ids = [socket.subscribe(EVENTS, after=after) for _ in range(MOST_SUBSCRIPTIONS)]
            assert given_up.wait(20)
            code, _ = socket.closed(told)
        assert code == TOO_SLOW
        events = [m["payload"]["data"]["events"] for m in told if m["id"] == ids[0]]
        with Client(server.url) as socket:
            socket.subscribe(EVENTS, after=events[-1]["position"] if events else after)
            while not events or events[-1]["kind"] != LAST:
                events.append(socket.next())
    assert [event["id"] for event in events] == asked(settings, database, None)
