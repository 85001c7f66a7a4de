"""An expected arrival: a planned admission, or a bed that is asked for a patient in the house."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict, replace

from domain.aggregate import (
    Aggregate,
    Cancelling,
    Correcting,
    Derived,
    Event,
    FactId,
    UnknownEvent,
    WardNamed,
)
from domain.described_enum import DescribedEnum
from domain.envelope import About, Envelope, Sealed, SealedDate, Text
from domain.patient_events import SealedSex, Sex
from domain.refusals import InvalidInput, MovementNotFound
from domain.stay.facts import CancellationReason
from domain.things import Thing
from domain.time import Moment, Period, Precision, corrected_time, is_later

LAPSE = timedelta(days=30)
"""The time for which an arrival is expected still after its own, unless it says so itself."""


class Urgency(DescribedEnum):
    """Urgency of a bed (FHIR request-priority), the least urgent first."""

    ROUTINE = "ROUTINE", "In its turn."
    URGENT = "URGENT", "Before what is routine."
    ASAP = "ASAP", "As soon as possible: before what is urgent."
    STAT = "STAT", "At once."


class ArrivalStatus(DescribedEnum):
    """State of an expected arrival at a moment."""

    PLANNED = "PLANNED", "An admission is planned, and the patient has not come."
    REQUESTED = "REQUESTED", "A patient in the house waits for the bed."
    CONVERTED = "CONVERTED", "The patient was admitted, or has a bed where one was asked for."
    CANCELLED = "CANCELLED", "It was called off."
    EXPIRED = "EXPIRED", "Its time has passed, the stay has ended, or the patient died."


class Expectation(Struct, frozen=True, kw_only=True):
    """An expectation: who, where, from when on, and what is needed."""

    expected_at: datetime
    urgency: Urgency = Urgency.ROUTINE
    ward: str | None = None
    expires_at: datetime | None = None
    family_name: str | None = None
    given_name: str | None = None
    birth_date: date | None = None
    isolation: bool = False
    sex: Sex | None = None
    monitor: bool = False
    specialty: str | None = None
    note: str | None = None

    @property
    def lapses_at(self) -> datetime:
        """Return the time when it is expected no longer, if nothing more is told of it."""
        return self.expires_at or self.expected_at + LAPSE


class ExpectedArrival(Aggregate):
    """An expected arrival, from when it is planned or asked for until the patient has the bed.

    That an admission converts it is derived from the stay: one that is cancelled converts nothing.
    """

    TOPIC = "arrival"
    THING = Thing.EXPECTED_ARRIVAL

    class Planned(WardNamed, Event):
        """``patient`` is absent for a name not registered yet; ``stay``: of who is in the house."""

        TOPIC = "arrival.planned"
        PUBLIC = "arrival.planned"
        DESCRIPTION = "An admission was planned, or a bed asked for a patient in the house."
        CORRECTED_BY = ("correct_expected_arrival",)
        CANCELLED_BY = ("cancel_expected_arrival",)
        arrival: FactId
        patient: UUID | None
        stay: UUID | None
        expected_at: Moment
        urgency: Urgency
        ward: Text | None
        expires_at: Moment | None
        family_name: Sealed | None
        given_name: Sealed | None
        birth_date: SealedDate | None
        isolation: bool
        sex: SealedSex | None
        monitor: bool
        specialty: Text | None
        note: Sealed | None

    class Corrected(WardNamed, Correcting, Event):
        """All that is expected, as is right; ``patient``: who is named now, or another than before."""

        TOPIC = "arrival.corrected"
        PUBLIC = "arrival.corrected"
        DESCRIPTION = "What was said of an expected arrival was put right."
        arrival: FactId
        patient: UUID | None
        at: Moment | None
        precision: Precision | None
        expected_at: Moment
        urgency: Urgency
        ward: Text | None
        expires_at: Moment | None
        family_name: Sealed | None
        given_name: Sealed | None
        birth_date: SealedDate | None
        isolation: bool
        sex: SealedSex | None
        monitor: bool
        specialty: Text | None
        note: Sealed | None

    class Cancelled(Cancelling, Event):
        """It never was, or is called off from here on."""

        TOPIC = "arrival.cancelled"
        PUBLIC = "arrival.cancelled"
        DESCRIPTION = "An expected arrival was called off, or entered in error."
        arrival: FactId
        because: CancellationReason

    class Converted(Derived, Event):
        """It was given with an admission. Whether it is converted follows from that stay."""

        TOPIC = "arrival.converted"
        PUBLIC = "arrival.converted"
        DESCRIPTION = "A patient who was expected was admitted."
        arrival: FactId
        by_stay: UUID

    def __init__(self) -> None:
        self.patient: UUID | None = None
        self.stay: UUID | None = None
        self.requested_at: datetime | None = None
        self.precision = Precision.MINUTE
        self.expectation: Expectation | None = None
        self.altered: tuple[str, ...] = ()
        """Which of birth date and sex somebody altered in the log, until another is told."""
        self.cancelled_at: datetime | None = None
        self.cancelled_precision = Precision.MINUTE
        self.never_was = False
        self.by_stays: tuple[UUID, ...] = ()
        """The stays with whose admission it was given, also those that were cancelled since."""

    # -- decide --

    def plan(
        self,
        patient: About | None,
        expectation: Expectation,
        envelope: Envelope,
        stay: UUID | None = None,
    ) -> None:
        """Plan an admission of a patient or a name, or ask for a bed in a stay. Raises InvalidInput."""
        self.about = patient
        self._check(expectation, patient, self.span_of(envelope.occurred_at, envelope.precision)[0])
        self.record(
            ExpectedArrival.Planned,
            envelope,
            arrival=self.id,
            patient=patient and patient.patient,
            stay=stay,
            **asdict(expectation),
        )

    def correct(
        self,
        patient: About | None,
        at: datetime | None,
        precision: Precision | None,
        envelope: Envelope,
        **right: Any,
    ) -> None:
        """Correct what was expected, or when it was told; None leaves it. Raises InvalidInput."""
        self._must_hold()
        assert self.expectation is not None
        changes = {name: value for name, value in right.items() if value is not None}
        at = corrected_time(at, precision, self.requested_at or envelope.occurred_at)
        if not changes and at is None and patient is None:
            raise InvalidInput("expected_at", "say what was different")
        about = patient or self.about
        expectation = replace(self.expectation, **changes)
        requested_at = at or self.requested_at or envelope.occurred_at
        earliest = self.span_of(requested_at, precision or self.precision)[0]
        self._check(expectation, about, earliest)
        if self.cancelled_at is not None and at is not None:
            cancelled_by = self.span_of(self.cancelled_at, self.cancelled_precision)[1]
            if is_later(earliest, cancelled_by):
                raise InvalidInput("occurred_at", "it was called off before")
        self.about = about
        self.record(
            ExpectedArrival.Corrected,
            envelope,
            arrival=self.id,
            patient=patient and patient.patient,
            at=at,
            precision=precision,
            **asdict(expectation),
        )

    def be_of(self, patient: About, envelope: Envelope) -> None:
        """Note whose it is where a name alone was told, also of one that never was."""
        assert self.expectation is not None
        self.about = patient
        self.record(
            ExpectedArrival.Corrected,
            envelope,
            arrival=self.id,
            patient=patient.patient,
            at=None,
            precision=None,
            **asdict(self.expectation),
        )

    def cancel(self, because: CancellationReason, envelope: Envelope) -> None:
        """Call it off from here on, or void it. Raises MovementNotFound, InvalidInput."""
        self._must_hold()
        if because is CancellationReason.DECISION_REVERSED:
            if self.cancelled_at is not None:
                raise MovementNotFound(
                    Thing.EXPECTED_ARRIVAL, self.id, "expected_arrival_id", cancelled=True
                )
            last = self.span_of(envelope.occurred_at, envelope.precision)[1]
            if self.requested_at is not None and is_later(
                self.span_of(self.requested_at, self.precision)[0], last
            ):
                raise InvalidInput("occurred_at", "it lies before the arrival was planned")
        self.record(ExpectedArrival.Cancelled, envelope, arrival=self.id, because=because)

    def convert(self, stay: UUID, patient: UUID, records: set[UUID], envelope: Envelope) -> None:
        """Note the admission that it was given with. Raises MovementNotFound, InvalidInput.

        ``records``: all records of the person who is admitted.
        """
        self._must_hold()
        if self.cancelled_at is not None:
            raise MovementNotFound(
                Thing.EXPECTED_ARRIVAL, self.id, "expected_arrival_id", cancelled=True
            )
        if self.stay is not None:
            raise InvalidInput(
                "expected_arrival_id", "it is a bed request of a patient in the house"
            )
        if self.patient is not None and self.patient not in records:
            raise InvalidInput("expected_arrival_id", "another patient is expected with it")
        self.record(ExpectedArrival.Converted, envelope, arrival=self.id, by_stay=stay)

    def _check(self, expectation: Expectation, about: About | None, at: datetime) -> None:
        if about is None and not (expectation.family_name or expectation.given_name):
            raise InvalidInput(
                "patient_mrn",
                "say who is expected: a patient, or a name that is not registered yet",
            )
        if expectation.expires_at is not None and expectation.expires_at <= max(
            at, expectation.expected_at
        ):
            raise InvalidInput("expires_at", "it lies before the time of the arrival")

    def _must_hold(self) -> None:
        if self.never_was:
            raise MovementNotFound(
                Thing.EXPECTED_ARRIVAL, self.id, "expected_arrival_id", cancelled=True
            )

    # -- state --

    def periods(self) -> list[tuple[Period, ArrivalStatus]]:
        """Return its periods with their statuses: open, and afterwards; none if it never was."""
        if self.never_was or self.requested_at is None or self.expectation is None:
            return []
        is_open = ArrivalStatus.PLANNED if self.stay is None else ArrivalStatus.REQUESTED
        lapses_at = self.expectation.lapses_at
        end, after = lapses_at, ArrivalStatus.EXPIRED
        if self.cancelled_at is not None and self.cancelled_at <= lapses_at:
            end, after = self.cancelled_at, ArrivalStatus.CANCELLED
        end = max(end, self.requested_at)
        return [(Period(self.requested_at, end), is_open), (Period(end), after)]

    # -- evolve --

    def apply(self, event: Event) -> None:
        match event:
            case ExpectedArrival.Planned():
                self.patient, self.stay = event.patient, event.stay
                self.requested_at = event.entry.occurred_at
                self.precision = event.entry.precision
                self._expect(event)
            case ExpectedArrival.Corrected():
                self.patient = event.patient or self.patient
                self.requested_at = event.at or self.requested_at
                self.precision = event.precision or self.precision
                self._expect(event)
            case ExpectedArrival.Cancelled(because=CancellationReason.ENTERED_IN_ERROR):
                self.never_was = True
            case ExpectedArrival.Cancelled():
                self.cancelled_at = event.entry.occurred_at
                self.cancelled_precision = event.entry.precision
            case ExpectedArrival.Converted():
                self.by_stays = (*self.by_stays, event.by_stay)
            case _:
                raise UnknownEvent(event)

    def _expect(self, event: "ExpectedArrival.Planned | ExpectedArrival.Corrected") -> None:
        fields = Expectation.__struct_fields__
        expectation = Expectation(**{name: getattr(event, name) for name in fields})
        before, self.expectation = self.expectation, expectation
        self.altered = tuple(
            name
            for name in ("birth_date", "sex")
            if name in event.ALTERED
            or (name in self.altered and getattr(before, name) == getattr(expectation, name))
        )
