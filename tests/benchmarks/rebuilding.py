"""Rebuilding all read models, every event validated, against the library's ProjectionRunner.

The log is MIMIC-IV's where its folder is there (``WARDBOOK_MIMIC_IV``), else a simulated one. The
runner commits once per event into the same tables, through the same read models: it is given the
beginning of the same log only, a sample, since it takes its time. (Rows of a command of several
events are written with its last one: the read models know nothing halfway through a command.)
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Signal
from time import perf_counter
from typing import Any, ClassVar
from uuid import UUID

import psycopg
from eventsourcing import projection as library
from eventsourcing.application import Application
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresTrackingRecorder
from psycopg import sql

from api.imports.mimic_iv import import_mimic_iv
from api.simulator import simulate
from domain.aggregate import Event
from infrastructure.bootstrap import hospital
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.postgres.database import Database
from infrastructure.projections.gc_tuning import reduced_garbage_collection
from infrastructure.projections.projection import EventPosition, SkippedEvent
from infrastructure.projections.rebuild import rebuild
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from infrastructure.settings import Settings
from tests.benchmarks.appending import stock_address, stock_datastore
from tests.benchmarks.results import Row, say

SAMPLE = 2_000

MIMIC = Path(
    os.environ.get("WARDBOOK_MIMIC_IV")
    or Path(__file__).resolve().parents[3] / "shared" / "data" / "mimic-iv-demo-dev"
)


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    events = _make_log(database, folder)
    say(f"filling all read models from {events:,} events in one pass")
    start = perf_counter()
    with reduced_garbage_collection():  # as the worker does
        ProjectionRunner(database.app_url).catch_up()
    filled = events / (perf_counter() - start)
    say("rebuilding all beside the live ones, comparing, switching")
    start = perf_counter()
    rebuilds = rebuild(database, READ_MODELS, lambda *_: None)
    rebuilt = events / (perf_counter() - start)
    for name, result in rebuilds.items():
        if result.different:
            raise RuntimeError(f"{name}: {result.different} rows differ after a rebuild")
    say(f"the library's ProjectionRunner on the first {SAMPLE:,} events")
    with database.scratch("bench_runner", template=_name(database)) as copy:
        runner = min(SAMPLE, events) / _run_library(copy)
    peer = f"ProjectionRunner, first {SAMPLE:,}"
    return [
        Row.rates(f"rebuild all, {events:,} events", rebuilt, peer, runner, "20x; 20,000/s"),
        Row.rates(f"fill all in one pass, {events:,} events", filled, peer, runner),
        Row(
            "event table and its indexes, bytes an event", f"{_bytes(database):,.0f}", wanted="700"
        ),
    ]


def _bytes(database: Database) -> float:
    """On disk, an event, with all indexes; as PostgreSQL keeps them after a VACUUM."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE record.stored_events")
        row = owner.execute(
            "SELECT (pg_total_relation_size('record.stored_events')"
            " + pg_total_relation_size('record.kinds'))::float / count(*) FROM record.events"
        ).fetchone()
    assert row is not None
    return float(row[0])


def _make_log(database: Database, folder: Path) -> int:
    made = hospital(Settings(), database)
    if MIMIC.is_dir():
        say(f"importing {MIMIC.name} (a minute or two)")
        database.open_log("real")
        import_mimic_iv(made, MIMIC, folder / "account.csv", lambda *_: None)
    else:
        say("no MIMIC-IV folder: simulating a hospital")
        database.open_log("simulated")
        until = datetime(2026, 1, 1, tzinfo=UTC)
        simulate(made, beds=40, days=20, seed=1, until=until, detail=0.3)
    made.close()
    with psycopg.connect(database.owner_url) as owner:
        row = owner.execute("SELECT max(position) FROM record.events").fetchone()
    assert row is not None
    return int(row[0])


def _name(database: Database) -> str:
    return database.owner_url.partition("?")[0].rpartition("/")[2]


# -- the library's way --------------------------------------------------------------------------


class Mapper(EventMapper):
    """Ours, as the library makes one: so both decode and validate alike."""

    def __init__(self, **_: Any) -> None:
        super().__init__()


class Log(Application[UUID]):
    """The stock application over the stock recorder."""

    name = "log"


class View(PostgresTrackingRecorder):
    """All read models, and where they are, in one transaction for each event."""

    source: ClassVar[Database]
    places: ClassVar[dict[int, EventPosition]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reader = psycopg.connect(self.source.owner_url, autocommit=True)
        self._mapper = EventMapper()
        self._models = [model(self._history) for model in READ_MODELS]

    def add(self, event: Event, tracking: Tracking) -> None:
        place = self.places[tracking.notification_id]
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            plain: Any = cursor
            for model in self._models:
                if model.concerns(event.TOPIC):
                    model.apply(event, place)
                if place.position == place.known:  # a command's rows are known together
                    model.flush(plain)

    def _history(self, stream: UUID, before: int) -> list[Event | SkippedEvent]:
        rows = self._reader.execute(
            f"SELECT {EVENT_COLUMNS} FROM record.events"
            " WHERE stream = %s AND position < %s ORDER BY version",
            [stream, before],
        )
        return [self._mapper.event(row) for row in rows]


class Filling(library.Projection[View]):
    """A projection as a user of the library would write it."""

    name = "filling"
    last: ClassVar[int]
    done: ClassVar[Signal]

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.add(domain_event, tracking)
        if tracking.notification_id == self.last:
            self.done.set()


def _run_library(database: Database) -> float:
    """Seconds for the sample, from the start of the runner on. The live tables are emptied."""
    with psycopg.connect(database.owner_url) as owner:
        for model in READ_MODELS:
            for table in model.tables():
                name = sql.Identifier(str(model.metadata.schema), table.name)
                owner.execute(sql.SQL("TRUNCATE {}").format(name))
    with stock_datastore(database, 1) as datastore:
        PostgresApplicationRecorder(datastore, events_table_name="log_events").create_table()
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "INSERT INTO log_events (originator_id, originator_version, topic, state)"
            " SELECT stream, version, topic, convert_to(body::text, 'UTF8') FROM record.events"
            " WHERE position <= %s ORDER BY position",
            [SAMPLE],
        )
        rows = owner.execute(
            "SELECT position, command_end, recorded_at FROM record.events WHERE position <= %s",
            [SAMPLE],
        )
        View.places = {row[0]: EventPosition(*row) for row in rows}
    View.source, Filling.last, Filling.done = database, max(View.places), Signal()
    env = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "MAPPER_TOPIC": f"{__name__}:Mapper",
        **stock_address(database),
    }
    start = perf_counter()
    with library.ProjectionRunner(
        application_class=Log, projection_class=Filling, view_class=View, env=env
    ) as runner:
        while not Filling.done.wait(0.05):
            runner.run_forever(timeout=0.001)  # raises what the projection raised
        took = perf_counter() - start
        runner.view._reader.close()
    runner.app.close()
    return took
