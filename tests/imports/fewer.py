"""A folder of real data with fewer patients."""

import csv
import gzip
from pathlib import Path

from api.imports.mimic_iv.tables import TABLES


def lines_of(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def tables_of(directory: Path) -> dict[str, Path]:
    return {path.name.removesuffix(".csv.gz"): path for path in directory.glob("*/*.csv.gz")}


def first_patients(real: Path, count: int, directory: Path) -> Path:
    """A folder with the rows of the patients with the lowest numbers."""
    tables = tables_of(real)
    subjects = sorted(int(line[0]) for line in lines_of(tables["patients"])[1:])
    kept = {str(subject) for subject in subjects[:count]}
    for table in (table for table in TABLES if table.name in tables):
        header, *lines = lines_of(tables[table.name])
        column = header.index("subject_id")
        path = directory / "few" / table.folder / f"{table.name}.csv.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *(line for line in lines if line[column] in kept)])
    return directory / "few"
