"""Topics of subscriptions: which events touch a followed board follows from what it reads."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from application.hospital import Hospital
from domain.room.occupancy import Occupancy
from domain.stay.events import VisitKind
from infrastructure.postgres.database import Database
from infrastructure.queries.log import touched_subjects
from infrastructure.read_models.occupancy import board
from infrastructure.read_models.patients import Patients
from infrastructure.read_models.rooms import Rooms
from infrastructure.read_models.stays import Stays
from infrastructure.read_models.visits import Visits, visits_of
from infrastructure.subscriptions.occupancy_topic import OccupancyTopic, topics_read
from tests.support.hospital_dsl import admitted, ago, doctor, request, room
from tests.support.shared_history import catch_up, end


def test_a_board_is_touched_by_what_its_read_models_handle() -> None:
    occupancy = {event.TOPIC for event in Rooms.handles} | {Occupancy.StretchesChanged.TOPIC}
    of_visits = {event.TOPIC for event in Visits.handles - Stays.handles}
    assert occupancy <= topics_read((board,))
    assert of_visits.isdisjoint(topics_read((board,)))
    of_stays = {event.TOPIC for model in (Stays, Patients, Visits) for event in model.handles}
    # whoever may see the stay of a visit depends on it and on its patient
    assert occupancy | of_stays <= topics_read((board, visits_of))


def test_an_event_without_a_room_touches_the_room_of_its_stay_if_the_board_reads_it(
    hospital: Hospital, database: Database
) -> None:
    first, _ = room(hospital, "1"), room(hospital, "2")
    stay = admitted(hospital, "M1", "A/1/a", ago(hours=2))
    staff_number = doctor(hospital)
    before = catch_up(database)
    hospital.stays.record_visit(
        request(), stay_id=stay, practitioner=staff_number, kind=VisitKind.ROUND
    )
    catch_up(database)
    assert asyncio.run(changed_rooms(database, before, (board,))) == (False, [])
    assert asyncio.run(changed_rooms(database, before, (board, visits_of))) == (True, [first])


async def changed_rooms(
    database: Database, after: int, queries: tuple[Callable[..., Any], ...]
) -> tuple[bool, Sequence[UUID]]:
    """Return whether a board that shows some queries is touched, and its changed rooms."""
    engine, until = database.async_engine(1), end(database)
    topic = OccupancyTopic("A", datetime.now(UTC), queries)
    async with engine.connect() as connection:
        is_touched = topic.is_touched(await touched_subjects(connection, after, until))
        changes, _ = await topic.changes(connection, after, until)
    await engine.dispose()
    return is_touched, [r.room.room for change in changes for r in change.payload.rooms]
