"""The exposure of issued reports to a wrong fact, by computing who contributed to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from application.reports.definition import Definition, Subject
from application.reports.issued import question_of
from application.reports.service import ReportService
from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.report import Terms
from infrastructure.queries.differences import ExposureView
from infrastructure.read_models.issued_reports import issues, restatements
from infrastructure.read_models.patients import patients
from infrastructure.read_models.rooms import spells
from infrastructure.read_models.stays import stays
from infrastructure.read_models.timeline.projection import entries
from infrastructure.reports.report_data import ReadModelReportData

AROUND = timedelta(days=2)
"""The most by which a day of the calendar may lie around the same day in UTC, generously."""


NEEDS_AROUND = frozenset({"admissions", "dose_days", "agent_days", "entry_delays"})
"""The inputs of facts that may lie outside of their stay: a dose before it, a death after it.

A readmission comes after the period, by the days that the question names.
"""


NEEDS_OF_DETAILS = {
    Patient.TOPIC: frozenset({"patients"}),
    Practitioner.TOPIC: frozenset({"reviews", "unknown_grades"}),
}
"""The inputs that are made of details of patients and of practitioners; of rooms are most."""


@dataclass(frozen=True, slots=True)
class _Computation:
    """An issue, and a position that it was computed at: as issued, or as restated."""

    issue: UUID
    terms: Terms
    position: int


def containing(
    connection: Connection[TupleRow],
    hospital: str,
    exposure: ExposureView,
) -> list[UUID]:
    """Return the reports, issued or restated while a fact was wrong, whose figures it changed.

    Those are the reports that have other figures by the commands that put the fact right since: also
    where a wrong discharge left a patient out.
    """
    reports = ReportService(ReadModelReportData(connection, hospital))
    subjects = None if exposure.details else _subjects(connection, exposure)
    commands = _commands(connection, exposure.changed_at)
    differs: dict[tuple[bytes, int], bool] = {}
    issue_ids: dict[UUID, None] = {}
    for computation in _computations(connection, exposure.wrong_from, exposure.wrong_to):
        at = computation.position
        if not any(begin <= at < end for begin, end in exposure.wrong_between):
            continue
        changes = [(before, end) for before, end in commands if end > at]
        # reports may be issued many times
        key = msgspec.json.encode(computation.terms), len(changes)
        if key not in differs:
            definition, question = question_of(computation.terms)
            differs[key] = any(
                _may_contribute(connection, definition, computation, exposure, position)
                for position in {position for change in changes for position in change}
            ) and reports.differs(subjects, definition, question, changes)
        if differs[key]:
            issue_ids[computation.issue] = None
    return list(issue_ids)


def _commands(connection: Connection[TupleRow], ends: Sequence[int]) -> list[tuple[int, int]]:
    """Return the positions before and at the end of commands, by their ends."""
    rows = connection.execute(
        "SELECT coalesce((SELECT e.position FROM record.events e WHERE e.position < at"
        "  AND e.command_end < at ORDER BY e.position DESC LIMIT 1), 0), at"
        " FROM unnest(%s::int8[]) AS at ORDER BY at",
        [list(ends)],
    )
    return [(before, end) for before, end in rows]


def _computations(connection: Connection[TupleRow], after: int, before: int) -> list[_Computation]:
    rows = connection.execute(
        "SELECT i.issue, i.told->'terms', c.computed_at"
        f" FROM {issues.fullname} i CROSS JOIN LATERAL (SELECT i.computed_at"
        f"  UNION SELECT r.computed_at FROM {restatements.fullname} r WHERE r.issue = i.issue) c"
        " WHERE c.computed_at >= %s AND c.computed_at < %s ORDER BY i.position, c.computed_at",
        [after, before],
    )
    return [_Computation(issue, msgspec.convert(terms, Terms), at) for issue, terms, at in rows]


def _subjects(connection: Connection[TupleRow], exposure: ExposureView) -> set[Subject]:
    subjects = {Subject("stay", str(stay)) for stay in exposure.stays}
    if exposure.spell:
        subjects.add(Subject("bed", "/".join(map(str, exposure.spell[1:]))))
    for entry in exposure.wrong:
        bed = entry.data.get("bed")
        if isinstance(bed, dict):
            subjects.add(Subject("bed", f"{bed['room']}/{bed['bed']}"))
    people = connection.execute(
        "WITH RECURSIVE followed AS (SELECT unnest(%s::uuid[]) AS person UNION"
        f" SELECT p.merged_into FROM followed f JOIN {patients.fullname} p ON p.patient = f.person"
        "  WHERE p.merged_into IS NOT NULL AND p.known @> %s::int8)"
        " SELECT person::text FROM followed",
        [list({e.patient for e in exposure.wrong}), exposure.wrong_to],
    )
    return subjects | {Subject("person", person) for (person,) in people}


def _may_contribute(
    connection: Connection[TupleRow],
    definition: Definition,
    computation: _Computation,
    exposure: ExposureView,
    known_at: int,
) -> bool:
    """Return whether it may be in the report at all: a cheap test that mostly fails.

    What is only of stays and beds is of those that touch the period.
    """
    if exposure.details:
        needs = NEEDS_OF_DETAILS.get(exposure.details)
        return needs is None or bool(definition.needs & needs)
    if "awaited" in definition.needs:
        return True  # by a decision to admit, which no column tells
    _, question = question_of(computation.terms)
    days = max(question.numbers("days"), default=0) if "days" in question.parameters else 0
    window = {
        "first": question.first - AROUND,
        "last": question.last + AROUND + timedelta(days=days),
        "known_at": known_at,
    }
    if definition.needs & NEEDS_AROUND and _has_entry(connection, exposure, window):
        return True
    table, column, ids = stays, "stay", exposure.stays
    if exposure.spell:
        table, column, ids = spells, "spell", [exposure.spell[0]]
    row = connection.execute(
        f"SELECT EXISTS (SELECT FROM {table.fullname} WHERE {column} = ANY(%(ids)s)"
        " AND known @> %(known_at)s::int8 AND during && tstzrange(%(first)s, %(last)s))",
        {"ids": ids, **window},
    ).fetchone()
    return bool(row and row[0])


def _has_entry(
    connection: Connection[TupleRow], exposure: ExposureView, window: Mapping[str, Any]
) -> bool:
    """Return whether anything is, or was, told of the stays or their patients in some days."""
    row = connection.execute(
        f"SELECT EXISTS (SELECT FROM {entries.fullname}"
        " WHERE (stay = ANY(%(stays)s) OR patient = ANY(%(patients)s))"
        "  AND occurred_at BETWEEN %(first)s AND %(last)s)",
        {
            "stays": exposure.stays,
            "patients": list({entry.patient for entry in exposure.wrong}),
            **window,
        },
    ).fetchone()
    return bool(row and row[0])
