"""The command ``demo``: a simulated hospital in a home of its own, made once."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from api.cli.ending import ending
from api.cli.filling import fill
from api.cli.imports import simulate_into
from api.cli.server import (
    Host,
    Port,
    ShowToken,
    check_documents,
    check_login,
    listen_on,
    run_server,
)
from api.cli.terminal import err, now, out, settings, stop
from api.exit_codes import ExitCode
from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_server import stop_server
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import DEMO_FILE, Settings, use_demo

app = typer.Typer()

BEDS, DAYS, SEED = 40, 12, 1
DETAIL = 0.3
"""Share of visits and doses that are made before the last day."""


class House(msgspec.Struct, frozen=True):
    """The hospital of a demo: what it is simulated from, and whether that was finished.

    Kept in its home, so that a simulation that was broken off goes on, with the same commands.
    """

    beds: int
    days: int
    seed: int
    until: datetime
    is_complete: bool = False

    @classmethod
    def in_home(cls, home: Path) -> "House | None":
        """Return the hospital of a home; None if none was begun there."""
        file = home / DEMO_FILE
        try:
            return msgspec.json.decode(file.read_bytes(), type=cls) if file.exists() else None
        except msgspec.DecodeError:
            stop(f"{file} is damaged: wardbook demo --fresh makes another.", ExitCode.USAGE)

    def keep(self, home: Path) -> None:
        (home / DEMO_FILE).write_bytes(msgspec.json.encode(self))


@app.command(epilog="Example: wardbook demo --beds 100 --days 60 --fresh")
def demo(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    beds: Annotated[
        int | None, typer.Option(min=4, max=2000, help=f"Beds of the house.  [default: {BEDS}]")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help=f"Days of its life.  [default: {DAYS}]")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help=f"The same seed gives the same hospital.  [default: {SEED}]"),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Throw the demo's hospital away and make another.")
    ] = False,
    serve: Annotated[bool, typer.Option(help="Serve it; otherwise only make it.")] = True,
    show_token: ShowToken = False,
) -> None:
    """Make a hospital with some weeks of simulated stays, and serve it.

    Prints its address, and on a terminal a token.

    It has a home of its own, so it never touches another hospital's data. Made once; the next
    time it is served at once. Interrupted while it is made, it goes on the next time.
    """
    use_demo()
    configuration = settings()
    home = configuration.home
    check_login(configuration, host)
    check_documents(configuration)
    listening = listen_on(configuration, host, port) if serve else None
    if fresh:
        _forget(home)
    err.print("Starting the database and making its tables.")
    database = Database.of(configuration)
    migrate(database)
    if not database.open_log("simulated").is_simulated:
        stop("This database holds a real log; the demo needs one of its own.")
    _complete(configuration, database, beds, days, seed)
    if listening:
        run_server(configuration, database, listening, True, show_token or out.is_terminal)


def _forget(home: Path) -> None:
    """Delete the hospital of a home. Exits if another process has it open."""
    if not stop_server(home):
        stop("The demo is running: end it first, then --fresh makes another.")
    shutil.rmtree(home / "postgres", ignore_errors=True)
    for file in (home / DEMO_FILE, home / "house.key", *home.glob("keys.sqlite*")):
        file.unlink(missing_ok=True)


def _complete(
    configuration: Settings,
    database: Database,
    beds: int | None,
    days: int | None,
    seed: int | None,
) -> None:
    """Simulate the hospital, or what is missing of it. Exits if another one is asked for."""
    home = configuration.home
    house = House.in_home(home)
    if not database.has_events():
        house = House(beds or BEDS, days or DAYS, SEED if seed is None else seed, _last_hour())
        house.keep(home)
    elif house is not None:
        _check_asked(house, beds=beds, days=days, seed=seed)
    if house is not None and not house.is_complete:  # a log without a house is of an older program
        err.print(f"Simulating a hospital of {house.beds} beds over {house.days} days.")
        sizes = house.beds, house.days, house.seed
        try:
            simulate_into(configuration, database, *sizes, house.until, DETAIL)
        except KeyboardInterrupt:
            sentence, code = ending()
            stop(f"{sentence[:-1]}; wardbook demo goes on where it was.", code)
        msgspec.structs.replace(house, is_complete=True).keep(home)
    fill(database)


def _check_asked(house: House, **asked: int | None) -> None:
    """Exit if other sizes are asked for than those of the house that is there."""
    if any(size not in (None, getattr(house, name)) for name, size in asked.items()):
        stop(
            f"The demo has {house.beds} beds, {house.days} days and seed {house.seed}:"
            " give --fresh to throw it away and make another.",
            ExitCode.USAGE,
        )


def _last_hour() -> datetime:
    return now().replace(minute=0, second=0, microsecond=0)
