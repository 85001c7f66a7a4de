"""Doses that are due by a prescription's schedule, and the warnings against one that is not."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.clinical_refusals import ClinicalWarning
from domain.hospital_calendar import DAY, LocalDays
from domain.prescription.course import Course, Dose, PrescriptionStatus, Regimen
from domain.prescription.schedule import Schedule, slot_of
from domain.time import Period, Precision

Warnings = dict[ClinicalWarning, str]
Segments = Iterable[tuple[Period, PrescriptionStatus, Regimen]]


def due_times(segments: Segments, period: Period, days: LocalDays) -> list[datetime]:
    """Return the moments in a closed period at which doses are due by the segments of a course.

    None is due while the prescription is held, before it starts and after it ends.
    """
    moments: set[datetime] = set()
    for during, status, regimen in segments:
        schedule = regimen.schedule
        if schedule is None or status is not PrescriptionStatus.ACTIVE:
            continue
        if not during.overlaps(period):
            continue
        part = Period(max(during.start, period.start), during.until(_end(period)).end)
        moments.update(schedule.due(regimen.anchor or regimen.start, part, days))
    return sorted(moments)


def dose_warnings(
    course: Course,
    at: datetime,
    precision: Precision,
    days: LocalDays,
    excluded: UUID | None = None,
) -> Warnings:
    """Return the warnings against a dose that is given at a moment. ``excluded``: the dose itself.

    Where no schedule is prescribed, or the time is not known to the minute, nothing is claimed.
    """
    regimen = next((r for during, _, r in course.segments() if at in during), None)
    if regimen is None or regimen.schedule is None or precision is not Precision.MINUTE:
        return {}
    others = sorted(d.at for d in course.doses if _counts(d) and d.id != excluded)
    if regimen.schedule.as_needed:
        return _as_needed(regimen.schedule, at, others)
    return _by_schedule(regimen.schedule, course, at, others, days)


def _counts(dose: Dose) -> bool:
    return dose.given and dose.precision is Precision.MINUTE


def _as_needed(schedule: Schedule, at: datetime, others: Sequence[datetime]) -> Warnings:
    warnings: Warnings = {}
    if schedule.min_interval_minutes is not None:
        interval = timedelta(minutes=schedule.min_interval_minutes)
        near = [other for other in others if abs(other - at) < interval]
        if near:
            warnings[ClinicalWarning.TOO_EARLY] = (
                f"A dose was given at {near[-1].isoformat()}, and the next one may be given"
                f" {schedule.min_interval_minutes} minutes later"
            )
    if schedule.max_per_day is not None:
        starts = [start for start in (*others, at) if start <= at < start + DAY]
        count = max(sum(start <= dose < start + DAY for dose in (*others, at)) for start in starts)
        if count > schedule.max_per_day:
            warnings[ClinicalWarning.OVER_MAXIMUM] = (
                f"It would be dose {count} within 24 hours, and {schedule.max_per_day} may be given"
            )
    return warnings


def _by_schedule(
    schedule: Schedule, course: Course, at: datetime, others: Sequence[datetime], days: LocalDays
) -> Warnings:
    reach = schedule.reach
    due = due_times(course.segments(), Period(at - 4 * reach, at + 4 * reach), days)
    slot = slot_of(at, due, reach)
    if slot is None:
        return {}
    warnings: Warnings = {}
    if slot - at > schedule.tolerance:
        warnings[ClinicalWarning.TOO_EARLY] = f"The dose is due at {slot.isoformat()}"
    same_doses = [other for other in others if slot_of(other, due, reach) == slot]
    if same_doses:
        warnings[ClinicalWarning.GIVEN_TWICE] = (
            f"The dose that is due at {slot.isoformat()} was given at {same_doses[-1].isoformat()}"
        )
    return warnings


def _end(period: Period) -> datetime:
    assert period.end is not None
    return period.end
