"""Commands about the read models: how far they are, and filling one anew."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from api.cli.terminal import Exit, as_json, out, progress, settings, stop
from infrastructure.database import Database
from infrastructure.queries.record import ProjectionView, projections
from infrastructure.read_models import READ_MODELS
from infrastructure.rebuild_all import rebuild_all

app = typer.Typer()
models = typer.Typer(help="The read models.", no_args_is_help=True)
app.add_typer(models, name="projections")


@models.command("list")
def list_models(json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """How far each read model is, and how far behind the log."""
    database = Database.of(settings())
    database.check_migrated()

    async def ask() -> list[ProjectionView]:
        engine = database.async_engine(pool_size=1)
        try:
            async with engine.connect() as connection:
                return await projections(connection)
        finally:
            await engine.dispose()

    told = asyncio.run(ask())
    if json:
        as_json([{"name": m.name, "position": m.position, "lag": m.lag} for m in told])
        return
    table = Table("read model", "position", "lacks", "for", "alive at")
    for m in told:
        table.add_row(
            m.name, f"{m.position:,}", f"{m.lag:,}", f"{m.lag_seconds:.1f} s", str(m.alive_at)
        )
    out.print(table)


@models.command("rebuild")
def rebuild_model(
    name: Annotated[str, typer.Argument(help="Its name, or all.")],
) -> None:
    """Fill a read model anew from the log, beside the live one, compare, and switch.

    The live one answers all the while. Safe to kill at any point.
    """
    wanted = [m for m in READ_MODELS if name in (m.name, "all")]
    if not wanted:
        names = ", ".join(m.name for m in READ_MODELS)
        stop(f"There is no read model {name!r}; there are: {names}.", Exit.USAGE)
    database = Database.of(settings())
    database.check_migrated()
    with progress(f"Rebuilding {name}") as tell:
        rebuilt = rebuild_all(database, wanted, tell)
    for which, told in rebuilt.items():
        same = "the same as before" if told.different == 0 else f"{told.different:,} differed"
        out.print(f"{which}: {told.rows:,} rows at position {told.position:,}, {same}.")
