"""Inputs of reports: the history as known at one log position.

Each field of `Inputs` is one kind of input. A definition names in ``needs`` those that it reads; the
others are not loaded. Moments are in UTC. Ids are those of the record as text, since they are only
compared and told: of a year's stays it takes a tenth less time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple

from domain.hospital_calendar import LocalDays

AWAY = "AWAY"
"""The state of a stay between a discharge and the reversal of it."""


class Span(NamedTuple):
    """A part of a stay in which neither its state nor its place changed.

    ``state``: ``ADMITTED``, ``ON_LEAVE`` or ``AWAY``. ``until`` None while it is open. Without a room
    (a corridor, not placed yet, on leave with the bed released) ward and bed are None.
    """

    since: datetime
    until: datetime | None
    state: str
    ward: str | None
    bed: str | None
    shares: bool = False
    """True of a newborn in its mother's bed."""


class InpatientStay(NamedTuple):
    """A stay that touches the period, whole: its spans before and after the period too.

    A stay whose admission was cancelled is none: it made nobody an inpatient.
    """

    stay: str
    patient: str
    admission_type: str
    admitted_at: datetime
    decided_to_admit_at: datetime | None
    discharged_at: datetime | None
    disposition: str | None
    spans: tuple[Span, ...]
    last_type: str | None = None
    """The type that the stay was changed to; None if it was not."""
    types: tuple[tuple[datetime, str], ...] = ()
    """The types of a stay that changed its type, each with its begin; empty if it had but one."""

    @property
    def type(self) -> str:
        """Return the type of the stay, after whatever changed it."""
        return self.last_type or self.admission_type

    def type_at(self, moment: datetime) -> str:
        """Return the type of the stay at a moment."""
        types = (type for since, type in reversed(self.types) if since <= moment)
        return next(types, self.admission_type)

    def without(self, types: Collection[str]) -> "InpatientStay | None":
        """Return the stay as if it were only its parts of other types; None if it has none.

        It begins with the first of them and ends with the last; in between the patient is away.
        """
        if not self.types or not self.spans or not types:
            return None if self.type in types else self
        parts = [
            part if self.type_at(part.since) not in types else Span(*part[:2], AWAY, None, None)
            for span in self.spans
            for part in self._by_type(span)
        ]
        others = [i for i, part in enumerate(parts) if part.state != AWAY]
        if not others:
            return None
        spans = tuple(parts[others[0] : others[-1] + 1])
        return self._replace(
            admission_type=self.type_at(spans[0].since),
            admitted_at=spans[0].since,
            discharged_at=spans[-1].until,
            spans=spans,
        )

    def _by_type(self, span: Span) -> list[Span]:
        """Return the parts of a span in which the type of the stay did not change."""
        changes = [
            since
            for since, _ in self.types
            if span.since < since and (span.until is None or since < span.until)
        ]
        return [
            span._replace(since=since or span.since, until=until)
            for since, until in pairwise([span.since, *changes, span.until])
        ]


class Admission(NamedTuple):
    """The beginning of a stay, of the period or of the time that a definition looks on after it."""

    stay: str
    patient: str
    admission_type: str
    admitted_at: datetime


class DoseDays(NamedTuple):
    """On how many calendar days of the period a person was given a drug."""

    person: str
    drug: str
    days: int


class AgentDays(NamedTuple):
    """On how many calendar days of the period a person was given an agent, however it was spelled."""

    person: str
    agent: str
    """The name by which the latest order of the period calls it."""
    known_as: tuple[str, ...]
    """All its names, and its code."""
    days: int


class Course(NamedTuple):
    """A time in which a prescription of a stay was in force, or on hold."""

    stay: str
    since: datetime
    until: datetime | None
    is_held: bool


class EntryDelay(NamedTuple):
    """Facts about a patient of one kind, that occurred in one local hour of the day in one ward.

    ``delays``: microseconds from when each occurred until it was recorded. ``ward`` None: without a bed.
    ``patient`` None: facts about everybody, where only figures are wanted.
    """

    patient: str | None
    kind: str
    hour: int
    ward: str | None
    delays: Sequence[int]


Choice = int | str | tuple[int, ...] | tuple[str, ...]
"""Type of a parameter's value."""


@dataclass(frozen=True)
class Question:
    """Question to a report: all that fixes it but its definition and the log position.

    The period goes from the hospital day ``first`` to ``last``, both included.
    """

    first: date
    last: date
    ward: str | None = None
    parameters: Mapping[str, Choice] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """Return the number of days of the period."""
        return (self.last - self.first).days + 1

    def numbers(self, parameter: str) -> tuple[int, ...]:
        """Return a parameter that is a number, or a list of them."""
        value = self.parameters[parameter]
        values = value if isinstance(value, tuple) else (value,)
        return tuple(v for v in values if isinstance(v, int))

    def texts(self, parameter: str) -> tuple[str, ...]:
        """Return a parameter that is a text, or a list of them; none if the report does not have it."""
        value = self.parameters.get(parameter, ())
        values = value if isinstance(value, tuple) else (value,)
        return tuple(v for v in values if isinstance(v, str))


class HouseBed(NamedTuple):
    """A bed of a ward, since and until when there is one, and the periods in which it is closed."""

    room: str
    bed: str
    ward: str
    since: datetime
    closed: tuple[tuple[datetime, datetime | None], ...]
    until: datetime | None = None


@dataclass(frozen=True)
class Inputs:
    """Facts known at one position that concern the period and the scope of a question."""

    question: Question
    days: LocalDays
    stays: tuple[InpatientStay, ...] = ()
    awaited: tuple[InpatientStay, ...] = ()
    """The stays that were decided on in the period and began after it."""
    beds: tuple[HouseBed, ...] = ()
    admissions: tuple[Admission, ...] = ()
    persons: Mapping[str, str] = field(default_factory=dict)
    """The person of a record that was merged into another; every other record is its own person."""
    deaths: Mapping[str, datetime] = field(default_factory=dict)
    """Moment of death by patient, where it is known."""
    reviews: Mapping[str, datetime] = field(default_factory=dict)
    """Moment of the first visit by a consultant, of the stays that began in the period."""
    unknown_grades: frozenset[str] = frozenset()
    """The stays that began in the period and were visited by somebody whose grade is not known."""
    imprecise_stays: frozenset[str] = frozenset()
    """The stays with an admission, a place or a visit in the period that is not known to the minute."""
    emergency_care: Mapping[str, tuple[datetime, datetime | None]] = field(default_factory=dict)
    """Arrival at and departure from the emergency department, of the stays that began in the period."""
    specialties: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    """The responsible specialty of a stay at its admission, and the last one."""
    patients: Mapping[str, tuple[date | None, str]] = field(default_factory=dict)
    """Birth date and sex by patient, as held at the end of the period."""
    dose_days: tuple[DoseDays, ...] = ()
    agent_days: tuple[AgentDays, ...] = ()
    courses: tuple[Course, ...] = ()
    entry_delays: Sequence[EntryDelay] = ()


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """The patients and rooms whose inputs are read, to find who contributes something else.

    ``patients`` are all records of the persons meant. What a stay, bed or person contributes is made
    of facts about such a patient or room, of the wards of rooms, which never change, and of the
    hospital's calendar, which concerns everybody.
    """

    patients: list[str]
    rooms: list[str]


NEEDS = frozenset(f.name for f in fields(Inputs)) - {"question", "days"}
"""The inputs that are loaded on demand; the question and the hospital's days are always there."""
