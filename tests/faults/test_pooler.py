"""A pooler in front of the database: PgBouncer, of sessions and of transactions; skipped without it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from starlette.testclient import TestClient

from api.exit_codes import ExitCode
from api.http.app import app
from infrastructure.postgres.database import APP_ROLE, Database
from infrastructure.postgres.sessions import check_session
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN, empty
from tests.support.api_dsl import Ward
from tests.support.checker import wait_until
from tests.support.graphql_client import GraphQLClient
from tests.support.jetstream import free_port

pytestmark = pytest.mark.nightly

PROGRAM = shutil.which("pgbouncer", path=f"/usr/sbin:{os.environ['PATH']}")

if PROGRAM is None:
    pytest.skip("needs PgBouncer: apt-get install pgbouncer", allow_module_level=True)


@contextmanager
def pooling(migrated: Database, mode: str) -> Iterator[Database]:
    """Reach the database through PgBouncer, by the application's own login."""
    (sockets,) = parse_qs(urlsplit(migrated.owner_url).query)["host"]
    name, port = migrated.owner_url.split("/")[3].partition("?")[0], free_port()
    owner = Path(sockets).stat()
    folder = tempfile.mkdtemp(prefix="wardbook-pooler-")
    os.chmod(folder, 0o755)
    users, config = Path(folder, "users.txt"), Path(folder, "pgbouncer.ini")
    users.write_text(f'"{APP_ROLE}" ""\n')
    config.write_text(
        f"[databases]\n{name} = host={sockets} port=5432\n[pgbouncer]\npool_mode = {mode}\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {users}\ndefault_pool_size = 60\n"
    )
    user, group = (owner.st_uid, owner.st_gid) if os.geteuid() == 0 else (None, None)
    assert PROGRAM is not None
    pooler = subprocess.Popen([PROGRAM, "-q", str(config)], user=user, group=group)
    url = f"postgresql://{APP_ROLE}@127.0.0.1:{port}/{name}"

    def answers() -> bool:
        try:
            with psycopg.connect(url, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    try:
        wait_until(answers, 20, "the pooler answers")
        yield Database(url, url)
    finally:
        pooler.terminate()
        pooler.wait()
        shutil.rmtree(folder)


@pytest.fixture
def pooled(migrated: Database) -> Iterator[Database]:
    with pooling(migrated, "session") as database:
        yield database


def test_a_house_is_served_through_a_pooler_of_sessions(
    migrated: Database, pooled: Database, tmp_path: Path
) -> None:
    empty(migrated)
    migrated.open_log("real")
    with TestClient(app(Settings(home=tmp_path / "home"), pooled, LOGIN)) as http:
        ward = Ward(GraphQLClient(http, TOKEN))
        for _ in range(20):  # more often than after what a statement is prepared
            stay = ward.stay()
            board = ward.ask("{ stays { nodes { id } } }")["stays"]["nodes"]
            assert stay in {node["id"] for node in board}
    with psycopg.connect(pooled.app_url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (APP_ROLE,)


def test_a_pooler_of_sessions_is_no_obstacle(pooled: Database) -> None:
    check_session(pooled.app_url)


def test_a_server_behind_a_pooler_of_transactions_says_so_and_does_not_start(
    migrated: Database, tmp_path: Path
) -> None:
    with pooling(migrated, "transaction") as pooled:
        started = subprocess.run(
            [sys.executable, "-c", "from api.cli.main import main; main()", "worker"],
            env={**os.environ, "WARDBOOK_APP_URL": pooled.app_url, "WARDBOOK_HOME": str(tmp_path)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
        )
    assert started.returncode == ExitCode.NO_DATABASE
    assert "pool_mode = session" in started.stderr
