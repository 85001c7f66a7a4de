"""The tables of the history into DuckDB, or as Parquet files: by COPY through a file, as a stream.

DuckDB is an extra (``pip install wardbook[analysis]``). It works in a database file of its own in a
temporary folder that nobody else can read and that is gone with the answer, so memory stays bounded.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg

from domain.errors import WardbookError
from infrastructure.analysis.tables import TABLES, HistoryTable
from infrastructure.postgres.database import Database

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "512MB"
"""What DuckDB may use before it writes to its temporary folder."""

AT_ONCE = 1_000
"""Rows of an answer that are in memory at one time."""

Progress = Callable[[int, int], None]


class NotInstalled(WardbookError):
    """DuckDB is not there."""

    def __init__(self) -> None:
        super().__init__(
            "This needs DuckDB, which is an extra: pip install 'wardbook[analysis]'"
            " (in a checkout: pip install -e '.[analysis]')."
        )


class BadQuestion(WardbookError):
    """DuckDB cannot answer it; the message is DuckDB's own."""


@contextmanager
def asked(
    database: Database, question: str, known: int, zone: str, on_progress: Progress
) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
    """The names of the columns and the rows that answer a question in SQL, as known at a position.

    Only the tables that the question names are read. Days and hours are those of the time zone.
    Raises NotInstalled, BadQuestion.
    """
    with _duckdb(zone) as (duck, folder):
        for table in TABLES:
            columns = ", ".join(f"{name} {type}" for name, type in table.structure.items())
            duck.execute(f"CREATE TABLE {table.name} ({columns})")
        with _questioned():
            named = duck.get_table_names(question)
        wanted = [table for table in TABLES if table.name in named]
        for table, file in _copied(database, wanted, known, folder, on_progress):
            duck.execute(f"INSERT INTO {table.name} {_read(table, file)}")
        # From here on it can reach nothing but these tables.
        duck.execute("SET enable_external_access = false")
        duck.execute("SET lock_configuration = true")
        with _questioned():
            answer = duck.execute(question)
        yield [column[0] for column in answer.description or ()], _fetched(answer)


def exported(
    database: Database, directory: Path, known: int, about: dict[str, str], on_progress: Progress
) -> list[Path]:
    """Write each table as known at a position to a Parquet file; ``about`` goes into its metadata.

    Raises NotInstalled; FileExistsError before anything is written.
    """
    files = {table.name: directory / f"{table.name}.parquet" for table in TABLES}
    for file in files.values():
        if file.exists():
            raise FileExistsError(f"{file} is there already; name another folder.")
    said = ", ".join(f"{name}: {_literal(value)}" for name, value in about.items())
    with _duckdb("UTC") as (duck, folder):
        directory.mkdir(parents=True, exist_ok=True)
        for table, file in _copied(database, TABLES, known, folder, on_progress):
            written = directory / f".{table.name}.part"
            duck.execute(
                f"COPY ({_read(table, file)}) TO {_literal(written)}"
                f" (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{said}}})"
            )
            written.replace(files[table.name])
    return list(files.values())


@contextmanager
def _duckdb(zone: str) -> "Iterator[tuple[DuckDBPyConnection, Path]]":
    try:
        import duckdb
    except ModuleNotFoundError:
        raise NotInstalled from None
    with (
        TemporaryDirectory(prefix="wardbook-") as folder,
        duckdb.connect(f"{folder}/history.duckdb") as duck,
    ):
        duck.execute(f"SET memory_limit = '{MEMORY}'")
        duck.execute(f"SET temp_directory = {_literal(folder)}")
        duck.execute(f"SET TimeZone = {_literal(zone)}")
        duck.execute("SET enable_progress_bar = false")
        yield duck, Path(folder)


def _copied(
    database: Database,
    tables: Sequence[HistoryTable],
    known: int,
    folder: Path,
    on_progress: Progress,
) -> Iterator[tuple[HistoryTable, Path]]:
    """Each table as a CSV file, gone when the next one comes."""
    with psycopg.connect(database.app_url) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        rows = {t.name: _count(connection, t, known) for t in tables}
        done, total = 0, sum(rows.values())
        for table in tables:
            file = folder / f"{table.name}.csv"
            copy = f"COPY ({table.select}) TO STDOUT (FORMAT csv)"
            with (
                file.open("wb") as into,
                connection.cursor() as cursor,
                cursor.copy(copy.encode(), {"known": known}) as stream,
            ):
                for row in stream:
                    into.write(row)
                    done += 1
                    if done % AT_ONCE == 0:
                        on_progress(done, total)
            yield table, file
            file.unlink()
        on_progress(done, total)


def _count(connection: psycopg.Connection[Any], table: HistoryTable, known: int) -> int:
    counted = f"SELECT count(*) FROM ({table.select}) AS rows"
    row = connection.execute(counted.encode(), {"known": known}).fetchone()
    return int(row[0]) if row else 0


def _read(table: HistoryTable, file: Path) -> str:
    """A SELECT of what was copied. An empty text is one; nothing between two commas is NULL."""
    columns = ", ".join(f"{_literal(n)}: {_literal(t)}" for n, t in table.structure.items())
    return (
        f"SELECT * FROM read_csv({_literal(file)}, columns = {{{columns}}}, header = false,"
        " auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '',"
        " allow_quoted_nulls = false, parallel = false)"
    )


def _fetched(answer: "DuckDBPyConnection") -> Iterator[tuple[Any, ...]]:
    while True:
        with _questioned():
            rows = answer.fetchmany(AT_ONCE)
        if not rows:
            return
        yield from rows


@contextmanager
def _questioned() -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as wrong:
        raise BadQuestion(str(wrong)) from None


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
