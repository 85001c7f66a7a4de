"""A rolling change: a program and the one before it, on one database at the same time.

The program before is this one without what it did not know; its stored events are those of
docs/released. See docs/upgrading.md and docs/adr/0065.
"""

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sqlalchemy import MetaData

from application.hospital import Hospital
from domain.event_types import EVENTS
from infrastructure.event_store.mapper import (
    EventMapper,
    NewerEvent,
    ParkingMapper,
    VersionedStoredEvent,
)
from infrastructure.event_store.recorder import Recorder
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import create_read_model, migrate
from infrastructure.postgres.migrated import NotMigrated
from infrastructure.projections import status
from infrastructure.projections.dead_letters import ProjectionTarget
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.queries.feed import Page, events_page
from infrastructure.read_models import READ_MODELS
from tests.support.hospital_dsl import admitted, events, request, room, rows
from tests.support.released import EVENTS_THEN, stored_then
from tests.support.shared_history import (
    Lived,
    await_position,
    await_read,
    catch_up,
    dead_letters,
    dump,
    end,
    forget,
    led,
    positions,
    running,
)

NEW = "stay.specialty-changed"
"""The kind of event that the program before does not know."""


NEW_VALUES = {
    "source-visit.reported: $.version.movement",
    "source-visit.settled: $.applied[0].version.movement",
    "source-visit.settled: $.pending[0].version.movement",
}
"""What came into events without a new version of these, before there was a release."""


@contextmanager
def program_before(*new_topics: str) -> Iterator[None]:
    """This program as it was before it knew some kinds of events."""
    newer = {topic: EVENTS.pop(topic) for topic in new_topics or (NEW,)}
    try:
        yield
    finally:
        EVENTS.update(newer)


def changed(hospital: Hospital) -> tuple[int, int]:
    """The end of the log before, and after, a command of which the program before knows nothing."""
    room(hospital)
    stay = admitted(hospital, "M1", "A/1/a")
    before = hospital.patients.register_patient(request(), mrn="M2").position
    return before, hospital.stays.change_specialty(
        request(), stay_id=stay, specialty="surgery"
    ).position


# -- stored events: the new program reads what the one before wrote --


@pytest.mark.parametrize("topic", sorted(EVENTS_THEN))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=st.data())
def test_whatever_the_released_program_stored_is_read(topic: str, said: st.DataObject) -> None:
    body = said.draw(stored_then(topic))
    assert Draft202012Validator(EVENTS_THEN[topic]["schema"]).is_valid(body)
    stored = VersionedStoredEvent(
        body["originator_id"], 1, topic, json.dumps(body).encode(), EVENTS_THEN[topic]["version"]
    )
    event = EventMapper().to_domain_event(stored)
    assert type(event) is EVENTS[topic]
    assert str(event.entry.command_id) == body["entry"]["command_id"]


# -- and the one before reads what the new one writes, of the kinds that it knows --


def test_what_is_stored_today_of_known_kinds_fits_what_was_released(lived: Lived) -> None:
    """Fields may have come; what was there is what it was. Else its VERSION has to be raised."""
    validators = {t: Draft202012Validator(_open(e["schema"])) for t, e in EVENTS_THEN.items()}
    seen: Counter[str] = Counter()
    unread: dict[str, str] = {}
    mapper = EventMapper()
    for _, _, event in events(lived.database):
        topic, body = event.TOPIC, json.loads(mapper.to_stored_event(event).state)
        if topic in validators and EVENTS_THEN[topic]["version"] >= event.VERSION:
            for error in validators[topic].iter_errors(body):
                unread[f"{topic}: {re.sub(r'[0-9]+', '0', error.json_path)}"] = error.message
            seen[topic] += 1
    assert len(seen) > 40
    assert {path: said for path, said in unread.items() if path not in NEW_VALUES} == {}


def _open(schema: Any) -> Any:
    """A schema as its program reads by it: it passes over fields that it does not know."""
    if isinstance(schema, list):
        return [_open(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {k: _open(part) for k, part in schema.items() if k != "additionalProperties"}


# -- what the one before does with an event that it does not know --


def test_an_older_follower_stops_before_an_unknown_event_and_parks_nothing(
    hospital: Hospital, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    before, _ = changed(hospital)
    with program_before():
        older = ProjectionRunner(database.app_url)
        older.run()

    assert older.problem is not None
    assert NEW in older.problem
    assert positions(database) == {before}, "what comes before is taken in"
    assert rows(database, "SELECT count(*) FROM projections.dead_letters") == [(0,)]
    (said,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert NEW in said.getMessage()


def test_a_newer_follower_goes_on_at_once_where_an_older_one_stops(
    hospital: Hospital, database: Database
) -> None:
    before, after = changed(hospital)
    newer, older = ProjectionRunner(database.app_url), ProjectionRunner(database.app_url)
    with program_before():
        older.run()
    with running(newer):
        await_read(database, after)
    assert (positions(database), newer.problem) == ({after}, None)

    followed = dump(database)
    forget(database)
    catch_up(database)
    assert dump(database) == followed
    assert before < after


def test_an_older_follower_that_is_begun_again_later_stops_at_what_it_cannot_fold(
    hospital: Hospital, database: Database
) -> None:
    """The new program was ahead: the unknown event is in the history of the stay alone."""
    changed(hospital)
    catch_up(database)
    stay = rows(database, f"SELECT stream FROM record.events WHERE topic = '{NEW}'")[0][0]
    hospital.stays.start_leave(request(), stay_id=stay, keep_bed=True)
    at = positions(database)
    with program_before():
        older = ProjectionRunner(database.app_url)
        older.run()
    assert older.problem is not None
    assert positions(database) == at
    assert rows(database, "SELECT count(*) FROM projections.dead_letters") == [(0,)]


def test_a_newer_version_of_an_event_stops_an_older_follower_too(
    hospital: Hospital, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = changed(hospital)
    monkeypatch.setattr(EVENTS[NEW], "VERSION", 0)
    older = ProjectionRunner(database.app_url)
    older.run()
    assert older.problem is not None
    assert "version 1" in older.problem
    assert positions(database) == {before}


def test_an_older_command_on_what_it_cannot_read_is_refused_and_records_nothing(
    hospital: Hospital, database: Database, recorder: Recorder
) -> None:
    changed(hospital)
    stay = rows(database, f"SELECT stream FROM record.events WHERE topic = '{NEW}'")[0][0]
    with program_before(), pytest.raises(NewerEvent, match=NEW):
        recorder.streams({stay: 0})


async def _page(database: Database, after: int, until: int) -> Page:
    engine = database.async_engine(1)
    try:
        async with engine.connect() as connection:
            return await events_page(connection, after, until, 100, frozenset(EVENTS))
    finally:
        await engine.dispose()


def test_an_older_feed_ends_before_an_unknown_event_and_does_not_pass_over_it(
    hospital: Hospital, database: Database
) -> None:
    before, after = changed(hospital)
    catch_up(database)
    with program_before():
        page = asyncio.run(_page(database, 0, after))
        assert page.reached == before
        with pytest.raises(NewerEvent, match=NEW):
            asyncio.run(_page(database, before, after))
    assert asyncio.run(_page(database, before, after)).reached == after


# -- the way back --


def test_after_a_way_back_the_newer_commands_may_be_parked_and_are_retried_later(
    hospital: Hospital, database: Database
) -> None:
    _, after = changed(hospital)
    with program_before():
        ProjectionRunner(database.app_url, mapper=ParkingMapper()).catch_up()
    assert dead_letters(database, "stays_v1", "error") != []
    assert positions(database) == {after}

    for model in READ_MODELS:
        if not model.halts and dead_letters(database, str(model.metadata.schema), "error"):
            hospital.projections.retry_parked(request(), name=model.name)
    catch_up(database)
    retried = dump(database)
    assert rows(database, "SELECT count(*) FROM projections.dead_letters") == [(0,)]
    forget(database)
    catch_up(database)
    assert dump(database) == retried


# -- read models --


def test_an_older_follower_writes_nothing_into_tables_of_another_program(
    hospital: Hospital, database: Database
) -> None:
    changed(hospital)
    try:
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("COMMENT ON SCHEMA stays_v1 IS 'Read model stays. Tables: sha256 0'")
        older = ProjectionRunner(database.app_url)
        older.run()
        assert older.problem is not None
        assert "stays" in older.problem
        assert rows(database, "SELECT count(*) FROM stays_v1.stays") == [(0,)]
        with pytest.raises(NotMigrated, match="stays"):
            catch_up(database)
    finally:
        migrate(database)


def test_a_new_version_of_a_read_model_is_filled_while_an_older_program_keeps_the_former(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    (model,) = (model for model in READ_MODELS if model.name == "visits")
    schema = f"{model.metadata.schema}_next"
    tables = MetaData(schema=schema)
    for table in model.metadata.sorted_tables:
        table.to_metadata(tables, schema=schema)
    newer_target = ProjectionTarget(model, schema)
    try:
        with database.engine() as engine, engine.begin() as connection:
            create_read_model(connection, model, tables)
        older = ProjectionRunner(database.app_url)
        with running(older):
            await_read(database, 1)
            with running(ProjectionRunner(database.app_url, targets=[newer_target])):
                admitted(hospital, "M1", "A/1/a")
                await_position(database, [newer_target], end(database))
                await_read(database, end(database))
                assert led(database) == len(READ_MODELS) + 1
    finally:
        with psycopg.connect(database.owner_url) as owner:
            owner.execute(f"DROP SCHEMA {schema} CASCADE".encode())
            status.forget(owner, schema)
