"""A nurse's command in a room for which a thousand reported visits wait, against one without.

The visits are over, in a chair that another patient has: the feed has not told yet that he left.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from application.hospital import Hospital
from domain.stay.facts import Disposition
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks.results import Row, say
from tests.support.feed import Feed, admit, discharge
from tests.support.hospital_dsl import ELECTIVE, admitted, place, request

VISITS = int(os.environ.get("WARDBOOK_BENCH_PENDING", "1000"))
TIMES = 60


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    made = hospital(Settings(), database)
    try:
        say(f"a room with {VISITS:,} pending visits against one without")
        feeds = {ward: Feed(made, ward, (), "abc") for ward in ("full", "empty")}
        for ward, feed in feeds.items():
            admitted(made, f"first of {ward}", f"{ward}/1/a", at=feed.at(0))
        for n in range(VISITS):
            feeds["full"].register(f"V{n}")
            feeds["full"].send(admit(f"V{n}", "1", 1, "a"))
            feeds["full"].send(discharge(f"V{n}", "2", 2))
        took: dict[str, list[float]] = {ward: [] for ward in feeds}
        begun = datetime.now(UTC) - timedelta(days=1)
        for n in range(TIMES):
            for ward, times in took.items():
                times.append(_stay(made, f"{ward}/1/b", f"P{ward}{n}", begun))
            begun += timedelta(minutes=2)
    finally:
        made.close()
    full, empty = median(took["full"]), median(took["empty"])
    return [
        Row(
            f"admit and discharge, {VISITS:,} visits pending in the room",
            f"{full:.1f} ms",
            "none pending",
            f"{empty:.1f} ms",
            None,
            f"{full / empty:.2f}x slower; 1.2x",
        )
    ]


def _stay(made: Hospital, bed: str, mrn: str, since: datetime) -> float:
    """Milliseconds for the two commands of a ward."""
    made.patients.register_patient(request(since), mrn=mrn)
    start = perf_counter()
    stay = made.stays.admit_patient(
        request(since), patient_mrn=mrn, admission_type=ELECTIVE, **place(bed)
    ).ids("stay")[0]
    until = since + timedelta(minutes=1)
    made.stays.discharge_patient(request(until), stay_id=stay, disposition=Disposition.HOME)
    return (perf_counter() - start) * 1000
