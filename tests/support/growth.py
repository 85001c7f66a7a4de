"""Databases that grow: what was read of their tables, and how they become large at once.

Nobody gathers statistics in them, so that plans are made of what was true when they were small.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from infrastructure.postgres.database import Database
from infrastructure.read_models import READ_MODELS

SCHEMAS = ["record", "audit", *(str(model.metadata.schema) for model in READ_MODELS)]
CONSTANT = ["log", "kinds", "key_store"]
"""Tables of these schemas that do not grow with the log."""

TABLES = (
    "SELECT schemaname, relname FROM pg_stat_user_tables"
    " WHERE schemaname = ANY(%s) AND relname <> ALL(%s) ORDER BY 1, 2"
)
READS = (
    "SELECT schemaname || '.' || relname, seq_tup_read, coalesce((SELECT max(idx_tup_read)"
    "   FROM pg_stat_user_indexes i WHERE i.relid = t.relid), 0)"
    " FROM pg_stat_user_tables t WHERE schemaname = ANY(%s) AND relname <> ALL(%s)"
)
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
FUNCTIONS = (
    "SELECT n.nspname || '.' || p.proname, coalesce(s.calls, 0) FROM pg_proc p"
    " JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang"
    " LEFT JOIN pg_stat_user_functions s ON s.funcid = p.oid"
    " WHERE n.nspname = ANY(%s) AND l.lanname = 'plpgsql' AND p.prorettype <> 'trigger'::regtype"
)
COLUMNS = (
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod), EXISTS (SELECT FROM pg_index i"
    "   WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY(i.indkey::int2[]))"
    " FROM pg_attribute a WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
    " AND attgenerated = '' ORDER BY attnum"
)


@dataclass(frozen=True)
class Reads:
    """Rows of each growing table that were read by scans, and entries of its most used index."""

    scanned: dict[str, int]
    found: dict[str, int]

    def since(self, before: "Reads") -> "Reads":
        return Reads(
            {table: n - before.scanned.get(table, 0) for table, n in self.scanned.items()},
            {table: n - before.found.get(table, 0) for table, n in self.found.items()},
        )

    def more_than(self, scanned: int, found: int) -> dict[str, tuple[int, int]]:
        """Return the tables of which more was read."""
        return {
            table: (n, self.found[table])
            for table, n in self.scanned.items()
            if n > scanned or self.found[table] > found
        }


def keep_statistics_away(owner: Connection[TupleRow]) -> None:
    """Let nobody gather statistics of the tables from now on, and count the calls of functions."""
    for table in owner.execute(TABLES, [SCHEMAS, []]).fetchall():
        owner.execute(
            sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = off)").format(sql.Identifier(*table))
        )
    name = sql.Identifier(owner.info.dbname)
    owner.execute(sql.SQL("ALTER DATABASE {} SET track_functions = 'all'").format(name))


@contextmanager
def read_models_without_statistics(database: Database) -> Iterator[None]:
    """Empty the read models, and let nobody gather statistics of them meanwhile.

    A table that is new has some pages for the planner. One that was vacuumed or analysed while it was
    empty has none: in it every index costs the same. The server does so by itself, once a minute,
    wherever earlier tests have written.
    """
    tables = [table for model in READ_MODELS for table in model.metadata.sorted_tables]
    names = [sql.Identifier(str(table.schema), table.name) for table in tables]
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        for name in names:
            owner.execute(sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = off)").format(name))
        owner.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))
        yield
        for name in names:
            owner.execute(sql.SQL("ALTER TABLE {} RESET (autovacuum_enabled)").format(name))


def reads(database: Database) -> Reads:
    """Return what was read so far, once all connections are closed: each reports it at its end."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        until = monotonic() + 20
        while owner.execute(OTHERS).fetchone() != (0,):
            assert monotonic() < until, "a connection is still open"
        result = owner.execute(READS, [SCHEMAS, CONSTANT]).fetchall()
    return Reads(
        {table: scanned for table, scanned, _ in result},
        {table: entries for table, _, entries in result},
    )


def calls(database: Database) -> dict[str, int]:
    """Return how often each function of the schemas was called."""
    with psycopg.connect(database.owner_url) as owner:
        return dict(owner.execute(FUNCTIONS, [SCHEMAS]).fetchall())


def multiply(database: Database, times: int) -> None:
    """Copy each row of each growing table so often, as other streams, later in the log.

    Another house may move in: the names of rooms, staff and patients are free again.
    """
    with psycopg.connect(database.owner_url) as owner:
        row = owner.execute("SELECT max(position) FROM record.stored_events").fetchone()
        assert row is not None
        owner.execute("SET session_replication_role = replica")  # no triggers
        owner.execute("UPDATE record.unique_claims SET key = key || ' 0'")
        for schema, table in owner.execute(TABLES, [SCHEMAS, CONSTANT]).fetchall():
            name = sql.Identifier(schema, table)
            columns = owner.execute(COLUMNS, [f"{schema}.{table}"]).fetchall()
            owner.execute(
                sql.SQL(
                    "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE"
                    " SELECT {} FROM {}, generate_series(1, %(times)s) AS k"
                ).format(
                    name,
                    sql.SQL(", ").join(sql.Identifier(column) for column, _, _ in columns),
                    sql.SQL(", ").join(_copied(*column) for column in columns),
                    name,
                ),
                {"times": times, "last": row[0]},
            )
        for table in ("record.subjects", "audit.accesses"):
            owner.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'no'), max(no)) FROM {table}".encode()
            )
        owner.execute("UPDATE projections.status SET position = position * (%s + 1)", [times])


def _copied(column: str, kind: str, is_unique: bool) -> sql.Composable:
    """Return a column's value in the copy ``k``."""
    if kind == "uuid":
        form = "md5({}::text || k)::uuid"
    elif kind == "bigint":
        form = "{} + k * %(last)s"
    elif kind == "int8range":
        form = "int8range(lower({0}) + k * %(last)s, upper({0}) + k * %(last)s)"
    elif kind.startswith("timestamp") and column == "recorded_at":
        form = "{} + k * interval '100 days'"
    elif kind in ("text", "character varying") and is_unique:
        form = "{} || ' ' || k"
    else:
        form = "{}"
    return sql.SQL(form).format(sql.Identifier(column))
