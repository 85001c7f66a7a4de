"""The commands of the key store: its state, its backup, and another key of the house."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api.cli.terminal import Csv, Json, out, print_rows, progress, settings, stop
from api.exit_codes import ExitCode
from infrastructure.integrity.keys import destroy_unproven, unproven_erasures
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrated import check_migrated
from infrastructure.projections.rebuild import rebuild
from infrastructure.read_models import READ_MODELS
from infrastructure.sealing.binding import bound_store, forget_key_store, record_act
from infrastructure.sealing.house_key import HouseKey
from infrastructure.sealing.key_ring import KeyRing
from infrastructure.sealing.key_store import SqliteKeyStore

app = typer.Typer()
UNPROVEN_COLUMNS = ("patient", "erasedAt", "approvedBy", "legalBasis")

keys = typer.Typer(help="The keys by which texts about persons are sealed.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command(epilog="Example: wardbook keys status --json")
def status(json: Json = False, csv: Csv = False) -> None:
    """Print the key store, how many keys it keeps and has destroyed, and from when on these are gone.

    They are gone for good once the last backup of the store ends that has them: WARDBOOK_KEY_BACKUP_DAYS
    after the last of them was destroyed.
    """
    configuration = settings()
    ring = KeyRing.of(configuration)
    if (problem := ring.problem()) is not None:
        stop(problem, ExitCode.REFUSED)
    store = ring.store()
    assert store is not None
    counts = store.counts()
    last = counts.last_destroyed_at
    row = {
        "store": store.id,
        "kept": counts.kept,
        "destroyed": counts.destroyed,
        "lastDestroyedAt": last,
        "goneForGoodAt": last and last + timedelta(days=configuration.key_backup_days),
    }
    print_rows([row], tuple(row), json=json, csv=csv)


@keys.command(epilog="Example: wardbook keys backup /backups/keys/2026-11-28.sqlite")
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; must not be there yet.")],
) -> None:
    """Save the key store in one file, while the hospital goes on; after the log, not before it.

    Keep it apart from the log's backups and from the key of the house (house.key), which is not in it,
    and no longer than WARDBOOK_KEY_BACKUP_DAYS: what is erased can be read for as long.
    """
    ring = KeyRing.of(settings())
    if (problem := ring.problem()) is not None:
        stop(problem, ExitCode.REFUSED)
    store = ring.store()
    if not isinstance(store, SqliteKeyStore):
        stop(
            "The keys are in PostgreSQL (WARDBOOK_KEYS_URL): save it with pg_dump.",
            ExitCode.REFUSED,
        )
    try:
        store.back_up(file)
    except FileExistsError:
        stop(f"{file} is there already: name another file.", ExitCode.REFUSED)
    out.print(f"Saved {file}, {store.counts().kept:,} keys.")


@keys.command(epilog="Example: wardbook keys abandon --yes")
def abandon(yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False) -> None:
    """Give up keys that are lost for good: all, if there is no key store, or those that it lacks.

    For a store that is lost a new one is made. What the lost keys sealed stays unreadable. Read models
    go on, and a rebuild redacts their texts.
    """
    configuration = settings()
    ring = KeyRing.of(configuration)
    store = ring.store()
    if not yes:
        stop("What is sealed by them stays unreadable. Say --yes to do it.", ExitCode.USAGE)
    database = Database.of(configuration)
    check_migrated(database)
    if store is not None:
        if store.id != bound_store(database):
            stop("Another key store is there; move it away first.", ExitCode.REFUSED)
        record_act(database, "GIVEN_UP", store.id)
        ring.begin_anew()
        out.print("What the key store lacks is given up: it reads as REDACTED.")
        return
    ring.begin_anew()
    forget_key_store(database)
    out.print("The log has a new key store: start the servers again.")


@keys.command(
    "erase-unproven",
    epilog="Example: wardbook keys erase-unproven 0b0e9b5e-95a9-4c0e-9a1c-3c1f5f3f8f10 --yes",
)
def erase_unproven(
    patients: Annotated[
        list[UUID] | None, typer.Argument(help="Ids of patients whom the house erased.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Destroy their keys.")] = False,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """List erasures that the log does not prove, and whose keys are there; destroy these with --yes.

    They were recorded by a program from before proofs and cut off, or a backup of the keys from before
    them was restored; or somebody wrote them into the database. Compare the list with the requests
    that the house has kept.
    """
    database = Database.of(settings())
    check_migrated(database)
    if not yes:
        rows = [
            {
                "patient": erasure.originator_id,
                "erasedAt": erasure.entry.occurred_at,
                "approvedBy": erasure.entry.recorded_by.subject,
                "legalBasis": erasure.legal_basis.value,
            }
            for erasure in unproven_erasures(database)
        ]
        print_rows(rows, UNPROVEN_COLUMNS, json=json, csv=csv)
        return
    asked_patients = set(patients or ())
    if missing := asked_patients - destroy_unproven(database, asked_patients):
        names = ", ".join(sorted(map(str, missing)))
        stop(f"Of these there is no erasure without a proof that has keys: {names}.")
    out.print("Their keys are destroyed; the read models are filled anew.")
    with progress("Rebuilding all", in_thread=False) as tell:
        rebuild(database, READ_MODELS, tell)
    out.print("Start the servers again: they may still have the texts in memory.")


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
    record_act(database, "WRAPPED_ANEW", store.id)
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
