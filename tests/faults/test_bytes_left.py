"""Bytes that are left of a person: every file is searched, before an erasure and after it."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from starlette.testclient import TestClient

from api.fhir.bulk import ResourceFolder, all_of_house
from api.fhir.reader import Reader
from api.hl7.door import Door
from api.http.app import app
from application.authorization.roles import Caller, Role
from domain.envelope import Actor
from infrastructure.analysis.loading import export_history
from infrastructure.analysis.resources import write_parquet
from infrastructure.integrity.check import verify
from infrastructure.integrity.keys import record_destroyed_since
from infrastructure.postgres.backup import back_up, restore
from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_server import ensure_server, stop_server
from infrastructure.postgres.migrate import migrate
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from infrastructure.sealing.key_ring import key_ring
from infrastructure.settings import Settings
from tests.api.test_canary import followed
from tests.conftest import KEYS, LOGIN, TOKEN
from tests.hl7.test_inbound import SENDERS
from tests.mistakes.test_erasure import Person, erase, where
from tests.support.api_dsl import Ward
from tests.support.app_without_http import alone
from tests.support.graphql_client import GraphQLClient
from tests.support.other_ways import tell_otherwise
from tests.support.shared_history import end


def found_in(folder: Path, sign: str | bytes) -> set[str]:
    """Return the files in which a sign is, by their names."""
    content = sign if isinstance(sign, bytes) else sign.encode()
    return {
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and content in file.read_bytes()
    }


def overwritten(database: Database) -> None:
    """Do what docs/privacy.md asks of a house that wants no old version of a row on its disks."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        for model in READ_MODELS:
            for table in model.metadata.sorted_tables:
                owner.execute(f"VACUUM FULL {table.fullname}".encode())
        for _ in range(3):
            owner.execute("SELECT pg_switch_wal()")
            owner.execute("CHECKPOINT")


@contextmanager
def followed_timelines(http: TestClient, mrns: Iterable[str]) -> Iterator[None]:
    """Follow the timelines of persons whom variables name, for as long as something else runs."""
    document = "subscription($mrn: String!) { timelineExtended(mrn: $mrn) { id } }"
    with followed(http) as socket:
        for mrn in mrns:
            payload = {"query": document, "variables": {"mrn": mrn}}
            socket.send_json({"id": mrn, "type": "subscribe", "payload": payload})
            socket.send_json({"type": "ping"})
            assert socket.receive_json()["type"] == "pong", "nobody refused it"
        yield


async def exported(database: Database, folder: Path, *, is_parquet: bool = False) -> None:
    """Export the house as NDJSON or as Parquet, as `wardbook export fhir` does."""
    actor = Actor(issuer="os", subject="me", role="admin")
    async with alone(database) as state:
        caller = Caller(actor, None, datetime.now(UTC) + timedelta(hours=1))
        files = ResourceFolder(folder, write_parquet if is_parquet else None)
        async for items in all_of_house(Reader(state, caller, {})):
            files.write(items)
        files.close(complete=True)


def test_nothing_is_left_of_who_was_erased_in_any_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    caplog.set_level("DEBUG")
    key_ring().bind(lambda store: store)
    store = key_ring().store()
    assert store is not None
    home = Path(tempfile.mkdtemp(dir="/dev/shm"))
    home.chmod(0o755)
    try:
        database = Database(ensure_server(home))
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            owner.execute("ALTER SYSTEM SET wal_recycle = off")
            owner.execute("ALTER SYSTEM SET min_wal_size = '32MB'")
            owner.execute("SELECT pg_reload_conf()")
        migrate(database)
        database.open_log("real")
        settings = Settings(home=tmp_path / "home", health_seconds=0)
        with TestClient(app(settings, database, LOGIN)) as http:
            ward = Ward(GraphQLClient(http, TOKEN))
            person = Person(ward)
            hospital = http.app_state["container"].hospital
            door = Door(hospital, SENDERS, tmp_path / "hl7")
            others = tell_otherwise(ward, tmp_path, door)
            hospital.source_movements.wait()
            back_up(database, tmp_path / "before.backup")
            with psycopg.connect(database.owner_url, autocommit=True) as owner:
                owner.execute("CHECKPOINT")
            key = store.wrapped_key(person.id)
            assert key
            assert found_in(KEYS.parent, key)
            export_history(database, tmp_path / "early", end(database), {}, lambda *_: None)
            assert found_in(tmp_path / "early", person.sign), "a file that the house has to delete"
            shutil.rmtree(tmp_path / "early")
            asyncio.run(exported(database, tmp_path / "early"))
            assert found_in(tmp_path / "early", person.sign), "as what was exported as FHIR"
            shutil.rmtree(tmp_path / "early")
            assert len(list(door.refused)) == 2, "one that was refused, and one that waits"
            before = found_in(home, person.sign)
            assert any("pg_wal" in name for name in before)
            assert any("base" in name for name in before)
            for sign in others:
                assert {name.partition("/")[0] for name in found_in(home, sign)}, sign
            officer = GraphQLClient(http, LOGIN.make(subject="officer", role=Role.PRIVACY_OFFICER))
            mrns = (person.mrn, *others.values())
            with followed_timelines(http, mrns):
                for mrn in mrns:
                    erase(ward, officer, mrn)
                for sign in (person.sign, *others):
                    assert where(database, sign) == set(), sign
                    assert found_in(tmp_path, sign) == set(), sign
                    assert sign not in caplog.text, sign
        back_up(database, tmp_path / "after.backup")
        export_history(database, tmp_path / "exported", end(database), {}, lambda done, total: None)
        asyncio.run(exported(database, tmp_path / "resources"))
        asyncio.run(exported(database, tmp_path / "tables", is_parquet=True))
        overwritten(database)
        for sign in (person.sign, *others):
            for folder in (home, tmp_path, KEYS.parent):
                assert found_in(folder, sign) == set(), sign
            assert sign not in caplog.text, sign
        assert found_in(KEYS.parent, key) == set()
        with database.scratch("restored") as restored:
            restore(restored, tmp_path / "before.backup")
            migrate(restored)
            ProjectionRunner(restored.app_url).catch_up()
            assert record_destroyed_since(restored)
            for sign in (person.sign, *others):
                assert where(restored, sign) == set(), sign
            assert [check.promise for check in verify(restored) if check.broken] == []
    finally:
        stop_server(home)
        shutil.rmtree(home, ignore_errors=True)
