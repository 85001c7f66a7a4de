"""Shared parts of the command line: settings, output, progress, and exit."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from enum import Enum
from getpass import getuser
from os import getuid
from typing import Annotated, Any, NoReturn, TextIO, TypeVar
from uuid import uuid4

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from api.csv_writer import CsvWriter
from api.exit_codes import ExitCode
from application.command import Request
from domain.envelope import Actor
from domain.refusals import InvalidInput
from domain.text import note
from domain.time import in_utc
from infrastructure.settings import Settings, from_environment

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
F = TypeVar("F", bound=Enum)
Columns = Sequence[str] | Mapping[str, str | Callable[[Mapping[str, Any]], Any]]
"""Columns by their names in camelCase: fields of a row, or what a function makes of it."""

WIDE = 100_000
"""The width of what is no terminal: a file or another program gets every row whole."""

NARROWEST = 8
"""The characters of a column, on average, with which no cell loses a letter."""


class PlainConsole(Console):
    """A console on which no text is markup, an emoji or an escape sequence: texts are data."""

    def __init__(self, stream: TextIO, *, stderr: bool = False) -> None:
        is_terminal = stream.isatty()
        super().__init__(
            stderr=stderr,
            markup=False,
            emoji=False,
            width=None if is_terminal else WIDE,
            force_terminal=None if is_terminal else False,  # whatever FORCE_COLOR says
        )

    def render_str(self, text: str, **style: Any) -> Text:
        return super().render_str(note(text), **style)


_ACTING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

out = PlainConsole(sys.stdout)
err = PlainConsole(sys.stderr, stderr=True)


def table_of(*names: str, title: str | None = None, caption: str | None = None) -> Table:
    """Return a table of which no cell is cut off: what is too wide goes on below."""
    return Table(*(Column(name, overflow="fold") for name in names), title=title, caption=caption)


def settings() -> Settings:
    """Return the settings of the environment. Raises InvalidSetting."""
    return from_environment()


def stop(message: str, code: ExitCode = ExitCode.REFUSED) -> NoReturn:
    """Print a message, in one line, on standard error and exit with a code."""
    err.print(
        " ".join(message.splitlines()).replace("\t", " "), style="red" if err.is_terminal else None
    )
    raise typer.Exit(code)


def print_table(table: Table) -> None:
    """Print a table; on a terminal that is too narrow for its columns, wider than that.

    Where that is no terminal its columns are set apart by spaces, without borders.
    """
    if out.width == WIDE:
        table.box, table.pad_edge = None, False
        table.title_justify = table.caption_justify = "left"
        with out.capture() as capture:
            out.print(table, crop=False)
        out.file.write("".join(f"{line.rstrip()}\n" for line in capture.get().split("\n")[:-1]))
        return
    width = NARROWEST * len(table.columns)
    if out.width < width:  # letters would be lost
        table.width = width
    out.print(table, crop=False)


def check_one_form(*, json: bool, csv: bool) -> None:
    """Exit with USAGE if JSON and CSV are asked for at once."""
    if json and csv:
        stop("Give --json or --csv, one of the two.", ExitCode.USAGE)


def chosen_format(format: F, *, json: bool, csv: bool) -> F:
    """Return the format of an output, which --json and --csv name, too. Exits with USAGE for both."""
    check_one_form(json=json, csv=csv)
    return type(format)["JSON" if json else "CSV"] if json or csv else format


def print_rows(
    rows: Iterable[Mapping[str, Any]],
    columns: Columns,
    *,
    json: bool = False,
    csv: bool = False,
    title: str | None = None,
    zone: tzinfo | None = None,
) -> None:
    """Print rows as a table or CSV of some columns, or whole as JSON; moments in a zone.

    Exits with USAGE if JSON and CSV are asked for at once.
    """
    check_one_form(json=json, csv=csv)
    if json:
        as_json(list(rows), zone)
        return
    names = columns if isinstance(columns, Mapping) else dict(zip(columns, columns, strict=True))
    cells = ([row[c] if isinstance(c, str) else c(row) for c in names.values()] for row in rows)
    if csv:
        writer = CsvWriter(sys.stdout)
        writer.writerow(names)
        writer.writerows([to_json_value(value, zone) for value in line] for line in cells)
        return
    table = table_of(*(re.sub("([A-Z])", r" \1", name).lower() for name in names), title=title)
    for line in cells:
        table.add_row(*(_cell(value, zone) for value in line))
    print_table(table)


def to_json_value(value: Any, zone: tzinfo | None = None) -> Any:
    """Return a value as JSON and CSV have it: moments in ISO 8601 with offset, numbers as numbers."""
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(zone or value.tzinfo).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _cell(value: Any, zone: tzinfo | None) -> str:
    """Return a value as a table has it: moments to the minute, thousands set apart."""
    if isinstance(value, datetime):
        return value.astimezone(zone or value.tzinfo).isoformat(" ", "minutes")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else str(value)


def as_json(value: Any, zone: tzinfo | None = None) -> None:
    """Print a value as JSON, moments in ISO 8601 with offset."""
    text = json_text(value, indent=2, default=lambda each: to_json_value(each, zone))
    sys.stdout.write(text + "\n")


def json_text(value: Any, **options: Any) -> str:
    """Return JSON in which no character acts on a terminal."""
    text = json.dumps(value, ensure_ascii=False, **options)
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def moment(text: str | None, option: str) -> datetime | None:
    """Return the moment of an option: ISO 8601 with an offset. Exits with USAGE."""
    if text is None:
        return None
    try:
        return in_utc(datetime.fromisoformat(text), option)
    except (ValueError, InvalidInput):
        stop(
            f"{option} needs ISO 8601 with an offset, for example 2026-03-01T08:00:00+01:00.",
            ExitCode.USAGE,
        )


@contextmanager
def progress(
    activity: str, *, lines: bool = False, in_thread: bool = True
) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error with rate and time left: call it with (done, total).

    Where that is no terminal nothing is shown, or a line for each tenth with ``lines``. It is drawn
    ``in_thread``, or at each call: a process with threads cannot be forked.
    """
    tenths_told = 0
    bar = Progress(
        TextColumn(activity),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=err,
        transient=False,
        disable=not err.is_terminal,
        auto_refresh=in_thread,
    )
    with bar:
        task = bar.add_task(activity, total=None, rate="")

        def update(done: int, total: int) -> None:
            nonlocal tenths_told
            if lines and not err.is_terminal and done * 10 // max(total, 1) > tenths_told:
                tenths_told = done * 10 // total
                err.print(f"{activity}: {tenths_told}0 %")
            seconds = bar.tasks[0].elapsed or 0.0
            rate = f"{done / seconds:,.0f}/s" if seconds > 0 else ""
            bar.update(task, completed=done, total=total, rate=rate, refresh=not in_thread)

        yield update


def operator() -> Actor:
    """Return the operator: the operating system's user."""
    try:
        subject = getuser()
    except (KeyError, OSError):  # in a container, of a number that has no name
        subject = str(getuid())
    return Actor(issuer="os", subject=subject, role="admin")


def request(reason: str | None = None) -> Request:
    """Return the envelope of a command that the operator gives."""
    return Request(command_id=uuid4(), by=operator(), reason=reason)


def now() -> datetime:
    return datetime.now(UTC)
