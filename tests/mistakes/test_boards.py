"""Mistakes of other systems about boards: see `test_covered` for the list and what is left out."""

from collections.abc import Iterator

import pytest

from tests.api.conftest import followed, running
from tests.support.api_dsl import Ward, place
from tests.support.server_process import Client, Served

__all__ = ["followed", "running"]

FOLLOW = """subscription { roomOccupancyChanged(ward: "A") {
  rooms { room { number } beds { code state patient { mrn } } } } }"""


@pytest.fixture
def boards(running: Served, followed: Ward) -> Iterator[list[Client]]:
    """Three boards of one ward, that have begun to follow it."""
    followed.room("z")  # a ward that never was is followed by nobody
    opened = [Client(running.url) for _ in range(3)]
    for board in opened:
        board.subscribe(FOLLOW)
    running.await_followers(len(opened))
    yield opened
    for board in opened:
        board.__exit__(None, None, None)


def test_mistake_09_boards_do_not_poll_they_are_told(followed: Ward, boards: list[Client]) -> None:
    room, mrn = followed.room("a"), followed.patient()
    for board in boards:
        assert board.next()["rooms"][0]["beds"] == [{"code": "a", "state": "FREE", "patient": None}]

    admission = {"patientMrn": mrn, "admissionType": "EMERGENCY"}
    followed.record("admitPatient", **admission, **place(f"{room}/a"))

    for board in boards:
        (result,) = board.next()["rooms"]
        assert result == {
            "room": {"number": room.split("/")[1]},
            "beds": [{"code": "a", "state": "OCCUPIED", "patient": {"mrn": mrn}}],
        }
