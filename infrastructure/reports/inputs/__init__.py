"""Reports: what they are computed from, as known at one log position; and the whole way to one.

Each kind of input is one SELECT over the bitemporal read models. Rows are many, so they come as plain
tuples in PostgreSQL's binary form.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow

from application.commands.hospital_calendar import calendar_id
from application.reports import asked as question_of
from application.reports.definition import Definition, Report, computed
from application.reports.inputs import Inputs, Question
from domain.hospital_calendar import HospitalCalendar, LocalDays
from domain.refusals import NotFound
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.projections.status import IS_LIVE
from infrastructure.reports.inputs import entry_delays, medicines, people, reviews
from infrastructure.reports.inputs.beds import beds
from infrastructure.reports.inputs.change_set import ChangeSet
from infrastructure.reports.inputs.context import ReportQuery
from infrastructure.reports.inputs.stays import awaited, stays

Progress = Callable[[int, int], None]
"""Called with how many steps are done, of how many."""

LOADERS: dict[str, Callable[[ReportQuery], Any]] = {
    "beds": beds,
    "stays": stays,
    "awaited": awaited,
    "admissions": people.admissions,
    "persons": people.persons,
    "deaths": people.deaths,
    "reviews": reviews.reviews,
    "dose_days": medicines.dose_days,
    "courses": medicines.courses,
    "told": entry_delays.entry_delays,
}
"""How each of the inputs of `application.reports.inputs.NEEDS` is loaded."""


WORK_MEM = "64MB"
"""For each sort and each hash table of a year's rows, which would go to the disk otherwise."""


@contextmanager
def report_connection(url: str) -> Iterator[Connection[TupleRow]]:
    """A connection for one report: everything is read at one moment, in UTC."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SET TimeZone TO 'UTC'")
        connection.execute(f"SET work_mem TO '{WORK_MEM}'")
        yield connection


def report_of_period(
    connection: Connection[TupleRow],
    hospital: str,
    definition: Definition,
    position: int,
    first: date,
    last: date,
    ward: str | None = None,
    parameters: Mapping[str, str] | None = None,
    on_progress: Progress = lambda done, total: None,
) -> Report:
    """The report of a period, up to the last of its days that had ended while that was known.

    Raises InvalidInput and NotFound.
    """
    days = local_days(connection, hospital, position)
    until = _newest_until(connection, position)
    question = question_of(definition, days, until, first, last, ward, parameters)
    return compute_report(connection, hospital, definition, question, position, on_progress)


def compute_report(
    connection: Connection[TupleRow],
    hospital: str,
    definition: Definition,
    question: Question,
    position: int,
    on_progress: Progress = lambda done, total: None,
) -> Report:
    """Compute a report. The same arguments give the same report for ever.

    ``position`` is the last one of a command, and the read models have reached it.
    """
    steps = len(definition.needs) + 1
    loaded = load_inputs(
        connection,
        hospital,
        definition.needs,
        question,
        position,
        lambda done, total: on_progress(done, steps),
        whole=True,
    )
    entry_delays = computed(definition, loaded, position)
    on_progress(steps, steps)
    return entry_delays


def load_inputs(
    connection: Connection[TupleRow],
    hospital: str,
    needs: frozenset[str],
    question: Question,
    position: int,
    on_progress: Progress = lambda done, total: None,
    whole: bool = False,
    only: ChangeSet | None = None,
) -> Inputs:
    """What is needed for a question, as known at a position. Raises NotFound for an unknown ward.

    ``whole``: what comes to the same figures is taken together, so nobody's part can be told.
    ``only``: of these patients and rooms alone.
    """
    wards: dict[str, str] = dict(
        connection.execute(
            "SELECT DISTINCT room::text, ward FROM rooms_v1.rooms WHERE known @> %s::int8",
            [position],
        ).fetchall()
    )
    if question.ward is not None and question.ward not in wards.values():
        raise NotFound("ward", question.ward, "ward")
    days = local_days(connection, hospital, position)
    asked = ReportQuery(connection, question, position, days, wards, whole, only)
    loaded: dict[str, Any] = {}
    for need in sorted(needs):
        on_progress(len(loaded), len(needs))
        loaded[need] = LOADERS[need](asked)
    on_progress(len(loaded), len(needs))
    return Inputs(question, days, **loaded)


def local_days(connection: Connection[TupleRow], hospital: str, position: int) -> LocalDays:
    """The hospital's calendar as known at a position, straight from the log: it is a few events."""
    clock = HospitalCalendar.empty(calendar_id(hospital))
    mapper = EventMapper()
    for row in connection.execute(
        f"SELECT {EVENT_COLUMNS} FROM record.events WHERE stream = %s AND position <= %s"
        " ORDER BY version",
        [clock.id, position],
    ):
        mapper.event(row).mutate(clock)
    return clock.days


def left_out(connection: Connection[TupleRow], position: int) -> list[UUID]:
    """The commands up to a position that a read model has parked: figures may lack what they say."""
    rows = connection.execute(
        "SELECT DISTINCT command FROM projections.dead_letters"
        f" WHERE first <= %s AND {IS_LIVE} ORDER BY 1".encode(),
        [position],
    )
    return [command for (command,) in rows]


def _newest_until(connection: Connection[TupleRow], position: int) -> datetime:
    """Until when nothing later was known: the next fact was recorded, or the database's clock."""
    row = connection.execute(
        "SELECT coalesce((SELECT recorded_at FROM record.events WHERE position > %s"
        " ORDER BY position LIMIT 1), clock_timestamp())",
        [position],
    ).fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]
