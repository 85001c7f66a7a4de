"""Movements of other systems come late, twice, out of order: what is held true in the end is one."""

from itertools import permutations

import pytest

from application.hospital import Hospital
from infrastructure.database import Database
from infrastructure.verify import verify
from tests.record.feed import Feed, Message, admit, away, back, cancel, discharge, transfer

STORIES: dict[str, list[Message]] = {
    "a transfer is taken back": [
        admit("P", "1", 0, "a", told=1),
        transfer("P", "2", 5, "b", told=2),
        transfer("P", "3", 9, "c", told=3),
        cancel("P", "2", told=4),
        discharge("P", "4", 20, told=5),
    ],
    "leave, told twice and put right": [
        admit("P", "1", 0, "a", told=1),
        away("P", "2", 10, told=2),
        away("P", "2", 8, told=4),
        back("P", "3", 12, told=3),
        discharge("P", "4", 20, told=5),
    ],
    "admitted at another time into another bed, and not discharged after all": [
        admit("P", "1", 3, "a", told=1),
        admit("P", "1", 1, "b", told=4),
        transfer("P", "2", 6, "a", told=2),
        discharge("P", "3", 20, told=3),
        cancel("P", "3", told=5),
    ],
    "all of one moment": [
        admit("P", "1", 1, "a", told=1),
        transfer("P", "2", 1, "b", told=3),
        transfer("P", "3", 1, "c", told=2),
        transfer("P", "4", 1, "d", told=4),
        discharge("P", "5", 9, told=5),
    ],
    "the admission never was": [
        admit("P", "1", 0, "a", told=1),
        discharge("P", "2", 4, told=2),
        cancel("P", "2", told=3),
        cancel("P", "1", told=4),
        admit("P.2", "1", 2, "a", told=5),
    ],
    "one bed in turn": [
        admit("P", "1", 0, "a", told=1),
        discharge("P", "2", 6, told=3),
        admit("Q", "1", 2, "b", told=2),
        transfer("Q", "2", 6, "a", told=4),
        admit("R", "1", 7, "b", told=5),
    ],
    "two exchange their beds": [
        admit("P", "1", 0, "a", told=1),
        admit("Q", "1", 1, "b", told=2),
        transfer("P", "2", 5, "b", told=3),
        transfer("Q", "2", 5, "a", told=4),
        discharge("P", "3", 9, told=5),
    ],
}
PATIENTS = "PQR"
VISITS = ("P", "P.2", "Q", "R")


@pytest.mark.parametrize("story", STORIES)
def test_any_order_of_arrival_of_a_story_gives_one_history(hospital: Hospital, story: str) -> None:
    told, histories = STORIES[story], set()
    for n, order in enumerate(permutations(told)):
        feed = Feed(hospital, f"W{n}", PATIENTS, "abcd")
        for message in order:
            feed.send(message)
        assert feed.pending(*VISITS) == {}, [f"{m.visit} {m.id}" for m in order]
        histories.add(str(feed.history()))
        assert len(histories) == 1, [f"{m.visit} {m.id}" for m in order]
