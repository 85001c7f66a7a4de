"""What the hospital computes reports with: the read models, as known at any position."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from application.commands.hospital_calendar import calendar_id
from application.commands.reports import FiguresNotReadable
from application.reports.definition import Contributions, Definition, Report, Subject
from application.reports.inputs import Question
from domain.hospital_calendar import DAY, HospitalCalendar
from infrastructure.projections.status import IS_LIVE, LIVE_SCHEMAS, NAMES
from infrastructure.read_models.patients import patients
from infrastructure.read_models.stays import stays
from infrastructure.read_models.timeline.projection import entries
from infrastructure.reports import inputs
from infrastructure.reports.inputs.change_set import ChangeSet, changed_between

Facts = dict[str, set[int]]
"""Positions of facts by the id of whom they are about."""


class ReadModelReportData:
    """Adapter of the port `ReportData`: computes reports from the read models of a database."""

    def __init__(self, url: str, hospital: str) -> None:
        self._url, self._hospital = url, hospital

    def position(self) -> int:
        """How far all read models are. Raises FiguresNotReadable if one lacks a command for now."""
        with psycopg.connect(self._url, connect_timeout=5) as connection:
            positions = connection.execute(
                f"SELECT position FROM projections.status WHERE {IS_LIVE}".encode()
            ).fetchall()
            parked = connection.execute(
                f"SELECT DISTINCT read_model FROM projections.dead_letters WHERE {IS_LIVE}".encode()
            ).fetchall()
        lacking = [name for schema, name in NAMES.items() if (schema,) in parked]
        if lacking:
            raise FiguresNotReadable(
                f"Reports are not given out while {', '.join(lacking)} could not take in a command:"
                " see 'wardbook projections parked'."
            )
        if len(positions) < len(LIVE_SCHEMAS):
            return 0  # one has not begun
        return int(min(position for (position,) in positions))

    def of_period(
        self,
        definition: Definition,
        position: int,
        first: date,
        last: date,
        ward: str | None,
        parameters: Mapping[str, str],
    ) -> Report:
        with inputs.report_connection(self._url) as connection:
            return inputs.report_of_period(
                connection, self._hospital, definition, position, first, last, ward, parameters
            )

    def computed(self, definition: Definition, question: Question, position: int) -> Report:
        with inputs.report_connection(self._url) as connection:
            return inputs.compute_report(connection, self._hospital, definition, question, position)

    def contributions(
        self, definition: Definition, question: Question, before: int, now: int
    ) -> tuple[Contributions, Contributions]:
        with inputs.report_connection(self._url) as connection:
            only: ChangeSet | None = changed_between(connection, before, now)
            if _calendar(connection, self._hospital, question, before, now):
                only = None  # everybody's days are others
            old, new = (
                inputs.load_inputs(
                    connection, self._hospital, definition.needs, question, at, only=only
                )
                for at in (before, now)
            )
        return definition.contributions(old), definition.contributions(new)

    def facts(
        self, subjects: Collection[Subject], question: Question, after: int, to: int
    ) -> dict[Subject, list[int]]:
        with inputs.report_connection(self._url) as connection:
            return facts(connection, self._hospital, subjects, question, after, to)


def facts(
    connection: Connection[TupleRow],
    hospital: str,
    subjects: Collection[Subject],
    question: Question,
    after: int,
    to: int,
) -> dict[Subject, list[int]]:
    """The positions of the facts about each subject, after one position and up to another.

    A change of the hospital's time zone or census time that reaches the days of the question is a
    fact about everybody.
    """
    calendar = _calendar(connection, hospital, question, after, to)
    found: dict[Subject, list[int]] = {}
    for kind, about in _ABOUT.items():
        ids = [subject.id for subject in subjects if subject.kind == kind]
        told = about(connection, ids, after, to) if ids else {}
        found |= {Subject(kind, id): sorted(told.get(id, set()) | calendar) for id in ids}
    return found


def _of_stays(connection: Connection[TupleRow], ids: list[str], after: int, to: int) -> Facts:
    """What was told of stays, and of their patients apart from any stay (a death, a merge)."""
    return _grouped(
        connection.execute(
            f"SELECT stay::text, position FROM {entries.fullname}"
            "  WHERE stay = ANY(%(ids)s::uuid[]) AND status <> 'PENDING'"
            "   AND position > %(after)s AND position <= %(to)s"
            f" UNION SELECT s.stay::text, e.position FROM {stays.fullname} s"
            f"  JOIN {entries.fullname} e ON e.patient = s.patient AND e.stay IS NULL"
            "  WHERE s.stay = ANY(%(ids)s::uuid[]) AND e.status <> 'PENDING'"
            "   AND e.position > %(after)s AND e.position <= %(to)s",
            {"ids": ids, "after": after, "to": to},
        )
    )


def _of_persons(connection: Connection[TupleRow], ids: list[str], after: int, to: int) -> Facts:
    """What was told of every record that was the person's at either position."""
    return _grouped(
        connection.execute(
            "WITH RECURSIVE links AS (SELECT DISTINCT patient, merged_into"
            f"  FROM {patients.fullname} WHERE merged_into IS NOT NULL"
            "   AND (known @> %(after)s::int8 OR known @> %(to)s::int8)),"
            " records AS (SELECT id AS person, id AS patient FROM unnest(%(ids)s::uuid[]) AS id"
            "  UNION SELECT r.person, l.patient FROM records r"
            "  JOIN links l ON l.merged_into = r.patient)"
            f" SELECT DISTINCT r.person::text, e.position FROM records r JOIN {entries.fullname} e"
            "  ON e.patient = r.patient AND e.status <> 'PENDING'"
            " WHERE e.position > %(after)s AND e.position <= %(to)s",
            {"ids": ids, "after": after, "to": to},
        )
    )


def _of_beds(connection: Connection[TupleRow], ids: list[str], after: int, to: int) -> Facts:
    """What was told of beds (``room/code``): their own facts, and those of the whole room."""
    rooms = {UUID(id.split("/")[0]) for id in ids}
    told = connection.execute(
        "SELECT stream::text, own->>'bed', position FROM record.events"
        " WHERE stream = ANY(%s) AND position > %s AND position <= %s",
        [list(rooms), after, to],
    ).fetchall()
    found: Facts = {}
    for id in ids:
        room, _, code = id.partition("/")
        found[id] = {at for stream, bed, at in told if stream == room and bed in (None, code)}
    return found


_ABOUT = {"stay": _of_stays, "person": _of_persons, "bed": _of_beds}


def _calendar(
    connection: Connection[TupleRow], hospital: str, question: Question, after: int, to: int
) -> set[int]:
    """The changes of the hospital's clock that reach the days of a question."""
    changes = connection.execute(
        "SELECT position, (own->>'valid_from')::date FROM record.events WHERE stream = %s"
        " AND topic = %s AND position > %s AND position <= %s",
        [calendar_id(hospital), HospitalCalendar.TimeSet.TOPIC, after, to],
    )
    return {at for at, since in changes if since is None or since <= question.last + DAY}


def _grouped(rows: Iterable[TupleRow]) -> Facts:
    found: Facts = {}
    for id, position in rows:
        found.setdefault(id, set()).add(position)
    return found
