"""Tests of pending movements: they cost the commands of others nothing, in work, not in time."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from application.commands import source_movement_reconciliation
from application.hospital import Hospital
from domain.stay.facts import Disposition
from tests.support.feed import Feed, admit, cancel, discharge, transfer
from tests.support.hospital_dsl import admitted, request

pytestmark = pytest.mark.slow

RECONCILE = source_movement_reconciliation.reconcile.__code__
MANY = 30


def tries(act: Callable[[], Any]) -> int:
    """Return how often movements were tried by an act, in the thread that did it."""
    count = 0

    def profile(frame: FrameType, event: str, _: Any) -> None:
        nonlocal count
        count += event == "call" and frame.f_code is RECONCILE

    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


def blocked(feed: Feed, visit: str) -> None:
    """A visit that is over, in a bed that another patient has."""
    feed.send(admit(visit, "1", 5, "a"))
    feed.send(discharge(visit, "2", 6))


def impossible(feed: Feed, visit: str) -> None:
    """A visit that is over, with a transfer to nowhere and one after its end."""
    feed.send(admit(visit, "1", 5, None))
    feed.send(discharge(visit, "2", 6))
    feed.send(transfer(visit, "3", 7, "b"))


@pytest.mark.parametrize("pending", [blocked, impossible])
def test_a_command_tries_nothing_that_it_cannot_free(
    hospital: Hospital, pending: Callable[[Feed, str], None]
) -> None:
    feed = Feed(hospital, "W", [f"V{n}" for n in range(MANY)] + ["P"], "abc")
    there = admitted(hospital, "S", "W/1/a", at=feed.at(1))
    for n in range(MANY):
        pending(feed, f"V{n}")
    assert len(feed.pending(*[f"V{n}" for n in range(MANY)])) >= MANY

    assert tries(lambda: admitted(hospital, "N", "W/1/c", at=feed.at(8))) == 0
    assert tries(lambda: feed.send(admit("P", "1", 9, "b"))) == 1  # in earnest at once
    assert tries(lambda: feed.send(discharge("P", "2", 10))) == 1
    doing = request(feed.at(11))
    assert tries(lambda: hospital.stays.change_specialty(doing, stay_id=there, specialty="x")) == 0


def test_what_is_freed_is_tried_some_at_once_and_the_rest_apart(hospital: Hospital) -> None:
    visits = [f"V{n}" for n in range(MANY)]
    feed = Feed(hospital, "W", visits, "abc")
    there = admitted(hospital, "S", "W/1/a", at=feed.at(1))
    for n, visit in enumerate(visits):
        feed.send(admit(visit, "1", 5 + n, "a"))
        feed.send(discharge(visit, "2", 6 + n))
    assert len(feed.pending(*visits)) == 2 * MANY
    leave = request(feed.at(2))
    done = tries(
        lambda: hospital.stays.discharge_patient(leave, stay_id=there, disposition=Disposition.HOME)
    )
    assert 0 < done <= 12 * 4
    hospital.source_movements.wait()
    assert feed.pending(*visits) == {}


def test_a_place_that_was_taken_by_mistake_is_given_once_its_cancel_comes(
    hospital: Hospital,
) -> None:
    feed = Feed(hospital, "W", "PQ", "ab")
    feed.send(admit("P", "1", 1, "a", told=1))
    feed.send(admit("Q", "1", 2, "a", told=2))
    assert feed.pending("P", "Q") == {"Q 1": "BedOccupied"}
    feed.send(transfer("P", "2", 2, "b", told=3))
    assert feed.pending("P", "Q") == {}
    feed.send(cancel("Q", "1", told=4))
    assert feed.history()["Q"] == []
