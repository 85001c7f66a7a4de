"""Tables in a folder of CSV files, their rows grouped by patient: the same for every source.

A source is a tuple of `Table`: which files it has, and what the import reads of each. The files are in
no order, and a hospital's are larger than memory: one pass writes every row to a temporary SQLite
file, from which they come back patient by patient.
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

    A table that ``carries`` something may be missing: that is left out then.

    Where a key is not unique by nature (``repeats``), the second row of it is called ``key/2``.
    """

    name: str
    folder: str
    key: tuple[str, ...]
    times: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    repeats: bool = False
    carries: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("subject_id", *self.key, *self.times, *self.others)))

    def path(self, directory: Path) -> Path | None:
        """Find the table's file, compressed or not; None if it may be missing. Raises BadTable."""
        gz_path = directory / self.folder / f"{self.name}.csv.gz"
        for path in (gz_path, gz_path.with_suffix("")):
            if path.is_file():
                return path
        if self.carries:
            return None
        raise BadTable(f"{gz_path} is missing; DIR is the folder that holds {self.folder}/.")


class Spool:
    """Temporary database of every row of every table, by patient; deleted when it is closed."""

    def __init__(self, directory: Path, tables: tuple[Table, ...]) -> None:
        """Read all tables that are there. Raises BadTable."""
        self.tables = tables
        paths = {table: table.path(directory) for table in tables}
        self.missing = tuple(table for table, path in paths.items() if path is None)
        self.unread = _unread(directory, [path for path in paths.values() if path])
        # An empty name: SQLite keeps the database in a temporary file that nobody else sees.
        self.connection = sqlite3.connect("", isolation_level=None)
        self.connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE rows (subject INTEGER, place INTEGER, line INTEGER, data BLOB);"
        )
        self.counts = {
            table.name: self._spool(place, table, path) if path else 0
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
            table = self.tables[place]
            yield table, line, dict(zip(table.columns, _decode(data), strict=True))

    def close(self) -> None:
        self.connection.close()

    def _spool(self, place: int, table: Table, path: Path) -> int:
        """Write a table's rows; return how many."""
        rows = ((subject, place, line, data) for line, subject, data in _read(table, path))
        self.connection.execute("BEGIN")
        cursor = self.connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", rows)
        self.connection.execute("COMMIT")
        return max(cursor.rowcount, 0)


_decode = msgspec.json.Decoder(list[str]).decode


def _read(table: Table, path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield the rows of a file: line, patient, and the columns that are read. Raises BadTable."""
    encode = msgspec.json.Encoder().encode
    try:
        with _open(path) as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, [])
            missing_columns = [column for column in table.columns if column not in header]
            if missing_columns:
                raise BadTable(f"{path} has no column {', '.join(missing_columns)}.")
            indexes = [header.index(column) for column in table.columns]
            for row in rows:
                if len(row) != len(header):
                    raise BadTable(
                        f"{path}, line {rows.line_num}: {len(row)} columns, {len(header)} expected."
                    )
                subject = row[indexes[0]]
                if not (subject.isascii() and subject.isdigit() and len(subject) < 19):
                    raise BadTable(
                        f"{path}, line {rows.line_num}: subject_id {subject!r} is no number."
                    )
                yield rows.line_num, int(subject), encode([row[i].strip() for i in indexes])
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise BadTable(f"{path} cannot be read: {error}") from error


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _unread(directory: Path, read: Iterable[Path]) -> dict[str, int | None]:
    """Return the other files in the folder, each with its rows; None for one that is no table."""
    names = set(read)
    others = sorted(p for p in directory.rglob("*") if p.is_file() and p not in names)
    return {str(path.relative_to(directory)): _rows(path) for path in others}


def _rows(path: Path) -> int | None:
    """Count the rows of a table without its header; None if it is none or cannot be read."""
    if ".csv" not in path.suffixes:
        return None
    try:
        with _open(path) as file:
            return max(sum(1 for _ in csv.reader(file)) - 1, 0)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error):
        return None
