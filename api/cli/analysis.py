"""The command ``query``: a question nobody thought of, in SQL over the history as tables."""

import sys
from collections.abc import Iterator
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli.queries import For, KnownAt, known_position, open_hospital, record_reading
from api.cli.terminal import (
    Csv,
    Json,
    chosen_format,
    err,
    json_text,
    operator,
    out,
    print_rows,
    print_table,
    progress,
    settings,
    stop,
    table_of,
    to_json_value,
)
from api.csv_writer import CsvWriter
from api.exit_codes import ExitCode
from application.authorization.roles import Purpose
from infrastructure.access_log import AccessRecord
from infrastructure.analysis import TABLES, export_history, query_history
from infrastructure.analysis.loading import OnRead
from infrastructure.postgres.database import Database, Log

app = typer.Typer()

PATIENTS = 10_000
"""The patients of one entry of the access log; of more there are several."""

MOST_CHARACTERS = 20_000
"""The characters of a question that are recorded."""


class Format(StrEnum):
    """Format in which an answer is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@app.command(epilog="Example: wardbook query 'SELECT count(*) FROM movements' --format json")
def query(
    question: Annotated[
        str | None, typer.Argument(help="A SELECT in DuckDB's SQL; - reads it from standard input.")
    ] = None,
    known_at: KnownAt = None,
    format: Annotated[Format, typer.Option(help="How the answer is printed.")] = Format.TABLE,
    json: Json = False,
    csv: Csv = False,
    tables: Annotated[bool, typer.Option("--tables", help="List the tables instead.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(help="Write all tables as Parquet files into this folder instead."),
    ] = None,
    purpose: For = Purpose.QUALITY,
) -> None:
    """Ask the history in SQL: six tables, both clocks in each row.

    Patients are ids in them: no names, no MRN. Days and hours are those of the hospital.
    """
    if [question is not None, tables, export is not None].count(True) != 1:
        stop("Give a question in SQL, or --tables, or --export.", ExitCode.USAGE)
    format = chosen_format(format, json=json, csv=csv)
    if tables:
        _list_tables(format)
        return
    zone, database = open_hospital(settings())
    (position, _), log = known_position(database, known_at), database.open_log()
    err.print(f"As known at position {position} of a {log.kind} log.")
    try:
        if export is not None:
            record = _recorder(database, f"export to {export.name}", purpose)
            _export(database, export, position, log, record)
        else:
            sql = sys.stdin.read() if question == "-" else str(question)
            record = _recorder(database, sql, purpose)
            with (
                progress("Reading") as tell,
                query_history(database, sql, position, zone.key, tell, record) as (names, rows),
            ):
                print_answer(format, names, rows)
    except FileExistsError as error:
        stop(str(error))


def _recorder(database: Database, question: str, purpose: Purpose) -> OnRead:
    """Return the writer of the access log for data that are read, before they are shown."""

    def record(tables: list[str], patients: set[UUID]) -> None:
        patient_ids = sorted(patients)
        entity = f"{', '.join(tables)}: {question[:MOST_CHARACTERS]}"
        entries = [
            AccessRecord(operator(), "wardbook query", purpose, page, entity=entity)
            for page in (
                patient_ids[n : n + PATIENTS] for n in range(0, len(patient_ids) or 1, PATIENTS)
            )
        ]
        record_reading(database, entries)

    return record


def _export(database: Database, directory: Path, position: int, log: Log, record: OnRead) -> None:
    about = {"log": str(log.id), "kind": log.kind, "position": str(position)}
    with progress("Writing") as tell:
        for file in export_history(database, directory, position, about, tell, record):
            out.print(str(file), soft_wrap=True)


def print_answer(format: Format, names: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """Print an answer of DuckDB in a format."""
    if format is Format.JSON:
        begin = "["
        for row in rows:
            values = (None if _is_no_number(value) else value for value in row)
            line = json_text(dict(zip(names, values, strict=True)), default=to_json_value)
            sys.stdout.write(f"{begin}\n{line}")
            begin = ","
        sys.stdout.write("[]\n" if begin == "[" else "\n]\n")
    elif format is Format.CSV:
        writer = CsvWriter(sys.stdout)
        writer.writerow(names)
        writer.writerows([to_json_value(value) for value in row] for row in rows)
    else:
        table = table_of(*names)
        for row in rows:
            table.add_row(*("" if value is None else _as_text(value) for value in row))
        print_table(table)


def _is_no_number(value: object) -> bool:
    """Return whether a value is a NaN or infinite, which JSON has no number for."""
    return isinstance(value, float) and not isfinite(value)


def _as_text(value: object) -> str:
    """Return a value as text; a moment in ISO 8601."""
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if isoformat else str(value)


def _list_tables(format: Format) -> None:
    if format is Format.TABLE:
        for table in TABLES:
            grid = table_of("column", "type", "meaning", title=table.name, caption=table.meaning)
            for column in table.columns:
                grid.add_row(column.name, column.type, column.meaning)
            print_table(grid)
        return
    names = ("table", "column", "type", "meaning")
    rows = [
        dict(zip(names, (table.name, column.name, column.type, column.meaning), strict=True))
        for table in TABLES
        for column in table.columns
    ]
    print_rows(rows, names, json=format is Format.JSON, csv=format is Format.CSV)
