"""Report data from the read models: the adapter of the port `ReportData`."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from application.reports.definition import Subject
from application.reports.inputs import ChangeSet, Inputs, Question
from application.reports.service import FiguresNotReadable, Progress, ReportService, no_progress
from domain.hospital_calendar import DAY, HospitalCalendar, LocalDays
from domain.practitioner import Practitioner
from domain.refusals import NotFound
from domain.room.aggregate import Room
from domain.text import key
from domain.things import Thing
from infrastructure.projections.status import IS_LIVE, LIVE_SCHEMAS, NAMES
from infrastructure.queries.hospital_time import local_days
from infrastructure.read_models.patients import patients
from infrastructure.read_models.rooms import rooms
from infrastructure.read_models.stays import stays
from infrastructure.read_models.timeline.projection import entries
from infrastructure.reports import inputs
from infrastructure.reports.inputs.change_set import (
    SAME_PERSON,
    changed_between,
    records_of_persons,
)

RENAMING = (
    Room.DetailsCorrected,
    Room.DetailsChanged,
    Room.ChangeCancelled,
    Practitioner.DetailsCorrected,
    Practitioner.DetailsChanged,
    Practitioner.ChangeCancelled,
)
"""The events that may change figures of those of whom nothing was told."""

NEWEST_NOTE = b"SELECT note FROM record.checkpoints WHERE tree = 'events' ORDER BY no DESC LIMIT 1"

Facts = dict[str, set[int]]
"""Positions of facts by the id of whom they are about."""


class ReadModelReportData:
    """Adapter of the port `ReportData` over one connection of `report_connection`."""

    def __init__(self, connection: Connection[TupleRow], hospital: str) -> None:
        self._connection, self._hospital = connection, hospital

    def newest_position(self) -> int:
        positions = self._connection.execute(
            f"SELECT position FROM projections.status WHERE {IS_LIVE}".encode()
        ).fetchall()
        dead_letters = self._connection.execute(
            f"SELECT DISTINCT read_model FROM projections.dead_letters WHERE {IS_LIVE}".encode()
        ).fetchall()
        models = [name for schema, name in NAMES.items() if (schema,) in dead_letters]
        if models:
            raise FiguresNotReadable(
                f"Reports are not given out while {', '.join(models)} could not take in a command:"
                " see 'wardbook projections parked'."
            )
        if len(positions) < len(LIVE_SCHEMAS):
            return 0  # one has not begun
        return int(min(position for (position,) in positions))

    def newest_checkpoint(self) -> str | None:
        row = self._connection.execute(NEWEST_NOTE).fetchone()
        return None if row is None else str(row[0])

    def known_until(self, position: int | None) -> datetime:
        return inputs.known_until(self._connection, position)

    def local_days(self, position: int) -> LocalDays:
        return local_days(self._connection, self._hospital, position)

    def inputs(
        self,
        needs: Collection[str],
        question: Question,
        position: int,
        *,
        totals_only: bool = False,
        only: ChangeSet | None = None,
        on_progress: Progress = no_progress,
    ) -> Inputs:
        return inputs.load_inputs(
            self._connection,
            self._hospital,
            needs,
            question,
            position,
            totals_only=totals_only,
            only=only,
            on_progress=on_progress,
        )

    def check_ward(self, question: Question, position: int) -> None:
        inputs.check_ward(self._connection, self._hospital, question, position)

    def wards_named(self, names: Sequence[str]) -> tuple[str, ...]:
        rows = self._connection.execute(f"SELECT DISTINCT ward FROM {rooms.fullname}")
        wards: dict[str, list[str]] = {}
        for (ward,) in rows:
            wards.setdefault(key(ward), []).append(ward)
        for name in names:
            if key(name) not in wards:
                raise NotFound(Thing.WARD, name, "parameters")
        return tuple(ward for name in names for ward in sorted(wards[key(name)]))

    def changed_between(self, question: Question, before: int, now: int) -> ChangeSet | None:
        if self._calendar_changes(question, before, now):
            return None  # the days of all are others
        if self._renamings(before, now):
            return None  # the wards or grades of all may be others
        return changed_between(self._connection, before, now)

    def about(self, subjects: Collection[Subject], positions: Collection[int]) -> ChangeSet:
        ids: dict[str, list[str]] = {"person": [], "stay": [], "bed": []}
        for subject in subjects:
            ids.setdefault(subject.kind, []).append(subject.id)
        of_stays = self._connection.execute(
            f"SELECT DISTINCT patient::text FROM {stays.fullname} WHERE stay = ANY(%s::uuid[])",
            [ids["stay"]],
        )
        persons = {*ids["person"], *(patient for (patient,) in of_stays)}
        rooms = {id.partition("/")[0] for id in ids["bed"]}
        return ChangeSet(records_of_persons(self._connection, persons, positions), sorted(rooms))

    def records_of(
        self, persons: Collection[Subject], positions: Collection[int]
    ) -> dict[Subject, set[Subject]]:
        rows = self._connection.execute(
            SAME_PERSON + "SELECT record::text, patient::text FROM same",
            {"positions": list(positions), "records": [person.id for person in persons]},
        )
        records: dict[Subject, set[Subject]] = {}
        for record, patient in rows:
            records.setdefault(Subject("person", record), set()).add(Subject("person", patient))
        return records

    def commands_of(self, positions: Collection[int]) -> dict[int, int]:
        rows = self._connection.execute(
            "SELECT position, command_end FROM record.events WHERE position = ANY(%s)",
            [list(positions)],
        )
        return dict(rows.fetchall())

    def facts(
        self, subjects: Collection[Subject], question: Question, after: int, to: int
    ) -> dict[Subject, list[int]]:
        """Return the positions of the facts about each subject.

        A change of the hospital's calendar that reaches the days of the question is about all; so
        may be what rooms and wards are called, and the grades of practitioners.
        """
        of_all = self._calendar_changes(question, after, to) | self._renamings(after, to)
        positions: dict[Subject, list[int]] = {}
        for kind, facts_of in _FACTS_OF.items():
            ids = [subject.id for subject in subjects if subject.kind == kind]
            facts = facts_of(self._connection, ids, after, to) if ids else {}
            positions |= {Subject(kind, id): sorted(facts.get(id, set()) | of_all) for id in ids}
        return positions

    def parked_commands(self, position: int) -> list[UUID]:
        return inputs.parked_commands(self._connection, position)

    def _renamings(self, after: int, to: int) -> set[int]:
        """Return the positions at which rooms were named or practitioners graded otherwise."""
        rows = self._connection.execute(
            "SELECT position FROM record.events WHERE topic = ANY(%s)"
            " AND position > %s AND position <= %s",
            [[event.TOPIC for event in RENAMING], after, to],
        )
        return {position for (position,) in rows}

    def _calendar_changes(self, question: Question, after: int, to: int) -> set[int]:
        """Return the positions of calendar changes that reach the days of a question."""
        changes = self._connection.execute(
            "SELECT position, (own->>'valid_from')::date FROM record.events WHERE stream = %s"
            " AND topic = %s AND position > %s AND position <= %s",
            [HospitalCalendar.id_for(self._hospital), HospitalCalendar.TimeSet.TOPIC, after, to],
        )
        return {at for at, since in changes if since is None or since <= question.last + DAY}


@contextmanager
def open_report_service(url: str, hospital: str) -> Iterator[ReportService]:
    """Open the report service over a new snapshot of a database."""
    with inputs.report_connection(url) as connection:
        yield ReportService(ReadModelReportData(connection, hospital))


def _of_stays(connection: Connection[TupleRow], ids: list[str], after: int, to: int) -> Facts:
    """Return the facts about stays, and about their persons outside a stay (a death, a merge)."""
    patients_of_stays = connection.execute(
        f"SELECT DISTINCT stay::text, patient::text FROM {stays.fullname}"
        " WHERE stay = ANY(%s::uuid[])",
        [ids],
    ).fetchall()
    entries_of_stays = connection.execute(
        f"SELECT stay::text, position FROM {entries.fullname}"
        "  WHERE stay = ANY(%s::uuid[]) AND status <> 'PENDING'"
        "   AND position > %s AND position <= %s",
        [ids, after, to],
    )
    outside = _group(
        connection.execute(
            SAME_PERSON + "SELECT DISTINCT s.record::text, e.position"
            f" FROM same s JOIN {entries.fullname} e"
            "  ON e.patient = s.patient AND e.stay IS NULL AND e.status <> 'PENDING'"
            " WHERE e.position > %(after)s AND e.position <= %(to)s",
            {
                "records": sorted({patient for _, patient in patients_of_stays}),
                "positions": [after, to],
                "after": after,
                "to": to,
            },
        )
    )
    facts = _group(entries_of_stays)
    for stay, patient in patients_of_stays:
        facts.setdefault(stay, set()).update(outside.get(patient, ()))
    return facts


def _of_persons(connection: Connection[TupleRow], ids: list[str], after: int, to: int) -> Facts:
    """Return the facts about every record that was the person's at either position."""
    return _group(
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
    """Return the facts about beds (``room/code``) and about the whole of their rooms."""
    rooms = {UUID(id.split("/")[0]) for id in ids}
    events = connection.execute(
        "SELECT stream::text, own->>'bed', position FROM record.events"
        " WHERE stream = ANY(%s) AND position > %s AND position <= %s",
        [list(rooms), after, to],
    ).fetchall()
    facts: Facts = {}
    for id in ids:
        room, _, code = id.partition("/")
        facts[id] = {at for stream, bed, at in events if stream == room and bed in (None, code)}
    return facts


_FACTS_OF: dict[str, Callable[[Connection[TupleRow], list[str], int, int], Facts]] = {
    "stay": _of_stays,
    "person": _of_persons,
    "bed": _of_beds,
    "calendar": lambda *_: {},  # the hours of the period: nothing but the calendar's own changes
}


def _group(rows: Iterable[TupleRow]) -> Facts:
    facts: Facts = {}
    for id, position in rows:
        facts.setdefault(id, set()).add(position)
    return facts
