"""The command ``verify``: the integrity check of the log, the claims and the read models."""

from pathlib import Path
from random import randrange
from typing import Annotated

import typer

from api.cli.terminal import Csv, Json, err, out, print_rows, settings, stop
from api.exit_codes import ExitCode
from infrastructure.evidence.keeper import Keeper
from infrastructure.integrity.check import verify, verify_log
from infrastructure.integrity.unaltered import trust_of
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrated import check_migrated

app = typer.Typer()


@app.command("verify", epilog="Example: wardbook verify --sample 1000")
def verify_command(
    read_models: Annotated[
        bool, typer.Option(help="Fill each read model anew beside the live one and compare.")
    ] = True,
    sample: Annotated[
        int | None,
        typer.Option(
            min=1, help="Compare so many stays, patients, rooms of each read model; all by default."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed draws the same sample; by default a new one.")
    ] = None,
    log: Annotated[
        bool, typer.Option("--log", help="Only the log and the record of reading: unaltered?")
    ] = False,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="A checkpoint that was kept elsewhere; the log has to go on from it."),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="A key that signs checkpoints, if it is not in WARDBOOK_HOME."),
    ] = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Check every promise about the log, the claims and the read models. Changes nothing.

    The log and the record of reading are compared with every checkpoint that was signed of them.
    """
    configuration = settings()
    database = Database.of(configuration)
    check_migrated(database)
    trust = trust_of(
        Keeper(configuration.home), database.open_log().id, checkpoint or (), key or ()
    )
    checks = []
    if sample is not None:
        seed = randrange(1_000_000) if seed is None else seed
        err.print(f"A sample of {sample:,}, drawn with --seed {seed}.")
    checks_made = (
        verify_log(database, trust)
        if log
        else verify(database, read_models, sample, seed or 0, trust)
    )
    for check in checks_made:
        checks.append(check)
        if err.is_terminal:
            err.print(f"{check.looked_at:>10,}  {check.promise}")
    failures = [c for c in checks if c.broken]
    rows = [
        {
            "promise": c.promise,
            "lookedAt": c.looked_at,
            "broken": c.broken,
            "examples": c.examples,
        }
        for c in checks
    ]
    print_rows(rows, ("promise", "lookedAt", "broken"), json=json, csv=csv, title="Verified")
    if not json and not csv:
        for c in failures:
            for example in c.examples:
                out.print(f"{c.promise}: {example}")
    if failures:
        stop(f"{len(failures)} promises are broken.", ExitCode.CHECK_FAILED)
