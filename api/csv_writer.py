"""CSV that may be opened in a spreadsheet: no text in it is a formula."""

import csv
import re
from collections.abc import Iterable
from typing import Any, TextIO

_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]")
_NUMBER = re.compile(r"[+-]?[\d.,\s%]+(e[+-]?\d+)?")


class CsvWriter:
    """A writer of rows; a text that a spreadsheet would run gets a quote before it."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")

    def writerow(self, row: Iterable[Any]) -> None:
        """Write a row."""
        self._writer.writerow([_cell(value) for value in row])

    def writerows(self, rows: Iterable[Iterable[Any]]) -> None:
        """Write some rows."""
        for row in rows:
            self.writerow(row)


def _cell(value: Any) -> Any:
    is_formula = isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value)
    return _as_lines(f"'{value}" if is_formula else value)


def _as_lines(value: Any) -> Any:
    """Return a text with the line ends that the writer quotes."""
    return re.sub("\r\n?", "\n", value) if isinstance(value, str) else value
