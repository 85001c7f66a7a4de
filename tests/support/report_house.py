"""A few short words for the tests of reports: stays as a ward would tell them, without a database.

Times are local to ``ZONE`` of the test, as ``"03-01 23:50"`` of 2026; UTC unless it says otherwise.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from fractions import Fraction
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from application.reports.definition import Definition, Report, compute
from application.reports.formula import Value
from application.reports.inputs import HouseBed, InpatientStay, Inputs, Question, Span
from domain.hospital_calendar import CENSUS_TIME, LocalDays

YEAR = 2026


def known(what: str) -> str:
    """The id of something that is called that in these tests."""
    return str(uuid5(UUID(int=0), what))


def at(text: str, zone: str = "UTC") -> datetime:
    """``"03-01 23:50"`` of 2026, in UTC."""
    return datetime.fromisoformat(f"{YEAR}-{text}").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day(text: str) -> date:
    """``"03-01"`` of 2026."""
    return date.fromisoformat(f"{YEAR}-{text}")


def calendar(zone: str = "UTC", census: time = CENSUS_TIME) -> LocalDays:
    """A zone and a census time that always were so."""
    return LocalDays(((None, zone, census),))


def stay(
    name: str,
    admitted: str,
    discharged: str | None = None,
    *,
    leaves: Sequence[tuple[str, str | None]] = (),
    away: Sequence[tuple[str, str]] = (),
    wards: Sequence[tuple[str, str]] = (),
    ward: str | None = "A",
    zone: str = "UTC",
    **fields: Any,
) -> InpatientStay:
    """A stay: from when to when, with leaves (a bed is kept) and times away, and the wards lain in.

    ``wards``: from when on in which; before the first of them in ``ward``.
    """
    until = at(discharged, zone) if discharged else None
    cuts = {at(admitted, zone)}
    cuts |= {at(cut, zone) for absence in (*leaves, *away) for cut in absence if cut}
    cuts |= {at(since, zone) for since, _ in wards}
    result = [*sorted(c for c in cuts if until is None or c <= until), until]

    def absent(when: datetime, absences: Sequence[tuple[str, str | None]]) -> bool:
        return any(at(a, zone) <= when and (b is None or when < at(b, zone)) for a, b in absences)

    spans = []
    for since, end in pairwise(result):
        assert since is not None
        if since == end:
            continue  # it ended as it began
        lain_in = [w for s, w in wards if at(s, zone) <= since]
        here = lain_in[-1] if lain_in else ward
        state = "ON_LEAVE" if absent(since, leaves) else "ADMITTED"
        if absent(since, away):
            state, here = "AWAY", None
        bed = name if here else None
        spans.append(Span(since, end, state, here, bed))
    content = {
        "stay": known(name),
        "patient": known(f"patient of {name}"),
        "admission_type": "ELECTIVE",
        "admitted_at": at(admitted, zone),
        "decided_to_admit_at": None,
        "discharged_at": until,
        "disposition": "HOME" if until else None,
        "spans": tuple(spans),
    }
    return InpatientStay(**{**content, **fields})


def bed(
    code: str,
    ward: str = "A",
    since: str = "01-01 00:00",
    closed: Sequence[tuple[str, str | None]] = (),
) -> HouseBed:
    """A bed, from when on there is one, and when it is closed."""
    spells = tuple((at(a), at(b) if b else None) for a, b in closed)
    return HouseBed(known(f"room of {ward}"), code, ward, at(since), spells)


def of_one(numerator: int, denominator: int) -> Fraction:
    """A fraction, as the tests say it."""
    return Fraction(numerator, denominator)


def asked(
    definition: Definition,
    first: str,
    last: str | None = None,
    *,
    ward: str | None = None,
    days: LocalDays | None = None,
    parameters: dict[str, str] | None = None,
    **inputs: Any,
) -> Report:
    """A report on days of 2026, both included, from these inputs alone."""
    question = Question(
        day(first), day(last or first), ward, definition.parameters_of(parameters or {})
    )
    return compute(definition, Inputs(question, days or LocalDays(), **inputs), 1)


def figures(report: Report, name: str) -> list[Value]:
    """The values of a figure, in order: one for each day, ward, drug ..."""
    return [row.value for row in report.rows if row.figure == name]


def figure(report: Report, name: str) -> Value:
    """The value of a figure that is of the whole."""
    (value,) = figures(report, name)
    return value
