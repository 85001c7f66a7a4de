"""The one way into the log, by itself: batches, positions, the recording clock, versions."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from application.hospital import Hospital
from infrastructure.event_store.mapper import EventMapper
from infrastructure.event_store.recorder import Factory, Recorder
from infrastructure.postgres.database import Database
from tests.support.event_builders import crafted
from tests.support.hospital_dsl import (
    at_once,
    request,
    rows,
)


@pytest.fixture
def simulated_recorder(simulated_hospital: Hospital) -> Recorder:
    assert isinstance(simulated_hospital.pipeline.recorder, Recorder)
    return simulated_hospital.pipeline.recorder


def outcomes(recorder: Recorder, *commands: dict[str, Any]) -> list[str]:
    return [result["outcome"] for result in recorder.append_batch(commands)]


def log(database: Database) -> list[tuple[Any, ...]]:
    """Position, stream, version, command, its end and when, of each event."""
    return rows(
        database,
        "SELECT position, stream, version, command_id, command_end, recorded_at"
        " FROM record.events ORDER BY position",
    )


def assert_no_gaps(database: Database) -> None:
    result = log(database)
    assert [row[0] for row in result] == list(range(1, len(result) + 1))
    recorded = [row[5] for row in result]
    assert all(earlier < later for earlier, later in pairwise(recorded))


# -- batches --


def test_each_command_of_a_batch_stands_for_itself_and_the_order_is_kept(
    recorder: Recorder, database: Database
) -> None:
    a, b, c, d = (uuid4() for _ in range(4))
    first = crafted((a, 1), (a, 2), unique=[{"kind": "mrn", "key": "1", "owner": a}])
    stale = crafted((a, 2))
    second = crafted((b, 1))
    taken = crafted((c, 1), unique=[{"kind": "mrn", "key": "1", "owner": c}])
    third = crafted((b, 2), (a, 3))
    last = crafted((d, 1))

    answer = recorder.append_batch([first, stale, second, taken, first, third, last])

    assert [t["outcome"] for t in answer] == [
        "recorded",
        "stale",
        "recorded",
        "taken",
        "earlier",
        "recorded",
        "recorded",
    ]
    assert answer[3]["claim"] == "unique_claims_pkey"
    assert answer[4]["command"] == answer[0]["command"]
    written = [(a, 1), (a, 2), (b, 1), (b, 2), (a, 3), (d, 1)]
    assert [(row[1], row[2]) for row in log(database)] == written
    assert [row[4] for row in log(database)] == [2, 2, 3, 5, 5, 6]
    assert_no_gaps(database)


def test_a_command_that_is_not_accepted_leaves_nothing_behind(
    recorder: Recorder, database: Database
) -> None:
    a, b = uuid4(), uuid4()
    recorder.append_batch([crafted((a, 1), unique=[{"kind": "mrn", "key": "1", "owner": a}])])
    stale = crafted((a, 1), unique=[{"kind": "mrn", "key": "2", "owner": a}])
    taken = crafted(
        (b, 1),
        unique=[
            {"kind": "mrn", "key": "3", "owner": b},
            {"kind": "mrn", "key": "1", "owner": b},
        ],
    )

    assert outcomes(recorder, stale, taken) == ["stale", "taken"]

    assert rows(database, "SELECT count(*) FROM record.commands") == [(1,)]
    assert rows(database, "SELECT key FROM record.unique_claims") == [("1",)]
    assert len(log(database)) == 1


def test_a_command_that_was_not_accepted_can_be_appended_later_under_the_same_id(
    recorder: Recorder,
) -> None:
    a = uuid4()
    early = crafted((a, 2))
    assert outcomes(recorder, early) == ["stale"]
    assert outcomes(recorder, crafted((a, 1))) == ["recorded"]
    assert outcomes(recorder, early) == ["recorded"]


def test_positions_have_no_gaps_however_many_are_refused(
    recorder: Recorder, database: Database
) -> None:
    a = uuid4()
    for version in range(1, 6):
        refusal = [crafted((a, version + 7)) for _ in range(5)]
        assert set(outcomes(recorder, *refusal)) == {"stale"}
        recorder.append_batch([crafted((a, version))])

    assert_no_gaps(database)
    assert len(log(database)) == 5


def test_positions_have_no_gaps_when_many_append_at_once(
    recorder: Recorder, database: Database
) -> None:
    def append() -> None:
        for _ in range(10):
            mine, other = uuid4(), uuid4()
            recorder.append_batch(
                [crafted((mine, 1), (mine, 2)), crafted((other, 5)), crafted((mine, 3))]
            )

    assert at_once(*[append] * 8) == [None] * 8

    assert len(log(database)) == 8 * 10 * 3
    assert_no_gaps(database)


def test_each_event_knows_the_end_of_its_command(recorder: Recorder, database: Database) -> None:
    streams = [uuid4() for _ in range(3)]
    three = crafted(*[(stream, 1) for stream in streams])
    recorder.append_batch([crafted((uuid4(), 1)), three, crafted((uuid4(), 1))])

    assert [row[4] for row in log(database)] == [1, 4, 4, 4, 5]
    (kept,) = rows(
        database,
        "SELECT first_position, last_position, recorded_at FROM record.commands"
        " WHERE command_id = %s",
        [three["command_id"]],
    )
    assert kept == (2, 4, log(database)[3][5])


def test_followers_are_told_the_last_position_once_and_only_when_something_was_appended(
    recorder: Recorder, database: Database
) -> None:
    a = uuid4()
    with psycopg.connect(database.app_url, autocommit=True) as listener:
        listener.execute("LISTEN wardbook_log")
        outcomes(recorder, crafted((a, 4)))
        outcomes(recorder, crafted((a, 1)), crafted((a, 2)), crafted((a, 2)))
        rows(database, "SELECT pg_notify('wardbook_log', 'over')")
        result = [notice.payload for notice in listener.notifies(timeout=20, stop_after=2)]

    assert result == ["2", "over"]


# -- the recording clock --


def test_a_real_log_stamps_with_its_own_clock(recorder: Recorder, database: Database) -> None:
    (before,) = rows(database, "SELECT clock_timestamp()")[0]
    recorder.append_batch([crafted((uuid4(), 1)) for _ in range(3)])
    (after,) = rows(database, "SELECT clock_timestamp()")[0]

    assert all(before < row[5] < after for row in log(database))
    assert_no_gaps(database)


def test_a_real_log_refuses_a_clock_from_outside(recorder: Recorder, database: Database) -> None:
    backdated = crafted((uuid4(), 1), recorded_at=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(errors.RaiseException, match="only a simulated log"):
        recorder.append_batch([crafted((uuid4(), 1)), backdated])
    assert log(database) == []


def test_a_simulated_log_takes_its_clock_from_outside_and_never_goes_backwards(
    simulated_recorder: Recorder, simulated: Database
) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    given = [noon, noon - timedelta(days=1), noon, noon + timedelta(hours=1), noon]
    simulated_recorder.append_batch(
        [crafted((uuid4(), 1), (uuid4(), 1), recorded_at=at) for at in given]
    )

    recorded = [row[5] for row in log(simulated)]
    us = timedelta(microseconds=1)
    hour = timedelta(hours=1)
    assert recorded[:6] == [noon + n * us for n in range(6)]
    assert recorded[6:] == [noon + hour + n * us for n in range(4)]


def test_a_log_stays_what_it_was_made_as(database: Database, recorder: Recorder) -> None:
    first = database.open_log("real")
    assert database.open_log("simulated") == first
    with pytest.raises(errors.RaiseException):
        recorder.append_batch([crafted((uuid4(), 1), recorded_at=datetime.now(UTC))])


# -- versions --

A, B = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    "wrong",
    [
        crafted((A, 2), reads={str(A): 0}),
        crafted((A, 1), (A, 3)),
        crafted((A, 1), (A, 1)),
        crafted((A, 1), (A, 3), (A, 2)),
        crafted((A, 1), (A, 1), (A, 3)),
        {**crafted((A, 1)), "reads": {}},
        {**crafted((A, 1), (B, 1)), "reads": {str(A): 0}},
    ],
    ids=[
        "after a gap",
        "a gap",
        "twice",
        "out of order",
        "twice and a gap",
        "unread",
        "one unread",
    ],
)
def test_events_that_do_not_follow_what_was_read_are_refused(
    recorder: Recorder, database: Database, wrong: dict[str, Any]
) -> None:
    with pytest.raises(errors.RaiseException, match="do not follow"):
        recorder.append_batch([wrong])
    assert log(database) == []


def test_a_command_without_events_is_refused(recorder: Recorder, database: Database) -> None:
    with pytest.raises(errors.RaiseException, match="at least one event"):
        recorder.append_batch([crafted()])
    assert rows(database, "SELECT count(*) FROM record.commands") == [(0,)]


def test_a_stream_that_was_only_read_must_not_have_changed(recorder: Recorder) -> None:
    a, b, c = uuid4(), uuid4(), uuid4()
    recorder.append_batch([crafted((a, 1), (a, 2))])

    assert outcomes(recorder, crafted((b, 1), reads={str(a): 1})) == ["stale"]
    assert outcomes(recorder, crafted((b, 1), reads={str(a): 0})) == ["stale"]
    assert outcomes(recorder, crafted((b, 1), reads={str(a): 3})) == ["stale"]
    assert outcomes(recorder, crafted((b, 1), reads={str(a): 2, str(c): 0})) == ["recorded"]


def test_what_the_library_reads_back_is_what_was_appended(
    hospital: Hospital, recorder: Recorder
) -> None:
    recorded = hospital.rooms.open_room(request(), ward="A", room="1", beds=("a",))
    hospital.rooms.add_bed(request(), ward="A", room="1", bed="b")
    (stream,) = recorded.ids("room")

    assert recorder.max_notification_id() == 2
    stored = recorder.select_events(stream)
    assert [e.originator_version for e in stored] == [1, 2]
    assert EventMapper().to_domain_event(stored[0]) == recorded.events[0]
    assert [e.originator_version for e in recorder.select_events(stream, desc=True, limit=1)] == [2]
    assert [e.originator_version for e in recorder.select_events(stream, gt=1)] == [2]
    assert [n.id for n in recorder.select_notifications(2, 10)] == [2]
    topics = [n.topic for n in recorder.select_notifications(1, 10, topics=["room.bed-added"])]
    assert topics == ["room.bed-added"]


def test_the_librarys_own_subscriptions_and_trackings_are_not_for_use(
    hospital: Hospital, recorder: Recorder
) -> None:
    assert isinstance(hospital.pipeline.factory, Factory)
    for use in (recorder.subscribe, hospital.pipeline.factory.tracking_recorder):
        with pytest.raises(TypeError, match="infrastructure"):
            use()
