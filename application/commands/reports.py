"""Commands about reports: giving one out, and saying it again as known now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Protocol, cast
from uuid import UUID

from application.authorization import scope
from application.authorization.roles import ANALYSIS
from application.command_group import CommandGroup, command
from application.command_pipeline import CommandPipeline
from application.reports import REPORTS, defined, definition
from application.reports.definition import Contributions, Definition, Row, Subject, exact
from application.reports.inputs import Choice, Question
from application.reports.restatement import Changed, Side, changed
from application.unit_of_work import UnitOfWork
from domain.errors import TransientError
from domain.report import Cause, Change, Chosen, Exact, Figure, Report, Said, Terms


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """Days of the hospital's calendar, both included."""

    from_: date
    to: date


@dataclass(frozen=True, slots=True)
class ReportParameter:
    """What is chosen for a parameter, as text."""

    name: str
    value: str


class FiguresNotReadable(TransientError):
    """A read model lacks something, so figures would be wrong. It is said which."""


class ReportData(Protocol):
    """What the hospital asks of that which computes reports: the port.

    Every answer is a function of the log up to a position. `infrastructure.reports.report_data`
    computes them from the read models.
    """

    def position(self) -> int:
        """The last position at which reports can be computed. Raises FiguresNotReadable."""

    def of_period(
        self,
        definition: Definition,
        position: int,
        first: date,
        last: date,
        ward: str | None,
        parameters: Mapping[str, str],
    ) -> definition.Report:
        """The report of a period, up to the last of its days that had ended."""

    def computed(
        self, definition: Definition, question: Question, position: int
    ) -> definition.Report:
        """The report of a question that was asked before."""

    def contributions(
        self, definition: Definition, question: Question, before: int, now: int
    ) -> tuple[Contributions, Contributions]:
        """What stays, beds and persons contributed to a report, and contribute now.

        Of those alone of whom something was recorded in between: others contribute what they did.
        """

    def facts(
        self, subjects: Collection[Subject], question: Question, after: int, to: int
    ) -> dict[Subject, list[int]]:
        """The positions of the facts about each, recorded after one position and up to another."""


class Reports(CommandGroup):
    """Reports, given out and restated. They are computed as the command is decided."""

    def __init__(self, pipeline: CommandPipeline, figures: ReportData) -> None:
        super().__init__(pipeline)
        self.figures = figures

    @command(roles=ANALYSIS)
    def issue_report(
        self,
        uow: UnitOfWork,
        *,
        name: str,
        period: ReportPeriod,
        ward: str | None = None,
        version: int | None = None,
        parameters: Sequence[ReportParameter] | None = None,
    ) -> None:
        """Give a report out, as known now: its figures stay readable, and can be computed again.

        Raises NotFound for an unknown name or ward, InvalidInput for a period of which no day has
        ended, and FiguresNotReadable, which is no refusal.
        """
        scope.check_ward(uow, ward)
        chosen = {p.name: p.value for p in parameters or ()}
        told = self.figures.of_period(
            defined(name, version), self.figures.position(), period.from_, period.to, ward, chosen
        )
        uow.new(Report, "report").issue(terms_of(told), said_of(told), uow.entry)

    @command(roles=ANALYSIS)
    def restate_report(self, uow: UnitOfWork, *, issue_id: UUID) -> None:
        """Compute an issue again as known now; record what changed since it was last said, and why.

        Raises NotFound, InvalidInput if nothing was recorded since, and FiguresNotReadable.
        """
        issue = uow.one(Report, issue_id, "issued report", "issue_id")
        assert issue.terms is not None
        assert issue.said is not None
        held, question = asked_in(issue.terms)
        scope.check_ward(uow, issue.terms.ward)
        before, now = issue.said.position, self.figures.position()
        told = self.figures.computed(held, question, now)
        old, new = self.figures.contributions(held, question, before, now)
        said = as_said(issue.terms, issue.said)
        changes = changed(held, Side(said.rows, old), Side(told.rows, new))
        about = self.figures.facts({s for c in changes for s in c.causes}, question, before, now)
        issue.restate(said_of(told), *explained(changes, about), uow.entry)


def terms_of(report: definition.Report) -> Terms:
    """What a report was asked for, as its stream keeps it."""
    question = report.question
    return Terms(
        definition=report.definition.name,
        version=report.definition.version,
        parameters=cast(Mapping[str, Chosen], question.parameters),
        first=question.first,
        last=question.last,
        ward=question.ward,
    )


def asked_in(terms: Terms) -> tuple[Definition, Question]:
    """The definition and the question again. The code of every version that was issued stays."""
    held = REPORTS[terms.definition, terms.version]
    return held, Question(
        terms.first, terms.last, terms.ward, cast(Mapping[str, Choice], terms.parameters)
    )


def said_of(report: definition.Report) -> Said:
    """What came out, as its stream keeps it."""
    figures = (
        Figure(name=r.figure, of=r.of, unit=r.unit, value=exact(r.value)) for r in report.rows
    )
    return Said(position=report.position, figures=tuple(figures), digest=report.digest)


def as_said(terms: Terms, said: Said) -> definition.Report:
    """The report as it was said, without computing anything."""
    rows = tuple(Row(f.name, f.of, f.unit, value_of(f.value)) for f in said.figures)
    return definition.Report(*asked_in(terms), said.position, rows)


def value_of(told: Exact) -> int | Fraction | None:
    """A value from its form without loss."""
    return Fraction(told) if isinstance(told, str) else told


def explained(
    changes: Sequence[Changed], about: Mapping[Subject, Sequence[int]]
) -> tuple[list[Change], list[Cause]]:
    """What changed with its causes, each of these once, as a report's stream keeps them."""
    subjects = sorted({subject for change in changes for subject in change.causes})
    numbers = {subject: number for number, subject in enumerate(subjects)}
    return [
        Change(
            name=change.figure,
            of=change.of,
            unit=change.unit,
            old=exact(change.old),
            new=exact(change.new),
            causes=tuple(numbers[subject] for subject in change.causes),
        )
        for change in changes
    ], [
        Cause(kind=subject.kind, id=subject.id, facts=tuple(about.get(subject, ())))
        for subject in subjects
    ]
