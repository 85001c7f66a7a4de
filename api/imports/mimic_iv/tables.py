"""The tables of MIMIC-IV that are read, and their rows grouped by patient.

The files are in no order, and a hospital's are larger than memory: one pass writes every row to a
temporary SQLite file, from which they come back patient by patient.
"""

import csv
import gzip
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import msgspec

from domain.errors import WardbookError


class BadTable(WardbookError):
    """A table is missing or cannot be read; the message names the file, and the line at fault."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns read of a table. ``key`` names a row; a row lacking a ``needed`` column is refused.

    Where a key is not unique by nature (``repeats``), the second row of it is called ``key/2``.
    """

    name: str
    folder: str
    key: tuple[str, ...]
    times: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    repeats: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("subject_id", *self.key, *self.times, *self.others)))

    def path(self, directory: Path) -> Path:
        """Find the table's file, compressed or not. Raises BadTable if there is none."""
        packed = directory / self.folder / f"{self.name}.csv.gz"
        for path in (packed, packed.with_suffix("")):
            if path.is_file():
                return path
        raise BadTable(f"{packed} is missing; DIR is the folder that holds hosp/ and icu/.")


TABLES = (
    Table(
        "patients",
        "hosp",
        key=("subject_id",),
        times=("dod",),
        others=("gender", "anchor_age", "anchor_year", "anchor_year_group"),
    ),
    Table(
        "admissions",
        "hosp",
        key=("hadm_id",),
        times=("admittime", "dischtime", "deathtime", "edregtime", "edouttime"),
        needed=("hadm_id", "admittime"),
        others=(
            "admission_type",
            "admit_provider_id",
            "admission_location",
            "discharge_location",
        ),
    ),
    Table(
        "transfers",
        "hosp",
        key=("transfer_id",),
        times=("intime", "outtime"),
        needed=("transfer_id", "intime"),
        others=("hadm_id", "eventtype", "careunit"),
    ),
    Table(
        "icustays",
        "icu",
        key=("stay_id",),
        times=("intime", "outtime"),
        needed=("stay_id",),
        others=("hadm_id",),
    ),
    Table(
        "services",
        "hosp",
        key=("hadm_id", "transfertime"),
        times=("transfertime",),
        needed=("transfertime", "curr_service"),
        others=("curr_service",),
    ),
    Table(
        "prescriptions",
        "hosp",
        key=("pharmacy_id", "drug_type"),
        times=("starttime", "stoptime"),
        needed=("pharmacy_id", "drug"),
        others=(
            "hadm_id",
            "poe_id",
            "order_provider_id",
            "drug",
            "formulary_drug_cd",
            "gsn",
            "ndc",
            "prod_strength",
            "dose_val_rx",
            "dose_unit_rx",
            "route",
        ),
        repeats=True,
    ),
    Table(
        "pharmacy",
        "hosp",
        key=("pharmacy_id",),
        times=("starttime", "stoptime", "entertime", "verifiedtime"),
        needed=("pharmacy_id",),
        others=("poe_id", "medication", "proc_type", "status", "frequency", "doses_per_24_hrs"),
    ),
    Table(
        "poe",
        "hosp",
        key=("poe_id",),
        times=("ordertime",),
        needed=("poe_id", "ordertime"),
        others=(
            "hadm_id",
            "order_type",
            "order_subtype",
            "transaction_type",
            "discontinue_of_poe_id",
            "order_provider_id",
        ),
    ),
    Table(
        "poe_detail",
        "hosp",
        key=("poe_id", "field_name"),
        needed=("poe_id",),
        others=("field_value",),
        repeats=True,
    ),
    Table(
        "emar",
        "hosp",
        key=("emar_id",),
        times=("charttime", "storetime"),
        needed=("emar_id", "charttime"),
        others=(
            "hadm_id",
            "emar_seq",
            "poe_id",
            "pharmacy_id",
            "enter_provider_id",
            "medication",
            "event_txt",
        ),
    ),
    Table("diagnoses_icd", "hosp", key=("hadm_id", "seq_num")),
)


class Spool:
    """Temporary database of every row of every table, by patient; deleted when it is closed."""

    def __init__(self, directory: Path) -> None:
        """Read all tables. Raises BadTable."""
        paths = {table: table.path(directory) for table in TABLES}
        self.unread = _unread(directory, paths.values())
        # An empty name: SQLite keeps the database in a temporary file that nobody else sees.
        self.connection = sqlite3.connect("", isolation_level=None)
        self.connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE rows (subject INTEGER, place INTEGER, line INTEGER, data BLOB);"
        )
        self.counts = {
            table.name: self._spool(place, table, path)
            for place, (table, path) in enumerate(paths.items())
        }
        self.connection.execute("CREATE INDEX by_patient ON rows (subject, place, line)")

    def subjects(self) -> Iterator[int]:
        """Yield every patient that any table names, lowest number first."""
        last = -1
        while True:
            (next_one,) = self.connection.execute(
                "SELECT min(subject) FROM rows WHERE subject > ?", [last]
            ).fetchone()
            if next_one is None:
                return
            yield (last := next_one)

    def rows_of(self, subject: int) -> Iterator[tuple[Table, int, dict[str, str]]]:
        """Yield a patient's rows: table, line in its file, and columns (empty text: no value)."""
        rows = self.connection.execute(
            "SELECT place, line, data FROM rows WHERE subject = ? ORDER BY place, line", [subject]
        )
        for place, line, data in rows:
            table = TABLES[place]
            yield table, line, dict(zip(table.columns, _decode(data), strict=True))

    def close(self) -> None:
        self.connection.close()

    def _spool(self, place: int, table: Table, path: Path) -> int:
        """Write a table's rows; return how many."""
        rows = ((subject, place, line, data) for line, subject, data in _read(table, path))
        self.connection.execute("BEGIN")
        written = self.connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", rows)
        self.connection.execute("COMMIT")
        return max(written.rowcount, 0)


_decode = msgspec.json.Decoder(list[str]).decode


def _read(table: Table, path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield the rows of a file: line, patient, and the columns that are read. Raises BadTable."""
    encode = msgspec.json.Encoder().encode
    try:
        with _open(path) as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, [])
            missing = [column for column in table.columns if column not in header]
            if missing:
                raise BadTable(f"{path} has no column {', '.join(missing)}.")
            wanted = [header.index(column) for column in table.columns]
            for row in rows:
                if len(row) != len(header):
                    raise BadTable(
                        f"{path}, line {rows.line_num}: {len(row)} columns, {len(header)} expected."
                    )
                subject = row[wanted[0]]
                if not (subject.isascii() and subject.isdigit() and len(subject) < 19):
                    raise BadTable(
                        f"{path}, line {rows.line_num}: subject_id {subject!r} is no number."
                    )
                yield rows.line_num, int(subject), encode([row[i].strip() for i in wanted])
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise BadTable(f"{path} cannot be read: {error}") from error


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _unread(directory: Path, read: Iterable[Path]) -> tuple[str, ...]:
    """Return the tables in the folder that this importer has no use for."""
    known = set(read)
    found = sorted(p for p in directory.glob("*/*.csv*") if p not in known)
    return tuple(str(p.relative_to(directory)) for p in found)
