"""Account of an import: the verdict on every row.

Each row of each table gets exactly one verdict: recorded (by which commands), merged (into which
row), or refused (by which rule). The rows are counted as they are read and again as they are judged:
the account adds up if both say the same.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from api.csv_writer import CsvWriter
from application.command import Recorded
from domain.refusals import Refusal

Progress = Callable[[int, int], None]
"""Callback with the number of rows done, and of all rows."""

PROGRESS_EVERY = 50
"""Rows between two calls of a `Progress`."""


class Row(Protocol):
    """A row, or a resource: of which table it is, its key there, and where it stands."""

    @property
    def table(self) -> str: ...

    @property
    def key(self) -> str: ...

    @property
    def line(self) -> int: ...

    @property
    def name(self) -> str: ...


R = TypeVar("R", bound=Row)


class Verdict(StrEnum):
    """Verdict on a row."""

    RECORDED = "recorded"
    MERGED = "merged"
    REFUSED = "refused"


@dataclass(slots=True)
class TableAccount:
    """Counts of one table's rows: all, and by verdict and command or rule."""

    rows: int
    verdicts: dict[Verdict, Counter[str]] = field(
        default_factory=lambda: {verdict: Counter() for verdict in Verdict}
    )

    def total(self, verdict: Verdict) -> int:
        return self.verdicts[verdict].total()

    @property
    def sums(self) -> tuple[int, int, int, int]:
        """Return rows, recorded, merged, refused."""
        return (
            self.rows,
            self.total(Verdict.RECORDED),
            self.total(Verdict.MERGED),
            self.total(Verdict.REFUSED),
        )

    @property
    def adds_up(self) -> bool:
        rows, *counts = self.sums
        return rows == sum(counts)


@dataclass(slots=True)
class Account:
    """Counts of the rows of every table by verdict."""

    tables: dict[str, TableAccount]
    not_read: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    """The other files of the folder: why each is not read, and its rows if it is a table."""
    missing: dict[str, str] = field(default_factory=dict)
    """The tables that are not in the folder, and what was left out for that."""
    not_ended: Counter[str] = field(default_factory=Counter)
    """The discharges that were refused, by the refusal; how each stay was ended is in its note."""
    opened: Counter[str] = field(default_factory=Counter)
    """Rooms and practitioners that were made known for the rows' sake."""

    @property
    def unread(self) -> tuple[str, ...]:
        """Return the tables beside those that are read; files that are none are in `not_read` alone."""
        return tuple(file for file in self.not_read if "/" in file and ".csv" in file)

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    @property
    def adds_up(self) -> bool:
        """Return whether every row that was read has exactly one verdict."""
        return all(table.adds_up for table in self.tables.values())

    def total(self, verdict: Verdict) -> int:
        return sum(table.total(verdict) for table in self.tables.values())

    def sums(self) -> list[tuple[str, int, int, int, int]]:
        """Return for each table, and for all: name, rows, recorded, merged, refused."""
        sums = [(name, *table.sums) for name, table in self.tables.items()]
        columns = zip((0, 0, 0, 0), *(table.sums for table in self.tables.values()), strict=True)
        rows, recorded_count, merged_count, refused_count = (sum(column) for column in columns)
        return [*sums, ("all", rows, recorded_count, merged_count, refused_count)]

    def totals(self) -> list[tuple[str, Verdict, str, int]]:
        """Return table, verdict, command or rule, and rows; the most frequent first in each verdict."""
        return [
            (name, verdict, rule, count)
            for name, table in self.tables.items()
            for verdict in Verdict
            for rule, count in table.verdicts[verdict].most_common()
        ]


COLUMNS = ("table", "key", "verdict", "rule", "into", "note")
"""Columns of the account file. ``rule`` names the commands if recorded; ``into`` is table/key."""


class Ledger:
    """Writer of the account: one line for each row, and the sums in a file beside it.

    Both files appear under their names when the import is complete, and not before.
    """

    def __init__(self, path: Path, account: Account, progress: Progress) -> None:
        self.account = account
        self._path, self._progress = path, progress
        self._part = path.with_name(f"{path.name}.part")
        self._done = 0
        self._judged: dict[tuple[str, int], Verdict] = {}

    def judge_answer(
        self, row: Row, command: str, answer: Recorded | Refusal, note: str = ""
    ) -> None:
        """Judge a row by the answer to its one command."""
        if isinstance(answer, Refusal):
            self.judge_refused(row, answer.code, answer.message)
        else:
            self.judge_recorded(row, command, note)

    def judge_recorded(self, row: Row, commands: str, note: str = "") -> None:
        self._judge(row, Verdict.RECORDED, commands, note=note)

    def judge_merged(self, row: Row, what: str, *into: Row, note: str = "") -> None:
        """Judge a row as merged: ``what`` as, and ``into`` which rows."""
        assert into, f"{row.name} is merged into nothing"
        self._judge(row, Verdict.MERGED, what, " ".join(r.name for r in into), note)

    def judge_refused(self, row: Row, rule: str, note: str = "", parent: Row | None = None) -> None:
        self._judge(row, Verdict.REFUSED, rule, parent.name if parent else "", note)

    def is_recorded(self, row: Row) -> bool:
        return self._judged.get(_place(row)) is Verdict.RECORDED

    def without_verdict(self, rows: Iterable[R]) -> list[R]:
        return [row for row in rows if _place(row) not in self._judged]

    def next_patient(self) -> None:
        """Forget the rows of a patient that are judged."""
        self._judged.clear()

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("w", encoding="utf-8", newline="")
        self._lines = CsvWriter(self._file)
        self._lines.writerow(COLUMNS)
        self._progress(0, self.account.rows)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if error is None:
            self._write_sums()
            os.replace(self._part, self._path)
            self._progress(self._done, self.account.rows)

    def _judge(self, row: Row, verdict: Verdict, rule: str, into: str = "", note: str = "") -> None:
        assert _place(row) not in self._judged, f"{row.name} was judged twice"
        self._judged[_place(row)] = verdict
        self._lines.writerow((row.table, row.key, verdict, rule, into, note))
        self.account.tables[row.table].verdicts[verdict][rule] += 1
        self._done += 1
        if self._done % PROGRESS_EVERY == 0:
            self._progress(self._done, self.account.rows)

    def _write_sums(self) -> None:
        path = sums_path(self._path)
        with path.open("w", encoding="utf-8", newline="") as file:
            lines = CsvWriter(file)
            lines.writerow(("table", "verdict", "rule", "rows"))
            for table, rows, *_ in self.account.sums():
                lines.writerow((table, "all", "", rows))
            lines.writerows(self.account.totals())
            for rule, count in self.account.not_ended.items():
                lines.writerow(("admissions", "not ended as told", rule, count))
            for table, reason in self.account.missing.items():
                lines.writerow((table, "missing", reason, ""))
            for name, (cause, rows_of_file) in self.account.not_read.items():
                lines.writerow(
                    (name, "not read", cause, "" if rows_of_file is None else rows_of_file)
                )
            lines.writerow(("all", "adds up", "", self.account.adds_up))


def _place(row: Row) -> tuple[str, int]:
    return row.table, row.line


def sums_path(account: Path) -> Path:
    """Return the file of an account's sums: ``account.csv`` has ``account.sums.csv``."""
    return account.with_name(f"{account.stem}.sums{account.suffix}")
