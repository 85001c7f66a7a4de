"""Mistakes of other systems about plans that are made while tables are empty: see `test_covered`."""

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from infrastructure.postgres.database import Database
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.tables_read import Query
from infrastructure.read_models import READ_MODELS
from tests.record.test_plans import NOW, READS, VIEWERS, _statements, _with_numbers

SMALL = {"rooms", "beds", "spells", "practitioners", "cleaning_rules", "kinds"}
"""Tables that hardly grow with the log."""

OF_WHAT_IS_OPEN = {"stays_open", "prescriptions_live", "expected_arrivals_waiting"}
"""Indexes of what has not ended alone."""

JOINED = {
    *("consults_consult", "consults_stay", "visits_consult", "prescriptions_prescription"),
    *("entries_subject", "entries_occurred_at", "entries_recorded_position", "patients_patient"),
    *("stays_stay", "stays_patient", "stays_room", "stretches_room", "source_movements_visit"),
    "stored_events_stream_version_key",
}
"""Known and not mended: indexes that a join of tables which were vacuumed while empty reads whole."""

IN_ORDER = {"patients_name", "patients_birth", "entries_late"}
"""Indexes that a page of a list is read from, in their order."""


@pytest.fixture(scope="module", autouse=True)
def vacuumed(own: Database) -> None:
    """Tables that were emptied and vacuumed: all plans of them cost the same."""
    tables = ", ".join(str(t) for model in READ_MODELS for t in model.metadata.sorted_tables)
    with psycopg.connect(own.owner_url, autocommit=True) as owner:
        owner.execute(f"TRUNCATE {tables}".encode())
        owner.execute(f"VACUUM ANALYZE {tables}".encode())


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("query", READS, ids=lambda query: query.__name__)
def test_mistake_505_a_plan_of_an_empty_table_is_kept_when_it_is_large(
    own: Database, query: Query, viewer: str
) -> None:
    """As `Database.async_engine` plans: for any values, and once for a connection."""
    statements = asyncio.run(_statements(own, READS[query], AsOf(NOW, 1, VIEWERS[viewer])))
    with psycopg.connect(own.app_url) as connection:
        connection.execute("SET enable_seqscan = off")
        for statement in statements:
            explain = "EXPLAIN (GENERIC_PLAN, FORMAT JSON) " + _with_numbers(statement)
            row = connection.execute(explain.encode()).fetchone()
            whole = [
                (scan["Node Type"], scan.get("Index Name", scan.get("Relation Name")))
                for scan in scans_of(row)
                if scan.get("Relation Name") not in SMALL
                and "Index Cond" not in scan
                and scan["Node Type"] != "Bitmap Heap Scan"
                and scan.get("Index Name") not in IN_ORDER | OF_WHAT_IS_OPEN | JOINED
            ]
            assert whole == []


def scans_of(plan: Any) -> Iterator[dict[str, Any]]:
    """Yield the scans of tables in a plan."""
    if isinstance(plan, dict):
        if "Relation Name" in plan or plan.get("Node Type") == "Bitmap Index Scan":
            yield {name: value for name, value in plan.items() if name != "Plans"}
        plan = [*plan.values()]
    if isinstance(plan, list | tuple):
        for part in plan:
            yield from scans_of(part)
