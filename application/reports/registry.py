"""The registry of report definitions. A new one is a line in ``ALL``."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime

from application.reports.beds import (
    BED_OCCUPANCY_RATE_1,
    BED_TURNOVER_INTERVAL_1,
    BED_TURNOVER_RATE_1,
)
from application.reports.census import (
    AVERAGE_DAILY_CENSUS_1,
    INPATIENT_CENSUS_1,
    INPATIENT_SERVICE_DAYS_1,
)
from application.reports.definition import Contributions, Definition
from application.reports.emergency import EMERGENCY_STAY_1
from application.reports.groups import MOVEMENTS_BY_AGE_AND_SEX_1, MOVEMENTS_BY_SPECIALTY_1
from application.reports.inputs import InpatientStay, Inputs, Question
from application.reports.length_of_stay import (
    AVERAGE_LENGTH_OF_STAY_1,
    LEAVE_DAYS_1,
    LENGTH_OF_STAY_DISTRIBUTION_1,
    LONG_STAYS_1,
    PATIENT_DAYS_1,
    PATIENT_DAYS_2,
)
from application.reports.medicines import ACTIVE_PRESCRIPTIONS_1, THERAPY_DAYS_1, THERAPY_DAYS_2
from application.reports.movements import MOVEMENTS_1, MOVEMENTS_2
from application.reports.occupancy_over_time import OCCUPANCY_OVER_TIME_1
from application.reports.presence import DAYS_PRESENT_1
from application.reports.readmission import READMISSION_1
from application.reports.timeliness import TIMELINESS_1, TIMELINESS_2
from application.reports.waiting import BOARDING_1, BOARDING_2, SENIOR_REVIEW_1, SENIOR_REVIEW_2
from domain.hospital_calendar import DAY, LocalDays
from domain.refusals import InvalidInput, NotFound
from domain.text import nearest
from domain.things import Thing

EARLIEST = date(1900, 1, 1)
"""The first day that a period may begin on."""

LONGEST = 3_660
"""The days that a period may have, ten years: all its stays are held in memory."""

_FIRST: tuple[Definition, ...] = (
    INPATIENT_CENSUS_1,
    INPATIENT_SERVICE_DAYS_1,
    AVERAGE_DAILY_CENSUS_1,
    PATIENT_DAYS_1,
    LEAVE_DAYS_1,
    AVERAGE_LENGTH_OF_STAY_1,
    BED_OCCUPANCY_RATE_1,
    BED_TURNOVER_RATE_1,
    BED_TURNOVER_INTERVAL_1,
    LONG_STAYS_1,
    MOVEMENTS_1,
    READMISSION_1,
    SENIOR_REVIEW_1,
    BOARDING_1,
    THERAPY_DAYS_1,
    ACTIVE_PRESCRIPTIONS_1,
    DAYS_PRESENT_1,
    TIMELINESS_1,
)

_SINCE: tuple[Definition, ...] = (
    PATIENT_DAYS_2,
    MOVEMENTS_2,
    SENIOR_REVIEW_2,
    BOARDING_2,
    TIMELINESS_2,
    THERAPY_DAYS_2,
)
"""Those of which the second version has figures of its own."""


def _of_some_duration(stays: Iterable[InpatientStay]) -> tuple[InpatientStay, ...]:
    return tuple(
        stay._replace(spans=tuple(span for span in stay.spans if span.since != span.until))
        for stay in stays
    )


def _first(definition: Definition) -> Definition:
    """Return a first version as it was issued: a stay of no duration was in no ward."""

    def contributions(inputs: Inputs) -> Contributions:
        stays, awaited_stays = _of_some_duration(inputs.stays), _of_some_duration(inputs.awaited)
        return definition.contributions(replace(inputs, stays=stays, awaited=awaited_stays))

    return replace(definition, contributions=contributions)


def _versions() -> Iterator[Definition]:
    since = {definition.name: definition for definition in _SINCE}
    for definition in _FIRST:
        yield _first(definition)
        yield since.get(definition.name) or replace(definition, version=2)


ALL: tuple[Definition, ...] = (
    *_versions(),
    LENGTH_OF_STAY_DISTRIBUTION_1,
    EMERGENCY_STAY_1,
    OCCUPANCY_OVER_TIME_1,
    MOVEMENTS_BY_SPECIALTY_1,
    MOVEMENTS_BY_AGE_AND_SEX_1,
)

REPORTS: dict[tuple[str, int], Definition] = {(d.name, d.version): d for d in ALL}
"""Every definition by name and version. A version that was ever issued stays for good."""


def newest_definitions() -> list[Definition]:
    """Return the newest version of each definition, in the order of ``ALL``."""
    latest = {d.name: d for d in sorted(ALL, key=lambda d: d.version)}
    return [latest[name] for name in dict.fromkeys(d.name for d in ALL)]


NEAREST = 3
"""The reports that are named in place of an unknown one."""


def find_definition(name: str, version: int | None = None) -> Definition:
    """Return a definition by name, in its newest version by default. Raises NotFound, InvalidInput."""
    versions = {d.version: d for d in ALL if d.name == name}
    if not versions:
        like_it = ", ".join(nearest(name, dict.fromkeys(d.name for d in ALL), NEAREST))
        raise NotFound(Thing.REPORT, name, "name", f"The nearest are: {like_it}.")
    if version is None:
        return versions[max(versions)]
    if version not in versions:
        names = ", ".join(map(str, sorted(versions)))
        raise InvalidInput("version", f"{name} has no version {version}; it has: {names}")
    return versions[version]


def resolve_question(
    definition: Definition,
    days: LocalDays,
    now: datetime,
    first: date,
    last: date,
    ward: str | None = None,
    parameters: Mapping[str, str] | None = None,
    *,
    clock: datetime | None = None,
) -> Question:
    """Return the question about a period that begins and ends on hospital days, both included.

    ``now``: as known then; a day that had not ended is left out: its figures would still change
    without any correction. The period may reach up to the day of the ``clock``, which is ``now`` unless
    it is asked what was known before. Raises InvalidInput for a period that is none, that
    is longer than ten years, or of which no day has ended.
    """
    if last < first:
        raise InvalidInput("period", "it ends before it begins; both days are included")
    if (last - first).days >= LONGEST:
        raise InvalidInput(
            "period",
            f"it has {(last - first).days + 1} days, and a report at most {LONGEST}, ten years: ask for"
            " parts of it, one after the other",
        )
    if first < EARLIEST:
        raise InvalidInput("period", f"it begins before {EARLIEST}")
    today = days.date_of(clock or now)
    if last > today:
        raise InvalidInput("period", f"it lies in the future; it may reach up to today, {today}")
    while last >= first and days.end_of_day(last) > now:
        last -= DAY
    if last < first:
        ends = days.end_of_day(first).isoformat()
        raise InvalidInput("period", f"none of its days has ended; the first one ends at {ends}")
    return Question(first, last, ward, definition.parameters_of(parameters or {}))
