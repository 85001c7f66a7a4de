"""Fixtures of the tests of the log: several hospitals on one log."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from application.hospital import Hospital
from infrastructure.bootstrap import hospital as wired
from infrastructure.event_store.recorder import Recorder
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.support.hospital_dsl import admitted, place, request, room
from tests.support.shared_history import Lived, catch_up


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


@pytest.fixture
def ward(hospital: Hospital) -> dict[str, Any]:
    """Two patients in a room; one is moved, then both change beds."""
    room(hospital, "1", "a", "b", "c", "d")
    one, other, third = (admitted(hospital, f"M{n}", f"A/1/{'abc'[n]}") for n in range(3))
    moved = hospital.stays.transfer_patient(request(), stay_id=one, **place("A/1/d"))
    swapped = hospital.stays.swap_beds(request(), stay_id=one, with_stay_id=other)
    after = hospital.stays.change_specialty(request(), stay_id=third, specialty="surgery")
    return {
        "one": one,
        "other": other,
        "third": third,
        "moved": moved.command_id,
        "swapped": swapped.command_id,
        "after": after.command_id,
        "position": moved.position,
    }


@pytest.fixture
def full(lived: Lived) -> Lived:
    """The read models are at the end of the log."""
    catch_up(lived.database)
    return lived
