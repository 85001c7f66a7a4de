"""The commands of the key store: its state, and another key of the house."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.terminal import Csv, Json, out, print_rows, settings, stop
from api.exit_codes import ExitCode
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrated import check_migrated
from infrastructure.sealing.binding import forget_key_store, record_rewrapping
from infrastructure.sealing.house_key import HouseKey
from infrastructure.sealing.key_ring import KeyRing

app = typer.Typer()
keys = typer.Typer(help="The keys by which texts about persons are sealed.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command(epilog="Example: wardbook keys status --json")
def status(json: Json = False, csv: Csv = False) -> None:
    """Print the key store, and how many keys it keeps and has destroyed."""
    ring = KeyRing.of(settings())
    if (problem := ring.problem()) is not None:
        stop(problem, ExitCode.REFUSED)
    store = ring.store()
    assert store is not None
    counts = store.counts()
    row = {"store": store.id, "kept": counts.kept, "destroyed": counts.destroyed}
    print_rows([row], ("store", "kept", "destroyed"), json=json, csv=csv)


@keys.command(epilog="Example: wardbook keys abandon --yes")
def abandon(yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False) -> None:
    """Give up a key store that is lost for good, and make a new one for the log.

    What the lost one sealed stays unreadable. Read models go on, and a rebuild redacts their texts.
    """
    configuration = settings()
    ring = KeyRing.of(configuration)
    if ring.store() is not None:
        stop("A key store is there; move it away first.", ExitCode.REFUSED)
    if not yes:
        stop("All that is sealed stays unreadable. Say --yes to do it.", ExitCode.USAGE)
    database = Database.of(configuration)
    check_migrated(database)
    ring.begin_anew()
    forget_key_store(database)
    out.print("The log has a new key store: start the servers again.")


@keys.command(epilog="Example: wardbook keys rotate")
def rotate(
    to: Annotated[
        Path | None, typer.Option(help="A file with the new key, made if absent.")
    ] = None,
    to_command: Annotated[
        str | None, typer.Option(help="A command that prints it (a KMS).")
    ] = None,
) -> None:
    """Wrap all keys by another key of the house: a new one in its file, or one from elsewhere.

    No event is touched, and the log's database records it. In its file nothing has to stop; the
    former key stays beside it until the backups of the key store that it opens are gone.
    """
    if to is not None and to_command is not None:
        stop("Give --to or --to-command, one of the two.", ExitCode.USAGE)
    configuration = settings()
    ring = KeyRing.of(configuration)
    if (problem := ring.problem()) is not None:
        stop(problem, ExitCode.REFUSED)
    store = ring.store()
    assert store is not None
    database = Database.of(configuration)
    check_migrated(database)
    record_rewrapping(database, store.id)
    if to is None and to_command is None:
        count, former = ring.rotate()
        out.print(f"{count} keys are wrapped by the new key. The former one is in {former}.")
        return
    new = HouseKey(to or Path(), to_command)
    new.make()
    count = ring.rewrap(new)
    out.print(
        f"{count} keys are wrapped by the new key. Set WARDBOOK_HOUSE_KEY or"
        " WARDBOOK_HOUSE_KEY_COMMAND to it now, and start the servers again: until then"
        " nothing that is sealed can be read or recorded."
    )
