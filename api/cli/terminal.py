"""Shared parts of the command line: settings, output, progress, and exit."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from getpass import getuser
from typing import Any, NoReturn
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

from api.errors import ExitCode
from application.command import Request
from domain.envelope import Actor
from domain.refusals import InvalidInput
from domain.time import in_utc
from infrastructure.settings import Settings, from_environment

out = Console()
err = Console(stderr=True)


def settings() -> Settings:
    """Return the settings of the environment. Raises InvalidSetting."""
    return from_environment()


def stop(message: str, code: ExitCode = ExitCode.REFUSED) -> NoReturn:
    """Print a message on standard error and exit with a code."""
    err.print(f"[red]{message}[/red]" if err.is_terminal else message, highlight=False)
    raise typer.Exit(code)


def as_json(value: Any) -> None:
    """Print a value as JSON, moments in ISO 8601."""
    sys.stdout.write(json.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n")


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
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error with rate and time left: call it with (done, total)."""
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=err,
        transient=False,
        disable=not err.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=None, rate="")

        def update(done: int, total: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{done / elapsed:,.0f}/s" if elapsed > 0 else ""
            bar.update(task, completed=done, total=total, rate=rate)

        yield update


def operator() -> Actor:
    """Return the operator: the operating system's user."""
    return Actor(issuer="os", subject=getuser(), role="admin")


def request(reason: str | None = None) -> Request:
    """Return the envelope of a command that the operator gives."""
    return Request(command_id=uuid4(), by=operator(), reason=reason)


def now() -> datetime:
    return datetime.now(UTC)
