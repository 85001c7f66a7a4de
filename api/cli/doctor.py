"""The command ``doctor``: the settings, the state of home, login and database, and what is wrong."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer

from api.auth.local_issuer import LocalIssuer
from api.auth.oidc import OidcAuthenticator, ProviderUnavailable
from api.cli.terminal import Csv, Json, as_json, err, print_rows, settings, stop
from api.errors import response_to
from api.exit_codes import ExitCode
from infrastructure.bootstrap import hospital
from infrastructure.evidence.checkpoints import problem_of
from infrastructure.postgres.database import CONNECTION_ERRORS, Database
from infrastructure.postgres.embedded_server import EmbeddedServerError
from infrastructure.postgres.migrated import NotMigrated, check_migrated
from infrastructure.postgres.sessions import SharedSession, check_session
from infrastructure.private_file import UnsafeKey
from infrastructure.sealing.key_ring import key_ring
from infrastructure.settings import Settings, variable_name

app = typer.Typer()

EMBEDDED = "not set: embedded"
OWNERS = "not set: served with the owner's login, which can change the record"


@app.command(epilog="Example: wardbook doctor --json")
def doctor(json: Json = False, csv: Csv = False) -> None:
    """Print the settings, the state of the database, and what is wrong."""
    configuration = settings()
    warnings = list(unknown_variables(os.environ))
    problems = [*_home_problems(configuration.home), *_login_problems(configuration)]
    report = {**_settings(configuration), "python": sys.version.split()[0]}
    try:
        database = Database.of(configuration)
        report |= _database(configuration, database, problems)
        problems += _checkpoint_problems(configuration, database)
    except (NotMigrated, SharedSession, EmbeddedServerError, OSError, *CONNECTION_ERRORS) as error:
        problems.append((response_to(error).advice, ExitCode.NO_DATABASE))
    zone = report.get("timeZone", configuration.time_zone)
    if os.environ.get("WARDBOOK_TIME_ZONE", "").strip() and zone != configuration.time_zone:
        warnings.append(
            f"WARDBOOK_TIME_ZONE is for a new log; this hospital's time zone is {zone}."
        )
    problem = " ".join(message for message, _ in problems) or None
    if json and not csv:
        as_json({**report, "warnings": warnings, "wrong": problem})
    else:
        rows = [{"setting": name, "value": value} for name, value in report.items()]
        print_rows(rows, ("setting", "value"), json=json, csv=csv)
    for warning in warnings:
        err.print(warning)
    if problem:
        stop(problem, max(code for _, code in problems))


def unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each name in the environment that looks like a setting and is none."""
    names = [variable_name(field.name) for field in fields(Settings)]
    for name in sorted(environ):
        if name.startswith(("WARDBOOK_", "OIDC_")) and name not in names:
            matches = get_close_matches(name, names, 1, 0.85)
            yield f"{name} is no setting" + (f"; did you mean {matches[0]}?" if matches else ".")


def _settings(configuration: Settings) -> dict[str, Any]:
    """Return the settings by their variables, those of the database without their value."""
    values = {variable_name(f.name): getattr(configuration, f.name) for f in fields(Settings)}
    values["WARDBOOK_DATABASE_URL"] = "set" if configuration.database_url else EMBEDDED
    values["WARDBOOK_KEYS_URL"] = "set" if configuration.keys_url else None
    values["WARDBOOK_READ_DATABASE_URL"] = "set" if configuration.read_database_url else None
    is_owners = configuration.database_url and not configuration.app_url
    values["WARDBOOK_APP_URL"] = (
        OWNERS if is_owners else "set" if configuration.app_url else EMBEDDED
    )
    return values


def _database(
    configuration: Settings, database: Database, problems: list[tuple[str, ExitCode]]
) -> dict[str, Any]:
    """Return the version and contents of the database; add problems of its keys.

    Raises NotMigrated, SharedSession.
    """
    version = database.server_version()
    check_session(database.login_url or database.owner_url)
    check_migrated(database)
    log = database.open_log()
    count, last_recorded = database.log_size()
    with closing(hospital(configuration, database)) as house:
        zone = house.zone().key
        key_problem = key_ring().problem()
        counts = (store := key_ring().store()) and store.counts()
    if key_problem:
        problems.append((key_problem, ExitCode.REFUSED))
    return {
        "postgresql": version,
        "log": f"{log.kind}, epoch {log.epoch}",
        "timeZone": zone,
        "events": count,
        "lastRecorded": last_recorded,
        "keys": key_problem or (counts and f"{counts.kept} kept, {counts.destroyed} destroyed"),
    }


def _checkpoint_problems(
    configuration: Settings, database: Database
) -> Iterator[tuple[str, ExitCode]]:
    """Yield why nothing is signed of the log, where something should be."""
    if configuration.checkpoint_seconds and (problem := problem_of(database, configuration.home)):
        yield problem, ExitCode.REFUSED


def _home_problems(home: Path) -> Iterator[tuple[str, ExitCode]]:
    nearest_folder = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    if not os.access(nearest_folder, os.W_OK | os.X_OK):
        yield f"{nearest_folder} is not writable: choose another WARDBOOK_HOME.", ExitCode.USAGE


def _login_problems(configuration: Settings) -> Iterator[tuple[str, ExitCode]]:
    """Yield the problems of the provider, or of the key of local tokens if it is there."""
    try:
        if configuration.oidc_issuer:
            OidcAuthenticator(configuration).check()
        elif os.path.lexists(configuration.home / "token.key"):
            LocalIssuer.of(configuration.home)
    except UnsafeKey as error:
        yield str(error), ExitCode.USAGE
    except ProviderUnavailable as error:
        yield f"{configuration.oidc_issuer}: {error}", ExitCode.REFUSED
