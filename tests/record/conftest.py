"""What only the tests of the record need: several hospitals on one log, and a busy one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from random import Random

import psycopg
import pytest

from application.hospital import Hospital
from infrastructure.database import Database
from infrastructure.event_store import Recorder
from infrastructure.filling import Filler
from infrastructure.settings import Settings
from infrastructure.wiring import hospital as wired
from tests.record.busy import Busy
from tests.record.lived import Lived, commands_of, dump


@pytest.fixture
def another(settings: Settings, database: Database) -> Iterator[Callable[[], Hospital]]:
    """Makes further hospitals on the same log: other processes, or this one after a restart."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(wired(settings, database)))


@pytest.fixture
def recorder(hospital: Hospital) -> Recorder:
    """The recorder of the hospital."""
    assert isinstance(hospital.recorder, Recorder)
    return hospital.recorder


@pytest.fixture
def simulated_hospital(settings: Settings, simulated: Database) -> Iterator[Hospital]:
    """All commands, on an empty log that takes its clock from the test."""
    with closing(wired(settings, simulated)) as made:
        yield made


@pytest.fixture(scope="session")
def lived(server: Database, worker_id: str) -> Iterator[Lived]:
    """A busy history, followed one command at a time. Tests may do anything to its read models."""
    with server.scratch(f"busy_{worker_id}") as database:
        database.migrate()
        database.open_log("simulated")
        with (
            closing(wired(Settings(), database)) as hospital,
            psycopg.connect(database.app_url, autocommit=True) as connection,
        ):
            filler = Filler(connection)
            filler.prepare()
            busy = Busy(hospital, Random(2026), filler.step)
            busy.live(500)
            while commands_of(Hospital) - set(busy.accepted):  # the lot spares nobody
                busy.live(50)
        yield Lived(database, busy, dump(database))
