"""Random histories with corrections: what changed a figure is told whole, and nothing else is.

Two positions of a busy log are drawn, and a report. What the restatement says is compared with plain
counting: of marks, without what the application knows of them, and of the log's own events.
"""

import os
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from application.reports.definition import (
    Contributions,
    Definition,
    Report,
    Row,
    Subject,
    marks_of_all,
)
from application.reports.formula import Dimensions
from application.reports.inputs import Question
from application.reports.registry import newest_definitions
from application.reports.restatement import Side, figure_changes
from domain.aggregate import Event
from domain.hospital_calendar import HospitalCalendar
from domain.patient import Patient
from domain.stay.aggregate import Stay
from infrastructure.reports import inputs
from infrastructure.reports.report_data import (
    RENAMING,
    ReadModelReportData,
    open_report_service,
)
from tests.support.hospital_dsl import events
from tests.support.random_commands import BEGINS
from tests.support.shared_history import Lived

pytestmark = pytest.mark.slow

DAYS = 30
EXAMPLES = int(os.environ.get("WARDBOOK_EXAMPLES", "8"))
MOST = 20
"""How many changed figures of an example are put back, and of each how many causes taken away: each
costs the whole report once more, and a long report has thousands."""


@dataclass
class Asked:
    """A report on some days, at two positions of a log."""

    lived: Lived
    definition: Definition
    question: Question
    before: int
    after: int

    def contributions(self, position: int) -> Contributions:
        """Everybody's."""
        return contributions(self.lived, self.definition, self.question, position)


def contributions(
    lived: Lived, held: Definition, question: Question, position: int
) -> Contributions:
    with inputs.report_connection(lived.database.app_url) as connection:
        return held.contributions(
            inputs.load_inputs(connection, "main", held.needs, question, position)
        )


@pytest.fixture(scope="module")
def log(lived: Lived) -> list[tuple[int, int, Event]]:
    return events(lived.database)


def draw(lived: Lived, log: list[tuple[int, int, Event]], data: st.DataObject) -> Asked:
    ends = sorted({end for _, end, _ in log})
    places = st.sampled_from(ends[20:])
    before, after = sorted((data.draw(places), data.draw(places)))
    offset, length = data.draw(st.integers(-2, DAYS)), data.draw(st.integers(0, 12))
    first = BEGINS.date() + timedelta(days=offset)
    ward = data.draw(st.sampled_from([None, "A", "B"]))
    definition = data.draw(st.sampled_from(newest_definitions()))
    texts = {
        parameter.name: ",".join(data.draw(st.sets(st.sampled_from(parameter.choices))))
        for parameter in definition.parameters
        if parameter.choices
    }
    chosen = definition.parameters_of(texts if data.draw(st.booleans()) else {})
    question = Question(first, first + timedelta(days=length), ward, chosen)
    return Asked(lived, definition, question, before, after)


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.generate],  # the history is another in each run: nothing to replay, or to shrink
)
@for_all(data=st.data())
def test_the_causes_of_a_changed_figure_are_complete_and_minimal(
    lived: Lived, log: list[tuple[int, int, Event]], data: st.DataObject
) -> None:
    asked = draw(lived, log, data)
    held, question = asked.definition, asked.question
    old, new = asked.contributions(asked.before), asked.contributions(asked.after)
    sides = [Side(held.rows(question, marks), marks) for marks in (old, new)]
    changes = figure_changes(held, sides[0], sides[1], marks_of_all(question, new))
    # What a restatement looks at is less: only those of whom something was recorded in between.
    with open_report_service(lived.database.app_url, "main") as reports:
        restatement = reports.restate(
            Report(held, question, asked.before, sides[0].rows), asked.after
        )
    assert restatement.changes == changes
    assert restatement.report.rows == sides[1].rows
    rows = [values(side.rows) for side in sides]

    lot = Random(data.draw(st.integers(0, 2**32)))
    for change in lot.sample(changes, min(MOST, len(changes))):
        key = (change.figure, change.of)
        assert (change.old, change.new) == (rows[0].get(key), rows[1].get(key))
        # Complete: with the old contributions of the causes put back, the old figure comes out.
        back = {s: m for s, m in new.items() if s not in change.causes}
        back |= {s: old[s] for s in change.causes if s in old}
        assert values(held.rows(question, back)).get(key) == change.old
        # Minimal: with the contributions of one cause taken away again, it does not.
        for subject in lot.sample(sorted(change.causes, key=str), min(MOST, len(change.causes))):
            without = {s: m for s, m in back.items() if s != subject}
            if subject in new:
                without[subject] = new[subject]
            assert values(held.rows(question, without)).get(key) != change.old
    result = {(change.figure, change.of) for change in changes}
    assert {key for key in {*rows[0], *rows[1]} if rows[0].get(key) != rows[1].get(key)} <= result
    plain: dict[Subject, set[int]] = {}
    for change, facts in zip(changes, restatement.facts, strict=True):
        assert facts.keys() == set(change.causes)
        for subject in change.causes:
            if subject not in plain:
                plain[subject] = set(plain_facts(log, asked, subject))
            extra = set(facts[subject]) - plain[subject]
            assert not extra, (subject, [e for at, _, e in log if at in extra][:3])
            assert facts[subject], f"nothing explains {subject}"


def values(rows: Iterable[Row]) -> dict[tuple[str, Dimensions], Any]:
    return {(row.figure, row.of): row.value for row in rows}


def plain_facts(log: list[tuple[int, int, Event]], asked: Asked, subject: Subject) -> list[int]:
    """All that was recorded between of a subject, by going through the log."""
    between = [(at, e) for at, end, e in log if asked.before < at and end <= asked.after]
    patients: dict[str, set[UUID]] = {}
    for _, _, event in log:
        if isinstance(event, Stay.Admitted | Stay.PatientCorrected):
            patients.setdefault(str(event.originator_id), set()).add(event.patient)
    links = [_links(log, position) for position in (asked.before, asked.after)]
    return sorted(
        at
        for at, event in between
        if not event.TOPIC.startswith(("occupancy.", "drug-chart.", "source-visit."))
        and (
            _about(patients, links, event, subject)
            or _of_the_days(event, asked.question)
            or isinstance(event, RENAMING)
        )
    )


def _about(
    patients: dict[str, set[UUID]], links: list[dict[UUID, UUID]], event: Event, subject: Subject
) -> bool:
    if subject.kind == "calendar":  # the hours of the period: see _of_the_days
        return False
    if subject.kind == "bed":
        room, _, code = subject.id.partition("/")
        return str(event.originator_id) == room and getattr(event, "bed", code) == code
    about = event.entry.about
    if about is None:
        return False
    if subject.kind == "stay":
        of_person = about.stay is None and any(
            _root(known, about.patient) in {_root(known, p) for p in patients[subject.id]}
            for known in links
        )
        return str(about.stay) == subject.id or of_person
    assert subject.kind == "person"
    records = {about.patient} | patients.get(str(about.stay), set())  # a stay may have been moved
    return any(_root(known, record) == UUID(subject.id) for known in links for record in records)


def _links(log: list[tuple[int, int, Event]], position: int) -> dict[UUID, UUID]:
    """Return which record is merged into which, as known at a position."""
    links: dict[UUID, UUID] = {}
    for _, _, event in log[: bisect_right(log, position, key=lambda row: row[1])]:
        if isinstance(event, Patient.Merged):
            links[event.originator_id] = event.into
        elif isinstance(event, Patient.Unmerged):
            del links[event.originator_id]
    return links


def _root(links: dict[UUID, UUID], patient: UUID) -> UUID:
    while patient in links:
        patient = links[patient]
    return patient


def _of_the_days(event: Event, question: Question) -> bool:
    if not isinstance(event, HospitalCalendar.TimeSet):
        return False
    return event.valid_from is None or event.valid_from <= question.last + timedelta(days=1)


def test_every_kind_of_contributor_is_met(lived: Lived) -> None:
    """So the property above speaks of each of them."""
    with inputs.report_connection(lived.database.app_url) as connection:
        position = ReadModelReportData(connection, "main").newest_position()
    first, last = date(2026, 3, 4), date(2026, 3, 20)
    kinds = {
        subject.kind
        for held in newest_definitions()
        for subject in contributions(
            lived, held, Question(first, last, None, held.parameters_of({})), position
        )
    }
    assert kinds <= {"stay", "bed", "person", "calendar"}
    assert {"stay", "bed"} <= kinds
