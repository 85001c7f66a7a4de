"""Mapping between computed reports and what the stream of an issued report stores."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import cast

from application.reports import definition
from application.reports.definition import Definition, Row, Subject, exact
from application.reports.inputs import Choice, Question
from application.reports.registry import REPORTS
from application.reports.restatement import FigureChange
from domain.report import Cause, Change, Chosen, Exact, Figure, Said, Terms


def terms_of(report: definition.Report) -> Terms:
    """Return the terms of a computed report, as its stream stores them."""
    question = report.question
    return Terms(
        definition=report.definition.name,
        version=report.definition.version,
        parameters=cast(Mapping[str, Chosen], question.parameters),
        first=question.first,
        last=question.last,
        ward=question.ward,
    )


def question_of(terms: Terms) -> tuple[Definition, Question]:
    """Return the definition and the question of stored terms; the code of an issued version stays."""
    return REPORTS[terms.definition, terms.version], Question(
        terms.first, terms.last, terms.ward, cast(Mapping[str, Choice], terms.parameters)
    )


def stored_result(report: definition.Report, checkpoint: str | None) -> Said:
    """Return the figures of a computed report, and the checkpoint, as its stream stores them."""
    figures = (
        Figure(name=r.figure, of=r.of, unit=r.unit, value=exact(r.value)) for r in report.rows
    )
    return Said(
        position=report.position,
        figures=tuple(figures),
        digest=report.digest,
        checkpoint=checkpoint,
    )


def report_of(terms: Terms, result: Said) -> definition.Report:
    """Return a stored report, without computing anything."""
    rows = tuple(Row(f.name, f.of, f.unit, value_of(f.value)) for f in result.figures)
    return definition.Report(*question_of(terms), result.position, rows)


def value_of(value: Exact) -> int | Fraction | None:
    """Return a value from its stored form without loss."""
    return Fraction(value) if isinstance(value, str) else value


def explained_by(
    changes: Sequence[FigureChange], facts: Sequence[Mapping[Subject, Sequence[int]]]
) -> tuple[list[Change], list[Cause]]:
    """Return changes with their causes, each cause once, as a report's stream stores them.

    ``facts``: of each change those about its causes. A subject of which figures rest on different facts
    is a cause of its own for each.
    """
    causes_of_changes = [
        [(subject, tuple(of_causes[subject])) for subject in change.causes]
        for change, of_causes in zip(changes, facts, strict=True)
    ]
    causes = sorted({cause for of_change in causes_of_changes for cause in of_change})
    numbers = {cause: number for number, cause in enumerate(causes)}
    return [
        Change(
            name=change.figure,
            of=change.of,
            unit=change.unit,
            old=exact(change.old),
            new=exact(change.new),
            causes=tuple(numbers[cause] for cause in of_change),
        )
        for change, of_change in zip(changes, causes_of_changes, strict=True)
    ], [Cause(kind=subject.kind, id=subject.id, facts=positions) for subject, positions in causes]
