"""The commands ``projections``: state of the read models, dead letters (parked), and rebuild."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from api.cli.filling import fill
from api.cli.terminal import Csv, Json, out, print_rows, progress, request, settings, stop
from api.exit_codes import ExitCode
from application.hospital import Hospital
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrated import check_migrated
from infrastructure.projections.projection import ReadModel
from infrastructure.projections.rebuild import rebuild
from infrastructure.queries.projection_status import parked_commands, projections
from infrastructure.read_models import READ_MODELS

app = typer.Typer()
T = TypeVar("T")
models = typer.Typer(help="The read models.", no_args_is_help=True)
app.add_typer(models, name="projections")


def _names() -> list[str]:
    """Return the names of read models for completion."""
    return [m.name for m in READ_MODELS]


def _names_and_all() -> list[str]:
    """Return the names of read models, and that of all, for completion."""
    return [*_names(), "all"]


@models.command("list", epilog="Example: wardbook projections list --json")
def list_models(json: Json = False, csv: Csv = False) -> None:
    """List how far each read model is, how far behind the log, and whether it lacks anything."""
    rows = [
        {
            "name": m.name,
            "state": m.state,
            "position": m.position,
            "lag": m.lag,
            "lagSeconds": round(m.lag_seconds, 1),
            "parked": m.parked,
            "aliveAt": m.alive_at,
        }
        for m in _query(projections)
    ]
    columns = ("name", "state", "position", "lag", "lagSeconds", "parked", "aliveAt")
    print_rows(rows, columns, json=json, csv=csv)


@models.command("parked", epilog="Example: wardbook projections parked --csv")
def list_parked(json: Json = False, csv: Csv = False) -> None:
    """List the commands that read models could not take in, and why. Names no patient."""
    rows = [
        {
            "readModel": p.model,
            "position": p.first_position,
            "commandId": p.command,
            "operation": p.operation,
            "error": p.error,
        }
        for p in _query(parked_commands)
    ]
    columns = ("readModel", "position", "commandId", "operation", "error")
    print_rows(rows, columns, json=json, csv=csv)


@models.command("retry", epilog="Example: wardbook projections retry all")
def retry_parked(
    name: Annotated[
        str,
        typer.Argument(
            help="Its name, or all: those that parked anything.", autocompletion=_names_and_all
        ),
    ],
) -> None:
    """Take in again what is parked, in the order of the log. Recorded as a fact.

    What fails again is parked again.
    """
    names = {m.name for m in _by_name(name)}
    parked_models = sorted({p.model for p in _query(parked_commands)} & names)
    if not parked_models:
        out.print("Nothing is parked.")
        return
    with _open_hospital() as (database, house):
        for model in parked_models:
            house.projections.retry_parked(request(), name=model)
        fill(database)
    still_parked = [p for p in _query(parked_commands) if p.model in parked_models]
    if still_parked:
        stop(f"{len(still_parked)} commands are still parked: wardbook projections parked.")
    out.print(f"Taken in again: {', '.join(parked_models)}.")


@models.command(
    "skip",
    epilog="Example: wardbook projections skip stays 0b0e9b5e-95a9-4c0e-9a1c-3c1f5f3f8f10 --reason no",
)
def skip_command(
    name: Annotated[str, typer.Argument(help="The read model.", autocompletion=_names)],
    command: Annotated[UUID, typer.Argument(help="The id of a command that it has parked.")],
    reason: Annotated[str, typer.Option(help="Why it may be left out.")],
) -> None:
    """Let a read model leave a parked command out for good. Recorded as a fact, with the reason.

    Every rebuild and verify respects it; the command itself stays in the log.
    """
    (model,) = _by_name(name, several=False)
    if (model.name, command) not in [(p.model, p.command) for p in _query(parked_commands)]:
        stop(f"{model.name} has not parked command {command}.")
    with _open_hospital() as (database, house):
        house.projections.skip_command(request(reason), name=model.name, skipped=command)
        fill(database)
    out.print(f"{model.name} leaves command {command} out.")


@models.command("rebuild", epilog="Example: wardbook projections rebuild stays")
def rebuild_model(
    name: Annotated[str, typer.Argument(help="Its name, or all.", autocompletion=_names_and_all)],
) -> None:
    """Fill a read model anew from the log, beside the live one, compare, and switch.

    The live one answers all the while. Safe to kill at any point.
    """
    selection = _by_name(name)
    database = Database.of(settings())
    check_migrated(database)
    with progress(f"Rebuilding {name}", in_thread=False) as tell:
        results = rebuild(database, selection, tell)
    for model, result in results.items():
        comparison = (
            "the same as before" if result.different == 0 else f"{result.different:,} differed"
        )
        out.print(f"{model}: {result.rows:,} rows at position {result.position:,}, {comparison}.")


def _by_name(name: str, *, several: bool = True) -> list[type[ReadModel]]:
    models = [m for m in READ_MODELS if name == m.name or (several and name == "all")]
    if not models:
        names = ", ".join(m.name for m in READ_MODELS)
        stop(f"There is no read model {name!r}; there are: {names}.", ExitCode.USAGE)
    return models


def _query(question: Callable[[AsyncConnection], Awaitable[list[T]]]) -> list[T]:
    """Return the result of a query on the read models."""
    database = Database.of(settings())
    check_migrated(database)

    async def ask() -> list[T]:
        engine = database.async_engine(pool_size=1)
        try:
            async with engine.connect() as connection:
                return await question(connection)
        finally:
            await engine.dispose()

    return asyncio.run(ask())


@contextmanager
def _open_hospital() -> Iterator[tuple[Database, Hospital]]:
    """Open the hospital, to record a decision about a read model."""
    configuration = settings()
    database = Database.of(configuration)
    with closing(hospital(configuration, database)) as house:
        yield database, house
