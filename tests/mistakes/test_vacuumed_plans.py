"""Mistakes of other systems about plans that are made while tables are empty: see `test_covered`."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.postgres.database import Database
from infrastructure.projections.batch import BatchProjector
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.tables_read import Query
from infrastructure.read_models import READ_MODELS
from tests.conftest import empty
from tests.record.test_plans import NOW, READS, VIEWERS, _statements, _with_numbers
from tests.support.growth import keep_statistics_away, multiply
from tests.support.hospital_dsl import rows
from tests.support.shared_history import LIVED, lived_once

TABLES = [table for model in READ_MODELS for table in model.metadata.sorted_tables]
COPIES = 20

SMALL = {"rooms", "beds", "spells", "practitioners", "cleaning_rules", "kinds"}
"""Tables that hardly grow with the log."""

OF_WHAT_IS_OPEN = {"stays_open", "prescriptions_live", "expected_arrivals_waiting"}
"""Indexes of what has not ended alone."""

OF_LINKS = {"patients_merged_into"}
"""Indexes of the few records that were merged."""

IN_ORDER = {"patients_name", "patients_birth", "patients_birth_date", "entries_late"}
"""Indexes that a page of a list is read from, in their order or between two of their values."""

PAGES = 8
"""Pages that a table may have that is read whole."""

FEW_ROWS = {"empty": 0, "of three rows": 3, "of ten rows": 10}
"""The tables when their plans were made, and when statistics of them were last gathered."""

Kept = dict[tuple[Query, str], list[dict[str, Any]]]
"""The scans of the plans that a connection keeps."""

Indexes = dict[str, tuple[str, int]]
"""The first column of each index, and the pages of its table."""

INDEXES = (
    "SELECT c.relname, pg_get_indexdef(c.oid, 1, false), pg_relation_size(indrelid) / 8192"
    " FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
)


@pytest.fixture(scope="module")
def followed(server: Database, worker_id: str) -> Iterator[Database]:
    """A house in a database whose statistics the server does not gather, followed from the beginning."""
    lived_once(server)
    with server.scratch(f"followed_{worker_id}", LIVED) as database:
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            keep_statistics_away(owner)
            for table in TABLES:
                owner.execute(f"TRUNCATE {table}".encode())
                owner.execute(f"VACUUM ANALYZE {table}".encode())
            owner.execute("UPDATE projections.status SET position = 0")
        ProjectionRunner(database.app_url).catch_up()
        yield database


@pytest.fixture(scope="module")
def grown(followed: Database) -> Database:
    """The same house after many years."""
    multiply(followed, COPIES)
    return followed


@pytest.fixture(scope="module")
def indexes(kept: Kept, grown: Database) -> Indexes:
    return {name: (column, pages) for name, column, pages in rows(grown, INDEXES)}


@pytest.fixture(scope="module")
def empty_log(own: Database) -> Database:
    """A log that was vacuumed while it was empty."""
    empty(own)
    with psycopg.connect(own.owner_url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    return own


@pytest.fixture(scope="module", params=FEW_ROWS)
def kept(grown: Database, request: pytest.FixtureRequest) -> Kept:
    """Plans that were made while there were few rows, and what they have become in many."""
    statements = {
        (query, viewer): asyncio.run(
            _statements(grown, READS[query], AsOf(NOW, 1, VIEWERS[viewer]))
        )
        for query in READS
        for viewer in VIEWERS
    }
    names = {
        text: f"s{n}" for n, text in enumerate({s for sent in statements.values() for s in sent})
    }
    with (
        psycopg.connect(grown.owner_url, autocommit=True) as owner,
        psycopg.connect(grown.app_url, autocommit=True) as reader,
        psycopg.connect(grown.app_url, autocommit=True) as follower,
    ):
        _leave(owner, FEW_ROWS[request.param])
        reader.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
        for text, name in names.items():
            reader.execute(f"PREPARE {name} AS {_with_numbers(text)}".encode())
            _plan(reader, name)
        _fill_again(owner)
        BatchProjector(follower).gather_statistics()
        plans = {text: _plan(reader, name) for text, name in names.items()}
    return {
        key: [s for text in sent for s in scans_of(plans[text])] for key, sent in statements.items()
    }


def _leave(owner: Connection[TupleRow], count: int) -> None:
    """Take all rows but so many out of each table, and gather statistics of these."""
    owner.execute("CREATE SCHEMA IF NOT EXISTS whole")
    for table in TABLES:
        whole = f'whole."{table.schema}.{table.name}"'
        owner.execute(f"CREATE TABLE IF NOT EXISTS {whole} AS TABLE {table}".encode())
        owner.execute(f"TRUNCATE {table}".encode())
        owner.execute(f"INSERT INTO {table} SELECT * FROM {whole} LIMIT {count}".encode())
        owner.execute(f"VACUUM ANALYZE {table}".encode())


def _fill_again(owner: Connection[TupleRow]) -> None:
    for table in TABLES:
        owner.execute(
            f'INSERT INTO {table} SELECT * FROM whole."{table.schema}.{table.name}"'
            " ON CONFLICT DO NOTHING".encode()
        )


def _plan(reader: Connection[TupleRow], name: str) -> Any:
    """Return the plan that a connection keeps of a statement; it is made if there is none."""
    ((types,),) = reader.execute(
        "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = %s", [name]
    ).fetchall()
    values = f"({', '.join('NULL' for _ in types)})" if types else ""
    reader.execute(f"EXECUTE {name}{values}".encode())
    return reader.execute(f"EXPLAIN (FORMAT JSON) EXECUTE {name}{values}".encode()).fetchone()


@pytest.mark.slow
@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("query", READS, ids=lambda query: query.__name__)
def test_mistake_505_a_plan_of_an_empty_table_is_kept_when_it_is_large(
    kept: Kept, indexes: Indexes, query: Query, viewer: str
) -> None:
    """As `Database.async_engine` plans: for any values, and once for a connection."""
    assert _whole(kept[query, viewer], indexes) == []


@pytest.mark.parametrize("query", READS, ids=lambda query: query.__name__)
def test_mistake_966_a_question_reads_the_log_whole_if_it_was_vacuumed_while_empty(
    empty_log: Database, query: Query
) -> None:
    """Of the log's tables the follower gathers no statistics: each plan of them has to be right."""
    with psycopg.connect(empty_log.app_url, prepare_threshold=None) as connection:
        connection.execute("SET enable_seqscan = off")
        plans = [
            connection.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {_with_numbers(s)}".encode())
            for s in asyncio.run(_statements(empty_log, READS[query], AsOf(NOW, 1)))
        ]
        scans = [scan for plan in plans for scan in scans_of(plan.fetchall())]
        indexes = {name: (column, PAGES) for name, column, _ in connection.execute(INDEXES)}
    of_log = [scan for scan in scans if scan.get("Relation Name") == "stored_events"]
    assert _whole(of_log, indexes) == []


def test_mistake_967_the_follower_leaves_it_to_the_server_to_say_that_a_table_has_grown(
    followed: Database,
) -> None:
    """The server says it once a minute: until then thousands of rows are read as if there were none."""
    unknown = (
        "SELECT oid::regclass::text FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r'"
        " AND pg_relation_size(oid) > 8 * 8192 AND relpages = 0"
    )
    assert rows(followed, "SELECT count(*) > 400 FROM timeline_v3.entries") == [(True,)]
    assert rows(followed, unknown, [[table.name for table in TABLES]]) == []


def test_a_locked_table_keeps_no_other_from_being_measured(own: Database) -> None:
    with psycopg.connect(own.owner_url, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA grown")
        for name in "abc":
            table = f"CREATE TABLE grown.{name} AS SELECT generate_series(1, 5000) AS n"
            owner.execute(table.encode())
        with psycopg.connect(own.app_url) as follower, owner.transaction():
            owner.execute("LOCK TABLE grown.b")
            follower.execute("SELECT record.gather_statistics('{grown}')")
        known = rows(own, "SELECT tablename FROM pg_stats WHERE schemaname = 'grown' ORDER BY 1")
        owner.execute("DROP SCHEMA grown CASCADE")
    assert known == [("a",), ("c",)]


def _whole(scans: list[dict[str, Any]], indexes: Indexes) -> list[Any]:
    """Return the scans that read a table which grows from end to end."""
    return [
        (scan.get("Index Name", scan.get("Relation Name")), scan.get("Index Cond"))
        for scan in scans
        if scan["Node Type"] != "Bitmap Heap Scan"
        and scan.get("Relation Name") not in SMALL
        and not _finds_few(scan, *indexes.get(scan.get("Index Name", ""), ("", PAGES)))
    ]


def _finds_few(scan: dict[str, Any], column: str, pages: int) -> bool:
    """Return whether a scan finds rows by a value, or by the moment, or all are few."""
    condition = scan.get("Index Cond", "")
    return (
        pages < PAGES
        or scan.get("Index Name") in IN_ORDER | OF_WHAT_IS_OPEN | OF_LINKS
        or re.search(rf"{re.escape(column)}\)?(::\w+)? = |@>|&&|<@", condition) is not None
    )


def scans_of(plan: Any) -> Iterator[dict[str, Any]]:
    """Yield the scans of tables in a plan."""
    if isinstance(plan, dict):
        if "Relation Name" in plan or plan.get("Node Type") == "Bitmap Index Scan":
            yield {name: value for name, value in plan.items() if name != "Plans"}
        plan = [*plan.values()]
    if isinstance(plan, list | tuple):
        for part in plan:
            yield from scans_of(part)
