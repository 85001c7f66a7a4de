"""A worker and a writer killed, and a writer frozen, between any two steps: each step in turn."""

import signal
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import count, islice
from random import Random
from threading import Event
from time import monotonic
from uuid import UUID

import psycopg
import pytest

from application.hospital import Hospital
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.projections.status import IS_LIVE
from infrastructure.sealing.key_ring import key_ring
from infrastructure.sealing.key_store import BUSY_SECONDS
from infrastructure.settings import Settings
from tests.support.checker import (
    ROUNDS,
    Acknowledgements,
    caught_up,
    check,
    following,
    lot_id,
    wait_until,
    write_patients,
)
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import admitted, place, room, rows
from tests.support.program import (
    Move,
    When,
    answer_until,
    follow_until,
    move_until,
    running,
    write,
)
from tests.support.random_commands import Busy

pytestmark = pytest.mark.nightly

KILLED = -9

seeded = pytest.mark.parametrize("seed", range(ROUNDS))
at_any_step = pytest.mark.parametrize(
    "when", ["before", pytest.param("amid", marks=pytest.mark.nightly)]
)


def steps(when: When, seed: int, many: bool = False) -> Iterator[int]:
    """The steps to try: each, or half of ``many``; amid, a third. With each seed others."""
    every = 3 if when == "amid" else 2 if many else 1
    return count(1 + seed % every, every)


# -- the worker --


@pytest.mark.nightly
@seeded
@at_any_step
def test_a_worker_killed_at_any_step_leaves_no_half_of_it(
    simulated: Database, settings: Settings, seed: int, when: When
) -> None:
    with (
        closing(wired(settings, simulated)) as house,
        psycopg.connect(simulated.owner_url, autocommit=True) as watch,
    ):
        busy = Busy(house, Random(f"{when} {seed}"))
        for step in steps(when, seed, many=True):
            busy.live(3)
            before, ends = places(watch), batch_ends(watch)
            with running(follow_until, simulated.app_url, step, when) as worker:
                ended = worker.end()
            assert places(watch) in (before, *({end} for end in ends))
            if ended == 0:
                break
            assert ended == KILLED
            wait_until(lambda: nobody_leads(watch), 5, "the lead is free")
    assert step > 50
    with following(simulated.app_url):
        caught_up(simulated)
    check(simulated, Acknowledgements())


def places(watch: psycopg.Connection) -> set[int]:
    """Return the positions of the read models, all seen at one moment."""
    rows = watch.execute(f"SELECT position FROM projections.status WHERE {IS_LIVE}".encode())
    return {position for (position,) in rows} or {0}


def batch_ends(watch: psycopg.Connection) -> list[int]:
    """Return where a batch may end: at the end, at decisions about read models, at erasures."""
    decided = watch.execute(
        "SELECT command_end FROM record.events"
        " WHERE topic LIKE 'projection.%' OR topic = 'patient.erased'"
    ).fetchall()
    return [log_end(watch), *(end for (end,) in decided)]


def log_end(watch: psycopg.Connection) -> int:
    row = watch.execute("SELECT coalesce(max(position), 0) FROM record.events").fetchone()
    assert row is not None
    return int(row[0])


def nobody_leads(watch: psycopg.Connection) -> bool:
    result = watch.execute(
        "SELECT FROM pg_locks JOIN pg_database d ON d.oid = pg_locks.database"
        " WHERE locktype = 'advisory' AND objid = 2 AND datname = current_database()"
    )
    return result.fetchone() is None


# -- the API --

TRANSFER = """mutation($input: TransferPatientInput!) { transferPatient(input: $input) {
    __typename ... on StayRecorded { position recordedAt stay { id bed version } } } }"""


@seeded
@at_any_step
def test_an_api_killed_at_any_step_has_recorded_all_or_nothing_and_answers_once(
    client: GraphQLClient, hospital: Hospital, database: Database, seed: int, when: When
) -> None:
    left = []
    for step, (id, stay, bed) in zip(
        steps(when, seed, many=True), moves(hospital, seed), strict=False
    ):
        input = {"commandId": str(id), "stayId": str(stay), **place(bed)}
        body = {"query": TRANSFER, "variables": {"input": input}}
        with running(answer_until, database.app_url, body, step, when) as api:
            ended = api.end()
            said = next(api.messages(), None)
        left.append(position_of(database, id))
        answer = client.raw(TRANSFER, {"input": input})["data"]  # as a client does: once more
        assert answer["transferPatient"]["__typename"] == "StayRecorded"
        assert left[-1] in (None, position_of(database, id))
        assert said is None or said["data"] == answer  # its listener may die when all is said
        if ended == 0:
            break
        assert ended == KILLED
    assert said is not None
    assert {position is not None for position in left[:-1]} == {False, True}
    caught_up(database)
    check(database, Acknowledgements())


# -- a writer --


def moves(house: Hospital, seed: int) -> Iterator[Move]:
    """One patient sent to and fro between two rooms, for ever: each time in as many steps."""
    room(house, "1", "a", "b")
    room(house, "2", "c", "d")
    stay, lot = admitted(house, "M1", "A/1/a"), Random(seed)
    while True:
        for bed in ("A/2/c", "A/1/a"):
            yield lot_id(lot), stay, bed


def transferred(house: Hospital, told: Acknowledgements, move: Move) -> None:
    id, stay, bed = move
    told.execute(lambda said: house.stays.transfer_patient(said, stay_id=stay, **place(bed)), id)


def position_of(database: Database, command: UUID) -> int | None:
    query = "SELECT last_position FROM record.commands WHERE command_id = %s"
    result = rows(database, query, [command])
    return int(result[0][0]) if result else None


@seeded
@at_any_step
def test_a_writer_killed_at_any_step_has_recorded_all_or_nothing(
    hospital: Hospital, database: Database, seed: int, when: When
) -> None:
    acknowledgements, left = Acknowledgements(), []
    for step, move in zip(steps(when, seed), moves(hospital, seed), strict=False):
        with running(move_until, database.app_url, move, step, when, False) as writer:
            ended = writer.end()
        if ended == 0:
            break
        assert ended == KILLED
        left.append(position_of(database, move[0]))
        transferred(hospital, acknowledgements, move)
        assert left[-1] in (None, acknowledgements.positions[move[0]])
    recorded = [position is not None for position in left]
    if when == "before":  # amid the append, the database may or may not have been quicker
        assert recorded == sorted(recorded)
        assert set(recorded) == {False, True}
    with following(database.app_url):
        caught_up(database)
    check(database, acknowledgements)


@seeded
@at_any_step
def test_a_writer_frozen_at_any_step_holds_nobody_up_and_ends_once(
    hospital: Hospital, database: Database, seed: int, when: When
) -> None:
    acknowledgements, lot, frozen = Acknowledgements(), Random(seed + 1000), 0
    ways = moves(hospital, seed)
    move, other = next(ways), admitted(hospital, "M2", "A/1/b")
    for step in steps(when, seed):
        with running(move_until, database.app_url, move, step, when, True) as writer:
            said = next(writer.messages())
            if said != "frozen":
                break
            frozen += 1
            start = monotonic()
            bed = "A/2/d" if frozen % 2 else "A/1/b"
            transferred(
                hospital, acknowledgements, (lot_id(lot), other, bed)
            )  # through the same rooms
            assert monotonic() - start < 1
            assert writer.end() == 0
            acknowledgements.positions[move[0]] = next(writer.messages())
        move = next(ways)
    assert frozen > 4
    with following(database.app_url):
        caught_up(database)
    check(database, acknowledgements)


@pytest.fixture
def keys_in_postgres(server: Database) -> Iterator[str]:
    """Keep keys in a database of their own, as a house with several machines does."""
    key_ring.cache_clear()
    with server.scratch("keys_of_writers") as keys:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WARDBOOK_KEYS_URL", keys.owner_url)
            key_ring()
        yield keys.owner_url
    key_ring.cache_clear()


@seeded
def test_a_writer_frozen_at_random_holds_nobody_up_and_loses_nothing(
    keys_in_postgres: str, hospital: Hospital, database: Database, seed: int
) -> None:
    """With keys in PostgreSQL, whose server ends what a process that is frozen began."""
    frozen_at_random(hospital, database, seed, 1, keys_in_postgres)


@seeded
def test_a_writer_frozen_at_random_loses_nothing_with_keys_in_a_file(
    hospital: Hospital, database: Database, seed: int
) -> None:
    """SQLite has one writer, which is frozen with the lock at times (docs/privacy.md, the keys).

    Then others are told to come again, once each, until it goes on.
    """
    frozen_at_random(hospital, database, seed, 1 + 2 * BUSY_SECONDS)


def frozen_at_random(
    hospital: Hospital, database: Database, seed: int, seconds: float, keys: str | None = None
) -> None:
    """Freeze a writer again and again, write three patients meanwhile, and check what is left.

    ``seconds``: the longest time for the three. With keys in a file the writer goes on as soon as
    others were told to come again: one that they wait for would hold them up for ever.
    """
    acknowledgements, lot, pause = Acknowledgements(), Random(seed + 1000), Event()
    with (
        following(database.app_url),
        running(write, database.app_url, "frozen", seed, keys) as writer,
    ):
        said = writer.messages()
        for n in range(12):
            acknowledgements.positions.update(islice(said, 2))
            pause.wait(lot.random() * 0.01)
            writer.send(signal.SIGSTOP)
            start = monotonic()
            going_on = None if keys else partial(writer.send, signal.SIGCONT)
            write_patients(hospital, acknowledgements, lot, f"P{n}", lambda i: i < 3, going_on)
            assert monotonic() - start < seconds
            writer.send(signal.SIGCONT)
        acknowledgements.positions.update(writer.kill())
        caught_up(database)
    assert len(acknowledgements.positions) >= 12 * 5
    check(database, acknowledgements)
