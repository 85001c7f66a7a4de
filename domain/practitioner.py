"""A practitioner (attends, visits, prescribes), known by a staff number."""

from datetime import date

from domain.aggregate import Aggregate, Event, UnknownEvent
from domain.described_enum import DescribedEnum
from domain.envelope import Code, Envelope, Text


class Grade(DescribedEnum):
    """Seniority of a doctor, held from a day on."""

    CONSULTANT = "CONSULTANT", "Answers for patients."
    SPECIALIST = "SPECIALIST", "Has finished training in a specialty."
    RESIDENT = "RESIDENT", "Is in training."
    OTHER = "OTHER", "None of these."


class Practitioner(Aggregate):
    """Reference data, thin: registration, with the grade and the day from which it is held."""

    TOPIC = "practitioner"

    class Registered(Event):
        TOPIC = "practitioner.registered"
        PUBLIC = "practitioner.registered"
        DESCRIPTION = "A practitioner was registered."
        CORRECTED_BY = ()
        CANCELLED_BY = ()
        staff_number: Code
        family_name: Text | None
        given_name: Text | None
        grade: Grade
        grade_from: date | None
        specialty: Text | None

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

    def apply(self, event: Event) -> None:
        match event:
            case Practitioner.Registered():
                self.staff_number = event.staff_number
            case _:
                raise UnknownEvent(event)
