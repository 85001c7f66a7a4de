"""A hospital of 600 beds through its API, beside its twin without events: board, timeline, mutation.

16 clients ask as fast as they are answered, of one server process and of two. The twin (`twin.py`) is
the same stack over tables that are updated in place. Nothing changes meanwhile but by the mutations.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import cycle, product
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

import psycopg

from api.auth.local_tokens import LocalTokens
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database, sqlalchemy_url
from infrastructure.settings import Settings
from tests.benchmarks import twin
from tests.benchmarks.clients import CLIENTS, Load, asked, post
from tests.benchmarks.processes import listening
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say
from tests.benchmarks.wards import Wards, filled

WARDS = 30
VISITS = 60
ROUNDS, SECONDS = 7, 2.0
"""Short ones, what is compared one after the other: a small machine's speed changes by the minute."""
QUESTIONS = ("board", "timeline", "mutation")
COLD = "cold"
"""The side whose servers keep no answers."""

HOUSE = """{ roomOccupancy { room { number } beds { code state stay { id specialty admittedAt }
  patient { mrn familyName } } } }"""
TIMELINE = """query($stay: ID!) { timeline(stayId: $stay, first: 50) {
  nodes { id kind occurredAt recordedAt recordedBy { subject } summary } } }"""
VISIT = """mutation($input: RecordVisitInput!) { recordVisit(input: $input) {
  __typename ... on VisitRecorded { visit { id occurredAt kind } stay { id version } } } }"""
COPIED = """
INSERT INTO twin.rooms SELECT room, ward, number FROM rooms_v1.rooms WHERE upper_inf(known);
INSERT INTO twin.patients SELECT patient, mrn, family_name FROM patients_v4.patients
  WHERE upper_inf(known);
INSERT INTO twin.stays SELECT stay, patient, specialty, admitted_at, discharged_at, 1
  FROM stays_v1.stays WHERE upper_inf(known) AND upper_inf(during);
INSERT INTO twin.beds SELECT b.room, b.bed, 'OCCUPIED', s.stay FROM rooms_v1.beds b
  LEFT JOIN occupancy_v1.stretches s ON s.room = b.room AND s.bed = b.bed AND upper_inf(s.known)
  AND upper_inf(s.during) WHERE upper_inf(b.known);
INSERT INTO twin.visits SELECT visit, stay, lower(during), 'D1', kind, note FROM visits_v1.visits;
INSERT INTO twin.history (command, stay, at, occurred_at, by, what, changed)
  SELECT gen_random_uuid(), stay, now(), occurred_at, 'a nurse', kind,
  '{"kind": "ROUND", "practitioner": "D1"}' FROM timeline_v3.entries WHERE stay IS NOT NULL;
"""


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    say(f"{CLIENTS} clients; making a house of {WARDS * 20} beds")
    made, home = hospital(Settings(), database), folder / "home-of-api"
    wards = Wards(made, WARDS, VISITS)
    filled(database)
    made.close()
    with database.engine() as engine, engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA twin")
        twin.metadata.create_all(connection)
        for statement in COPIED.split(";")[:-1]:
            connection.exec_driver_sql(statement)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    login = {"Authorization": f"Bearer {LocalTokens.of(home).make()}"}
    stay = wards.stays["W0/1/a"]
    others = list(wards.stays.values())[100:]
    result: dict[tuple[str, str, int], list[Load]] = {}
    for workers in (1, 2):
        with ExitStack() as stack:
            sides = {
                "Wardbook": [
                    stack.enter_context(served(database, home, worker=not n))
                    for n in range(workers)
                ],
                COLD: [
                    stack.enter_context(
                        served(database, home, worker=False, WARDBOOK_KEPT_ANSWERS_MB="0")
                    )
                    for _ in range(workers)
                ],
                "twin": [stack.enter_context(_twin(database)) for _ in range(workers)],
            }
            for what, side in ROUNDS * [*product(QUESTIONS, sides)]:
                if side == COLD and what != "board":
                    continue
                urls = [f"{address}/graphql" for address, _ in sides[side]]
                pids = tuple(process.pid for _, process in sides[side])
                requests = _question(what, urls[0], login, stay, others)
                load = asked(urls, requests, check=_is_answer, pids=pids, seconds=SECONDS)
                result.setdefault((what, side, workers), []).append(load)
                say(f"{what}, {side}, {workers}: {load}; {load.processor:.2f} ms of processor")
    return list(_rows(result))


def _question(
    what: str, url: str, login: dict[str, str], stay: UUID, others: list[UUID]
) -> Callable[[int], Iterator[bytes]] | bytes:
    if what == "board":
        return post(url, login, {"query": HOUSE})
    if what == "timeline":
        return post(url, login, {"query": TIMELINE, "variables": {"stay": str(stay)}})

    def visits(client: int) -> Iterator[bytes]:
        for one in cycle(others[client::CLIENTS]):
            fields = {"stayId": str(one), "practitioner": "D1", "kind": "ROUND"}
            input = {**fields, "commandId": str(uuid4())}
            yield post(url, login, {"query": VISIT, "variables": {"input": input}})

    return visits


def _is_answer(answer: bytes) -> bool:
    if b'"errors"' in answer:
        return False
    return b"VisitRecorded" in answer or answer.count(b"recordedBy") == 50 or len(answer) > 100_000


def _rows(found: dict[tuple[str, str, int], list[Load]]) -> Iterator[Row]:
    wanted = {"board": "5x", "timeline": "1x", "mutation": "1x"}
    for (what, side, workers), loads in found.items():
        if side != "twin":
            peers = found[what, "twin", workers]
            state = {"board": ", cold" if side == COLD else ", kept"}.get(what, "")
            yield Row(
                f"{what}{state}, {workers} process{'es' * (workers > 1)}",
                str(_middle(loads)),
                "CRUD twin",
                str(_middle(peers)),
                median(one.rate / other.rate for one, other in zip(loads, peers, strict=True)),
                "0.7x" if side == COLD else wanted[what],
            )


def _middle(loads: list[Load]) -> Load:
    return sorted(loads, key=lambda load: load.rate)[len(loads) // 2]


def _twin(database: Database) -> AbstractContextManager[tuple[str, "subprocess.Popen[bytes]"]]:
    twin = [sys.executable, "-m", "tests.benchmarks.twin", sqlalchemy_url(database.owner_url)]
    return listening(lambda port: [*twin, str(port)], {})
