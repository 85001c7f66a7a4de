"""A report: a named, versioned definition over the one history.

A definition says in two steps what it computes. ``contributions`` looks at the inputs and gives for
each subject (a stay, a bed, a person) its *marks*: what it adds to which measure. The formulas of the
figures see nothing of the inputs but the marks of all subjects. So a figure changes only where marks
change: between two positions of the log the subjects whose marks differ are its causes, and with the
old marks put back the old figure comes out.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

from application.reports.calendar import Calendar, day_of
from application.reports.formula import TOTAL, Contribution, Dimensions, Formula, Marks, Value
from application.reports.inputs import NEEDS, Choice, InpatientStay, Inputs, Question
from domain.refusals import InvalidInput
from domain.stay.terms import AdmissionType


class Subject(NamedTuple):
    """Subject of marks: a ``stay``, a ``bed``, a ``person``, and its id."""

    kind: str
    id: str


ANONYMOUS = Subject("everybody", "")
"""Subject of contributions that are not attributed."""


def person_of(inputs: Inputs, record: str) -> Subject:
    """Return the person of a record: of two that were merged it is one."""
    return Subject("person", inputs.persons.get(record, record))


Contributions = Mapping[Subject, tuple[Contribution, ...]]

Each = Callable[[Question, Marks, Formula], Iterable[Dimensions]]


def of_the_whole(question: Question, marks: Marks, formula: Formula) -> Iterable[Dimensions]:
    """Return one figure."""
    return (TOTAL,)


def of_each_day(question: Question, marks: Marks, formula: Formula) -> Iterable[Dimensions]:
    """Return a figure for each day of the period."""
    return (day_of(question, index) for index in range(question.days))


def of_each(*names: str) -> Each:
    """Return a figure for each of what the marks are of, in order: each ward, each drug."""

    def every_dimension(question: Question, marks: Marks, formula: Formula) -> Iterable[Dimensions]:
        return sorted({of for measure in formula.measures for of in marks.by(measure, names)})

    return every_dimension


def of_stays(
    marks: Callable[[InpatientStay, Calendar], Iterable[Contribution]],
    by_last_type: bool = False,
) -> Callable[[Inputs], Contributions]:
    """Return the ``contributions`` of a report to which each stay adds marks of its own.

    What is of a type in the parameter ``without``, where there is one, is left out: the parts of stays
    that had it, or, for figures of whole stays (``by_last_type``), the stays that had it at the end.
    """

    def contributions(inputs: Inputs) -> Contributions:
        calendar = Calendar(inputs)
        excluded_types = inputs.question.texts("without")
        stays: Iterable[InpatientStay] = inputs.stays
        if excluded_types and by_last_type:
            stays = (s for s in stays if s.type not in excluded_types)
        elif excluded_types:
            parts = (s.without(excluded_types) for s in stays)
            stays = (part for part in parts if part is not None)
        marks_of_stays = ((stay, tuple(marks(stay, calendar))) for stay in stays)
        return {
            Subject("stay", stay.stay): contributions
            for stay, contributions in marks_of_stays
            if contributions
        }

    return contributions


@dataclass(frozen=True)
class Figure:
    """One figure of a report, or one for each day, ward, drug ...

    ``unit`` says what it counts; ``decimals`` how many of them are shown.
    """

    name: str
    unit: str
    meaning: str
    formula: Formula
    each: Each = of_the_whole
    decimals: int = 0
    clinical: bool = False
    """True if its dimension is clinical, as the name of a drug is."""


def exact_waits(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    """Return figures with those in seconds made of marks in microseconds."""
    return tuple(
        replace(figure, formula=figure.formula / 1_000_000) if figure.unit == "seconds" else figure
        for figure in figures
    )


@dataclass(frozen=True)
class Parameter:
    """Parameter of a report; of the type of its default: a number, a text, or a list of either."""

    name: str
    default: Choice
    meaning: str
    clinical: bool = False
    """True if its values are clinical, as the name of a drug is."""
    choices: tuple[str, ...] = ()
    """The names that there are; without any, all are taken."""

    def of_text(self, text: str) -> Choice:
        """Return the value that a text says; a list is separated by commas. Raises InvalidInput."""
        if isinstance(self.default, str):
            return text
        if isinstance(self.default, int):
            return self._number(text)
        parts = tuple(part.strip() for part in text.split(",") if part.strip())
        if self.default and isinstance(self.default[0], int):
            return tuple(sorted({self._number(self._choice(part)) for part in parts}))
        return tuple(map(self._choice, parts))

    def _choice(self, text: str) -> str:
        """Return a name or number as it is spelled among the choices. Raises InvalidInput."""
        names = {name.upper(): name for name in self.choices}
        if names and text.upper() not in names:
            raise InvalidInput(
                "parameters", f"{self.name} has no {text!r}; it has: {', '.join(self.choices)}"
            )
        return names.get(text.upper(), text)

    def _number(self, text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
            raise InvalidInput("parameters", f"{self.name} needs whole numbers, not {text!r}")
        return int(text)


TYPES = tuple(type.value for type in AdmissionType)
"""The names of types of admission, as the choices of a parameter."""

WITHOUT = Parameter(
    "without", (), "Admission types to leave out, for example NEWBORN, DAY_CASE.", choices=TYPES
)
"""A parameter of each report whose contributions are made by `of_stays`."""


def text_of(value: Choice) -> str:
    """Return a parameter's value as the text that says it."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


class Row(NamedTuple):
    """A figure that was computed."""

    figure: str
    of: Dimensions
    unit: str
    value: Value


CALENDAR_DATE = "An admission or discharge is of its calendar date."
HOSPITAL_DAY = "An admission or discharge is of its hospital day, which ends at the census time."
DATE_OF_FACT = "Each fact is of the calendar date on which it occurred."


@dataclass(frozen=True)
class Definition:
    """A report as it is defined; the code of each version that was ever issued stays.

    ``formula`` says it in words, ``day`` of which day it counts what happens; ``source`` where the rule
    comes from; ``needs`` which inputs it reads.
    """

    name: str
    version: int
    title: str
    formula: str
    day: str
    source: str
    figures: tuple[Figure, ...]
    needs: frozenset[str]
    contributions: Callable[[Inputs], Contributions]
    parameters: tuple[Parameter, ...] = ()
    lacking: Callable[[Inputs], Iterable[str]] = lambda inputs: ()
    """Unknown facts that the figures rest on, in sentences."""
    lacking_needs: frozenset[str] = frozenset()
    """The inputs that ``lacking`` reads beside those of the figures."""

    def __post_init__(self) -> None:
        assert self.needs | self.lacking_needs <= NEEDS, self.name

    @property
    def rule(self) -> str:
        """Return the whole rule in words."""
        return f"{self.formula} {self.day}"

    def parameters_of(self, texts: Mapping[str, str]) -> dict[str, Choice]:
        """Return all parameters, those not given by their defaults. Raises InvalidInput."""
        by_name = {p.name: p for p in self.parameters}
        for name in texts:
            if name not in by_name:
                names = f"; it has: {', '.join(by_name)}" if by_name else ", and no other"
                raise InvalidInput("parameters", f"{self.name} has no {name!r}{names}")
        return {
            name: parameter.of_text(texts[name]) if name in texts else parameter.default
            for name, parameter in by_name.items()
        }

    def rows(self, question: Question, contributions: Contributions) -> tuple[Row, ...]:
        """Return the figures: a function of the contributions and of nothing else."""
        return self.rows_of(question, marks_of_all(question, contributions))

    def rows_of(self, question: Question, marks: Marks) -> tuple[Row, ...]:
        """Return the figures made of the marks of all subjects."""
        return tuple(
            Row(figure.name, of, figure.unit, _whole_number(figure.formula.compute(marks, of)))
            for figure in self.figures
            for of in figure.each(question, marks, figure.formula)
        )

    def marks_of(self, row: Row, marks: Iterable[Contribution]) -> tuple[Contribution, ...]:
        """Return the marks that a figure is made of."""
        measures = next(f.formula.measures for f in self.figures if f.name == row.figure)
        dimensions = set(row.of)
        return tuple(m for m in marks if m.measure in measures and dimensions <= set(m.of))


@dataclass(frozen=True)
class Report:
    """A report as computed. Five things fix it: definition, parameters, period, scope, position."""

    definition: Definition
    question: Question
    position: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    """Unknown facts that the figures rest on; no part of what fixes the report."""

    def canonical(self) -> bytes:
        """Return the same five give the same bytes for ever: JSON, keys in order, fractions exact."""
        content = {
            "definition": f"{self.definition.name}@{self.definition.version}",
            "parameters": self.question.parameters,
            "period": [self.question.first.isoformat(), self.question.last.isoformat()],
            "ward": self.question.ward,
            "position": self.position,
            "figures": [
                {
                    "name": row.figure,
                    "of": dict(row.of),
                    "unit": row.unit,
                    "value": exact(row.value),
                }
                for row in self.rows
            ],
        }
        return json.dumps(
            content, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the canonical bytes, in hexadecimal."""
        return hashlib.sha256(self.canonical()).hexdigest()


def marks_of_all(question: Question, contributions: Contributions) -> Marks:
    """Return the marks of all subjects together."""
    return Marks(chain.from_iterable(contributions.values()), question.days)


def compute(definition: Definition, inputs: Inputs, position: int) -> Report:
    """Compute the report of a question from its inputs as known at a position."""
    contributions, question = definition.contributions(inputs), inputs.question
    rows, notes = definition.rows(question, contributions), notes_of(definition, inputs)
    return Report(definition, question, position, rows, notes)


def notes_of(definition: Definition, inputs: Inputs) -> tuple[str, ...]:
    """Return the notes on unknown facts that the figures rest on."""
    if not any(getattr(inputs, need) for need in definition.needs):
        return ("Nothing is recorded of these days: 0 means no data here.",)
    return tuple(definition.lacking(inputs))


def of_imprecise_times(
    contributions: Callable[[Inputs], Contributions],
) -> Callable[[Inputs], Iterator[str]]:
    """Return the ``lacking`` of a report whose figures are as precise as the times of its stays."""

    def lacking(inputs: Inputs) -> Iterator[str]:
        ids = {subject.id for subject in contributions(inputs) if subject.kind == "stay"}
        number = len(ids & inputs.imprecise_stays)
        if number:
            yield (
                f"Of {number} of the {len(ids)} stays a time that the figures rest on is not known to"
                " the minute (to the hour or day, or estimated)."
            )

    return lacking


def exact(value: Value) -> int | str | None:
    """Return a value as JSON keeps it without loss: a whole number, or ``"23/7"``."""
    return str(value) if isinstance(value, Fraction) else value


def _whole_number(value: Value) -> Value:
    """Return a fraction that is whole as a whole number."""
    if isinstance(value, Fraction) and value.denominator == 1:
        return value.numerator
    return value
