"""Places of each stay, read from the tables admissions and transfers alone.

This shares nothing with the importer, so that it can be used to check it. All times are the source's
own (22nd century, no time zone). How dirty rows are read:

- A stay lasts from ``admittime`` to ``dischtime``; rows are cut to it. Where a patient died in the
  hospital and the discharge lies before the death, the stay ends with the death.
- Rows of which nothing lies in the stay, discharge rows and rows without a stay are no stretches.
- Moves within one care unit are stretches of their own.
- File order means nothing: rows are ordered by ``intime``.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass
class Expected:
    """One stay: from when to when, and its stretches (care unit, from, until)."""

    subject_id: str
    admitted: datetime
    discharged: datetime
    stretches: list[tuple[str, datetime, datetime]] = field(default_factory=list)


def expected_moves(directory: Path) -> dict[str, Expected]:
    """All stays, by ``hadm_id``."""
    stays = {}
    for row in _rows(directory / "hosp" / "admissions.csv.gz"):
        discharged = _time(row["dischtime"])
        if row["discharge_location"] == "DIED" and row["deathtime"]:
            discharged = max(discharged, _time(row["deathtime"]))
        stays[row["hadm_id"]] = Expected(row["subject_id"], _time(row["admittime"]), discharged)
    rows = [
        row
        for row in _rows(directory / "hosp" / "transfers.csv.gz")
        if row["hadm_id"] and row["eventtype"] != "discharge"
    ]
    for row in sorted(rows, key=lambda r: _time(r["intime"])):
        stay = stays[row["hadm_id"]]
        start = max(_time(row["intime"]), stay.admitted)
        end = min(_time(row["outtime"]), stay.discharged)
        if start < end:
            stay.stretches.append((row["careunit"], start, end))
    return stays


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
