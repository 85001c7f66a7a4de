"""Issued reports, computed again: the same definition at the same position gives the same bytes."""

from collections.abc import Iterator
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from application.commands.reports import as_said, asked_in, explained
from application.reports.definition import Definition
from application.reports.inputs import Question
from application.reports.restatement import Side, changed
from domain.report import Report, Said, Terms
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.reports import inputs
from infrastructure.reports.report_data import facts


def reissued(connection: Connection[TupleRow]) -> Iterator[tuple[UUID, list[str]]]:
    """Each issue, with what of it does not come out again: figures, changes, their causes.

    ``connection`` is one of `reporting.reading`: all is read at one moment.
    """
    mapper = EventMapper()
    for event in connection.execute(
        f"SELECT {EVENT_COLUMNS} FROM record.events WHERE topic LIKE %s ORDER BY stream, version",
        [f"{Report.TOPIC}.%"],
    ).fetchall():
        match mapper.event(event):
            case Report.Issued() as issued:
                issue = issued.originator_id
                terms, said = issued.terms, issued.said
                yield issue, _said(connection, issued.entry.hospital, terms, said)
            case Report.Restated() as restated:
                hospital = restated.entry.hospital
                yield (
                    issue,
                    _said(connection, hospital, terms, restated.said)
                    + _explained(connection, hospital, terms, said.position, restated),
                )
                said = restated.said


def _said(connection: Connection[TupleRow], hospital: str, terms: Terms, said: Said) -> list[str]:
    held, question = asked_in(terms)
    told = inputs.compute_report(connection, hospital, held, question, said.position)
    stored = as_said(terms, said)
    broken = []
    if told.canonical() != stored.canonical():
        broken.append(f"other figures at position {said.position}")
    if stored.digest != said.digest:
        broken.append(f"the digest is not of the figures at position {said.position}")
    return broken


def _explained(
    connection: Connection[TupleRow],
    hospital: str,
    terms: Terms,
    before: int,
    restated: Report.Restated,
) -> list[str]:
    held, question = asked_in(terms)
    to = restated.said.position
    changes = changed(
        held, *(_side(connection, hospital, held, question, at) for at in (before, to))
    )
    subjects = {subject for change in changes for subject in change.causes}
    about = facts(connection, hospital, subjects, question, before, to)
    told = explained(changes, about)
    if told != (list(restated.changes), list(restated.causes)):
        return [f"other changes or causes from position {before} to {to}"]
    return []


def _side(
    connection: Connection[TupleRow],
    hospital: str,
    definition: Definition,
    question: Question,
    position: int,
) -> Side:
    report_inputs = inputs.load_inputs(connection, hospital, definition.needs, question, position)
    contributions = definition.contributions(report_inputs)
    return Side(definition.rows(question, contributions), contributions)
