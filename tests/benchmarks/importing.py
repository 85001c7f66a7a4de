"""An import, by commands a second: MIMIC-IV's demo, where its folder is there.

Each row is a command of its own, with its rules and its id.
"""

from pathlib import Path
from time import perf_counter, process_time

import psycopg

from api.imports.mimic_iv import import_mimic_iv
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.projections.gc_tuning import reduced_garbage_collection
from infrastructure.settings import Settings
from tests.benchmarks.rebuilding import MIMIC
from tests.benchmarks.results import Row, say


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    if not MIMIC.is_dir():
        say(f"import: left out, no data in {MIMIC}")
        return []
    say(f"importing {MIMIC.name} (a minute or two)")
    database.open_log("real")
    importer = hospital(Settings(), database)
    start, processor_before = perf_counter(), process_time()
    with reduced_garbage_collection():  # as the command line does
        import_mimic_iv(importer, MIMIC, folder / "account.csv")
    seconds, processor = perf_counter() - start, process_time() - processor_before
    importer.close()
    with psycopg.connect(database.owner_url) as owner:
        row = owner.execute("SELECT count(*) FROM record.commands").fetchone()
    assert row is not None
    each = f"{row[0] / seconds:,.0f}/s, {processor / row[0] * 1000:.2f} ms of Python each"
    return [Row(f"import, {row[0]:,} commands", each, wanted="400/s")]
