"""Plans of reports: what is read is of the period asked for, not of all years.

Plans are of tables without statistics, by an index where one can be used at all.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from application.reports.inputs import ChangeSet, Question
from domain.hospital_calendar import LocalDays
from infrastructure.postgres.database import Database
from infrastructure.reports.inputs import LOADERS, report_connection
from infrastructure.reports.inputs.context import ReportQuery
from tests.mistakes.test_vacuumed_plans import scans_of
from tests.support.growth import read_models_without_statistics

OF_THE_HOUSE = {"rooms", "beds", "spells", "practitioners"}
"""Tables that do not grow with the log, or hardly."""

OF_LINKS = {"patients_merged_into"}
"""Indexes that are read whole: of the few records that were merged."""

BY_PERIOD = {"inpatients_when", "prescriptions_live", "stays_open"}
"""Indexes by the moment of what ends: the last row of anything else holds for ever."""

WARDS = {"of the house": None, "of a ward": "A"}


class Noted(psycopg.Cursor[Any]):
    """A cursor that notes what it sends."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> "Noted":
        STATEMENTS.append((query, params))
        return super().execute(query, params, **more)


STATEMENTS: list[tuple[bytes, Any]] = []


@pytest.fixture(scope="module", autouse=True)
def without_statistics(own: Database) -> Iterator[None]:
    with read_models_without_statistics(own):
        yield


@pytest.mark.parametrize("only", [None, ChangeSet([str(uuid4())], [str(uuid4())])])
@pytest.mark.parametrize("ward", WARDS)
@pytest.mark.parametrize("need", LOADERS)
def test_mistake_504_a_report_reads_what_is_of_its_period(
    own: Database, need: str, ward: str, only: ChangeSet | None
) -> None:
    question = Question(date(2026, 3, 1), date(2026, 3, 31), WARDS[ward], {"days": 30})
    STATEMENTS.clear()
    with report_connection(own.app_url) as connection:
        connection.cursor_factory = Noted
        LOADERS[need](ReportQuery(connection, question, 9, LocalDays(), {}, False, only))
        connection.cursor_factory = psycopg.Cursor
        plans = [
            connection.execute(b"EXPLAIN (FORMAT JSON) " + query, params).fetchone()
            for query, params in STATEMENTS
        ]
    assert plans
    scans = [scan for plan in plans for scan in scans_of(plan)]
    assert scans
    assert [
        (scan["Node Type"], scan.get("Index Name"), scan.get("Index Cond"))
        for scan in scans
        if not _is_bounded(scan)
    ] == []


def _is_bounded(scan: dict[str, Any]) -> bool:
    """Return whether a scan finds what it needs by an index of ids, or of moments of what ends."""
    if scan.get("Relation Name") in OF_THE_HOUSE or scan["Node Type"] == "Bitmap Heap Scan":
        return True
    index, condition = scan.get("Index Name", ""), scan.get("Index Cond", "")
    if index.partition("_")[0] in OF_THE_HOUSE or index in OF_LINKS:
        return True
    if index.endswith("_when") or index in BY_PERIOD:
        return index in BY_PERIOD and "during" in condition
    return bool(re.search(r"[=<>]", condition))
