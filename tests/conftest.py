"""A real PostgreSQL: one embedded server a run, one database a worker, emptied for each test."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from psycopg import sql
from starlette.applications import Starlette
from starlette.testclient import TestClient
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from api.auth.local_tokens import LocalTokens
from api.http.app import app
from application.hospital import Hospital
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_server import ensure_server, stop_server
from infrastructure.postgres.migrate import migrate
from infrastructure.projections import status
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from infrastructure.sealing.key_ring import key_ring
from infrastructure.settings import Settings
from tests.support.graphql_client import GraphQLClient
from tests.support.last_user import end_after_last_user
from tests.support.own_server import own_server
from tests.support.seeds import SEED
from tests.support.shared_history import LIVED, Lived, dump, lived_once

# The same examples in every run, so that a change is judged by what it changed; others every night.
# A busy machine makes no example wrong.
hypothesis.settings.register_profile("wardbook", deadline=None, derandomize=not SEED)
hypothesis.settings.load_profile("wardbook")

# As in a process that projects: each collection walks thousands of tests and the schema.
gc.set_threshold(50_000, *gc.get_threshold()[1:])


def _in_memory() -> Path:
    """A folder in memory where there is one with room: databases that come and go are mostly files."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4e9:
        return memory
    return Path(tempfile.gettempdir())


KEYS = Path(
    os.environ.setdefault(
        "WARDBOOK_KEYS", str(_in_memory() / f"wardbook-tests-keys-{os.getpid()}" / "keys.sqlite")
    )
)
"""The key store of all databases of a run, also in the processes that tests start."""

TOGETHER = (
    *("tests/api/", "tests/imports/", "tests/reports/", "tests/test_simulator.py"),
    *("tests/record/test_analysis.py", "tests/record/test_fresh_database.py"),
    "tests/record/test_feed.py",
    "tests/mistakes/",
)
"""Where the tests of a file share what takes long to make: one worker does all of them."""

KEY = b"the key that the tests sign with"
LOGIN = LocalTokens(KEY)
TOKEN = LOGIN.make(subject="tester")


class Shared(LoadScopeScheduling):  # type: ignore[misc]
    """Gives workers one test after the other, but those of some files together, and these first."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith("tests/imports/"):
            return "tests/imports/"
        return file if file.startswith(TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shared:
    return Shared(config, log)


@pytest.fixture(scope="session")
def server(testrun_uid: str, worker_id: str) -> Iterator[Database]:
    """The owner's way into the server that all workers of a run share.

    Not in pytest's own folder: run as root, its server is another user, and every run that begins
    closes that folder to others. A run that is killed leaves no server. WARDBOOK_TESTS_POSTGRES names
    the programs of another version, which `make postgres` tests on: then each worker has a server.
    """
    if programs := os.environ.get("WARDBOOK_TESTS_POSTGRES"):
        key_ring().bind(lambda store: store)
        with own_server(Path(programs)) as other:
            yield Database(other.administrator_url)
        return
    home = _in_memory() / f"wardbook-tests-{testrun_uid}"
    database = Database(ensure_server(home))
    if worker_id in ("master", "gw0"):
        end_after_last_user(home, KEYS.parent)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        # A killed process loses nothing that the system holds; that is all that tests can do to it.
        owner.execute("ALTER SYSTEM SET fsync = off")
        owner.execute("SELECT pg_reload_conf()")
    key_ring().bind(lambda store: store)
    yield database
    if stop_server(home):
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(KEYS.parent, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated(server: Database, worker_id: str) -> Iterator[Database]:
    """This worker's database with all tables, for what the tests of a file share."""
    with _with_tables(server, f"worker_{worker_id}") as database:
        yield database


@pytest.fixture(scope="session")
def own(server: Database, worker_id: str) -> Iterator[Database]:
    """Another one, emptied for each test: a server that a file shares would go on following it."""
    with _with_tables(server, f"own_{worker_id}") as database:
        yield database


@contextmanager
def _with_tables(server: Database, name: str) -> Iterator[Database]:
    with server.scratch(name) as database:
        migrate(database)
        try:
            yield database
        finally:
            if owner := OWNERS.pop(database.owner_url, None):
                owner.close()


@pytest.fixture(scope="session")
def lived(server: Database, worker_id: str) -> Iterator[Lived]:
    """A busy history, followed one command at a time. Tests may do anything to its read models.

    It is lived once a run; each worker has a copy.
    """
    accepted, refusal = lived_once(server)
    with server.scratch(f"busy_{worker_id}", LIVED) as database:
        yield Lived(database, accepted, refusal, dump(database))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", health_seconds=0)


@pytest.fixture
def database(own: Database) -> Database:
    """This worker's database with an empty, real log."""
    empty(own)
    own.open_log("real")
    return own


@pytest.fixture
def simulated(own: Database) -> Database:
    """This worker's database with an empty log that takes its clock from the test."""
    empty(own)
    own.open_log("simulated")
    return own


@pytest.fixture
def hospital(settings: Settings, database: Database) -> Iterator[Hospital]:
    """All commands, on an empty log."""
    made = wired(settings, database)
    yield made
    made.close()


@pytest.fixture
def follower(database: Database) -> ProjectionRunner:
    """Fills the read models when a test asks for it."""
    return ProjectionRunner(database.app_url)


@pytest.fixture
def client(settings: Settings, database: Database) -> Iterator[GraphQLClient]:
    """A server with its worker, asked over HTTP."""
    with TestClient(app(settings, database, LOGIN)) as http:
        yield GraphQLClient(http, TOKEN)


def app_on_empty_log(database: Database, home: Path, **settings: Any) -> Starlette:
    """Make the application with some settings, on a log that is empty and real."""
    empty(database)
    database.open_log("real")
    return app(Settings(home=home, **settings), database, LOGIN)


@cache
def _deletion() -> sql.Composed:
    """Compose what deletes everything; once, since a thousand tests ask for it."""
    tables = [sql.Identifier("record", t) for t in RECORD_TABLES]
    tables += [sql.Identifier("audit", t) for t in ("accesses", "revocations", "key_acts")]
    tables += [sql.Identifier("hl7", t) for t in ("deliveries", "parked")]
    for model in READ_MODELS:
        schema = str(model.metadata.schema)
        tables += [sql.Identifier(schema, t.name) for t in model.metadata.sorted_tables]
    tables += [sql.Identifier("projections", t.name) for t in status.metadata.sorted_tables]
    return sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(t) for t in tables)


def empty(database: Database) -> None:
    """Delete everything, as the owner only can."""
    try:
        _owner_of(database).execute(_deletion())
    except psycopg.OperationalError:  # a test has cut all connections
        OWNERS.pop(database.owner_url).close()
        _owner_of(database).execute(_deletion())


OWNERS: dict[str, psycopg.Connection[Any]] = {}
"""Connections kept open, by the owner's URL: a new one reads all tables' catalog first."""


def _owner_of(database: Database) -> psycopg.Connection[Any]:
    if database.owner_url not in OWNERS:
        OWNERS[database.owner_url] = psycopg.connect(database.owner_url, autocommit=True)
    return OWNERS[database.owner_url]


RECORD_TABLES = (
    "bed_claims",
    "person_claims",
    "unique_claims",
    "subjects",
    "stored_events",
    "kinds",
    "commands",
    "checkpoints",
    "log",
    "key_store",
)
