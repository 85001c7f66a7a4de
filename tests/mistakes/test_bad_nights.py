"""Mistakes of a bad night: a full disk, a database that takes no writes, a setting that is wrong."""

import logging
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from starlette.testclient import TestClient

from api.http.app import app
from application.hospital import Hospital
from domain.refusals import AlreadyExists
from infrastructure.event_store.log_reader import ADD_KEY_ACTS
from infrastructure.evidence.keeper import Keeper, KeyMissing
from infrastructure.hl7_deliveries import LOCK
from infrastructure.integrity.check import verify
from infrastructure.integrity.keys import record_destroyed_since
from infrastructure.postgres.database import Database
from infrastructure.private_file import write_private
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.sealing.key_ring import key_ring
from infrastructure.settings import InvalidSetting, Settings, from_environment
from tests.conftest import LOGIN, TOKEN
from tests.hl7.test_outbound import answering, follower
from tests.mistakes.test_keys import keys_away
from tests.support.api_dsl import Ward, codes
from tests.support.checker import wait_until
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import admitted, request
from tests.support.hospital_dsl import room as open_room

REGISTER = "mutation($i: RegisterPatientInput!) { registerPatient(input: $i) { __typename } }"


def test_mistake_950_each_try_to_make_a_key_on_a_full_disk_leaves_a_file(tmp_path: Path) -> None:
    """A server tries once a second: the folder had a file for each second of a night."""
    former_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, former_limit[1]))  # as if there was no room left
    try:
        with pytest.raises(KeyMissing):
            Keeper(tmp_path).create_key(uuid4())
        with pytest.raises(OSError, match="File too large"):
            write_private(tmp_path / "text", "text")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former_limit)
    assert list(tmp_path.iterdir()) == []
    assert Keeper(tmp_path).create_key(uuid4())
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.key"]


@pytest.fixture
def house(settings: Settings, database: Database) -> Iterator[Ward]:
    """A ward in a database of its own."""
    with TestClient(app(settings, database, LOGIN)) as http:
        yield Ward(GraphQLClient(http, TOKEN))


def test_mistake_951_a_server_is_ready_whose_database_takes_no_writes(
    house: Ward, database: Database
) -> None:
    """It answered nothing about patients, since no reading could be recorded, and was green."""
    http = house.client.http
    wait_until(lambda: http.get("/readyz").status_code == 200, 10, "it is ready")
    name = sql.Identifier(database.owner_url.rpartition("?")[0].rpartition("/")[2])
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
        )
        try:
            cut(owner)
            wait_until(lambda: "no writes" in http.get("/readyz").text, 10, "it is not ready")
            answer = house.client.raw(REGISTER, {"i": {"commandId": str(uuid4()), "mrn": "M1"}})
            ready = http.get("/readyz")
        finally:
            owner.execute(
                sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name)
            )
            cut(owner)
    assert codes(answer) == {"DATABASE_AWAY"}
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    wait_until(lambda: http.get("/readyz").status_code == 200, 10, "it is ready again")


def cut(owner: psycopg.Connection[tuple[object, ...]]) -> None:
    """End all other sessions of a database: those that follow are as it is set now."""
    owner.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_mistake_952_why_nothing_is_recorded_is_told_to_nobody(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    """Who runs it has to know whether the disk is full, a key is missing or the database away."""
    caplog.set_level(logging.WARNING)
    with keys_away():
        answer = ward.client.raw(REGISTER, {"i": {"commandId": str(uuid4()), "mrn": "Quokka"}})
    assert codes(answer) == {"KEYS_MISSING"}
    lines = [line.getMessage() for line in caplog.records if "KEYS_MISSING" in line.getMessage()]
    assert any("another key store" in line for line in lines), lines
    assert "Quokka" not in caplog.text


@pytest.mark.parametrize(
    "origins",
    ["*", "screens.example.org", "https://a.example/page", "https://u@a.example", "https://a,b"],
)
def test_mistake_953_a_setting_is_taken_that_does_nothing_or_too_much(origins: str) -> None:
    """No page has such an origin, but `*`: that let all pages ask."""
    with pytest.raises(InvalidSetting, match=r"WARDBOOK_ALLOWED_ORIGINS='.*' is not a list of"):
        from_environment({"WARDBOOK_ALLOWED_ORIGINS": origins})


def test_mistake_953_an_origin_is_compared_as_browsers_write_it() -> None:
    settings = from_environment(
        {
            "WARDBOOK_ALLOWED_ORIGINS": "https://Screens.Example.org:443/, http://a:80,http://[::1]:81"
        }
    )
    assert settings.allowed_origins == (
        "https://screens.example.org",
        "http://a",
        "http://[::1]:81",
    )


def test_mistake_953_a_server_is_started_that_answers_nothing_in_time() -> None:
    with pytest.raises(InvalidSetting, match="is not a number from 1"):
        from_environment({"WARDBOOK_REQUEST_TIMEOUT_SECONDS": "0"})


@pytest.fixture
def running(hospital: Hospital, database: Database) -> Iterator[list[str]]:
    """The messages of a sender that runs; the first is of a stay."""
    open_room(hospital)
    with (
        answering(lambda control: "A") as (port, seen),
        follower(database, hospital, port) as sender,
    ):
        thread = threading.Thread(target=sender.run)
        thread.start()
        try:
            admitted(hospital, "M1", "A/1/a")
            wait_until(lambda: len(seen) >= 1, 20, "a message is sent")
            yield seen
            assert thread.is_alive()
        finally:
            sender.stop()
            thread.join(20)


def test_mistake_954_a_sender_of_messages_ends_when_its_database_fails_over(
    running: list[str], hospital: Hospital, database: Database
) -> None:
    """Servers, workers and listeners went on; receivers were told nothing more until it was noticed."""
    before = len(running)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        (count,) = owner.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_locks"
            " JOIN pg_database ON oid = database AND datname = current_database()"
            " WHERE locktype = 'advisory' AND classid = %s",
            [LOCK],
        ).fetchone() or (0,)
    assert count == 1
    admitted(hospital, "M2", "A/1/b")
    wait_until(lambda: len(running) > before, 20, "a message is sent")
    assert len(set(running)) == len(running)


def test_mistake_955_a_sender_that_rests_keeps_the_keys_of_whom_it_told(
    running: list[str],
) -> None:
    """Who is erased meanwhile is read by no key, but it lay in memory until the next movement."""
    wait_until(lambda: not key_ring()._keys, 20, "it has no key")


def test_mistake_956_numbers_stay_taken_if_keys_were_recorded_as_gone_before_they_were_given_up(
    hospital: Hospital, database: Database
) -> None:
    first = hospital.patients.register_patient(request(), mrn="M1", family_name="Quetzal")
    subjects = list(map(str, first.ids("patient")))
    key_ring().destroy(subjects)
    with psycopg.connect(database.app_url) as connection:
        store = connection.execute("SELECT store FROM record.key_store").fetchone()
        assert store is not None
        connection.execute(ADD_KEY_ACTS, ["DESTROYED", subjects, store[0]])
    assert record_destroyed_since(database) == 0
    again = hospital.patients.register_patient(request(), mrn="M1", family_name="Quetzal")
    assert again.ids("patient") != first.ids("patient")


def test_mistake_956_after_a_restore_the_number_of_who_was_erased_is_taken_for_ever(
    hospital: Hospital, database: Database
) -> None:
    """Who came back with it could not be registered, nor found; and the refusal told that it was one."""
    first = hospital.patients.register_patient(request(), mrn="M1", family_name="Quetzal")
    hospital.identity.correct_patient_details(request(reason="typo"), patient_mrn="M1", mrn="M2")
    hospital.patients.register_patient(request(), mrn="other", family_name="Else")
    key_ring().destroy(map(str, first.ids("patient")))  # by an erasure after the backup
    assert record_destroyed_since(database) == 1
    for mrn in ("M1", "M2"):
        again = hospital.patients.register_patient(request(), mrn=mrn, family_name="Quetzal")
        assert again.ids("patient") != first.ids("patient")
    with pytest.raises(AlreadyExists):
        hospital.patients.register_patient(request(), mrn="other", family_name="Else")
    ProjectionRunner(database.app_url).catch_up()
    assert [check.promise for check in verify(database) if check.broken] == []


@pytest.mark.parametrize("name", ["KEY_BACKUP", "NEWBORN", "RETENTION"])
def test_mistake_957_days_beyond_all_calendars_are_taken(name: str) -> None:
    """`wardbook keys status` ended by an OverflowError."""
    with pytest.raises(InvalidSetting, match="is not a number of days, from 0 to 36500"):
        from_environment({f"WARDBOOK_{name}_DAYS": "100000000"})
