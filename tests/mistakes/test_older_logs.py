"""Mistakes of other systems about logs that an older program wrote: see `test_covered` for the list.

`tests/record/corpus` has events as they are stored: a change of a room that was taken back between
others, where each change held ward and number whole.
"""

import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from application.command_pipeline import Invocation
from application.hospital import Hospital
from application.unit_of_work import UnitOfWork
from domain.event_types import EVENTS
from domain.refusals import NotFound
from domain.room.aggregate import Room
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.projections.rebuild import rebuild
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.rooms import Rooms, room_periods
from tests.support.hospital_dsl import admitted, request
from tests.support.shared_history import catch_up, end

CORPUS = Path(__file__).parents[1] / "record" / "corpus" / "room_changes.json"
LOGS: dict[str, Any] = json.loads(CORPUS.read_text())
OPERATIONS = {"room.opened": "open_room", "room.change-cancelled": "cancel_room_change"}


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def store(hospital: Hospital, log: list[Any], hour: int = 0) -> UUID:
    """Append events of a room as an older program did, each by a command of its own.

    ``hour``: that of the opening, on 1 March 2026.
    """
    rooms: list[UUID] = []

    def append(topic: str, own: dict[str, Any], operation: str) -> None:
        values = {**own, "since": moment(own["since"])} if "since" in own else own

        def decide(uow: UnitOfWork) -> None:
            room = uow.load(Room, *rooms)[0] if rooms else uow.new(Room, "room")
            room.record(EVENTS[topic], uow.entry, **values)

        command_request = request(datetime(2026, 3, 1, hour, tzinfo=UTC))
        recorded = hospital.pipeline.execute(Invocation(command_request, operation, own, decide))
        rooms[:] = rooms or recorded.ids("room")

    for topic, own, *operation in log:
        append(topic, own, *(operation or [OPERATIONS[topic]]))
    return rooms[0]


@pytest.mark.slow
@pytest.mark.parametrize("case", LOGS)
def test_mistake_281_a_room_change_taken_back_in_an_older_log_holds_otherwise_after_an_upgrade(
    hospital: Hospital, database: Database, case: str
) -> None:
    log = LOGS[case]
    room = store(hospital, log["events"])
    catch_up(database)

    assert [check.promise for check in verify(database) if check.broken] == []
    rebuilt = rebuild(database, [Rooms], lambda *_: None, 1)
    assert {result.different for result in rebuilt.values()} == {0}

    async def names() -> list[list[Any]]:
        engine = database.async_engine(1)
        async with engine.connect() as connection:
            at = AsOf(datetime.now(UTC), end(database))
            periods = (await room_periods(connection, [room], at))[room]
        await engine.dispose()
        return [[period.since, period.ward, period.number] for period in periods]

    answer = asyncio.run(names())
    first, *later = [[moment(since), *name] for since, *name in log["names"]]
    assert (answer[0][1:], answer[1:]) == (first[1:], later)

    *_, (_, ward, number) = log["names"]
    admitted(hospital, "M1", f"{ward}/{number}/a")
    for other_ward, other_number in {(w, n) for _, w, n in log["names"]} - {(ward, number)}:
        with pytest.raises(NotFound):
            admitted(hospital, f"M {other_ward}{other_number}", f"{other_ward}/{other_number}/b")


OPENED = "2026-03-01T10:00:00Z"


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("command", ["rename_ward", "change_room"])
def test_mistake_584_what_an_older_log_has_renamed_at_its_opening_is_never_named_back_on_that_day(
    hospital: Hospital, command: str, later: bool
) -> None:
    """A change on the day of the opening was held at the opening, and not from midnight on."""
    changes: list[Any] = [
        ["room.opened", {"ward": "A", "number": "1", "beds": ["a"]}],
        ["room.details-changed", {"since": OPENED, "ward": "B", "number": "1"}, command],
    ]
    if later:
        since = "2026-03-20T00:00:00Z"
        changes.append(
            ["room.details-changed", {"since": since, "ward": "B", "number": "2"}, "change_room"]
        )
    store(hospital, changes, 10)
    fields: dict[str, Any] = {"ward": "B", "new_ward": "A", "valid_from": date(2026, 3, 1)}
    if command == "rename_ward":
        answer = hospital.rooms.rename_ward(request(), **fields)
    else:
        answer = hospital.rooms.change_room(request(), room="2" if later else "1", **fields)
    assert len(answer.events) == 1
    admitted(hospital, "M1", "A/2/a" if later else "A/1/a")
    with pytest.raises(NotFound):
        admitted(hospital, "M2", "B/1/a")
