"""Movements of other systems come late, twice, out of order: what is held true in the end is one."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import count, permutations
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from application.hospital import Hospital
from domain.stay.events import VisitKind
from domain.time import Period
from infrastructure.bootstrap import hospital as wired
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.conftest import empty
from tests.support.feed import Feed, Message, admit, away, back, cancel, discharge, transfer
from tests.support.hospital_dsl import admitted, at_once, doctor, place, request

pytestmark = pytest.mark.slow

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
    "registered, admitted, moved (HL7 A04, A01, A02)": [
        admit("P", "1", 0, "a", told=1),
        admit("P", "2", 1, "b", told=2),
        transfer("P", "3", 2, "c", told=3),
        discharge("P", "4", 3, told=4),
    ],
    "registered again, the first registration taken back": [
        admit("P", "1", 0, "a", told=1),
        admit("P", "2", 1, "b", told=2),
        admit("P", "3", 1, "c", told=3),
        cancel("P", "1", told=4),
        discharge("P", "4", 3, told=5),
    ],
    "a cancel whose clock is behind": [
        admit("P", "1", 0, "a", told=1),
        transfer("P", "2", 5, "b", told=3),
        cancel("P", "2", told=2),
        transfer("P", "3", 7, "c", told=4),
        discharge("P", "4", 9, told=5),
    ],
    "all of one second, by their numbers": [
        replace(admit("P", "9", 1, "b"), sequence=1),
        replace(admit("P", "9", 1, "a"), sequence=10),
        replace(transfer("P", "8", 1, "c"), sequence=11),
        replace(transfer("P", "7", 1, "d"), sequence=9),
        discharge("P", "5", 9),
    ],
    "two exchange their beds": [
        admit("P", "1", 0, "a", told=1),
        admit("Q", "1", 1, "b", told=2),
        transfer("P", "2", 5, "b", told=3),
        transfer("Q", "2", 5, "a", told=4),
        discharge("P", "3", 9, told=5),
    ],
}
VISITS = ("P", "P.2", "Q", "R")
WHOLLY = (
    "a transfer is taken back",
    "registered, admitted, moved (HL7 A04, A01, A02)",
)
"""Told in all their 120 orders in every run; the others in some, and in all of them nightly."""

EXAMPLES = min(int(os.environ.get("WARDBOOK_EXAMPLES", "8")), 300)
_NUMBERS = count()


@pytest.fixture(scope="module")
def fed(migrated: Database) -> Iterator[Hospital]:
    """One hospital for all examples; each makes a ward of its own."""
    empty(migrated)
    migrated.open_log("real")
    with closing(wired(Settings(), migrated)) as hospital:
        yield hospital


@pytest.mark.parametrize("story", STORIES)
def test_any_order_of_arrival_of_a_story_gives_one_history(hospital: Hospital, story: str) -> None:
    result, histories = STORIES[story], set()
    orders = list(permutations(result))
    for n, order in enumerate(orders if story in WHOLLY or EXAMPLES > 50 else orders[::7]):
        feed = Feed(hospital, f"W{n}", sorted({m.visit[0] for m in result}), "abcd")
        for message in order:
            feed.send(message)
        assert feed.pending(*VISITS) == {}, [f"{m.visit} {m.id}" for m in order]
        histories.add(str(feed.history()))
        assert len(histories) == 1, [f"{m.visit} {m.id}" for m in order]


def test_what_never_fits_stays_pending_and_what_fits_is_true_in_any_order(
    hospital: Hospital,
) -> None:
    result = [
        admit("P", "1", 0, "a", told=1),
        transfer("P", "2", 4, "nowhere", told=2),
        discharge("P", "3", 9, told=3),
        admit("Q", "1", 5, "b", told=4),
        back("R", "2", 6, told=5),
    ]
    histories = set()
    for n, order in enumerate(list(permutations(result))[::9]):
        feed = Feed(hospital, f"W{n}", "PQR", "ab")
        for message in order:
            feed.send(message)
        assert feed.pending(*VISITS) == {"P 2": "NotFound", "R 2": "NotFound"}
        histories.add(str(feed.history()))
    assert len(histories) == 1


def test_what_waits_is_tried_again_after_facts_that_the_staff_enters(hospital: Hospital) -> None:
    feed = Feed(hospital, "W", "", "ab")
    feed.send(admit("P", "1", 5, "a", told=1))
    assert feed.pending("P") == {"P 1": "NotFound"}
    there = admitted(hospital, "S", "W/1/a", at=feed.at(1))
    feed.register("P")
    assert feed.pending("P") == {"P 1": "BedOccupied"}
    hospital.stays.transfer_patient(request(feed.at(4)), stay_id=there, **place("W/1/b"))
    assert feed.pending("P") == {}
    assert feed.visit("P").stay is not None


def test_an_older_version_and_a_repeat_change_nothing_but_are_kept(hospital: Hospital) -> None:
    feed = Feed(hospital, "W", "P", "abc")
    feed.send(admit("P", "1", 0, "a", told=1))
    feed.send(transfer("P", "2", 5, "b", told=3))
    before = feed.history()
    for message in (transfer("P", "2", 5, "c", told=2), transfer("P", "2", 5, "b", told=3)):
        answer = feed.send(message)
        assert [e.TOPIC for e in answer.events] == ["source-visit.reported"]
    assert feed.history() == before


def test_a_repeated_command_is_answered_as_the_first_time(hospital: Hospital) -> None:
    feed, id = Feed(hospital, "W", "P", "a"), uuid4()
    first = feed.send(admit("P", "1", 0, "a", told=1), command_id=id)
    again = feed.send(admit("P", "1", 0, "a", told=1), command_id=id)
    assert (again.position, again.repeated) == (first.position, True)


def test_what_the_staff_recorded_in_a_stay_keeps_a_feed_from_voiding_it(
    hospital: Hospital,
) -> None:
    feed = Feed(hospital, "W", "P", "a")
    feed.send(admit("P", "1", 0, "a", told=1))
    stay = feed.visit("P").stay
    assert stay is not None
    seen = hospital.stays.record_visit(
        request(feed.at(2)), stay_id=stay, practitioner=doctor(hospital), kind=VisitKind.ROUND
    )
    feed.send(cancel("P", "1", told=2))
    assert feed.pending("P") == {"P 1": "ContradictsLaterFacts"}
    hospital.corrections.cancel_visit(
        request(reason="another patient"), visit_id=seen.entry.id_of("visit")
    )
    assert (feed.pending("P"), feed.history()["P"]) == ({}, [])


def test_an_admission_that_was_at_another_time_keeps_its_stay(hospital: Hospital) -> None:
    feed = Feed(hospital, "W", "P", "ab")
    feed.send(admit("P", "1", 3, "a", told=1))
    feed.send(transfer("P", "2", 6, "a", told=2))
    stay = feed.visit("P").stay
    feed.send(admit("P", "1", 1, "b", told=3))
    assert feed.visit("P").stay == stay
    assert [s[1][0][1] for s in feed.history()["P"]] == ["b"]


@pytest.mark.parametrize("beds", [(None, "a"), ("a", None)])
def test_an_admission_that_had_a_bed_after_all_or_none_keeps_what_the_staff_entered(
    hospital: Hospital, beds: tuple[str | None, str | None]
) -> None:
    feed = Feed(hospital, "W", "P", "ab")
    feed.send(admit("P", "1", 1, beds[0], told=1))
    stay = feed.visit("P").stay
    assert stay is not None
    hospital.stays.transfer_patient(request(feed.at(4)), stay_id=stay, **place("W/1/b"))
    feed.send(admit("P", "1", 2, beds[1], told=2))
    assert (feed.visit("P").stay, feed.pending("P")) == (stay, {})
    before = [(Period(feed.at(2), feed.at(4)), "a", False)] if beds[1] else []
    assert feed.history()["P"][0][1] == [*before, (Period(feed.at(4)), "b", False)]


def test_two_reports_at_once_of_one_bed_leave_nothing_behind(
    hospital: Hospital, another: Callable[[], Hospital]
) -> None:
    others = [another(), another()]
    for n in range(6):
        feed = Feed(hospital, f"W{n}", "PQ", "a")
        feed.send(admit("P", "1", 0, "a", told=1))
        acts = []
        for house, message in zip(
            others, (discharge("P", "2", 5, told=2), admit("Q", "1", 6, "a", told=3)), strict=True
        ):
            acts.append(partial(Feed.send, feed.seen_by(house), message))
        assert not [result for result in at_once(*acts) if isinstance(result, Exception)]
        assert feed.pending("P", "Q") == {}


def test_claims_and_read_models_of_a_feed_are_the_fold_of_its_events(
    hospital: Hospital, database: Database, follower: ProjectionRunner
) -> None:
    feed = Feed(hospital, "W", "PQR", "abcd")
    for story in ("one bed in turn", "the admission never was"):
        for message in reversed(STORIES[story]):
            feed.send(replace(message, visit=f"{message.visit}.{story[:3]}"))
    feed.send(transfer("R", "9", 4, "a"))
    follower.catch_up()
    assert [c.examples for c in verify(database) if c.broken] == []
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DELETE FROM record.unique_claims WHERE kind LIKE 'waiting %'")
    (broken,) = [c for c in verify(database, read_models=False) if c.broken]
    assert broken.promise == "the claims are the fold of the events"


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Message], list[Message]]:
    """Draw movements of two patients in two beds, and report them in some order, with errors."""
    result: list[Message] = []
    minute, hour = 0, 0
    for visit in draw(st.sampled_from([["P"], ["P", "Q"], ["P", "Q", "P.2"]])):
        hour += 1
        beds = draw(st.lists(st.sampled_from("ab"), min_size=1, max_size=3))
        real = [admit(visit, "0", hour, beds[0])]
        for n, bed in enumerate(beds[1:]):
            hour += draw(st.integers(0, 2))
            real.append(transfer(visit, f"m{n}", hour, bed))
        if draw(st.booleans()):
            hour += 1
            real.append(away(visit, "l", hour))
            hour += 1
            real.append(back(visit, "r", hour))
        hour += 1
        real.append(discharge(visit, "d", hour))
        for message in real:
            minute += 2
            result.append(replace(message, told=minute))
            if draw(st.integers(0, 3)) == 0:  # told wrongly before, or told again
                wrong = draw(st.sampled_from([message, replace(message, hour=message.hour + 1)]))
                result.append(replace(wrong, told=minute - 1))
        if draw(st.booleans()):
            minute += 2
            result.append(transfer(visit, "x", hour - 1, draw(st.sampled_from("ab")), told=minute))
            result.append(cancel(visit, "x", told=minute + 1))
    return result, draw(st.permutations(result))


@given(stories())
@runs(max_examples=EXAMPLES)
def test_any_consistent_story_in_any_order_gives_one_history(
    fed: Hospital, story: tuple[list[Message], list[Message]]
) -> None:
    histories = set()
    for order in story:
        feed = Feed(fed, f"W{next(_NUMBERS)}", "PQ", "ab")
        for message in order:
            feed.send(message)
        assert feed.pending(*VISITS) == {}
        histories.add(str(feed.history()))
    assert len(histories) == 1
