"""The command ``export fhir``: a stay, a patient or the house as NDJSON."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from api.cli.queries import AsOfOption, For, KnownAt, open_hospital
from api.cli.terminal import Csv, Json, moment, now, operator, print_rows, settings, stop
from api.container import running
from api.exit_codes import ExitCode
from api.fhir.bulk import ResourceFolder, all_of_house, all_of_patient, all_of_stay
from api.fhir.outcome import FhirError
from api.fhir.reader import Item, Reader
from api.graphql.scalars import iso_moment
from application.authorization.roles import Caller, Purpose
from infrastructure.analysis.loading import DuckDBMissing, check_duckdb
from infrastructure.analysis.resources import write_parquet
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings

exports = typer.Typer(help="Give the record to another system.", no_args_is_help=True)
app = typer.Typer()
app.add_typer(exports, name="export")

OPERATION = "wardbook export fhir"


@exports.callback()
def _callback() -> None:
    """Make ``fhir`` a command below ``export``, though it is the only one."""


@exports.command(
    "fhir", epilog="Example: wardbook export fhir /srv/fhir --as-of 2026-03-01T08:00:00Z"
)
def export_fhir(
    folder: Annotated[Path, typer.Argument(help="Folder of the files, one for each type.")],
    stay: Annotated[str | None, typer.Option(help="Of the stay with this id alone.")] = None,
    mrn: Annotated[str | None, typer.Option(help="Of this patient alone.")] = None,
    as_of: AsOfOption = None,
    known_at: KnownAt = None,
    parquet: Annotated[
        bool, typer.Option("--parquet", help="Parquet files, in place of NDJSON; ids are texts.")
    ] = False,
    purpose: For = Purpose.TREATMENT,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Write the house, a patient or a stay as FHIR R4, in NDJSON (as FHIR Bulk Data) or Parquet.

    Its owner alone may read the files. Whom they show is recorded as read, before they have their names.
    """
    if stay is not None and mrn is not None:
        stop("Name a stay by --stay or a patient by --mrn, or neither.", ExitCode.USAGE)
    configuration = settings()
    _, database = open_hospital(configuration)
    moments = {"asOf": moment(as_of, "--as-of"), "knownAt": moment(known_at, "--known-at")}
    times = {name: iso_moment(at) if at else None for name, at in moments.items()}
    caller = Caller(operator(), None, now() + timedelta(days=1), purpose)
    try:
        if parquet:
            check_duckdb()
        files = ResourceFolder(folder, write_parquet if parquet else None)
        asyncio.run(_export(configuration, database, caller, times, files, stay, mrn))
    except (FhirError, DuckDBMissing) as error:
        stop(str(error))
    rows = [{"type": type, "resources": count} for type, count in files.counts.items()]
    print_rows(rows, ("type", "resources"), json=json, csv=csv, title=f"Written to {folder}")


async def _export(
    configuration: Settings,
    database: Database,
    caller: Caller,
    times: dict[str, str | None],
    files: ResourceFolder,
    stay: str | None,
    mrn: str | None,
) -> None:
    async with running(configuration, database, with_worker=False) as state:
        reader = Reader(state, caller, times)
        is_whole, items_shown = False, list[Item]()
        try:
            if stay is not None:
                items_shown += files.write(await all_of_stay(reader, stay))
            elif mrn is not None:
                items = await all_of_patient(reader, mrn, configuration.mrn_authority)
                items_shown += files.write(items)
            else:
                async for items in all_of_house(reader):
                    # of a whole house, what was shown is kept by its name alone
                    items_shown += (
                        replace(item, resource={"resourceType": item.type, "id": item.id})
                        for item in files.write(items)
                    )
            is_whole = True
        finally:
            await reader.record(OPERATION, items_shown)
            files.close(complete=is_whole)
