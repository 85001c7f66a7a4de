"""A database that fills faster than statistics are gathered: no statement reads a table from end to end.

Plans are cached. Here all of them are made while the tables have next to no rows and say so, and nothing
ever tells the planner otherwise.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread

import psycopg
import pytest
from psycopg import sql

from api.simulator import simulate
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from infrastructure.settings import Settings
from tests.support.hospital_dsl import rows

pytestmark = pytest.mark.slow

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)
ROWS_SCANNED = 5
"""Rows of one table that a command and its projections may read without an index: of a tiny one."""
ENTRIES_FOUND = 15
"""Entries of one index that they may read: a stream, a room's claims, the end of the log."""

TABLES = (
    "SELECT schemaname, relname FROM pg_stat_user_tables WHERE schemaname = ANY(%s) ORDER BY 1, 2"
)
READS = (
    "SELECT schemaname || '.' || relname, seq_tup_read, coalesce((SELECT max(idx_tup_read)"
    "   FROM pg_stat_user_indexes i WHERE i.relid = t.relid), 0)"
    " FROM pg_stat_user_tables t WHERE schemaname = ANY(%s)"
)
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


@dataclass(frozen=True)
class Reads:
    """Rows of each table that were read by scans, and entries of its most used index."""

    commands: int
    scanned: dict[str, int]
    found: dict[str, int]


@pytest.fixture(scope="module")
def reads(server: Database, worker_id: str) -> Iterator[Reads]:
    """A small house lives some days, followed by a projection runner."""
    schemas = ["record", *(str(model.metadata.schema) for model in READ_MODELS)]
    with server.scratch(f"fresh_{worker_id}") as database:
        migrate(database)
        database.open_log("simulated")
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            for table in owner.execute(TABLES, [schemas]).fetchall():
                owner.execute(
                    sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = off)").format(
                        sql.Identifier(*table)
                    )
                )
            runner = ProjectionRunner(database.app_url)
            thread = Thread(target=runner.run)
            thread.start()
            analyzed: list[float] = []

            def analyze_once(share: float) -> None:
                if not analyzed:
                    owner.execute("ANALYZE")
                    analyzed.append(share)

            try:
                with closing(wired(Settings(), database)) as hospital:
                    simulate(hospital, beds=8, days=7, seed=1, until=UNTIL, progress=analyze_once)
            finally:
                runner.stop()
                thread.join()
            assert analyzed[0] < 0.1
            ProjectionRunner(database.app_url).catch_up()
            while owner.execute(OTHERS).fetchone() != (0,):
                pass  # a connection that is closed has still to report what it read
            found = owner.execute(READS, [schemas]).fetchall()
        ((commands,),) = rows(database, "SELECT count(*) FROM record.commands")
        yield Reads(
            commands,
            {table: scanned for table, scanned, _ in found},
            {table: entries for table, _, entries in found},
        )


def test_no_table_and_no_index_is_read_from_end_to_end(reads: Reads) -> None:
    assert reads.commands > 500
    assert reads.found["record.stored_events"] > reads.commands
    assert {t: n for t, n in reads.scanned.items() if n > ROWS_SCANNED * reads.commands} == {}
    assert {t: n for t, n in reads.found.items() if n > ENTRIES_FOUND * reads.commands} == {}
