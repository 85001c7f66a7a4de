"""The demo: made once, finished where it was broken off, and thrown away only if that is said."""

import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from api.cli.demo import House
from api.exit_codes import ExitCode
from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_server import ensure_server, stop_server
from infrastructure.sealing.key_ring import key_ring
from tests.cli.conftest import Run
from tests.cli.test_serving import process
from tests.support.hospital_dsl import rows

pytestmark = pytest.mark.slow


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home outside of pytest's own folder, which every run that begins closes to others."""
    with TemporaryDirectory(prefix="wardbook-demo-") as folder:
        monkeypatch.setenv("WARDBOOK_HOME", folder)
        key_ring.cache_clear()
        yield Path(folder)
        key_ring.cache_clear()
        stop_server(Path(folder) / "demo")


def test_the_demo_goes_on_where_it_was_and_keeps_its_house(
    bare: Database, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDBOOK_APP_URL", bare.app_url)  # of another hospital
    folder = home / "demo"
    with process(home, bare, "demo", "--no-serve", "--beds", "4", "--days", "6") as broken:
        assert broken.stderr is not None
        while "Simulating: 2" not in broken.stderr.readline():
            assert broken.poll() is None
        broken.send_signal(signal.SIGINT)
        assert "goes on where it was" in broken.stderr.read()
        assert broken.wait(20) == ExitCode.INTERRUPTED
    begun = House.in_home(folder)
    assert begun is not None
    assert (begun.beds, begun.days, begun.is_complete) == (4, 6, False)
    database = Database(ensure_server(folder))
    broken_off = _last_recorded(database)

    assert run("demo", "--no-serve").code == 0
    finished = House.in_home(folder)
    assert finished is not None
    assert (finished.is_complete, finished.until) == (True, begun.until)
    assert broken_off < _last_recorded(database) <= begun.until
    positions = rows(database, "SELECT count(DISTINCT position) FROM projections.status")
    assert positions == [(1,)]

    other = run("demo", "--no-serve", "--beds", "5")
    assert other.code == ExitCode.USAGE
    assert "4 beds, 6 days" in other.err
    assert "--fresh" in other.err
    key_ring.cache_clear()  # another process would not know of the keys that go
    assert run("demo", "--no-serve", "--beds", "5", "--days", "1", "--fresh").code == 0
    another = House.in_home(folder)
    assert another is not None
    assert (another.beds, another.days, another.is_complete) == (5, 1, True)
    assert bare.is_empty()
    assert {file.name for file in home.iterdir()} == {"demo"}, "keys of a hospital of one's own"


def _last_recorded(database: Database) -> datetime:
    """Return when the last event of the log was recorded."""
    ((moment,),) = rows(database, "SELECT max(recorded_at) FROM record.stored_events")
    assert isinstance(moment, datetime)
    return moment
