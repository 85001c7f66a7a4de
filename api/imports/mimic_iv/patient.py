"""One patient's rows, moved back from the 22nd century.

The source moved each patient by a number of days that it keeps to itself. Here each is moved back by
whole weeks, so that the weekday and the time of day stay those of the source, and by a number that
follows from the patient's own rows alone: importing again, next year, or with other patients gives
the same times.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from api.imports.mimic_iv.rules import Rule
from api.imports.tables import Spool, Table
from domain.time import FIRST_DAY, LAST_DAY, is_nameable

NOT_LATER_THAN = date(2024, 1, 1)
"""The day before which all times of a patient are moved (MIMIC-IV 3.1 ends in 2022)."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A row of a table. Its times are moved back, and in UTC: the source names no time zone."""

    table: str
    key: str
    line: int
    columns: dict[str, str]
    times: dict[str, datetime]

    @property
    def name(self) -> str:
        return f"{self.table}/{self.key}"

    def __getitem__(self, column: str) -> str:
        """Return the column's text; empty where there is no value."""
        return self.columns[column]

    def at(self, column: str) -> datetime:
        """Return a time that every usable row of this table has."""
        return self.times[column]

    def maybe_at(self, column: str) -> datetime | None:
        return self.times.get(column)


@dataclass(frozen=True, slots=True)
class UnusableRow:
    """A row that cannot be used, by which rule, and why."""

    row: Row
    rule: Rule
    why: str


@dataclass(slots=True)
class PatientRows:
    """The rows of one patient, by table; the unusable ones apart."""

    subject: int
    tables: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    unusable: list[UnusableRow] = field(default_factory=list)

    def __getitem__(self, table: str) -> list[Row]:
        return self.tables[table]

    def __iter__(self) -> Iterator[Row]:
        return (row for rows in self.tables.values() for row in rows)

    def of_stay(self, table: str) -> dict[str, list[Row]]:
        """Return the rows of a table by the stay that they name."""
        rows_by_stay: dict[str, list[Row]] = defaultdict(list)
        for row in self.tables[table]:
            rows_by_stay[row["hadm_id"]].append(row)
        return rows_by_stay

    def times(self) -> list[datetime]:
        return [time for row in self for time in row.times.values()]


def patient_rows(spool: Spool, subject: int) -> PatientRows:
    """Read a patient's rows and move their times back.

    Without a row in table patients that says where in time the patient belongs, all are unusable.
    """
    result = PatientRows(subject)
    counts: Counter[str] = Counter()
    for table, line, columns in spool.rows_of(subject):
        row = Row(table.name, "/".join(columns[c] for c in table.key), line, columns, {})
        counts[row.name] += 1
        if (nth := counts[row.name]) > 1:
            row = Row(row.table, f"{row.key}/{nth}", line, columns, {})
        if nth > 1 and not table.repeats:
            reason = f"the row in line {line} has the key of an earlier one"
            result.unusable.append(UnusableRow(row, Rule.REPEATED_KEY, reason))
        elif reason := _read_times(row, table):
            result.unusable.append(UnusableRow(row, Rule.UNREADABLE, reason))
        else:
            result[row.table].append(row)
    weeks = _weeks_back(result)
    if weeks is None:
        reason = "its times cannot be placed: no row, or no anchor year, in table patients"
        result.unusable += [UnusableRow(row, Rule.NO_PATIENT, reason) for row in result]
        result.tables.clear()
        return result
    back = timedelta(weeks=weeks)
    for row in result:
        row.times.update({column: time - back for column, time in row.times.items()})
    return result


def _read_times(row: Row, table: Table) -> str:
    """Fill in the row's times; return the defect of an unusable row."""
    for column in table.needed:
        if not row[column]:
            return f"{column} is missing"
    for column in table.times:
        text = row[column]
        if not text:
            continue
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            return f"{column} {text!r} is no time"
        if len(text) not in (len("2180-01-01"), len("2180-01-01 00:00:00")) or time.tzinfo:
            return f"{column} {text!r} is no time as the source writes it"
        if not is_nameable(time):
            return f"{column} {text!r} lies before {FIRST_DAY} or after {LAST_DAY}"
        row.times[column] = time.replace(tzinfo=UTC)
    return ""


def _weeks_back(patient: PatientRows) -> int | None:
    """Return by how many weeks a patient is moved back; None if the rows do not tell.

    The source says in which three years ``anchor_year`` lies: it is moved onto the middle one, the
    season kept. Whoever still had rows in or after 2024 then is moved further.
    """
    if not patient["patients"]:
        return None
    row = patient["patients"][0]
    try:
        first, last = (int(year) for year in row["anchor_year_group"].split(" - "))
        shift = date(int(row["anchor_year"]), 1, 1) - date((first + last) // 2, 1, 1)
    except ValueError:
        return None
    latest = max(patient.times(), default=None)
    excess = (latest.date() - NOT_LATER_THAN).days + 1 if latest else 0
    return max(round(shift.days / 7), math.ceil(excess / 7))


def middle_of_anchor_years(row: Row) -> int:
    """Return the year onto which ``anchor_year`` is moved."""
    first, last = row["anchor_year_group"].split(" - ")
    return (int(first) + int(last)) // 2
