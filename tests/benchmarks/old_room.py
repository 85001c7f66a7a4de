"""A command on a room with twenty years of stays in it, against the same on a new room.

The old room's stays are recorded by the hospital's own commands, late, each with its claims. Then
both rooms are asked in turn: a new patient is admitted into the bed and discharged again, with all
that is remembered forgotten first.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from application.aggregate_cache import AggregateCache
from application.hospital import Hospital
from domain.stay.facts import Disposition
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks.results import Row, say
from tests.support.hospital_dsl import ELECTIVE, place, request, room

YEARS = int(os.environ.get("WARDBOOK_BENCH_YEARS", "20"))
STAY = timedelta(days=5)
TIMES = 100


def measure(database: Database, folder: Path) -> list[Row]:
    """``database`` is a migrated scratch database without a log."""
    database.open_log("real")
    made = hospital(Settings(), database)
    try:
        begun = datetime.now(UTC) - timedelta(days=YEARS * 365)
        for number in ("old", "new"):
            room(made, number, "a", at=begun - STAY)
        stays = 0
        while begun + STAY < datetime.now(UTC) - STAY:
            _stay(made, "old", begun, begun + STAY)
            begun, stays = begun + STAY, stays + 1
        say(f"a room with {stays:,} stays of {YEARS} years against a new one")
        took: dict[str, list[float]] = {"old": [], "new": []}
        for n in range(TIMES):
            for number, times in took.items():
                made.pipeline.cache = AggregateCache()
                times.append(_stay(made, number, begun, begun + timedelta(minutes=1)))
            begun += timedelta(minutes=1 + n % 2)
    finally:
        made.close()
    old, new = median(took["old"]), median(took["new"])
    return [
        Row(
            f"admit and discharge, a room with {stays:,} stays",
            f"{old:.1f} ms",
            "a new room",
            f"{new:.1f} ms",
            None,
            f"{old / new:.2f}x slower; 1.5x",
        )
    ]


_count = 0


def _stay(made: Hospital, number: str, since: datetime, until: datetime) -> float:
    """Milliseconds for the two commands on the room."""
    global _count
    _count += 1
    mrn = f"P{_count}"
    made.patients.register_patient(request(since), mrn=mrn)
    start = perf_counter()
    admitted = made.stays.admit_patient(
        request(since), patient_mrn=mrn, admission_type=ELECTIVE, **place(f"A/{number}/a")
    )
    stay = admitted.ids("stay")[0]
    made.stays.discharge_patient(request(until), stay_id=stay, disposition=Disposition.HOME)
    return (perf_counter() - start) * 1000
