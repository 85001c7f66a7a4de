"""A nurse's shift: what a ward asks and records, mixed, and how long each kind of it takes.

Eight nurses of a house of 160 beds work as fast as they are answered, by one server with its worker.
"""

from pathlib import Path

from api.auth.local_tokens import LocalTokens
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks.mixed import Nurse, shown, work
from tests.benchmarks.reading import served
from tests.benchmarks.results import Row, say
from tests.benchmarks.wards import Wards, filled

NURSES, SECONDS = 8, 60.0


def measure(
    database: Database, folder: Path, *, nurses: int = NURSES, seconds: float = SECONDS
) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    say(f"a shift: {nurses} nurses, a ward of 20 beds each, {seconds:.0f} s")
    made, home = hospital(Settings(), database), folder / "home-of-shift"
    wards = Wards(made, nurses)
    with served(database, home) as (address, _):
        token = LocalTokens.of(home).make()
        staff = [Nurse(wards, ward, address, token, n) for n, ward in enumerate(wards.names)]
        filled(database)
        waits = work(staff, seconds)
    made.close()
    total = sum(map(len, waits.values()))
    rows = [Row(f"shift, {nurses} nurses, everything", f"{total / seconds:,.0f}/s")]
    return rows + [
        Row(f"shift: {name}, median / p99 of {len(some)}", shown(some))
        for name, some in sorted(waits.items())
    ]
