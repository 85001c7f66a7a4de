"""Mistakes of other systems about keys that are away, and keys that are gone: see `test_covered`."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from api.container import AppState, forgetting
from api.errors import response_to
from api.exit_codes import ExitCode
from api.graphql.schema import schema
from api.hl7.door import Door
from api.http.app import app
from application.authorization.roles import Role
from application.hospital import Hospital
from infrastructure.bootstrap import hospital as wired
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.projections.dead_letters import is_permanent
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.sealing import key_store
from infrastructure.sealing.key_ring import key_ring
from infrastructure.sealing.key_store import SqliteKeyStore
from infrastructure.sealing.keys_missing import KeyStoreBusy
from infrastructure.settings import Settings
from tests.cli.conftest import Run, home, run
from tests.conftest import KEYS, LOGIN, empty
from tests.hl7.test_inbound import SENDERS, adt
from tests.mistakes.test_erasure import QUESTIONS, WHY, Person, erase, officer, read, where
from tests.record.test_erasure import erase as erase_by_two
from tests.record.test_erasure import put_back, registered, wrapped
from tests.support.api_dsl import Ward, ago, codes
from tests.support.checker import wait_until
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import events, room
from tests.support.random_privacy import EVE

__all__ = ["home", "officer", "run"]


@contextmanager
def keys_away() -> Iterator[None]:
    """Lose the key store of the log: another one is in its place."""
    ring = key_ring()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ring, "_bound", "a store that is lost")
        patch.setattr(ring, "_looked_at", 0.0)
        yield


def test_mistake_213_what_cannot_be_opened_for_a_while_is_not_said_to_be_erased(
    ward: Ward, officer: GraphQLClient
) -> None:
    person, erased = Person(ward), Person(ward)
    erase(ward, officer, erased.mrn)
    before = read(ward, person)
    ids = {"stay": person.stay, "patient": person.id}
    with keys_away():
        reply = ward.client.raw(QUESTIONS["events"], ids)
        assert codes(reply) == {"KEYS_MISSING"}
        assert "REDACTED" not in str(reply)
        assert person.sign in str(ward.ask(QUESTIONS["stay"], **ids)), "read models need no key"
        boards = ward.ask("{ roomOccupancy { room { number } } }")
        assert boards["roomOccupancy"]
        for refusal in (
            {"correctPatientDetails": {"patientMrn": person.mrn, "familyName": "New"}},
            {"registerPatient": {"mrn": ward.name("M"), "familyName": "Somebody"}},
        ):
            ((name, content),) = refusal.items()
            answer = ward.client.raw(
                f"mutation($i: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $i)"
                " { __typename } }",
                {"i": {"commandId": str(uuid4()), **content, "reason": "why"}},
            )
            assert codes(answer) == {"KEYS_MISSING"}, answer
        status = ward.client.http.get("/readyz").json()
        assert "another key store" in status["keys"]
    assert read(ward, person) == before
    assert erased.sign not in read(ward, erased)
    assert "keys" not in ward.client.http.get("/readyz").json()


def memory(http: TestClient) -> str:
    """Return as text what a server remembers of persons."""
    state: AppState = http.app_state["container"]
    aggregates = [vars(a) for a in state.hospital.pipeline.cache._kept.values()]
    answers = [response.body for response in state.response_cache._responses.values()]
    return f"{aggregates} {answers} {list(schema.documents._documents)} {list(key_ring()._keys)}"


def test_mistake_214_another_server_remembers_who_was_erased(
    migrated: Database, tmp_path: Path
) -> None:
    empty(migrated)
    migrated.open_log("real")
    token, officers = LOGIN.make(), LOGIN.make(subject="officer", role=Role.PRIVACY_OFFICER)
    with (
        TestClient(app(Settings(home=tmp_path), migrated, LOGIN)) as first,
        TestClient(app(Settings(home=tmp_path), migrated, LOGIN, with_worker=False)) as second,
        TestClient(app(Settings(home=tmp_path), migrated, LOGIN, with_worker=False)) as deaf,
    ):
        person = Person(Ward(GraphQLClient(second, token)))
        signs = {person.sign, person.stay, person.mrn}
        document = f'{{ patient(mrn: "{person.mrn}") {{ familyName }} }}'
        for http in (second, deaf):
            ward = Ward(GraphQLClient(http, token))
            for _ in range(3):
                assert person.sign in str(ward.ask(document))
            ward.execute("requestErasure", patientMrn=person.mrn, **WHY)
            assert all(sign in memory(http) for sign in signs)
        progress = deaf.app_state["container"].progress
        with pytest.MonkeyPatch.context() as patch:  # its notifications are lost
            patch.setattr(progress, "_listen", None)
            progress._task.cancel()
            erased = GraphQLClient(first, officers).record("erasePatient", patientMrn=person.mrn)
            assert erased["patient"]["mrn"] == "REDACTED"
            wait_until(lambda: not any(s in memory(second) for s in signs), 10, "it forgets")
            assert person.sign in memory(deaf)
        assert deaf.portal is not None
        deaf.portal.call(progress._refresh)
        assert not any(sign in memory(deaf) for sign in signs)


def test_a_listener_for_messages_forgets_who_was_erased(
    migrated: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty(migrated)
    migrated.open_log("real")

    async def forget() -> None:
        with closing(wired(Settings(home=tmp_path), migrated)) as hospital:
            cache, is_empty = hospital.pipeline.cache, asyncio.Event()
            forget_all = cache.forget_all

            def note() -> None:
                forget_all()
                is_empty.set()

            monkeypatch.setattr(cache, "forget_all", note)
            async with forgetting(migrated, hospital):
                registered(hospital)
                assert "Quetzal" in str([vars(a) for a in cache._kept.values()])
                with closing(wired(Settings(home=tmp_path), migrated)) as other:
                    erase_by_two(other)
                ProjectionRunner(migrated.app_url).catch_up()
                await asyncio.wait_for(is_empty.wait(), 10)
                assert not cache._kept

    asyncio.run(forget())


def test_mistake_261_an_erasure_from_before_proofs_that_was_cut_off_can_be_finished_by_nobody(
    hospital: Hospital,
    settings: Settings,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    """Its keys were kept for ever, and `verify` named it for ever."""
    monkeypatch.setenv("WARDBOOK_DATABASE_URL", database.owner_url)
    patient = registered(hospital)
    key = wrapped(patient)
    assert key
    erase_by_two(hospital)
    put_back(patient, key)
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE record.stored_events SET own = own - 'proof' WHERE own ? 'proof'")
    wired(settings, database).close()
    ProjectionRunner(database.app_url).catch_up()
    assert wrapped(patient) == key

    def broken() -> str:
        return str([check.examples for check in verify(database, False) if check.broken])

    assert f"{patient} was recorded by no command" in broken()
    (listed,) = run("keys", "erase-unproven", "--json").json
    assert (listed["patient"], listed["approvedBy"]) == (str(patient), EVE.subject)
    assert run("keys", "erase-unproven", str(uuid4()), "--yes").code == 1
    assert wrapped(patient) == key
    assert where(database, "Quetzal")
    assert run("keys", "erase-unproven", str(patient), "--yes").code == 0
    assert where(database, "Quetzal") == set(), "the read models are filled anew"
    assert wrapped(patient) == b""
    assert run("keys", "erase-unproven", "--json").json == []
    assert str(patient) not in broken()
    assert "Quetzal" not in str(events(database))


CLOSED_BY_ANOTHER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT group_concat(subject) FROM keys ORDER BY subject").fetchone()[0])
connection.close()
"""


def read_elsewhere(file: Path) -> set[str]:
    """Return the subjects of keys as another process has them, which closes the file after it."""
    program = [sys.executable, "-c", CLOSED_BY_ANOTHER, str(file)]
    answer = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    return set(answer.strip().split(","))


def test_mistake_231_a_look_at_the_key_file_gives_up_no_lock_of_who_writes_keys(
    tmp_path: Path,
) -> None:
    """A process that closes the file, however it was opened, loses SQLite's locks on it (POSIX)."""
    store = SqliteKeyStore.make(tmp_path / "keys.sqlite")
    store.add("first", b"1")
    assert SqliteKeyStore.open(tmp_path / "keys.sqlite") is not None
    assert read_elsewhere(tmp_path / "keys.sqlite") == {"first"}
    store.add("second", b"2")
    assert read_elsewhere(tmp_path / "keys.sqlite") == {"first", "second"}
    assert store.wrapped_key("second") == b"2"


def test_mistake_231_a_process_that_was_forked_has_locks_of_its_own(tmp_path: Path) -> None:
    store = SqliteKeyStore.make(tmp_path / "keys.sqlite")
    store.add("first", b"1")
    parent, child = get_context("fork").Pipe()
    process = get_context("fork").Process(target=write_when_told, args=(store, child))
    process.start()
    child.close()  # so that one that ends is not waited for
    parent.recv()
    store.close()
    assert read_elsewhere(tmp_path / "keys.sqlite") == {"first", "of the child"}
    parent.send("again")
    parent.recv()
    assert read_elsewhere(tmp_path / "keys.sqlite") == {"first", "of the child", "again"}
    process.join()
    assert store.wrapped_key("again") == b"2"


def write_when_told(store: SqliteKeyStore, pipe: Connection) -> None:
    """Write a key, and another one when the parent says so."""
    store.add("of the child", b"1")
    pipe.send("written")
    store.add(pipe.recv(), b"2")
    pipe.send("written")


@contextmanager
def held_by_another() -> Iterator[None]:
    """Hold the key store as a process does that is stopped while it writes a key."""
    with closing(sqlite3.connect(KEYS, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_mistake_390_a_key_store_that_another_process_writes_into_is_said_to_be_unreadable(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes by: who sends the command again is answered, and it is recorded once."""
    monkeypatch.setattr(key_store, "BUSY_SECONDS", 0.1)
    person = Person(ward)
    before = read(ward, person)
    command = {"commandId": str(uuid4()), "mrn": ward.name("M"), "familyName": "Somebody"}
    document = "mutation($i: RegisterPatientInput!) { registerPatient(input: $i) { __typename } }"

    late = {**command, "occurredAt": ago(days=1), "reason": "the network was away"}
    late["commandId"], late["mrn"] = str(uuid4()), ward.name("M")

    def told_of_batch() -> str:
        body = {"commands": [{"mutation": "registerPatient", "input": late}]}
        return ward.client.http.post("/commands", json=body, headers=ward.client._headers).text

    with held_by_another():
        answer = ward.client.raw(document, {"i": command})
        assert codes(answer) == {"DATABASE_AWAY"}
        assert "Another process is writing keys; try again." in str(answer)
        assert "DATABASE_AWAY" in told_of_batch()
        assert read(ward, person) == before, "who reads waits for nobody"
        assert "keys" not in ward.client.http.get("/readyz").json()
    response = response_to(KeyStoreBusy())
    assert (response.exit_code, response.advice) == (
        ExitCode.NO_DATABASE,
        "Another process is writing keys; try again.",
    )
    assert not is_permanent(KeyStoreBusy()), "no command is parked for it"
    assert "PatientRecorded" in str(ward.client.raw(document, {"i": command}))
    assert "PatientRecorded" in told_of_batch()


def test_mistake_390_a_message_that_comes_meanwhile_is_to_come_again(
    hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_store, "BUSY_SECONDS", 0.1)
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    door = Door(hospital, SENDERS, tmp_path)
    message = adt("A01", "1").replace(b"4711", uuid4().hex.encode())  # who has no key in any test
    with held_by_another():
        (result,) = door.answers(message)
        assert b"MSA|AE|1|come again" in result
    assert not list(door.refused)
    (result,) = door.answers(message)
    assert b"MSA|AA|1" in result


def test_mistake_542_a_backup_of_the_keys_lacks_those_that_were_made_last(
    tmp_path: Path, run: Run, hospital: Hospital
) -> None:
    """The file was copied while its newest keys were in its WAL: restored, their texts were gone."""
    patient = registered(hospital)
    file = tmp_path / "saved.sqlite"
    ended = run("keys", "backup", str(file))
    assert (ended.code, ended.err) == (0, "")
    assert file.stat().st_mode & 0o777 == 0o600
    shutil.move(file, tmp_path / "alone.sqlite")  # and nothing that may lie beside it
    saved, kept = SqliteKeyStore(tmp_path / "alone.sqlite"), key_ring().store()
    assert kept is not None
    assert saved.id == kept.id
    assert saved.wrapped_key(str(patient)) == wrapped(patient) != b""
    file.write_bytes(b"another")
    assert run("keys", "backup", str(file)).code == ExitCode.REFUSED
    assert file.read_bytes() == b"another"


MAKE_A_KEY = """
from pathlib import Path
from infrastructure.sealing.key_store import SqliteKeyStore
store = SqliteKeyStore.make(Path({file!r}))
store.add("somebody", b"wrapped")
assert Path({file!r} + "-wal").stat().st_size
"""


def test_mistake_543_keys_stay_in_the_wal_of_a_store_that_nobody_has_open(tmp_path: Path) -> None:
    """Who stopped everything and copied the file, as the docs said, left keys behind."""
    file = tmp_path / "keys.sqlite"
    made = subprocess.run(
        [sys.executable, "-c", MAKE_A_KEY.format(file=str(file))], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert SqliteKeyStore(file).wrapped_key("somebody") == b"wrapped"
