"""Backup and restore of a hospital's database: the log and the record of reading, in one file.

What is computed from the log is left out; a restored database computes it anew. The file is what
``pg_dump --format=custom`` writes, so that PostgreSQL's own tools can read it without this program;
and at its end its SHA-256, since ``pg_restore`` takes a file without its end for a whole one.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest, sha256
from pathlib import Path
from shutil import copyfileobj, which
from tempfile import TemporaryFile
from typing import IO, Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.errors import WardbookError
from infrastructure.postgres.database import APP_ROLE, Database
from infrastructure.postgres.embedded_cluster import program_folder
from infrastructure.projections import status
from infrastructure.read_models import READ_MODELS

SAVED_SCHEMAS = ("public", "record", "audit")
"""``public`` holds the revision of the tables alone."""

UNKNOWN_BEFORE_17 = b"SET transaction_timeout = 0;\n"
"""A setting that `pg_restore` writes for every server, and that older ones do not know."""

SEAL = b"\nsha256 %s\n"
"""The end of a backup."""

_BEGIN = f"""\\o /dev/null
BEGIN;
DO $$ BEGIN
  IF to_regrole('{APP_ROLE}') IS NULL THEN CREATE ROLE {APP_ROLE} LOGIN; END IF;
END $$;
""".encode()


class BackupError(WardbookError):
    """A backup can't be made or restored; the message names the reason. Nothing was changed."""


def back_up(database: Database, file: Path) -> None:
    """Write a backup of one moment, while the hospital goes on.

    The file (mode 0600) appears under its name when it is whole and on the disk.
    Raises BackupError: it is there already, cannot be written, or the database is not ours.
    """
    if file.exists():
        raise BackupError(f"{file} is there already; give the backup another name.")
    if database.is_empty():
        raise BackupError("The database has no tables yet, there is nothing to save.")
    with psycopg.connect(database.owner_url) as owner:
        schemas = owner.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> ALL(%s)",
            [["information_schema", *SAVED_SCHEMAS]],
        ).fetchall()
    exclusions = [f"--exclude-schema={sql.Identifier(name).as_string(None)}" for (name,) in schemas]
    draft = file.with_name(f".{file.name}.{uuid4().hex}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as backup:
            with _program("pg_dump", database, "--format=custom", *exclusions, stdout=backup):
                pass
            with open(draft, "rb") as dump:
                digest = file_digest(dump, "sha256").hexdigest()
            backup.seek(0, os.SEEK_END)
            backup.write(SEAL % digest.encode())
            backup.flush()
            os.fsync(backup.fileno())
        os.link(draft, file)  # never over another file, whoever was quicker
    except FileExistsError:
        raise BackupError(f"{file} is there already; give the backup another name.") from None
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)


def restore(database: Database, file: Path) -> None:
    """Restore a backup into an empty database, in one transaction, and raise the log's epoch.

    Positions from before the restore are refused from then on: who follows the log is told to read it
    anew, and loses nothing silently. Raises BackupError.
    """
    _check_whole(file)
    with psycopg.connect(database.owner_url) as owner:
        record_exists = owner.execute("SELECT to_regnamespace('record') IS NOT NULL").fetchone()
    if record_exists != (False,):
        raise BackupError(
            "The database holds a log already. A backup is restored into an empty one: name"
            " another by WARDBOOK_DATABASE_URL, or another home by WARDBOOK_HOME."
        )
    script = ("--no-owner", "--file=-", str(file))
    with (
        _program("psql", database, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1") as psql,
        _program("pg_restore", None, *script, stdout=subprocess.PIPE) as pg_restore,
    ):
        assert psql.stdin
        assert pg_restore.stdout
        with suppress(BrokenPipeError):  # psql has ended at an error, and says which
            psql.stdin.write(_BEGIN)
            psql.stdin.write(pg_restore.stdout.read(4096).replace(UNKNOWN_BEFORE_17, b""))
            copyfileobj(pg_restore.stdout, psql.stdin, 1 << 20)
            if pg_restore.wait() == 0:  # of half a backup nothing stays, since nothing is committed
                psql.stdin.write(b"UPDATE record.log SET epoch = epoch + 1;\nCOMMIT;\n")
            psql.stdin.flush()
        while pg_restore.stdout.read(1 << 20):
            pass


def begin_epoch(database: Database) -> None:
    """Raise the log's epoch after a restore by other means, and drop what was computed from the log.

    `migrate` makes the tables of the read models anew; they fill themselves.
    """
    with psycopg.connect(database.owner_url) as owner:
        schemas = [str(model.metadata.schema) for model in READ_MODELS]
        for schema in (*schemas, str(status.metadata.schema)):
            owner.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
            )
        owner.execute("UPDATE record.log SET epoch = epoch + 1")


def _check_whole(file: Path) -> None:
    """Compare a backup with the digest at its end. Raises BackupError."""
    try:
        with open(file, "rb") as backup:
            length = backup.seek(0, os.SEEK_END) - len(SEAL % (b"0" * 64))
            backup.seek(0)
            digest, remaining = sha256(), max(length, 0)
            while block := backup.read(min(remaining, 1 << 20)):
                digest.update(block)
                remaining -= len(block)
            seal = backup.read()
    except OSError as error:
        raise BackupError(f"{file} cannot be read: {error.strerror}.") from None
    if seal != SEAL % digest.hexdigest().encode():
        raise BackupError(f"{file} is no whole backup: it was cut off or changed.")


def _path_of(name: str, database: Database | None) -> Path:
    """Return the path of a program: the wheel's, but for TLS, which that does not speak.

    Raises BackupError if this machine has no other.
    """
    url = conninfo_to_dict(database.owner_url) if database else {}
    if url.get("sslmode") not in ("require", "verify-ca", "verify-full"):
        return program_folder() / name
    if (path := which(name)) is None:
        raise BackupError(
            f"The database is reached over TLS, and the {name} that comes with Wardbook speaks none:"
            " install PostgreSQL's client programs, of the server's version or a newer one."
        )
    return Path(path)


@contextmanager
def _program(
    name: str, database: Database | None, *options: str, stdout: IO[bytes] | int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of PostgreSQL's programs until it ends. Raises BackupError with what it says.

    A password goes by its environment: arguments are shown to all users of a machine.
    """
    environment, target = dict(os.environ), []
    if database is not None:
        connection: dict[str, Any] = dict(conninfo_to_dict(database.owner_url))
        if password := connection.pop("password", None):
            environment["PGPASSWORD"] = str(password)
        target = [f"--dbname={make_conninfo(**connection)}"]
    with TemporaryFile() as errors:  # a pipe that nobody empties could stop the program
        process = subprocess.Popen(
            [_path_of(name, database), *target, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if stdout is None else stdout,
            stderr=errors,
            env=environment,
        )
        with suppress(BrokenPipeError), process:  # it has ended at an error, and says which
            yield process
        if process.returncode != 0:
            errors.seek(0)
            message = errors.read().decode(errors="replace").strip()
            if "server version mismatch" in message:
                raise BackupError(
                    f"The {name} of this machine is older than the server: install PostgreSQL's client"
                    f" programs of the server's version or a newer one. It says: {message}"
                )
            raise BackupError(f"{name} failed: {message}")
