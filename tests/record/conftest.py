"""Fixtures of the tests of the log: several hospitals on one log."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from application.hospital import Hospital
from infrastructure.bootstrap import hospital as wired
from infrastructure.event_store.recorder import Recorder
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings


@pytest.fixture
def another(settings: Settings, database: Database) -> Iterator[Callable[[], Hospital]]:
    """Makes further hospitals on the same log: other processes, or this one after a restart."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(wired(settings, database)))


@pytest.fixture
def recorder(hospital: Hospital) -> Recorder:
    """The recorder of the hospital."""
    assert isinstance(hospital.pipeline.recorder, Recorder)
    return hospital.pipeline.recorder


@pytest.fixture
def simulated_hospital(settings: Settings, simulated: Database) -> Iterator[Hospital]:
    """All commands, on an empty log that takes its clock from the test."""
    with closing(wired(settings, simulated)) as made:
        yield made
