"""Stored events: in columns, published whole, and nothing lost on the way there and back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest
from alembic import command as alembic
from alembic.script import ScriptDirectory
from msgspec.structs import replace
from psycopg import Connection, errors
from psycopg.types.json import Jsonb

from application.hospital import Hospital
from domain.envelope import About, Actor, Source
from domain.time import Precision
from infrastructure.event_store.mapper import EventMapper, VersionedStoredEvent
from infrastructure.event_store.recorder import Recorder
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import alembic_config, migrate
from infrastructure.projections.runner import ProjectionRunner
from tests.support.event_builders import crafted
from tests.support.hospital_dsl import ELECTIVE, admitted, events, request, rows
from tests.support.shared_history import WITHOUT_EXAMPLE, Lived

WHOLE = "SELECT position, stream, version, topic, schema_version, body FROM record.events"

AHEAD = timezone(timedelta(hours=2))


def event_of(row: tuple[Any, ...]) -> Any:
    """The event of a row of `WHOLE`, read from its published JSON alone."""
    _, stream, version, topic, schema_version, body = row
    stored = VersionedStoredEvent(stream, version, topic, json.dumps(body).encode(), schema_version)
    return EventMapper().to_domain_event(stored)


def test_every_field_of_the_envelope_comes_back_as_it_was_said(
    hospital: Hospital, database: Database
) -> None:
    admitted(hospital, "M1")
    recorded_at = datetime(2026, 3, 2, 8, 0, 0, 123456, AHEAD)
    command_request = request(
        datetime(2026, 3, 2, 7, 30, 59, 10, AHEAD),
        by=Actor(issuer="i", subject='a "quoted" subject', role="nurse", on_behalf_of="doctor-1"),
        precision=Precision.HOUR,
        performed_by="nurse-2",
        witnessed_by="nurse-3",
        reason="Zürich \\ \n / \u2028 'x'",
        source=Source(system="lab", id="/7", recorded_at=recorded_at),
    )
    hospital.patients.register_patient(request(datetime(2026, 3, 1, tzinfo=UTC)), mrn="M2")
    given = hospital.stays.admit_patient(command_request, patient_mrn="M2", admission_type=ELECTIVE)

    entry = given.entry
    for part in (entry, entry.recorded_by, entry.source, entry.about):
        assert part is not None
        empty = [f for f in part.__struct_fields__ if getattr(part, f) is None]
        assert not empty, "whatever the envelope may say is said here"
    kept = [event for position, _, event in events(database) if position == given.position]
    assert kept == list(given.events)
    assert kept[0].entry.occurred_at.tzinfo is UTC
    assert [
        event_of(row) for row in rows(database, f"{WHOLE} WHERE position = {given.position}")
    ] == kept


def test_what_is_shown_whole_is_what_is_read_in_parts(lived: Lived) -> None:
    shown = [event_of(row) for row in rows(lived.database, f"{WHOLE} ORDER BY position")]
    assert shown == [event for _, _, event in events(lived.database)]


@pytest.mark.parametrize("key_id", ["{patient}/1", "{patient}", "{patient}x", "vault 7", "7/8"])
def test_any_key_comes_back_as_it_was(
    hospital: Hospital, database: Database, recorder: Recorder, key_id: str
) -> None:
    stay = admitted(hospital, "M1")
    (event,) = recorder.streams({stay: 0})[stay]
    assert event.entry.about is not None
    patient = event.entry.about.patient
    about = About(patient=patient, key_id=key_id.format(patient=patient))
    object.__setattr__(event, "entry", replace(event.entry, about=about))
    command = crafted((stay, 2))
    stored = EventMapper().to_stored_event(event)
    command["events"] = [{**json.loads(stored.row), "version": 2}]

    assert recorder.append_batch([command])[0]["outcome"] == "recorded"

    last = recorder.streams({stay: 1})[stay][0]
    assert last.entry.about == about
    assert event_of(rows(database, f"{WHOLE} ORDER BY position DESC LIMIT 1")[0]) == last


def test_an_event_without_an_envelope_is_not_kept(recorder: Recorder, database: Database) -> None:
    stream = UUID(int=1)
    for missing in ("operation", "occurred_at", "subject", "hospital", "digest", "own"):
        command = crafted((stream, 1))
        del command["events"][0][missing]
        with pytest.raises(errors.NotNullViolation):
            recorder.append_batch([command])
    assert rows(database, "SELECT count(*) FROM record.events") == [(0,)]


def test_the_kinds_of_events_are_named_once(
    hospital: Hospital, recorder: Recorder, database: Database
) -> None:
    streams = [UUID(int=n) for n in range(1, 9)]
    for batch in (streams[:1], streams[1:4], streams[4:]):
        recorder.append_batch([crafted((stream, 1), (stream, 2)) for stream in batch])
    assert rows(database, "SELECT topic, schema_version, operation FROM record.kinds") == [
        ("crafted", 1, "crafted")
    ]


# -- logs from before they were kept in this way --


OF_PATIENTS = "kind IN ('mrn', 'source')"
"""Claims of numbers that the key store alone can tell: an older program could not have made them."""


def _copy(source: Connection, target: Connection, table: str, where: str) -> None:
    query = f"(SELECT * FROM record.{table} WHERE {where})"
    with (
        source.cursor().copy(f"COPY {query} TO STDOUT".encode()) as rows_read,
        target.cursor().copy(f"COPY record.{table} FROM STDIN".encode()) as rows_kept,
    ):
        for chunk in rows_read:
            rows_kept.write(chunk)


@contextmanager
def former(lived: Lived, server: Database, worker: str) -> Iterator[Database]:
    """The busy history as an older program kept it: each event as one document."""
    parts = ("log", "commands", "subjects", "bed_claims", "person_claims", "unique_claims")
    with server.scratch(f"former_{worker}") as database:
        config = alembic_config(database)
        moved = ScriptDirectory.from_config(config).get_revision("0010")
        alembic.upgrade(config, str(moved.down_revision))
        with (
            psycopg.connect(lived.database.owner_url) as source,
            psycopg.connect(database.owner_url) as target,
        ):
            for table in parts:
                _copy(
                    source,
                    target,
                    table,
                    f"NOT {OF_PATIENTS}" if table == "unique_claims" else "true",
                )
            for row in source.execute(
                "SELECT position, stream, version, topic, schema_version, command_id, command_end,"
                " recorded_at, body FROM record.events ORDER BY position"
            ):
                target.execute(
                    "INSERT INTO record.events VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    [*row[:-1], Jsonb(row[-1])],
                )
        yield database


@pytest.mark.nightly
def test_an_older_log_is_moved_without_loss(lived: Lived, server: Database, worker_id: str) -> None:
    with former(lived, server, worker_id) as database:
        before = rows(database, f"{WHOLE} ORDER BY position")
        assert len(before) > 400
        migrate(database)

        assert rows(database, f"{WHOLE} ORDER BY position") == before
        assert [event for _, _, event in events(database)] == [event_of(row) for row in before]
        with (
            psycopg.connect(lived.database.owner_url) as source,
            psycopg.connect(database.owner_url) as target,
        ):
            _copy(source, target, "unique_claims", OF_PATIENTS)
        ProjectionRunner(database.app_url).catch_up()
        checks = list(verify(database))
    assert [(c.promise, c.examples) for c in checks if c.broken] == []
    not_looked_at = {c.promise for c in checks if not c.looked_at} - WITHOUT_EXAMPLE
    assert all("key" in promise for promise in not_looked_at), (
        "the acts of keys are not in that log"
    )


def test_an_older_event_that_cannot_be_kept_stops_the_move(
    lived: Lived, server: Database, worker_id: str
) -> None:
    with former(lived, server, worker_id) as database:
        with psycopg.connect(database.owner_url) as owner:
            owner.execute(
                "UPDATE record.events SET body = jsonb_set(body, '{entry,surprise}', '1')"
                " WHERE position = 7"
            )
        with pytest.raises(Exception, match="event at position 7"):
            migrate(database)
        assert rows(database, "SELECT count(*) FROM record.events WHERE body IS NOT NULL") == rows(
            lived.database, "SELECT count(*) FROM record.events"
        )
