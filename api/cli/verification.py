"""The command ``verify``: the integrity check of the log, the claims and the read models."""

from random import randrange
from typing import Annotated

import typer

from api.cli.terminal import Csv, Json, err, out, print_rows, settings, stop
from api.exit_codes import ExitCode
from infrastructure.integrity.check import verify
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
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Check every promise about the log, the claims and the read models. Changes nothing."""
    database = Database.of(settings())
    check_migrated(database)
    checks = []
    if sample is not None:
        seed = randrange(1_000_000) if seed is None else seed
        err.print(f"A sample of {sample:,}, drawn with --seed {seed}.")
    for check in verify(database, read_models, sample, seed or 0):
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
