"""Load the tables of the history into DuckDB or Parquet files: by COPY through a file, as a stream.

DuckDB is an extra (``pip install wardbook[analysis]``). It works in a database file of its own in a
temporary folder that nobody else can read and that is removed with the result, so memory stays bounded.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from domain.errors import WardbookError
from infrastructure.analysis.tables import TABLES, HistoryTable
from infrastructure.postgres.database import Database

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "512MB"
"""Memory that DuckDB may use before it writes to its temporary folder."""

AT_ONCE = 1_000
"""Rows of a result that are in memory at one time."""

Progress = Callable[[int, int], None]

OnRead = Callable[[list[str], set[UUID]], None]
"""Called with the tables that are read, and the patients in them."""


def read_by_nobody(tables: list[str], patients: set[UUID]) -> None:
    """Ignore what is read: for a program that shows it to nobody."""


class DuckDBMissing(WardbookError):
    """DuckDB is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "This needs DuckDB, which is an extra: pip install 'wardbook[analysis]'"
            " (in a checkout: pip install -e '.[analysis]')."
        )


def check_duckdb() -> None:
    """Check that DuckDB is installed. Raises DuckDBMissing."""
    try:
        import_module("duckdb")
    except ModuleNotFoundError:
        raise DuckDBMissing from None


class InvalidQuery(WardbookError):
    """DuckDB cannot execute the SQL, or may not; the message is mostly DuckDB's own."""


READING = {"SELECT", "EXPLAIN"}
"""Types of statements that only read, as DuckDB names them; a FROM, WITH or DESCRIBE is a SELECT.

Others are refused before: EXPORT makes a folder before it is told that it may not.
"""


@contextmanager
def query_history(
    database: Database,
    sql: str,
    position: int,
    zone: str,
    on_progress: Progress,
    on_read: OnRead = read_by_nobody,
) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
    """Query the history in SQL as known at a position; yield column names and rows.

    Only the tables that the SQL names are loaded. Days and hours are those of the time zone.
    ``on_read`` is told whose rows they have before the SQL is executed.
    Raises DuckDBMissing, InvalidQuery.
    """
    with duckdb_connection(zone) as (duck, folder):
        for table in TABLES:
            columns = ", ".join(f"{name} {type}" for name, type in table.structure.items())
            duck.execute(f"CREATE TABLE {table.name} ({columns})")
        with _invalid_query():
            statements = duck.extract_statements(sql)
            if not statements or any(s.type.name not in READING for s in statements):
                raise InvalidQuery("A question is one SELECT, FROM, WITH, DESCRIBE or EXPLAIN.")
            names = duck.get_table_names(sql)
        tables = [table for table in TABLES if table.name in names]
        patients: set[UUID] = set()
        for table, file in _csv_files(database, tables, position, folder, on_progress):
            patients |= _patients(duck, table, file)
            duck.execute(f"INSERT INTO {table.name} {_read(table, file)}")
        on_read([table.name for table in tables], patients)
        # From here on it can reach nothing but these tables.
        duck.execute("SET enable_external_access = false")
        duck.execute("SET lock_configuration = true")
        with _invalid_query():
            result = duck.execute(sql)
        yield [column[0] for column in result.description or ()], _rows(result)


def export_history(
    database: Database,
    directory: Path,
    position: int,
    about: dict[str, str],
    on_progress: Progress,
    on_read: OnRead = read_by_nobody,
) -> list[Path]:
    """Write each table as known at a position to a Parquet file; ``about`` goes into its metadata.

    The files are for their owner alone. ``on_read`` is told whose rows they have before they are there.

    Raises DuckDBMissing; FileExistsError before anything is written.
    """
    files = {table.name: directory / f"{table.name}.parquet" for table in TABLES}
    for file in files.values():
        if file.exists():
            raise FileExistsError(f"{file} is there already; name another folder.")
    metadata = ", ".join(f"{name}: {sql_literal(value)}" for name, value in about.items())
    patients: set[UUID] = set()
    parts: dict[Path, Path] = {}
    with duckdb_connection("UTC") as (duck, folder):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for table, file in _csv_files(database, TABLES, position, folder, on_progress):
            part = parts[files[table.name]] = directory / f".{table.name}.part"
            part.touch(mode=0o600)
            patients |= _patients(duck, table, file)
            duck.execute(
                f"COPY ({_read(table, file)}) TO {sql_literal(part)}"
                f" (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{metadata}}})"
            )
            part.chmod(0o600)
    on_read([table.name for table in TABLES], patients)
    for file, part in parts.items():
        part.replace(file)
    return list(files.values())


@contextmanager
def duckdb_connection(zone: str) -> "Iterator[tuple[DuckDBPyConnection, Path]]":
    """Open DuckDB in a temporary folder, which is yielded too. Raises DuckDBMissing."""
    check_duckdb()
    import duckdb

    with (
        TemporaryDirectory(prefix="wardbook-") as folder,
        duckdb.connect(f"{folder}/history.duckdb") as duck,
    ):
        duck.execute(f"SET memory_limit = '{MEMORY}'")
        duck.execute(f"SET temp_directory = {sql_literal(folder)}")
        duck.execute(f"SET TimeZone = {sql_literal(zone)}")
        duck.execute("SET enable_progress_bar = false")
        yield duck, Path(folder)


def _csv_files(
    database: Database,
    tables: Sequence[HistoryTable],
    position: int,
    folder: Path,
    on_progress: Progress,
) -> Iterator[tuple[HistoryTable, Path]]:
    """Yield each table as a CSV file, which is removed before the next one."""
    with psycopg.connect(database.app_url) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        rows = {t.name: _count(connection, t, position) for t in tables}
        row_count, total = 0, sum(rows.values())
        for table in tables:
            file = folder / f"{table.name}.csv"
            copy = f"COPY ({table.select}) TO STDOUT (FORMAT csv)"
            with (
                file.open("wb") as into,
                connection.cursor() as cursor,
                cursor.copy(copy.encode(), {"known": position}) as stream,
            ):
                for row in stream:
                    into.write(row)
                    row_count += 1
                    if row_count % AT_ONCE == 0:
                        on_progress(row_count, total)
            yield table, file
            file.unlink()
        on_progress(row_count, total)


def _patients(duck: "DuckDBPyConnection", table: HistoryTable, file: Path) -> set[UUID]:
    """Return the patients of whom a table has rows."""
    if "patient" not in table.structure:
        return set()
    rows = duck.execute(f"SELECT DISTINCT patient FROM ({_read(table, file)}) AS rows").fetchall()
    return {UUID(str(patient)) for (patient,) in rows if patient is not None}


def _count(connection: psycopg.Connection[Any], table: HistoryTable, position: int) -> int:
    query = f"SELECT count(*) FROM ({table.select}) AS rows"
    row = connection.execute(query.encode(), {"known": position}).fetchone()
    return int(row[0]) if row else 0


def _read(table: HistoryTable, file: Path) -> str:
    """Return a SELECT from a CSV file, in which nothing between two commas is NULL, not empty text."""
    columns = ", ".join(f"{sql_literal(n)}: {sql_literal(t)}" for n, t in table.structure.items())
    return (
        f"SELECT * FROM read_csv({sql_literal(file)}, columns = {{{columns}}}, header = false,"
        " auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '',"
        " allow_quoted_nulls = false, parallel = false)"
    )


def _rows(result: "DuckDBPyConnection") -> Iterator[tuple[Any, ...]]:
    while True:
        with _invalid_query():
            rows = result.fetchmany(AT_ONCE)
        if not rows:
            return
        yield from rows


@contextmanager
def _invalid_query() -> Iterator[None]:
    import duckdb

    try:
        yield
    except (TypeError, UnicodeError):  # from a text with half a character
        raise InvalidQuery("A question is text in UTF-8.") from None
    except duckdb.CatalogException as error:  # it would name tables of its own
        problem, *_ = re.split("!|\n", str(error))
        raise InvalidQuery(f"{problem}. Run: wardbook query --tables") from None
    except duckdb.Error as error:
        sentence, *_ = str(error).partition("\n\n")  # then the place is drawn
        raise InvalidQuery(
            sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
        ) from None


def sql_literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
