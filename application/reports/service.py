"""The report service: the one way in which reports are computed, restated and traced to facts."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from application.reports.definition import (
    Contributions,
    Definition,
    Report,
    Subject,
    marks_of_all,
    notes_of,
)
from application.reports.disclosure import Cells, cells
from application.reports.formula import Contribution, Marks
from application.reports.inputs import ChangeSet, Inputs, Question
from application.reports.registry import newest_definitions, resolve_question
from application.reports.restatement import ChangedMarks, FigureChange, Side, figure_changes
from domain.errors import TransientError
from domain.hospital_calendar import LocalDays

MOST_COMMANDS = 200
"""The commands after each of which a restatement computes what its causes contribute."""

Progress = Callable[[int, int], None]
"""Called with how many steps are done, of how many."""


def no_progress(done: int, total: int) -> None:
    """Ignore the progress of a computation."""


class FiguresNotReadable(TransientError):
    """A read model lacks a command, so that figures would be wrong."""


class ReportData(Protocol):
    """Port of the inputs of reports, all read in one snapshot.

    Every answer is a function of the log up to a position.
    `infrastructure.reports.report_data` reads it from the read models.
    """

    def newest_position(self) -> int:
        """Return the position that all read models have reached. Raises FiguresNotReadable."""

    def newest_checkpoint(self) -> str | None:
        """Return the newest signed checkpoint of the log, if there is one."""

    def known_until(self, position: int | None) -> datetime:
        """Return the time when the next command after a position was recorded; else the current time."""

    def local_days(self, position: int) -> LocalDays:
        """Return the hospital's calendar as known at a position."""

    def check_ward(self, question: Question, position: int) -> None:
        """Refuse a ward that no room is of at the end of the period, as known then. Raises NotFound."""

    def wards_named(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return wards as they are stored, by names in any spelling. Raises NotFound."""

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
        """Return the inputs of a question as known at a position.

        ``totals_only``: inputs may be aggregated, so that no contribution can be attributed.
        ``only``: the inputs about these patients and rooms.
        """

    def changed_between(self, question: Question, before: int, now: int) -> ChangeSet | None:
        """Return the patients and rooms with facts between two positions; None for all."""

    def about(self, subjects: Collection[Subject], positions: Collection[int]) -> ChangeSet:
        """Return the patients and rooms whose inputs some subjects contribute by, at some positions."""

    def records_of(
        self, persons: Collection[Subject], positions: Collection[int]
    ) -> dict[Subject, set[Subject]]:
        """Return the records that were of each person as known at any of some positions."""

    def commands_of(self, positions: Collection[int]) -> dict[int, int]:
        """Return the last position of the command that recorded each of these."""

    def facts(
        self, subjects: Collection[Subject], question: Question, after: int, to: int
    ) -> dict[Subject, list[int]]:
        """Return the positions of the facts about each subject, ``after`` excluded, ``to`` included."""

    def parked_commands(self, position: int) -> list[UUID]:
        """Return the commands up to a position that a read model has parked."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """A report as known at a later position: each figure that changed, and the facts behind it."""

    report: Report
    changes: tuple[FigureChange, ...]
    facts: Sequence[Mapping[Subject, list[int]]]
    """Of each change the facts about its causes."""


class ReportService:
    """Reports over one snapshot of the read models."""

    def __init__(self, data: ReportData) -> None:
        self._data = data

    def checkpoint(self) -> str | None:
        """Return the newest signed checkpoint of the log in this snapshot, if there is one."""
        return self._data.newest_checkpoint()

    def of_period(
        self,
        definition: Definition,
        first: date,
        last: date,
        ward: str | None = None,
        parameters: Mapping[str, str] | None = None,
        *,
        position: int | None = None,
        on_progress: Progress = no_progress,
    ) -> Report:
        """Compute the report of a period, up to the last of its days that had ended.

        ``position``: as known there; by default the newest that all read models have reached. Raises
        InvalidInput, NotFound for an unknown ward, and FiguresNotReadable for the newest position.
        """
        at = self._data.newest_position() if position is None else position
        days, now = self._data.local_days(at), self._data.known_until(at)
        clock = self._data.known_until(None)
        question = resolve_question(
            definition, days, now, first, last, ward, parameters, clock=clock
        )
        self._data.check_ward(question, at)
        if "wards" in (parameters or {}):
            wards = self._data.wards_named(question.texts("wards"))
            question = replace(question, parameters={**question.parameters, "wards": wards})
        return self.compute(definition, question, at, on_progress)

    def bundle(
        self,
        first: date,
        last: date,
        ward: str | None = None,
        *,
        position: int | None = None,
        on_progress: Progress = no_progress,
    ) -> list[Report]:
        """Compute all reports on a period, each in its newest version, at one position.

        Raises what `of_period` raises.
        """
        definitions, reports = newest_definitions(), list[Report]()
        at = self._data.newest_position() if position is None else position
        for definition in definitions:
            on_progress(len(reports), len(definitions))
            reports.append(self.of_period(definition, first, last, ward, position=at))
        on_progress(len(reports), len(definitions))
        return reports

    def compute(
        self,
        definition: Definition,
        question: Question,
        position: int,
        on_progress: Progress = no_progress,
    ) -> Report:
        """Compute a report. The same arguments give the same report for ever.

        ``position`` is the last one of a command, and the read models have reached it.
        """
        report, _ = self._compute(definition, question, position, on_progress)
        return report

    def _compute(
        self,
        definition: Definition,
        question: Question,
        position: int,
        on_progress: Progress = no_progress,
    ) -> tuple[Report, Marks]:
        """Return a report with the marks of all subjects, of whom nobody asks whose they are."""
        needs = definition.needs | definition.lacking_needs
        steps = len(needs) + 1
        inputs = self._data.inputs(
            needs,
            question,
            position,
            totals_only=True,
            on_progress=lambda done, _: on_progress(done, steps),
        )
        marks = marks_of_all(question, definition.contributions(inputs))
        on_progress(steps, steps)
        rows, notes = definition.rows_of(question, marks), notes_of(definition, inputs)
        return Report(definition, question, position, rows, notes), marks

    def cells(self, report: Report, fewest: int) -> Cells:
        """Return the persons behind each figure of a report, where they are fewer than these."""
        contributions = self._contributions(
            report.definition, report.question, report.position, None
        )
        return cells(report, contributions, fewest)

    def restate(
        self, previous: Report, position: int | None = None, *, check_all: bool = False
    ) -> Restatement:
        """Compute a report again as known at a later position, with the causes of each change.

        ``position``: by default the newest that all read models have reached. ``check_all``: compare
        the contributions of all subjects and not only of those with facts in between; the result is
        the same. Raises FiguresNotReadable.
        """
        definition, question, before = previous.definition, previous.question, previous.position
        now = self._data.newest_position() if position is None else position
        report, marks = self._compute(definition, question, now)
        change_set = None if check_all else self._data.changed_between(question, before, now)
        old, new = (
            self._contributions(definition, question, at, change_set) for at in (before, now)
        )
        changes = figure_changes(
            definition, Side(previous.rows, old), Side(report.rows, new), marks
        )
        subjects = {subject for change in changes for subject in change.causes}
        facts = self._data.facts(subjects, question, before, now)
        return Restatement(report, changes, self._telling(previous, now, changes, old, facts))

    def _telling(
        self,
        previous: Report,
        position: int,
        changes: Sequence[FigureChange],
        old: Contributions,
        facts: Mapping[Subject, list[int]],
    ) -> list[Mapping[Subject, list[int]]]:
        """Return for each change those of the facts that changed what its causes contribute to it.

        Of a subject with facts of several commands it is computed after each of them; where those
        are too many, all facts are told. What a record contributed before it was found to be of the
        person belongs to that, too.
        """
        definition, question = previous.definition, previous.question
        commands = self._data.commands_of({position for of in facts.values() for position in of})
        subjects_at: dict[int, list[Subject]] = {}
        for subject, positions in facts.items():
            ends = {commands[position] for position in positions}
            for end in ends if len(ends) > 1 else ():
                subjects_at.setdefault(end, []).append(subject)
        if len(subjects_at) > MOST_COMMANDS:
            return [{subject: facts[subject] for subject in c.causes} for c in changes]
        persons = [subject for subject in facts if subject.kind == "person"]
        records = self._data.records_of(persons, [previous.position, position]) if persons else {}

        def marks_of(by: Contributions, subject: Subject) -> list[Contribution]:
            others = records.get(subject, set()) - facts.keys()
            return [mark for record in (subject, *others) for mark in by.get(record, ())]

        marks = {subject: marks_of(old, subject) for subject in facts}
        by_command: dict[Subject, list[tuple[ChangedMarks, list[int]]]] = {s: [] for s in facts}
        for end, subjects in sorted(subjects_at.items()):
            change_set = self._data.about(subjects, [previous.position, end, position])
            now = self._contributions(definition, question, end, change_set)
            for subject in subjects:
                marks_now = marks_of(now, subject)
                marks_changed = ChangedMarks(marks[subject], marks_now)
                if marks_changed:
                    of_command = [p for p in facts[subject] if commands[p] == end]
                    by_command[subject].append((marks_changed, of_command))
                    marks[subject] = marks_now
        formulas = {figure.name: figure.formula for figure in definition.figures}
        return [
            {
                subject: [
                    position
                    for marks_changed, of_command in by_command[subject]
                    if marks_changed.touch(formulas[change.figure], change.of)
                    for position in of_command
                ]
                or facts[subject]
                for subject in change.causes
            }
            for change in changes
        ]

    def differs(
        self,
        subjects: Collection[Subject] | None,
        definition: Definition,
        question: Question,
        changes: Sequence[tuple[int, int]],
    ) -> bool:
        """Return whether a report has other figures by some commands, and some subjects a part in it.

        ``changes``: the positions just before and after each of the commands, in order. All figures
        are computed only where one of the subjects (None: anybody) contributes something else by them.
        """
        deltas: dict[Subject, Counter[Contribution]] = {}
        for before, after in changes:
            change_set = self._data.changed_between(question, before, after)
            old, new = (
                self._contributions(definition, question, at, change_set) for at in (before, after)
            )
            for subject in {*old, *new}:
                delta = deltas.setdefault(subject, Counter())
                delta.update(new.get(subject, ()))
                delta.subtract(old.get(subject, ()))
        of_whom = deltas if subjects is None else subjects
        if not any(any(deltas.get(subject, {}).values()) for subject in of_whom):
            return False
        now = self._contributions(definition, question, changes[-1][1], None)
        earlier = dict(now)
        for subject, delta in deltas.items():
            contributions = Counter(now.get(subject, ()))
            contributions.subtract(delta)
            earlier[subject] = tuple(contributions.elements())
        return definition.rows(question, now) != definition.rows(question, earlier)

    def parked_commands(self, position: int) -> list[UUID]:
        """Return the commands whose facts the figures at a position may lack."""
        return self._data.parked_commands(position)

    def _contributions(
        self, definition: Definition, question: Question, at: int, only: ChangeSet | None
    ) -> Contributions:
        return definition.contributions(
            self._data.inputs(definition.needs, question, at, only=only)
        )


OpenReportService = Callable[[], AbstractContextManager[ReportService]]
"""Opens the service over a new snapshot."""
