"""The inputs of reports, read from the read models as known at one log position.

Each kind of input is one SELECT over the bitemporal read models. Rows are many, so they come as plain
tuples in PostgreSQL's binary form.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow

from application.reports.inputs import ChangeSet, Inputs, Question
from application.reports.service import Progress, no_progress
from domain.refusals import NotFound
from domain.things import Thing
from infrastructure.postgres.database import SCAN_NO_TABLE
from infrastructure.projections.status import IS_LIVE
from infrastructure.queries.hospital_time import local_days
from infrastructure.reports.inputs import (
    entry_delays,
    imprecise_stays,
    medicines,
    people,
    reviews,
)
from infrastructure.reports.inputs.beds import beds
from infrastructure.reports.inputs.context import ReportQuery
from infrastructure.reports.inputs.stays import awaited_stays, emergency_care, specialties, stays

LOADERS: dict[str, Callable[[ReportQuery], Any]] = {
    "beds": beds,
    "stays": stays,
    "awaited": awaited_stays,
    "admissions": people.admissions,
    "persons": people.persons,
    "deaths": people.deaths,
    "reviews": reviews.reviews,
    "unknown_grades": reviews.unknown_grades,
    "imprecise_stays": imprecise_stays.imprecise_stays,
    "emergency_care": emergency_care,
    "specialties": specialties,
    "patients": people.patients,
    "dose_days": medicines.dose_days,
    "agent_days": medicines.agent_days,
    "courses": medicines.courses,
    "entry_delays": entry_delays.entry_delays,
}
"""The loader of each input in `application.reports.inputs.NEEDS`."""


WORK_MEM = "64MB"
"""For each sort and each hash table of a year's rows, which would go to the disk otherwise."""


@contextmanager
def report_connection(url: str) -> Iterator[Connection[TupleRow]]:
    """Open a connection on which all is read in one snapshot, in UTC."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SET TimeZone TO 'UTC'")
        connection.execute(f"SET work_mem TO '{WORK_MEM}'")
        connection.execute(SCAN_NO_TABLE)
        yield connection


def load_inputs(
    connection: Connection[TupleRow],
    hospital: str,
    needs: Collection[str],
    question: Question,
    position: int,
    *,
    totals_only: bool = False,
    only: ChangeSet | None = None,
    on_progress: Progress = no_progress,
) -> Inputs:
    """Return the inputs of a question as known at a position.

    ``totals_only``: rows may be aggregated, so that no contribution can be attributed.
    ``only``: the inputs about these patients and rooms.
    """
    days = local_days(connection, hospital, position)
    query = ReportQuery(connection, question, position, days, {}, totals_only, only)
    query.wards.update(_wards(query))
    inputs: dict[str, Any] = {}
    for need in sorted(needs):
        on_progress(len(inputs), len(needs))
        inputs[need] = LOADERS[need](query)
    on_progress(len(inputs), len(needs))
    return Inputs(question, days, **inputs)


def check_ward(
    connection: Connection[TupleRow], hospital: str, question: Question, position: int
) -> None:
    """Refuse a ward that no room is of at the end of the period, as known at a position.

    What was said of a ward is said again of it whatever it is called now. Raises NotFound.
    """
    days = local_days(connection, hospital, position)
    query = ReportQuery(connection, question, position, days, {}, False, None)
    if question.ward is not None and question.ward not in _wards(query).values():
        raise NotFound(Thing.WARD, question.ward, "ward")


def _wards(query: ReportQuery) -> dict[str, str]:
    """Return the ward of each room, as it was named at the end of the period."""
    _, end = query.window
    wards: dict[str, str] = {}
    for room, ward, since in query.connection.execute(
        "SELECT room::text, ward, lower(during) AS since FROM rooms_v1.rooms"
        " WHERE known @> %s::int8 ORDER BY since",
        [query.position],
    ):
        if room not in wards or since < end:
            wards[room] = ward
    return wards


def parked_commands(connection: Connection[TupleRow], position: int) -> list[UUID]:
    """Return the commands up to a position that a read model has parked."""
    rows = connection.execute(
        "SELECT DISTINCT command FROM projections.dead_letters"
        f" WHERE first <= %s AND {IS_LIVE} ORDER BY 1".encode(),
        [position],
    )
    return [command for (command,) in rows]


def known_until(connection: Connection[TupleRow], position: int | None) -> datetime:
    """Return the recording time of the next command; after the newest, or of None, the clock."""
    row = connection.execute(
        "SELECT coalesce((SELECT recorded_at FROM record.events WHERE position > %s::int8"
        " ORDER BY position LIMIT 1), clock_timestamp())",
        [position],
    ).fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]
