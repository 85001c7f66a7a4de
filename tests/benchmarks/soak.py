"""Hours of mixed work: whether the memory of a server grows.

The work of `shift` for twenty minutes (``WARDBOOK_SOAK_SECONDS``): the memory of the server in the
second quarter, when its caches are full, and in the last.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import sleep

from api.auth.local_tokens import LocalTokens
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks.mixed import Nurse, work
from tests.benchmarks.occupancy import megabytes
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say
from tests.benchmarks.wards import Wards, filled

NURSES = 8
SECONDS = float(os.environ.get("WARDBOOK_SOAK_SECONDS", "1200"))
SAMPLES = 80


def measure(
    database: Database, folder: Path, *, nurses: int = NURSES, seconds: float = SECONDS
) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    say(f"soak: {nurses} nurses for {seconds:.0f} s")
    made, home = hospital(Settings(), database), folder / "home-of-soak"
    wards = Wards(made, nurses)
    with served(database, home) as (address, process), ThreadPoolExecutor(1) as background:
        token = LocalTokens.of(home).make()
        staff = [Nurse(wards, ward, address, token, n) for n, ward in enumerate(wards.names)]
        filled(database)
        working = background.submit(work, staff, seconds)
        memory = []
        while not working.done():
            sleep(seconds / SAMPLES)
            memory.append(megabytes(process.pid, "VmRSS"))
        waits = working.result()
    made.close()
    quarter = max(1, len(memory) // 4)
    early, late = median(memory[quarter : 2 * quarter] or memory), median(memory[-quarter:])
    total = sum(map(len, waits.values()))
    return [
        Row(
            f"memory of serve at the end of {total:,} requests, against the second quarter",
            f"{late:.0f} MB",
            "second quarter",
            f"{early:.0f} MB",
            late / early,
            "1.05x; 250 MB",
        )
    ]
