"""A database that fills faster than statistics are gathered: no statement reads a table from end to end.

Plans are cached. Here they are made while the tables have next to no rows and say so. Nothing ever tells
the planner otherwise, but of read models their follower: in a new database, and in one that has grown.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from api.simulator import simulate
from application.reports.inputs import Question
from application.reports.registry import newest_definitions
from application.reports.service import ReportService
from domain.time import Period
from domain.unique_keys import KEYS
from infrastructure.bootstrap import hospital as wired
from infrastructure.event_store.log_reader import LogReader
from infrastructure.event_store.recorder import Factory, Recorder
from infrastructure.evidence.checkpoints import sign_now
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.projections.batch import LIVE, BatchProjector
from infrastructure.projections.dead_letters import ProjectionTarget
from infrastructure.projections.rebuild import make_drafts
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.reports.inputs import report_connection
from infrastructure.reports.report_data import ReadModelReportData
from infrastructure.settings import Settings
from tests.support.event_builders import crafted
from tests.support.growth import Reads, calls, keep_statistics_away, multiply, reads
from tests.support.hospital_dsl import rows

pytestmark = pytest.mark.slow

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)
COPIES = 9
ROWS_SCANNED = 5
"""Rows of one table that an operation may read without an index: of a tiny one."""
ENTRIES_FOUND = 15
"""Entries of one index that it may read: a stream, a room's claims, the end of the log."""
READINGS = 30
"""How often `verify` may read a table from end to end, however many rows it has."""

OF_THE_HOUSE = {"rooms_v1.rooms", "rooms_v1.beds"}
"""Tables that a report may read whole, by an index."""


@dataclass(frozen=True)
class Phase:
    """Rows that some commands and their projections read."""

    database: Database
    commands: int
    reads: Reads


@pytest.fixture(scope="module")
def fresh(server: Database, worker_id: str) -> Iterator[Phase]:
    """A small house lives some days in a new database, followed by a projection runner."""
    with _new_house(server, f"fresh_{worker_id}") as database:
        yield _live(database, days=7, seed=1, until=UNTIL, analyze=True)


@pytest.fixture(scope="module")
def grown(fresh: Phase) -> Phase:
    """Another house lives a day in the same database, in which years have passed meanwhile."""
    multiply(fresh.database, COPIES)
    until = UNTIL + timedelta(days=100 * (COPIES + 1))
    return _live(fresh.database, days=2, seed=2, until=until)


@contextmanager
def _new_house(server: Database, name: str) -> Iterator[Database]:
    with server.scratch(name) as database:
        migrate(database)
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            keep_statistics_away(owner)
        database.open_log("simulated")
        yield database


def _live(
    database: Database, *, days: int, seed: int, until: datetime, analyze: bool = False
) -> Phase:
    commands_before = _commands(database)
    before = reads(database)
    analyzed: list[float] = []

    def analyze_once(share: float) -> None:
        if analyze and not analyzed:
            with psycopg.connect(database.owner_url, autocommit=True) as owner:
                owner.execute("ANALYZE")
            analyzed.append(share)

    runner = ProjectionRunner(database.app_url)
    thread = Thread(target=runner.run)
    thread.start()
    try:
        with closing(wired(Settings(), database)) as hospital:
            simulate(hospital, beds=8, days=days, seed=seed, until=until, progress=analyze_once)
    finally:
        runner.stop()
        thread.join()
    assert not analyze or analyzed[0] < 0.1
    ProjectionRunner(database.app_url).catch_up()
    read = reads(database).since(before)
    return Phase(database, _commands(database) - commands_before, read)


def _commands(database: Database) -> int:
    ((count,),) = rows(database, "SELECT count(*) FROM record.commands")
    assert isinstance(count, int)
    return count


# In the order of the fixtures: what the first house lacks, the second one has.


def test_no_table_and_no_index_is_read_from_end_to_end(fresh: Phase) -> None:
    assert fresh.commands > 500
    assert fresh.reads.found["record.stored_events"] > fresh.commands
    assert fresh.reads.more_than(*_most(fresh.commands)) == {}


def test_nor_are_those_that_were_vacuumed_while_they_were_empty(
    server: Database, worker_id: str
) -> None:
    """All plans of them cost the same, and a connection keeps the one that it was given."""
    with _new_house(server, f"vacuumed_{worker_id}") as database:
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE")
        house = _live(database, days=7, seed=1, until=UNTIL)
    assert house.commands > 500
    assert house.reads.more_than(*_most(house.commands)) == {}


def test_no_batch_of_a_rebuild_reads_a_draft_from_end_to_end(fresh: Phase) -> None:
    database = fresh.database
    drafts = [ProjectionTarget(t.model, f"{t.schema}_draft") for t in LIVE]
    batches = 0
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        with database.engine() as engine:
            make_drafts(engine, drafts)
        projector = BatchProjector(owner, drafts, batch=10)
        projector.prepare()
        while projector.step():
            batches += 1
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        scanned = owner.execute(
            "SELECT schemaname || '.' || relname, seq_tup_read, n_tup_ins FROM pg_stat_user_tables"
            " WHERE schemaname = ANY(%s)",
            [[draft.schema for draft in drafts]],
        ).fetchall()
        for draft in drafts:
            owner.execute(f"DROP SCHEMA {draft.schema} CASCADE".encode())
        owner.execute("DELETE FROM projections.status WHERE read_model LIKE '%_draft'")
    assert batches > 40
    assert max(rows for _, _, rows in scanned) > 500
    assert {table: n for table, n, rows in scanned if n > ROWS_SCANNED * batches} == {}


def test_no_report_reads_a_table_from_end_to_end(grown: Phase) -> None:
    """With statistics: a range of time is taken for more rows than it has, and a scan for cheaper."""
    database, end = grown.database, UNTIL + timedelta(days=100 * (COPIES + 1))
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("ANALYZE")
    position, definitions = _events(database), newest_definitions()
    before = reads(database)
    with report_connection(database.app_url) as connection:
        service = ReportService(ReadModelReportData(connection, "main"))
        for held in definitions:
            days = end.date() - timedelta(days=2), end.date()
            service.compute(held, Question(*days, None, held.parameters_of({})), position)
    read = reads(database).since(before)
    assert {table: n for table, n in read.scanned.items() if n} == {}
    assert read.found["inpatients_v3.inpatients"] > 100
    assert {
        table: n
        for table, n in read.found.items()
        if n > len(definitions) * _size(database, table) / 2 and table not in OF_THE_HOUSE
    } == {}


def test_nor_are_those_of_a_database_that_has_grown_unnoticed(grown: Phase) -> None:
    assert grown.commands > 100
    assert _events(grown.database) > 20 * grown.commands
    assert grown.reads.more_than(*_most(grown.commands)) == {}


ID = uuid4()
PERIOD = Period(UNTIL - timedelta(days=1), UNTIL)
KEY = KEYS["mrn"]("main", "nobody")
STATEMENTS: dict[str, Callable[[Recorder], Any]] = {
    "append_all": lambda log: log.append_all([crafted((uuid4(), 1)), crafted((uuid4(), 1))]),
    "append_batch": lambda log: log.append_batch(
        [crafted((stream, version)) for stream in (uuid4(), uuid4()) for version in (1, 2)]
    ),
    "arrivals_of": lambda log: log.arrivals_of(ID),
    "beds": lambda log: log.beds([ID], {ID: PERIOD}, [ID]),
    "bind_keys": lambda log: log.bind_keys(),
    "events_between": lambda log: log.events_between(1, 3),
    "first_owner": lambda log: log.first_owner("room", "nowhere"),
    "max_notification_id": lambda log: log.max_notification_id(),
    "merged_into": lambda log: log.merged_into([ID]),
    "owner": lambda log: log.owner(*KEY),
    "owners": lambda log: log.owners(["nothing"]),
    "owners_beginning": lambda log: log.owners_beginning("room", "nowhere"),
    "preload": lambda log: log.preload(ID, [ID], [KEY]),
    "recorded_ids": lambda log: log.recorded_ids([ID]),
    "select_events": lambda log: log.select_events(ID),
    "select_notifications": lambda log: log.select_notifications(5, 3),
    "stays_of": lambda log: log.stays_of([ID]),
    "still_current": lambda log: log.still_current(ID, {ID: 0}, UNTIL),
    "streams": lambda log: log.streams({ID: 0}),
    "streams_of": lambda log: log.streams_of(ID),
    "streams_of_change": lambda log: log.streams_of_change(ID),
    "streams_of_consult": lambda log: log.streams_of_consult(ID),
    "streams_of_patients": lambda log: log.streams_of_patients([ID]),
}
"""A call of each method of the event store that sends a statement."""

WITHOUT_STATEMENT = {
    *("insert_events", "insert_together", "subscribe", "prove", "salt_digest", "destroy_keys")
}
"""Methods that send none of their own, or none at all."""


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_of_the_event_store_reads_a_table_from_end_to_end(
    grown: Phase, name: str
) -> None:
    before = reads(grown.database)
    factory = Factory({"DATABASE": grown.database.app_url})
    recorder = factory.application_recorder()
    assert isinstance(recorder, Recorder)
    with closing(factory):
        STATEMENTS[name](recorder)
    read = reads(grown.database).since(before)
    assert read.more_than(ROWS_SCANNED * 10, ENTRIES_FOUND * 10) == {}


def test_each_method_of_the_event_store_and_each_function_is_tried(
    grown: Phase, tmp_path: Path
) -> None:
    sign_now(
        grown.database, tmp_path
    )  # a tree is of all rows: its first checkpoint reads each once
    methods = {
        name
        for kind in (LogReader, Recorder)
        for name, member in vars(kind).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }
    assert methods - WITHOUT_STATEMENT == STATEMENTS.keys()
    assert {name for name, count in calls(grown.database).items() if not count} == set()


def test_verify_reads_each_table_a_fixed_number_of_times(grown: Phase) -> None:
    before = reads(grown.database)
    for _ in verify(grown.database, sample=5):
        pass
    read = reads(grown.database).since(before)
    sizes = {table: _size(grown.database, table) for table in read.scanned}
    assert {
        table: (n, sizes[table])
        for table, n in read.scanned.items()
        if n > READINGS * max(sizes[table], ROWS_SCANNED * 10)
    } == {}


def _most(commands: int) -> tuple[int, int]:
    return ROWS_SCANNED * commands, ENTRIES_FOUND * commands


def _events(database: Database) -> int:
    return _size(database, "record.stored_events")


def _size(database: Database, table: str) -> int:
    ((count,),) = rows(database, f"SELECT count(*) FROM {table}")
    assert isinstance(count, int)
    return count
