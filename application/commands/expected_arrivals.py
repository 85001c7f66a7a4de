"""Commands about expected arrivals: planned admissions, and beds that are asked for."""

from datetime import date, datetime
from uuid import UUID

from msgspec.structs import replace

from application import lookups, persons
from application.authorization import scope
from application.authorization.roles import PATIENT_FLOW
from application.command import utc
from application.command_group import CommandGroup, command, correction
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.envelope import About, Source
from domain.expected_arrival import Expectation, ExpectedArrival, Urgency
from domain.patient import Patient, Sex
from domain.refusals import (
    InvalidInput,
    MovementNotFound,
    NotAllowed,
    NotFound,
    OutsideStay,
    PatientDied,
)
from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason, Status
from domain.text import clean_texts
from domain.things import Thing
from domain.time import in_utc, is_later


class ExpectedArrivals(CommandGroup):
    """Commands for patients who are expected. `admit_patient` converts a planned admission."""

    @command(roles=PATIENT_FLOW, raises=(PatientDied,))
    def plan_admission(
        self,
        uow: UnitOfWork,
        *,
        expected_at: datetime,
        patient_mrn: str | None = None,
        mrn_authority: str | None = None,
        family_name: str | None = None,
        given_name: str | None = None,
        birth_date: date | None = None,
        ward: str | None = None,
        expires_at: datetime | None = None,
        urgency: Urgency | None = None,
        isolation: bool | None = None,
        sex: Sex | None = None,
        monitor: bool | None = None,
        specialty: str | None = None,
        note: str | None = None,
        source: Source | None = None,
    ) -> None:
        """Plan the admission of a patient, or of a name that is not registered yet.

        ``source``: the other system that knew of the plan first. Raises PatientDied.
        """
        if source is not None:
            at = utc(source.recorded_at, "recorded_at")
            uow.entry = replace(uow.entry, source=clean_texts(replace(source, recorded_at=at)))
        about = _patient_named(uow, patient_mrn, mrn_authority)
        expectation = Expectation(
            expected_at=in_utc(expected_at, "expected_at"),
            urgency=urgency or Urgency.ROUTINE,
            ward=_ward(uow, ward),
            expires_at=utc(expires_at, "expires_at"),
            family_name=family_name,
            given_name=given_name,
            birth_date=birth_date,
            isolation=bool(isolation),
            sex=sex,
            monitor=bool(monitor),
            specialty=specialty,
            note=note,
        )
        uow.new(ExpectedArrival, "arrival").plan(about, expectation, uow.entry)

    @command(roles=PATIENT_FLOW, raises=(OutsideStay, PatientDied))
    def request_bed(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        expected_at: datetime | None = None,
        ward: str | None = None,
        expires_at: datetime | None = None,
        urgency: Urgency | None = None,
        isolation: bool | None = None,
        sex: Sex | None = None,
        monitor: bool | None = None,
        specialty: str | None = None,
        note: str | None = None,
    ) -> None:
        """Ask for a bed of a ward, or anywhere, for a patient in the house, from a time on (now).

        The bed that the patient gets there answers it. Raises OutsideStay, PatientDied.
        """
        stay = lookups.stay(uow, stay_id)
        _check_inside(uow, stay, uow.entry.occurred_at)
        expectation = Expectation(
            expected_at=utc(expected_at, "expected_at") or uow.entry.occurred_at,
            urgency=urgency or Urgency.ROUTINE,
            ward=_ward(uow, ward, in_scope=False),
            expires_at=utc(expires_at, "expires_at"),
            isolation=bool(isolation),
            sex=sex,
            monitor=bool(monitor),
            specialty=specialty,
            note=note,
        )
        uow.new(ExpectedArrival, "arrival").plan(stay.about, expectation, uow.entry, stay.id)

    @correction(roles=PATIENT_FLOW, raises=(MovementNotFound, PatientDied, OutsideStay))
    def correct_expected_arrival(
        self,
        uow: UnitOfWork,
        *,
        expected_arrival_id: UUID,
        expected_at: datetime | None = None,
        patient_mrn: str | None = None,
        mrn_authority: str | None = None,
        family_name: str | None = None,
        given_name: str | None = None,
        birth_date: date | None = None,
        ward: str | None = None,
        expires_at: datetime | None = None,
        urgency: Urgency | None = None,
        isolation: bool | None = None,
        sex: Sex | None = None,
        monitor: bool | None = None,
        specialty: str | None = None,
        note: str | None = None,
    ) -> None:
        """Correct who or what is expected, or when it was told (``occurred_at``)."""
        arrival = expected_arrival(uow, expected_arrival_id)
        about = _patient_named(uow, patient_mrn, mrn_authority)
        if about is not None and arrival.stay is not None:
            raise InvalidInput("patient_mrn", "a bed request is of the patient of its stay")
        if about is not None and _converting(uow, arrival):
            raise InvalidInput("patient_mrn", "the patient was admitted with it")
        if arrival.stay is not None and uow.times.corrected_at is not None:
            _check_inside(uow, lookups.stay(uow, arrival.stay), uow.times.corrected_at)
        arrival.correct(
            about,
            uow.times.corrected_at,
            uow.times.corrected_precision,
            uow.entry,
            expected_at=utc(expected_at, "expected_at"),
            family_name=family_name,
            given_name=given_name,
            birth_date=birth_date,
            ward=_ward(uow, ward, in_scope=arrival.stay is None),
            expires_at=utc(expires_at, "expires_at"),
            urgency=urgency,
            isolation=isolation,
            sex=sex,
            monitor=monitor,
            specialty=specialty,
            note=note,
        )

    @command(roles=PATIENT_FLOW, raises=(MovementNotFound,))
    def cancel_expected_arrival(
        self,
        uow: UnitOfWork,
        *,
        expected_arrival_id: UUID,
        because: CancellationReason | None = None,
    ) -> None:
        """Call an arrival off from now on (the default), or void what was entered in error."""
        arrival = expected_arrival(uow, expected_arrival_id)
        stay = _converting(uow, arrival)
        if stay is not None:
            raise InvalidInput(
                "expected_arrival_id",
                f"the patient was admitted with it{_stay_words(uow, stay)}; cancel that admission first",
            )
        arrival.cancel(because or CancellationReason.DECISION_REVERSED, uow.entry)


def _check_inside(uow: UnitOfWork, stay: Stay, at: datetime) -> None:
    """Refuse a bed request of who was not here then, or dead. Raises OutsideStay, PatientDied."""
    if not stay.history.includes(at):
        raise OutsideStay(stay.id, "The bed request")
    died_at = persons.died_at(uow, stay.patient)
    if died_at is not None and is_later(at, died_at):
        raise PatientDied(died_at)


def expected_arrival(uow: UnitOfWork, id: UUID) -> ExpectedArrival:
    """Return an expected arrival to act on. Raises NotFound, NotAllowed."""
    arrival = uow.one(ExpectedArrival, id, "expected_arrival_id")
    if arrival.stay is not None:
        lookups.stay(uow, arrival.stay, "expected_arrival_id")
    elif arrival.patient is not None:
        patient = uow.one(Patient, arrival.patient, "expected_arrival_id")
        scope.check_patient(uow, patient)
    if arrival.stay is None and arrival.expectation and arrival.expectation.ward:
        scope.check_ward(uow, arrival.expectation.ward)
    return arrival


def convert(uow: UnitOfWork, id: UUID, stay: Stay) -> None:
    """Note that a stay was admitted as expected. Raises NotFound, MovementNotFound, InvalidInput."""
    assert stay.patient is not None
    records = {record.id for record in persons.records(uow, stay.patient)}
    arrival = uow.one(ExpectedArrival, id, "expected_arrival_id")
    other = _converting(uow, arrival)
    if arrival.patient not in records:
        try:
            expected_arrival(uow, id)
            if other is not None:
                scope.check_stay(uow, other)
        except NotAllowed:
            raise NotFound(Thing.EXPECTED_ARRIVAL, str(id), "expected_arrival_id") from None
    if other is not None:
        raise InvalidInput(
            "expected_arrival_id",
            f"the patient was admitted with it already{_stay_words(uow, other)}",
        )
    arrival.convert(stay.id, stay.patient, records, uow.entry)


def _converting(uow: UnitOfWork, arrival: ExpectedArrival) -> Stay | None:
    """Return the stay that was admitted as expected, as held true now."""
    for stay in uow.load(Stay, *arrival.by_stays):
        segments = stay.history.segments
        if segments and segments[-1][1].status is not Status.CANCELLED:
            return stay
    return None


def _stay_words(uow: UnitOfWork, stay: Stay) -> str:
    """Return the words that name a stay within a sentence; none, if the login may not see it."""
    return f", stay {stay.id}" if scope.is_open(uow, stay) else ""


def _patient_named(uow: UnitOfWork, mrn: str | None, authority: str | None) -> About | None:
    """Return the patient of an expected arrival. Raises NotFound, NotAllowed, PatientDied."""
    if mrn is None:
        return None
    patient = lookups.patient(uow, mrn, authority)
    died_at = persons.died_at(uow, patient.id)
    if died_at is not None and is_later(uow.entry.occurred_at, died_at):
        raise PatientDied(died_at)
    return patient.about


def _ward(uow: UnitOfWork, ward: str | None, *, in_scope: bool = True) -> str | None:
    """Return a ward's name as its rooms have it; None if none is named. Raises NotFound, NotAllowed."""
    if ward is None:
        return None
    if in_scope:
        scope.check_ward(uow, ward)
    if uow.record.first_owner(*unique_keys.rooms_of(ward)) is None:
        raise NotFound(Thing.WARD, ward, "ward")
    return lookups.ward_name(uow, ward)
