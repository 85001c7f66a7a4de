"""The commands ``backup`` and ``restore``."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from api.cli.queries import record_reading
from api.cli.terminal import err, operator, out, settings, stop
from api.exit_codes import ExitCode
from application.authorization.roles import Purpose
from domain.errors import WardbookError
from infrastructure.access_log import AccessRecord
from infrastructure.evidence.checkpoints import sign_now
from infrastructure.evidence.keeper import Keeper
from infrastructure.integrity.keys import record_destroyed_since
from infrastructure.postgres.backup import back_up, begin_epoch
from infrastructure.postgres.backup import restore as restore_backup
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.postgres.migrated import NotMigrated, check_migrated
from infrastructure.sealing.keys_missing import KeysMissing, KeyStoreBusy

app = typer.Typer()


@app.command(epilog="Example: wardbook backup wardbook-2026-03-01.backup")
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; must not be there yet.")],
) -> None:
    """Save the log and the record of reading in one file, while the hospital goes on.

    It holds patients' data: encrypt it, for example with age. Not in it are the keys in WARDBOOK_HOME
    (token.key, checkpoint.key), and what is computed from the log.
    """
    database = Database.of(settings())
    if not database.is_empty():
        _record_backup(database, file)
    back_up(database, file)
    out.print(f"Saved {file}, {file.stat().st_size:,} bytes.")


def _record_backup(database: Database, file: Path) -> None:
    """Record that all is read; before a migration that is not possible yet, and is told."""
    entity = f"backup to {file.name}"
    reading = AccessRecord(operator(), "wardbook backup", Purpose.LEGAL, (), entity=entity)
    try:
        check_migrated(database)
    except NotMigrated as error:
        err.print(f"The backup is not in the record of reading: {error}")
    else:
        record_reading(database, [reading])


@app.command(epilog="Example: wardbook restore wardbook-2026-03-01.backup")
def restore(file: Annotated[Path, typer.Argument(help="A file that backup wrote.")]) -> None:
    """Restore a backup into an empty database, whole or not at all.

    Raises the log's epoch: what others keep of the time before (positions, cursors) is refused, and
    they read the log anew.
    """
    database = Database.of(settings())
    restore_backup(database, file)
    migrate(database)
    _print_log(database)
    _sign(database)


@app.command("new-epoch", epilog="Example: wardbook new-epoch")
def new_epoch() -> None:
    """Raise the log's epoch after a restore by other means.

    For example after point-in-time recovery. Run it before anything is served from the restored
    database. Read models are made anew.
    """
    database = Database.of(settings())
    check_migrated(database)
    begin_epoch(database)
    migrate(database)
    _print_log(database)
    _sign(database)


def _print_log(database: Database) -> None:
    log, size = database.open_log(), database.log_size()
    last = size.last_recorded.isoformat() if size.last_recorded else "never"
    out.print(f"The log has {size.events:,} events, the last recorded at {last}.")
    out.print(f"It is in epoch {log.epoch}. wardbook verify checks it; serve fills its tables.")


def _sign(database: Database) -> None:
    """Sign the first checkpoint of an epoch, if the key is here; say why it is not signed."""
    with suppress(
        KeysMissing, KeyStoreBusy
    ):  # then 'wardbook doctor' says so, and nothing sealed is read
        if count := record_destroyed_since(database):
            out.print(f"{count} keys were destroyed since the backup: what they seal stays erased.")
    home = settings().home
    if not Keeper(home).has_key():
        out.print(
            "No checkpoint of it is signed: once checkpoint.key is in WARDBOOK_HOME, run wardbook"
            " checkpoint --sign."
        )
        return
    try:
        sign_now(database, home)
    except WardbookError as error:
        stop(f"No checkpoint of it is signed: {error}", ExitCode.CHECK_FAILED)
