"""The command ``report``: compute, print and issue a report."""

import re
import sys
from calendar import monthrange
from contextlib import closing, nullcontext
from datetime import date
from enum import StrEnum
from json import loads
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.plot import svg
from api.cli.queries import KnownAt, known_position, open_hospital
from api.cli.terminal import (
    Columns,
    Csv,
    Json,
    as_json,
    chosen_format,
    err,
    json_text,
    print_rows,
    print_table,
    progress,
    request,
    settings,
    stop,
    table_of,
)
from api.exit_codes import ExitCode
from api.report_csv import report_csv
from application.commands.reports import ReportParameter, ReportPeriod
from application.reports.definition import Report, text_of
from application.reports.formatting import format_value
from application.reports.issued import report_of
from application.reports.registry import find_definition, newest_definitions
from application.reports.service import no_progress
from domain import report as issued
from domain.time import FIRST_DAY, LAST_DAY, is_nameable
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.private_file import write_private
from infrastructure.projections.gc_tuning import reduced_garbage_collection
from infrastructure.reports.report_data import open_report_service
from infrastructure.settings import Settings

app = typer.Typer()

USAGE = ExitCode.USAGE

BUNDLE = "bundle"
"""The name that all reports are asked for by."""

LONG = 92
"""Days of a quarter: a longer period has a progress bar."""


class Format(StrEnum):
    """Format in which a report is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    SVG = "svg"


def _names() -> list[tuple[str, str]]:
    """Return the names of reports for completion, each with its title."""
    return [(d.name, d.title) for d in newest_definitions()] + [(BUNDLE, "All reports at once.")]


@app.command(
    epilog="Example: wardbook report bed-occupancy-rate --from 2026-03-01 --to 2026-03-31 --format csv"
)
def report(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Its name; bundle: all at once. Without it, the reports are listed.",
            autocompletion=_names,
        ),
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first day: 2026-03-01.")] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="The last day, included; the first by default.")
    ] = None,
    month: Annotated[
        str | None,
        typer.Option(help="The days of this month: 2026-03, instead of --from and --to."),
    ] = None,
    ward: Annotated[str | None, typer.Option(help="This ward only.")] = None,
    known_at: KnownAt = None,
    version: Annotated[
        int | None, typer.Option(help="Version of its definition; the newest by default.")
    ] = None,
    chosen: Annotated[
        list[str] | None, typer.Option("--set", help="A parameter: --set days=30.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print it.")] = Format.TABLE,
    json: Json = False,
    csv: Csv = False,
    issue: Annotated[
        bool, typer.Option("--issue", help="Give it out: recorded, to be restated later.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Of a bundle: a folder for a file of each report."),
    ] = None,
) -> None:
    """Print a report on a period, as known now or then; alone, list the reports."""
    format = chosen_format(format, json=json, csv=csv)
    if name is None:
        if issue or any((first, last, month, ward, known_at, version, chosen, folder)):
            stop(f"Name the report, or '{BUNDLE}' for all: alone, the command lists them.", USAGE)
        _list(format)
        return
    if name == BUNDLE:
        if version is not None or chosen or issue:
            stop(
                "A bundle has all reports as they are: leave out --version, --set and --issue.",
                USAGE,
            )
        if format in (Format.TABLE, Format.SVG):
            format = Format.CSV
        _bundle(_period(month, first, last), ward, known_at, format, folder)
        return
    if folder is not None:
        stop("--out is of a bundle; the output of one report can be redirected.", USAGE)
    definition = find_definition(name, version)
    first_day, last_day = _period(month, first, last)
    configuration = settings()
    _, database = open_hospital(configuration)
    parameters = _parameters(chosen)
    if issue and known_at is not None:
        stop("A report is issued as known now: leave out --known-at.", ExitCode.USAGE)
    question = f"{definition.name}@{definition.version} {first_day}..{last_day}"
    question += f" ward {ward}" * bool(ward) + f" {parameters}" * bool(parameters)
    position, ward = known_position(database, known_at, ward, question)
    if issue:
        _PRINT[format](
            _issue(
                configuration,
                database,
                name,
                ReportPeriod(first_day, last_day),
                ward,
                version,
                parameters,
            )
        )
        return
    is_long = (last_day - first_day).days > LONG
    with (
        reduced_garbage_collection(),
        open_report_service(database.app_url, configuration.hospital) as reports,
        progress(definition.title) if is_long else nullcontext(no_progress) as tell,
    ):
        result = reports.of_period(
            definition, first_day, last_day, ward, parameters, position=position, on_progress=tell
        )
        commands = reports.parked_commands(position)
    if commands:
        err.print(f"{len(commands)} commands are parked; the figures may lack what they say.")
    if result.question.last < last_day:
        err.print(f"Up to {result.question.last}: later days have not ended.")
    for note in result.notes:
        err.print(note, highlight=False)
    _PRINT[format](result)


def _bundle(
    period: tuple[date, date],
    ward: str | None,
    known_at: str | None,
    format: Format,
    folder: Path | None,
) -> None:
    """Print all reports on a period at one position, or write each to a file of a folder."""
    first, last = period
    configuration = settings()
    _, database = open_hospital(configuration)
    question = f"{BUNDLE} {first}..{last}" + f" ward {ward}" * bool(ward)
    position, ward = known_position(database, known_at, ward, question)
    with (
        reduced_garbage_collection(),
        open_report_service(database.app_url, configuration.hospital) as service,
        progress("Reports") as tell,
    ):
        reports = service.bundle(first, last, ward, position=position, on_progress=tell)
        commands = service.parked_commands(position)
    if commands:
        err.print(f"{len(commands)} commands are parked; the figures may lack what they say.")
    if (told_last := reports[0].question.last) < last:
        err.print(f"Up to {told_last}: later days have not ended.")
    texts = {
        report.definition.name: report_csv(report)
        if format is Format.CSV
        else json_text(_as_dict(report), indent=2) + "\n"
        for report in reports
    }
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, text in texts.items():
            write_private(folder / f"{name}.{format.value}", text)
        err.print(f"{len(texts)} reports at position {position} written to {folder}.")
    elif format is Format.JSON:
        as_json([_as_dict(report) for report in reports])
    else:
        sys.stdout.write("\n".join(f"{name}\n{text}" for name, text in texts.items()))


def _period(month: str | None, first: str | None, last: str | None) -> tuple[date, date]:
    """Return the first and the last day that options name. Exits with USAGE."""
    if month is not None:
        if first is not None or last is not None:
            stop("Give --month, or --from and --to.", USAGE)
        if not re.fullmatch("[0-9]{4}-(0[1-9]|1[0-2])", month):
            stop("--month needs a month, for example 2026-03.", USAGE)
        first_day = _day(f"{month}-01", "--month")
        return first_day, first_day.replace(day=monthrange(first_day.year, first_day.month)[1])
    if first is None:
        stop("Say which days: --from 2026-03-01 --to 2026-03-31, or --month 2026-03.", USAGE)
    return _day(first, "--from"), _day(last or first, "--to")


def _issue(
    configuration: Settings,
    database: Database,
    name: str,
    period: ReportPeriod,
    ward: str | None,
    version: int | None,
    parameters: dict[str, str],
) -> Report:
    """Issue a report, and print the id by which it can be restated."""
    with closing(hospital(configuration, database)) as house:
        (event,) = house.reports.issue_report(
            request(),
            name=name,
            period=period,
            ward=ward,
            version=version,
            parameters=[ReportParameter(*parameter) for parameter in parameters.items()] or None,
        ).events
    assert isinstance(event, issued.Report.Issued)
    err.print(f"Issued: wardbook restate {event.originator_id}")
    return report_of(event.terms, event.said)


def _list(format: Format) -> None:
    rows = [
        {
            "report": f"{definition.name}@{definition.version}",
            "name": definition.name,
            "version": definition.version,
            "title": definition.title,
            "meaning": definition.rule,
            "parameters": [
                {"name": p.name, "value": text_of(p.default), "meaning": p.meaning}
                for p in definition.parameters
            ],
        }
        for definition in newest_definitions()
    ]
    columns: Columns = {
        "report": "report",
        "meaning": "meaning",
        "parameters": lambda row: "\n".join(
            f"{p['name']}: {p['meaning']}" for p in row["parameters"]
        ),
    }
    json, csv = format is Format.JSON, format is Format.CSV
    print_rows(rows, columns, json=json, csv=csv, title="Reports")


def _table(report: Report) -> None:
    question, definition = report.question, report.definition
    table = table_of(
        "figure",
        "of",
        "value",
        "unit",
        title=f"{definition.title}, {question.ward or 'hospital'},"
        f" {question.first} to {question.last}",
        caption=f"{definition.name}@{definition.version}, position {report.position},"
        f" digest {report.digest[:16]}",
    )
    for row in report.rows:
        of = ", ".join(value for _, value in row.of)
        table.add_row(row.figure, of, format_value(definition, row), row.unit)
    print_table(table)


def _as_dict(report: Report) -> dict[str, Any]:
    return {**loads(report.canonical()), "digest": report.digest}


def _json(report: Report) -> None:
    as_json(_as_dict(report))


def _csv(report: Report) -> None:
    sys.stdout.write(report_csv(report))


def _svg(report: Report) -> None:
    sys.stdout.write(svg(report))


_PRINT = {Format.TABLE: _table, Format.JSON: _json, Format.CSV: _csv, Format.SVG: _svg}


def _day(text: str, option: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        stop(f"{option} needs a day, for example 2026-03-01.", ExitCode.USAGE)
    if not is_nameable(day):
        stop(f"{option} needs a day from {FIRST_DAY} to {LAST_DAY}.", ExitCode.USAGE)
    return day


def _parameters(options: list[str] | None) -> dict[str, str]:
    parameters = {}
    for option in options or ():
        name, equals, value = option.partition("=")
        if not equals:
            stop("--set needs a name and a value, for example --set days=30.", ExitCode.USAGE)
        parameters[name] = value
    return parameters
