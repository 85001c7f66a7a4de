"""Commands that wait together share one commit; each still stands or falls by itself."""

from collections.abc import Sequence
from threading import Event
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from psycopg import errors

import infrastructure.event_store.group_commit
from infrastructure.event_store.group_commit import GroupCommit
from infrastructure.event_store.log_reader import DatabaseUnavailable
from infrastructure.event_store.recorder import Recorder
from infrastructure.postgres.database import Database
from tests.support.event_builders import crafted
from tests.support.hospital_dsl import at_once, rows

Commands = Sequence[dict[str, Any]]


class Watched:
    """A way to send that keeps the first batch back until the others wait behind it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.batches: list[int] = []
        self.go = Event()

    def send(self, commands: Commands) -> list[dict[str, Any]]:
        if not self.batches:
            assert self.go.wait(timeout=20)
        self.batches.append(len(commands))
        return self._recorder.append_batch(commands)


def sent(group: GroupCommit, watched: Watched, *commands: dict[str, Any]) -> list[Any]:
    """Send commands at once, the first batch only when all have come; return the outcomes."""

    def send(command: dict[str, Any]) -> Any:
        return group.append(command)

    def let_go() -> None:
        soon = monotonic() + 20
        while len(group._waiting) < len(commands) - 1:  # all but the leader wait in the line
            assert monotonic() < soon
        watched.go.set()

    *result, _ = at_once(*[lambda c=c: send(c) for c in commands], let_go)
    return result


def test_commands_that_come_meanwhile_go_together_in_one_batch(
    recorder: Recorder, database: Database
) -> None:
    watched = Watched(recorder)
    group = GroupCommit(watched.send)

    result = sent(group, watched, *[crafted((uuid4(), 1)) for _ in range(10)])

    assert [t["outcome"] for t in result] == ["recorded"] * 10
    assert watched.batches == [1, 9]
    assert rows(database, "SELECT count(*), max(position) FROM record.events") == [(10, 10)]


def test_each_gets_its_own_outcome(recorder: Recorder) -> None:
    watched = Watched(recorder)
    group = GroupCommit(watched.send)
    stream = uuid4()
    recorder.append_batch([crafted((stream, 1))])
    good, stale = [[crafted((uuid4(), 1)) for _ in range(4)], [crafted((stream, 1))] * 3]

    result = sent(group, watched, *good, *stale)

    assert [t["outcome"] for t in result] == ["recorded"] * 4 + ["stale"] * 3
    for command, outcome in zip(good, result, strict=False):
        assert outcome["command"]["command_id"] == str(command["command_id"])


def test_a_batch_is_no_larger_than_allowed(recorder: Recorder) -> None:
    watched = Watched(recorder)
    group = GroupCommit(watched.send, max_batch=3)

    sent(group, watched, *[crafted((uuid4(), 1)) for _ in range(8)])

    assert watched.batches == [1, 3, 3, 1]


def test_one_that_cannot_be_appended_at_all_does_not_take_the_others_with_it(
    recorder: Recorder, database: Database
) -> None:
    watched = Watched(recorder)
    group = GroupCommit(watched.send)
    good = [crafted((uuid4(), 1)) for _ in range(4)]

    *result, refusal = sent(group, watched, *good, crafted())

    assert [t["outcome"] for t in result] == ["recorded"] * 4
    assert isinstance(refusal, errors.RaiseException)
    assert rows(database, "SELECT count(*), max(position) FROM record.events") == [(4, 4)]


def test_when_the_database_is_away_all_hear_it_and_the_next_may_try_again(
    recorder: Recorder,
) -> None:
    away = [True]

    def send(commands: Commands) -> list[dict[str, Any]]:
        if away[0]:
            raise DatabaseUnavailable("away")
        return recorder.append_batch(commands)

    group = GroupCommit(send)
    acts = [lambda: group.append(crafted((uuid4(), 1)))] * 8
    assert {type(result) for result in at_once(*acts)} == {DatabaseUnavailable}

    away.clear()
    away.append(False)
    assert group.append(crafted((uuid4(), 1)))["outcome"] == "recorded"


def test_nobody_waits_for_ever_when_a_leader_is_interrupted(recorder: Recorder) -> None:
    interrupts = [True]

    def send(commands: Commands) -> list[dict[str, Any]]:
        if interrupts:
            interrupts.pop()
            raise KeyboardInterrupt
        return recorder.append_batch(commands)

    group = GroupCommit(send)
    with pytest.raises(KeyboardInterrupt):
        group.append(crafted((uuid4(), 1)))

    result = at_once(*[lambda: group.append(crafted((uuid4(), 1)))] * 6)
    assert [t["outcome"] for t in result if isinstance(t, dict)] == ["recorded"] * 6


def test_a_leader_waits_for_those_who_came_together_last_time(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(infrastructure.event_store.group_commit, "PATIENCE_SECONDS", 10)
    batches: list[int] = []

    def send(commands: Commands) -> list[dict[str, Any]]:
        batches.append(len(commands))
        return recorder.append_batch(commands)

    group = GroupCommit(send)
    group._expected, group._last_duration = 3, 60  # as after a slow batch of three
    result = at_once(*[lambda: group.append(crafted((uuid4(), 1)))] * 3)

    assert [t["outcome"] for t in result if isinstance(t, dict)] == ["recorded"] * 3
    assert batches == [3]


def test_a_leader_does_not_wait_for_long(recorder: Recorder) -> None:
    group = GroupCommit(recorder.append_batch)
    group._expected, group._last_duration = 64, 60

    start = monotonic()
    assert group.append(crafted((uuid4(), 1)))["outcome"] == "recorded"
    assert monotonic() - start < 10


def test_who_is_interrupted_while_it_waits_for_others_does_not_stop_them(
    recorder: Recorder,
) -> None:
    group = GroupCommit(recorder.append_batch)

    def interrupted() -> None:
        raise KeyboardInterrupt

    gather, group._gather = group._gather, interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        group.append(crafted((uuid4(), 1)))
    group._gather = gather  # type: ignore[method-assign]

    result = at_once(*[lambda: group.append(crafted((uuid4(), 1)))] * 4)
    assert [t["outcome"] for t in result if isinstance(t, dict)] == ["recorded"] * 4
