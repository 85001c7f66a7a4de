"""The command ``warehouse``."""

from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.analysis import Format, print_answer
from api.cli.queries import open_hospital, record_publication
from api.cli.terminal import Csv, Json, chosen_format, err, out, progress, settings, stop
from api.exit_codes import ExitCode
from infrastructure.bootstrap import hospital as hospital_of

if TYPE_CHECKING:  # it needs an extra
    from api.warehouse.iceberg import Place

app = typer.Typer()


@app.command(epilog="Example: wardbook warehouse /srv/warehouse")
def warehouse(
    folder: Annotated[Path, typer.Argument(help="The warehouse, of any number of hospitals.")],
    ask: Annotated[
        str | None, typer.Option(help="Fill nothing; answer a SELECT on the table events.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How the answer is printed.")] = Format.TABLE,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Fill a warehouse with the feed of this hospital, from where it was filled to.

    It is an Iceberg table, partitioned by hospital and day: each event is in it once. A hospital whose
    log was restored, or in which a person was erased, is filled anew. With --ask every answer says up
    to where it knows each hospital.
    """
    if find_spec("pyiceberg") is None:
        stop("That needs the extra warehouse: pip install -e '.[warehouse]'", ExitCode.USAGE)
    from api.warehouse.filling import fill_warehouse
    from api.warehouse.iceberg import Warehouse

    if ask is not None:
        if not (folder / "catalog.sqlite").exists():
            stop(f"{folder} is no warehouse.", ExitCode.USAGE)
        with Warehouse(folder).answer(ask) as (names, rows, places):
            err.print(_as_of(places), soft_wrap=True)
            print_answer(chosen_format(format, json=json, csv=csv), names, rows)
        return
    configuration = settings()
    _, database = open_hospital(configuration)
    log, hospital = database.open_log(), configuration.hospital
    record_publication(database, "wardbook warehouse", f"feed to {folder.name}")
    with closing(hospital_of(configuration, database)), progress("Filling") as tell:  # has the keys
        count, is_anew = fill_warehouse(Warehouse(folder), database, log, hospital, tell)
    how = f"{hospital} was filled anew: " if is_anew else ""
    out.print(f"{how}{count:,} events.")


def _as_of(places: "dict[str, Place]") -> str:
    """Return the vector of positions of an answer in words."""
    parts = (f"{name} at position {place.position}" for name, place in places.items())
    return f"As of {', '.join(parts) or 'nothing'}."
