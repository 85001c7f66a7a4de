"""A practitioner (attends, visits, prescribes), known by a staff number."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from domain.aggregate import (
    Aggregate,
    Cancelling,
    Correcting,
    Event,
    NotNeeded,
    UnknownEvent,
)
from domain.described_enum import DescribedEnum
from domain.envelope import Code, Envelope, Text
from domain.refusals import InvalidInput
from domain.text import number_key
from domain.things import Thing
from domain.time import Moment


class Grade(DescribedEnum):
    """Seniority of a doctor, held from a day on."""

    CONSULTANT = "CONSULTANT", "Answers for patients."
    SPECIALIST = "SPECIALIST", "Has finished training in a specialty."
    RESIDENT = "RESIDENT", "Is in training."
    OTHER = "OTHER", "None of these."


class Practitioner(Aggregate):
    """Reference data, thin: names, staff number and grade, each from a day on."""

    TOPIC = "practitioner"
    THING = Thing.PRACTITIONER

    class Registered(Event):
        TOPIC = "practitioner.registered"
        PUBLIC = "practitioner.registered"
        DESCRIPTION = "A practitioner was registered."
        CORRECTED_BY = ("correct_practitioner",)
        CANCELLED_BY = NotNeeded("a number given in error is corrected to the one of its owner")
        staff_number: Code
        family_name: Text | None
        given_name: Text | None
        grade: Grade
        grade_from: date | None
        specialty: Text | None

    class DetailsCorrected(Correcting, Event):
        """The details were wrong from the beginning; an absent value stays as it was.

        ``latest_staff_number``: the number that holds last, where it changed later.
        """

        TOPIC = "practitioner.details-corrected"
        PUBLIC = "practitioner.details-corrected"
        DESCRIPTION = "What was known of a practitioner was wrong, and was put right."
        staff_number: Code | None
        family_name: Text | None
        given_name: Text | None
        grade: Grade | None
        grade_from: date | None
        specialty: Text | None
        latest_staff_number: Code | None = None

    class DetailsChanged(Event):
        """The details hold from a day on (a promotion); an absent value stays as it was.

        ``latest_staff_number``: the number that holds last, where it changed later.
        """

        TOPIC = "practitioner.details-changed"
        PUBLIC = "practitioner.details-changed"
        DESCRIPTION = "What is known of a practitioner changed from a day on."
        CORRECTED_BY = ("change_practitioner",)
        CANCELLED_BY = ("cancel_practitioner_change",)
        valid_from: date
        since: Moment
        staff_number: Code | None
        family_name: Text | None
        given_name: Text | None
        grade: Grade | None
        specialty: Text | None
        latest_staff_number: Code | None = None

    class ChangeCancelled(Cancelling, Event):
        """A change never was; ``staff_number`` is the one that holds without it."""

        TOPIC = "practitioner.change-cancelled"
        PUBLIC = "practitioner.change-cancelled"
        DESCRIPTION = "A change of what is known of a practitioner was taken back."
        valid_from: date
        staff_number: Code

    def __init__(self) -> None:
        self.registered: dict[str, Any] = {}
        """What always was so."""
        self.changes: tuple[tuple[date, datetime, dict[str, Any]], ...] = ()
        """From which day and moment on what else is so, in that order."""

    @property
    def staff_number(self) -> str:
        """Return the staff number that holds last."""
        return str(self.details[-1][1]["staff_number"])

    @property
    def details(self) -> list[tuple[datetime | None, dict[str, Any]]]:
        """Return the details by the moment from which they hold, in order; the first always held."""
        details: list[tuple[datetime | None, dict[str, Any]]] = [(None, self.registered)]
        for _, since, change in self.changes:
            details.append((since, {**details[-1][1], **change}))
        return details

    def register(
        self,
        staff_number: str,
        family_name: str | None,
        given_name: str | None,
        grade: Grade,
        grade_from: date | None,
        specialty: str | None,
        envelope: Envelope,
    ) -> None:
        """Register the practitioner."""
        self.record(
            Practitioner.Registered,
            envelope,
            staff_number=staff_number,
            family_name=family_name,
            given_name=given_name,
            grade=grade,
            grade_from=grade_from,
            specialty=specialty,
        )

    def correct(self, envelope: Envelope, **right: Any) -> None:
        """Correct details from the beginning; None leaves one as it was. Raises InvalidInput."""
        _must_say(right)
        latest = self._number_after(None) if right["staff_number"] else None
        self.record(Practitioner.DetailsCorrected, envelope, latest_staff_number=latest, **right)

    def change(self, valid_from: date, since: datetime, envelope: Envelope, **new: Any) -> None:
        """Change details from a day on; None leaves one as it was. Raises InvalidInput."""
        _must_say(new)
        self.record(
            Practitioner.DetailsChanged,
            envelope,
            valid_from=valid_from,
            since=since,
            latest_staff_number=self._number_after(valid_from) if new["staff_number"] else None,
            **new,
        )

    def has_number(self, number: str, since: datetime | None, until: datetime | None) -> bool:
        """Return whether a staff number is this one's at any time in a period; None is open."""
        ends = [start for start, _ in self.details[1:]]
        return any(
            number_key(str(details["staff_number"])) == number_key(number)
            and (until is None or start is None or start < until)
            and (since is None or end is None or since < end)
            for (start, details), end in zip(self.details, [*ends, None], strict=True)
        )

    def number_until(self, day: date | None) -> datetime | None:
        """Return the day of the next change of the staff number after a day (None: the beginning)."""
        return next((at for later, at, c in self.changes if _renumbers(later, c, day)), None)

    def _number_after(self, day: date | None) -> str | None:
        numbers = [c["staff_number"] for later, _, c in self.changes if _renumbers(later, c, day)]
        return numbers[-1] if numbers else None

    def cancel_change(self, valid_from: date, envelope: Envelope) -> None:
        """Take back what changed from a day on. Raises InvalidInput if nothing did."""
        remaining_changes = [change for day, _, change in self.changes if day != valid_from]
        if len(remaining_changes) == len(self.changes):
            days = ", ".join(str(day) for day, *_ in self.changes) or "never"
            raise InvalidInput("valid_from", f"nothing changed on that day; changes: {days}")
        numbers = [
            change["staff_number"] for change in remaining_changes if "staff_number" in change
        ]
        number = [self.registered["staff_number"], *numbers][-1]
        self.record(
            Practitioner.ChangeCancelled, envelope, valid_from=valid_from, staff_number=number
        )

    def apply(self, event: Event) -> None:
        match event:
            case Practitioner.Registered():
                self.registered = {field: getattr(event, field) for field in FIELDS}
            case Practitioner.DetailsCorrected():
                self.registered = {**self.registered, **_details_of(event)}
            case Practitioner.DetailsChanged():
                details = _details_of(event)
                if event.grade is not None:
                    details["grade_from"] = event.valid_from
                changes_of_day = [
                    change for day, _, change in self.changes if day == event.valid_from
                ]
                before = changes_of_day[0] if changes_of_day else {}
                others = [change for change in self.changes if change[0] != event.valid_from]
                new = (event.valid_from, event.since, {**before, **details})
                self.changes = tuple(sorted([*others, new], key=lambda change: change[:2]))
            case Practitioner.ChangeCancelled():
                self.changes = tuple(c for c in self.changes if c[0] != event.valid_from)
            case _:
                raise UnknownEvent(event)


FIELDS = ("staff_number", "family_name", "given_name", "grade", "grade_from", "specialty")


def _renumbers(day: date, change: Mapping[str, Any], after: date | None) -> bool:
    """Return whether a change is of the staff number, and later than a day."""
    return "staff_number" in change and (after is None or day > after)


def _details_of(event: Event) -> dict[str, Any]:
    details = {field: getattr(event, field, None) for field in FIELDS}
    return {field: value for field, value in details.items() if value is not None}


def _must_say(details: Mapping[str, Any]) -> None:
    if all(value is None for value in details.values()):
        raise InvalidInput("family_name", "say which details are different")
