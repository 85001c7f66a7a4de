"""Allergies and intolerances of a person: told, put right, ended and taken back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct

from domain.aggregate import Aggregate, Cancelling, Correcting, Event, FactId
from domain.clinical_refusals import AllergyStateBroken
from domain.described_enum import DescribedEnum
from domain.envelope import Envelope, Sealed, SealedLine, Text
from domain.fact_ref import FactKind, FactRef
from domain.names import folded_name
from domain.problems import Problem
from domain.refusals import (
    ContradictsLaterFacts,
    InvalidInput,
    MovementNotFound,
)
from domain.text import key
from domain.things import Thing
from domain.time import Moment, Period, Precision, SpanOf, corrected_time


class Substance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A substance by name, and by code where a coding system gives one."""

    name: SealedLine
    code: SealedLine | None = None
    system: Text | None = None


class AllergyAction(DescribedEnum):
    """Act on an allergy that another system reports (HL7 table 0206)."""

    ADD = "ADD", "The patient has it."
    UPDATE = "UPDATE", "It was otherwise than was said."
    DELETE = "DELETE", "It was told in error."


class AllergyKind(DescribedEnum):
    """Kind of a hypersensitivity (FHIR allergy-intolerance-type)."""

    ALLERGY = "ALLERGY", "The immune system reacts to it."
    INTOLERANCE = "INTOLERANCE", "The body does not tolerate it, for another reason."


class AllergySeverity(DescribedEnum):
    """Severity of the reaction (FHIR reaction-event-severity)."""

    MILD = "MILD", "Mild."
    MODERATE = "MODERATE", "Moderate."
    SEVERE = "SEVERE", "Severe."


class ToldAllergy(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """An allergy as another system tells it."""

    substance: Substance
    action: AllergyAction
    severity: AllergySeverity | None = None
    reaction: Sealed | None = None


class AllergyVerification(DescribedEnum):
    """Certainty of an allergy (FHIR allergyintolerance-verification)."""

    UNCONFIRMED = "UNCONFIRMED", "Somebody says so."
    PRESUMED = "PRESUMED", "It is likely."
    CONFIRMED = "CONFIRMED", "It was tested, or clearly seen."
    REFUTED = "REFUTED", "It was looked into, and there is none: nothing is kept from the patient."


class AllergyEvents:
    """The events of allergies, which `Patient` inherits: read as ``Patient.AllergyRecorded``."""

    class AllergyRecorded(Event):
        TOPIC = "patient.allergy-recorded"
        PUBLIC = "allergy.recorded"
        DESCRIPTION = "An allergy or intolerance of a patient was recorded."
        CORRECTED_BY = ("correct_allergy",)
        CANCELLED_BY = ("cancel_allergy",)
        allergy: FactId
        substance: Substance
        allergy_kind: AllergyKind
        severity: AllergySeverity | None
        reaction: Sealed | None
        verification: AllergyVerification

    class AllergyEnded(Event):
        """From its time on the patient has it no more."""

        TOPIC = "patient.allergy-ended"
        PUBLIC = "allergy.ended"
        DESCRIPTION = "A patient has an allergy or intolerance no more."
        CORRECTED_BY = ("correct_allergy_end",)
        CANCELLED_BY = ("cancel_allergy_end",)
        end: FactId
        allergy: UUID

    class AllergyCorrected(Correcting, Event):
        """The allergy was otherwise; an absent value stays as it was."""

        TOPIC = "patient.allergy-corrected"
        PUBLIC = "allergy.corrected"
        PUBLIC_FIELDS = {"at": "begins_at"}
        DESCRIPTION = "What was said of an allergy or intolerance was put right."
        allergy: FactId
        at: Moment | None
        precision: Precision | None
        substance: Substance | None
        allergy_kind: AllergyKind | None
        severity: AllergySeverity | None
        reaction: Sealed | None
        verification: AllergyVerification | None

    class AllergyCancelled(Cancelling, Event):
        """Entered in error: the patient never had it."""

        TOPIC = "patient.allergy-cancelled"
        PUBLIC = "allergy.cancelled"
        DESCRIPTION = "An allergy or intolerance was taken back."
        allergy: FactId

    class AllergyEndCorrected(Correcting, Event):
        TOPIC = "patient.allergy-end-corrected"
        PUBLIC = "allergy.end-corrected"
        PUBLIC_FIELDS = {"at": "ended_at"}
        DESCRIPTION = "An allergy or intolerance ended at another time."
        end: FactId
        allergy: UUID
        at: Moment
        precision: Precision

    class AllergyEndCancelled(Cancelling, Event):
        """Entered in error: the patient still has it."""

        TOPIC = "patient.allergy-end-cancelled"
        PUBLIC = "allergy.end-cancelled"
        DESCRIPTION = "The end of an allergy or intolerance was taken back."
        end: FactId
        allergy: UUID


ALLERGIES = (
    AllergyEvents.AllergyRecorded,
    AllergyEvents.AllergyEnded,
    AllergyEvents.AllergyCorrected,
    AllergyEvents.AllergyCancelled,
    AllergyEvents.AllergyEndCorrected,
    AllergyEvents.AllergyEndCancelled,
)
"""The events of allergies: none of them changes who the patient is."""


@dataclass(frozen=True, slots=True)
class AllergyEnd:
    """The end of an allergy, and how precisely its time is known."""

    id: UUID
    at: datetime
    precision: Precision = Precision.MINUTE


@dataclass(frozen=True, slots=True)
class Allergy:
    """An allergy or intolerance as held now."""

    id: UUID
    at: datetime
    precision: Precision
    substance: Substance
    allergy_kind: AllergyKind
    severity: AllergySeverity | None
    reaction: str | None
    verification: AllergyVerification
    end: AllergyEnd | None = None

    @property
    def period(self) -> Period:
        """Return the period in which the patient has it."""
        return Period(self.at, self.end.at if self.end else None)

    def known_period(self, span_of: SpanOf) -> Period | None:
        """Return the period in which the patient surely has it; None if it may have had no duration.

        What is known to the day began at its end at the latest, and ended at its beginning at the
        earliest.
        """
        start, end = self.at, self.end.at if self.end else None
        if self.precision in (Precision.HOUR, Precision.DAY):
            start = span_of(start, self.precision)[1]
        if self.end and self.end.precision in (Precision.HOUR, Precision.DAY):
            end = span_of(self.end.at, self.end.precision)[0]
        return None if end is not None and end < start else Period(start, end)

    def says_same(self, other: "Allergy", span_of: SpanOf) -> bool:
        """Return whether both tell one thing: of one substance, in one time, as held or as refuted."""
        is_refuted = AllergyVerification.REFUTED
        return (
            self.id != other.id
            and self.allergy_kind is other.allergy_kind
            and (self.verification is is_refuted) == (other.verification is is_refuted)
            and is_one_substance(self.substance, other.substance)
            and (self.period == other.period or self._meets(other, span_of))
        )

    def _meets(self, other: "Allergy", span_of: SpanOf) -> bool:
        periods = self.known_period(span_of), other.known_period(span_of)
        return periods[0] is not None and periods[1] is not None and periods[0].meets(periods[1])

    def forbids(self, medication: "Coded", period: Period) -> bool:
        """Return whether a medicine in a period meets an allergy that is not refuted."""
        is_held = self.verification is not AllergyVerification.REFUTED
        is_met = self.period.overlaps(period) or period.start in self.period
        return is_held and is_met and is_same(self.substance, medication)


Coded = Any
"""A drug or a substance: ``name``, ``code`` and ``system``."""

HIERARCHICAL_SYSTEM = "atc"
"""The coding system in which the code of a group begins those of its substances."""


def is_same(substance: Coded, medication: Coded) -> bool:
    """Return whether a medicine is, or contains, a substance: by code, else by folded name."""
    if substance.code and medication.code and _system(substance) == _system(medication):
        group, drug = key(substance.code), key(medication.code)
        if group == drug or (_system(substance) == HIERARCHICAL_SYSTEM and drug.startswith(group)):
            return True
    return folded_name(substance.name) == folded_name(medication.name)


def is_one_substance(substance: Substance, other: Substance) -> bool:
    """Return whether two substances are one: by code, where both are of one system, else by name."""
    if substance.code and other.code and _system(substance) == _system(other):
        return key(substance.code) == key(other.code)
    return folded_name(substance.name) == folded_name(other.name)


def _system(coded: Coded) -> str | None:
    return key(coded.system) if coded.system else None


class PatientAllergies(AllergyEvents, Aggregate):
    """The commands to the allergies of a person: a part of `Patient`."""

    def __init__(self) -> None:
        super().__init__()
        self.allergies: Mapping[UUID, Allergy] = {}

    def record_allergy(self, envelope: Envelope, **details: Any) -> UUID:
        """Record an allergy or intolerance, which the patient has from its time on; return its id."""
        allergy = envelope.id_of("allergy")
        self.record(AllergyEvents.AllergyRecorded, envelope, allergy=allergy, **details)
        return allergy

    def correct_allergy(
        self,
        id: UUID,
        at: datetime | None,
        precision: Precision | None,
        envelope: Envelope,
        **details: Any,
    ) -> None:
        """Correct since when the patient has it, or what it is; None leaves a value."""
        allergy = self.allergy(id)
        at = corrected_time(at, precision, allergy.at)
        if at is None and all(value is None for value in details.values()):
            raise InvalidInput("substance", "say what was different")
        end = allergy.end
        if at and end and self.latest(end) < self.span_of(at, precision or allergy.precision)[0]:
            raise ContradictsLaterFacts((FactRef(end.id, FactKind.ALLERGY_END, end.at),))
        values = {"at": at, "precision": precision, **details}
        self.record(AllergyEvents.AllergyCorrected, envelope, allergy=id, **values)

    def cancel_allergy(self, id: UUID, envelope: Envelope) -> None:
        """Take back an allergy that the patient never had, and its end."""
        if self.allergy(id).end is not None:
            self.cancel_allergy_end(id, envelope)
        self.record(AllergyEvents.AllergyCancelled, envelope, allergy=id)

    def end_allergy(self, id: UUID, envelope: Envelope) -> None:
        """End an allergy: the patient has it no more. Raises AllergyStateBroken."""
        allergy = self.allergy(id)
        if allergy.end is not None:
            raise AllergyStateBroken(Problem.ALLERGY_ENDED)
        self._check_end(allergy, envelope.occurred_at, envelope.precision)
        end = uuid5(id, f"end {envelope.command_id}")
        self.record(AllergyEvents.AllergyEnded, envelope, end=end, allergy=id)

    def correct_allergy_end(
        self, id: UUID, at: datetime | None, precision: Precision | None, envelope: Envelope
    ) -> None:
        """Correct when an allergy ended. Raises AllergyStateBroken."""
        allergy, end = self._allergy_and_end(id)
        at = corrected_time(at, precision, end.at)
        if at is None:
            raise InvalidInput("occurred_at", "say when it really ended")
        known_to = precision or Precision.MINUTE
        self._check_end(allergy, at, known_to)
        values = {"end": end.id, "at": at, "precision": known_to}
        self.record(AllergyEvents.AllergyEndCorrected, envelope, allergy=id, **values)

    def cancel_allergy_end(self, id: UUID, envelope: Envelope) -> None:
        """Take back the end of an allergy. Raises AllergyStateBroken."""
        _, end = self._allergy_and_end(id)
        self.record(AllergyEvents.AllergyEndCancelled, envelope, end=end.id, allergy=id)

    def allergy(self, id: UUID) -> Allergy:
        """Return an allergy that is held true. Raises MovementNotFound."""
        if id not in self.allergies:
            raise MovementNotFound(Thing.ALLERGY, id, "allergy_id")
        return self.allergies[id]

    def _allergy_and_end(self, id: UUID) -> tuple[Allergy, AllergyEnd]:
        allergy = self.allergy(id)
        if allergy.end is None:
            raise AllergyStateBroken(Problem.ALLERGY_NOT_ENDED)
        return allergy, allergy.end

    def _check_end(self, allergy: Allergy, at: datetime, precision: Precision) -> None:
        if self.span_of(at, precision)[1] < self.earliest(allergy):
            raise InvalidInput("occurred_at", "the patient got it later than that")


def after(allergies: Mapping[UUID, Allergy], event: Event) -> Mapping[UUID, Allergy]:
    """Return the allergies of a person after an event of their record."""
    match event:
        case AllergyEvents.AllergyRecorded():
            allergy = Allergy(
                event.allergy,
                event.entry.occurred_at,
                event.entry.precision,
                event.substance,
                event.allergy_kind,
                event.severity,
                event.reaction,
                event.verification,
            )
            return {**allergies, event.allergy: allergy}
        case AllergyEvents.AllergyCancelled():
            return {id: allergy for id, allergy in allergies.items() if id != event.allergy}
        case AllergyEvents.AllergyCorrected():
            names = ("at", "precision", *DETAILS)
            values = {name: getattr(event, name) for name in names}
            return _with(allergies, event.allergy, **{n: v for n, v in values.items() if v})
        case AllergyEvents.AllergyEnded():
            end = AllergyEnd(event.end, event.entry.occurred_at, event.entry.precision)
            return _with(allergies, event.allergy, end=end)
        case AllergyEvents.AllergyEndCorrected():
            end = AllergyEnd(event.end, event.at, event.precision)
            return _with(allergies, event.allergy, end=end)
        case AllergyEvents.AllergyEndCancelled():
            return _with(allergies, event.allergy, end=None)
        case _:
            return allergies


DETAILS = ("substance", "allergy_kind", "severity", "reaction", "verification")
"""Fields of an allergy beside its time."""


def _with(allergies: Mapping[UUID, Allergy], id: UUID, **values: Any) -> Mapping[UUID, Allergy]:
    allergy = allergies.get(id)  # a read model may have skipped it
    return {**allergies, id: replace(allergy, **values)} if allergy else allergies
