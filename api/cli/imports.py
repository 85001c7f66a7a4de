"""The commands ``import`` and ``simulate``, which fill the log."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from api.cli.filling import fill
from api.cli.terminal import (
    Csv,
    Json,
    as_json,
    err,
    moment,
    now,
    out,
    print_rows,
    print_table,
    progress,
    settings,
    stop,
    table_of,
)
from api.exit_codes import ExitCode
from api.imports.account import Account, Progress, sums_path
from api.imports.fhir import import_fhir
from api.imports.mimic_iv import import_mimic_iv
from api.simulator import SimulationResult, simulate
from application.hospital import Hospital
from infrastructure.bootstrap import hospital, seed
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.projections.gc_tuning import reduced_garbage_collection
from infrastructure.settings import Settings, check_no_demo

app = typer.Typer()
imports = typer.Typer(help="Bring in the history of another system.", no_args_is_help=True)
app.add_typer(imports, name="import")


@imports.command("mimic-iv", epilog="Example: wardbook import mimic-iv mimic-iv-2.2")
def import_mimic(
    directory: Annotated[Path, typer.Argument(help="Folder with hosp/ and icu/ (gz CSV).")],
    account: Annotated[
        Path | None, typer.Option(help="Where each row's fate is written (CSV).")
    ] = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Import the stays of a MIMIC-IV folder. Every row is recorded, merged or refused, and told.

    Run again it records nothing twice; broken off and run again it ends the same.
    """
    _import(import_mimic_iv, directory, account or Path("mimic-iv-account.csv"), json, csv)


@imports.command("fhir", epilog="Example: wardbook import fhir bundles --system north")
def import_fhir_files(
    path: Annotated[
        Path, typer.Argument(help="A file or folder: FHIR R4 Bundles (.json), NDJSON (.ndjson).")
    ],
    system: Annotated[
        str, typer.Option(help="Name of the system that they are from; ids are unique in it.")
    ] = "fhir",
    account: Annotated[
        Path | None, typer.Option(help="Where each resource's fate is written (CSV).")
    ] = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Import FHIR R4 resources. Every one is recorded, merged or refused, and told.

    Run again it records nothing twice; broken off and run again it ends the same.
    """
    read = partial(import_fhir, system=system)
    _import(read, path, account or Path("fhir-account.csv"), json, csv)


def _import(
    read: Callable[[Hospital, Path, Path, Progress], Account],
    path: Path,
    account_file: Path,
    json: bool,
    csv: bool,
) -> None:
    """Import what is at a path, and print what became of it."""
    configuration = settings()
    check_no_demo(configuration)
    database = Database.of(configuration)
    migrate(database)
    log = database.open_log()
    the_hospital = hospital(configuration, database)
    seed(configuration, the_hospital, log)
    try:
        with progress("Importing") as tell, reduced_garbage_collection():
            result = read(the_hospital, path, account_file, tell)
    finally:
        the_hospital.close()
    fill(database)
    _print_account(result, account_file, json, csv)


@app.command("simulate", epilog="Example: wardbook simulate --beds 60 --days 30 --seed 1")
def simulate_command(
    beds: Annotated[int, typer.Option(min=4, max=2000, help="Beds of the house.")] = 60,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days of its life.")] = 30,
    seed: Annotated[int, typer.Option(help="The same seed gives the same hospital.")] = 1,
    until: Annotated[
        str | None,
        typer.Option(help="When it ends (ISO 8601 with offset); by default last midnight."),
    ] = None,
    detail: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Share of visits and doses made before the last day."),
    ] = 1.0,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Simulate a hospital over time, into an empty or a simulated log."""
    configuration = settings()
    check_no_demo(configuration)
    database = Database.of(configuration)
    migrate(database)
    if not database.open_log("simulated").is_simulated:
        stop("This database holds a real log; a simulation needs one of its own.")
    end = moment(until, "--until") or now().replace(hour=0, minute=0, second=0, microsecond=0)
    if end > now():
        stop("--until lies in the future.", ExitCode.USAGE)
    result = simulate_into(configuration, database, beds, days, seed, end, detail)
    fill(database)
    if json and not csv:
        as_json(
            {
                "until": end,
                "commands": result.commands,
                "refusals": result.refusals,
                "stays": result.stays,
            }
        )
        return
    refusals = {f"refused: {name}": count for name, count in sorted(result.refusals.items())}
    counts = dict(sorted(result.commands.items())) | refusals
    rows = [{"command": name, "recorded": count} for name, count in counts.items()]
    title = f"Simulated until {end.isoformat(' ', 'minutes')}"
    print_rows(rows, ("command", "recorded"), json=json, csv=csv, title=title)


def simulate_into(
    chosen: Settings,
    database: Database,
    beds: int,
    days: int,
    with_seed: int,
    until: datetime,
    detail: float,
) -> SimulationResult:
    """Simulate into a database, with a progress bar, or lines where there is no terminal."""
    the_hospital = hospital(chosen, database, durable=False)
    try:
        seed(chosen, the_hospital, database.open_log("simulated"), until - timedelta(days=days))
        with progress("Simulating", lines=True) as tell, reduced_garbage_collection():
            return simulate(
                the_hospital,
                beds=beds,
                days=days,
                seed=with_seed,
                until=until,
                detail=detail,
                progress=lambda share: tell(int(share * 100), 100),
            )
    finally:
        the_hospital.close()


def _print_account(account: Account, file: Path, json: bool, csv: bool) -> None:
    names = ("table", "rows", "recorded", "merged", "refused")
    rows = [dict(zip(names, row, strict=True)) for row in account.sums()]
    print_rows(rows, names, json=json, csv=csv, title="Account")
    if not json and not csv:
        refusals = table_of("table", "refused by", "rows")
        for name, verdict, rule, count in account.totals():
            if verdict == "refused":
                refusals.add_row(name, str(rule), f"{count:,}")
        print_table(refusals)
        for rule, count in account.not_ended.items():
            out.print(f"Stays not ended as told ({rule}): {count:,}; see the notes of their rows.")
        for name, reason in account.missing.items():
            out.print(f"Missing: {name}; left out: {reason}.")
        others = table_of("file not read", "why", "rows")
        for name, (cause, rows_of_file) in account.not_read.items():
            others.add_row(name, cause, "" if rows_of_file is None else f"{rows_of_file:,}")
        if account.not_read:
            print_table(others)
        out.print(f"Each row's fate: {file}; the sums: {sums_path(file)}", soft_wrap=True)
    if not account.adds_up:
        stop("The account does not add up to the rows in the files.", ExitCode.CHECK_FAILED)
    err.print("The account adds up to the rows in the files.")
