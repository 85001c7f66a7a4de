"""Commands about the erasure of a person: legal holds, requests, and the erasure itself.

A person is erased by the destruction of keys: the log stays as it is, and so do figures. It takes two
persons, and is refused while a stay is open or a record is under a legal hold.
"""

from typing import TypeVar
from uuid import UUID

from application import lookups, persons
from application.authorization.roles import PRIVACY
from application.command import reason_needed
from application.command_group import CommandGroup, command
from application.commands.expected_arrivals import expected_arrival
from application.grouped_details import grouped_details
from application.ports import UniqueClaim
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.aggregate import Aggregate
from domain.break_glass import EmergencyAccess
from domain.envelope import About
from domain.erasure import Erasure, ErasureImpossible, LegalBasis
from domain.expected_arrival import ExpectedArrival
from domain.patient import Confidentiality, Patient, Sex
from domain.prescription.aggregate import Prescription
from domain.problems import Problem
from domain.refusals import InvalidInput
from domain.source_visit import SourceVisit
from domain.stay.aggregate import Stay

A = TypeVar("A", bound=Aggregate)

EXPECTED_ARRIVALS = "expected-arrivals"
"""The authority of the numbers of those who were expected and never registered: the arrival's id."""


class Erasures(CommandGroup):
    """Erasure of persons, and what stands against it."""

    @command(roles=PRIVACY, raises=(ErasureImpossible,))
    def place_legal_hold(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str | None = None,
        mrn_authority: str | None = None,
        expected_arrival_id: UUID | None = None,
    ) -> None:
        """Forbid to erase a person, saying why. Raises ErasureImpossible if that is so already."""
        reason_needed(uow.entry, Problem.HOLD)
        _person(uow, patient_mrn, mrn_authority, expected_arrival_id).place_legal_hold(uow.entry)

    @command(roles=PRIVACY)
    def lift_legal_hold(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str | None = None,
        mrn_authority: str | None = None,
        expected_arrival_id: UUID | None = None,
    ) -> None:
        """Lift the legal hold of a person, of whichever record has it. Raises InvalidInput."""
        reason_needed(uow.entry, Problem.HOLD_END)
        patient = _person(uow, patient_mrn, mrn_authority, expected_arrival_id)
        held_records = [record for record in persons.records(uow, patient.id) if record.legal_hold]
        for record in held_records or [patient]:
            record.lift_legal_hold(uow.entry)

    @command(roles=PRIVACY, raises=(ErasureImpossible,))
    def request_erasure(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str | None = None,
        mrn_authority: str | None = None,
        expected_arrival_id: UUID | None = None,
        legal_basis: LegalBasis,
    ) -> None:
        """Request the erasure of a person, saying why; another login has to approve it.

        Raises ErasureImpossible.
        """
        reason_needed(uow.entry, Problem.ERASURE)
        patient = _person(uow, patient_mrn, mrn_authority, expected_arrival_id)
        _check_erasable(uow, patient)
        patient.request_erasure(legal_basis, uow.entry)

    def finish(self) -> None:
        """Destroy the keys of all who were erased, where that is not done.

        A program may have ended in between, or a backup of the keys from before was restored.
        """
        erased_patients = self.record.owners([unique_keys.ERASED])
        for events in self.record.streams(dict.fromkeys(erased_patients, 0)).values():
            for event in events:
                if isinstance(event, Patient.Erased):
                    self.record.destroy_keys(event)

    @command(roles=PRIVACY)
    def withdraw_erasure(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str | None = None,
        mrn_authority: str | None = None,
        expected_arrival_id: UUID | None = None,
    ) -> None:
        """Withdraw a request to erase a person, or turn it down. Raises InvalidInput."""
        patient = _person(uow, patient_mrn, mrn_authority, expected_arrival_id)
        requested_records = [
            record for record in persons.records(uow, patient.id) if record.erasure
        ]
        for record in requested_records or [patient]:
            record.withdraw_erasure(uow.entry)

    @command(roles=PRIVACY, raises=(ErasureImpossible,))
    def erase_patient(
        self,
        uow: UnitOfWork,
        *,
        patient_mrn: str | None = None,
        mrn_authority: str | None = None,
        expected_arrival_id: UUID | None = None,
    ) -> None:
        """Approve the request of another login, and erase the person with all records.

        Raises ErasureImpossible.
        """
        patient = _person(uow, patient_mrn, mrn_authority, expected_arrival_id)
        records = persons.records(uow, patient.id)
        erasure = next((record.erasure for record in records if record.erasure), None)
        if erasure is None:
            raise ErasureImpossible(
                Problem.ERASURE_NOT_REQUESTED,
                "nobody has requested it; `request_erasure` comes first",
            )
        if _is_of_who_requested(uow, erasure):
            raise ErasureImpossible(Problem.SAME_LOGIN)
        _check_erasable(uow, patient)
        belongings = _belongings(uow, records)
        details = grouped_details(uow, [record.id for record in records])
        for record in sorted(records, key=lambda record: record.id != patient.id):
            uow.released += _numbers(uow, record)
            streams = tuple(sorted(belongings[record.id]))
            record.erase(erasure, streams, uow.entry, self.record.prove, details.get(record.id, ()))


def _person(
    uow: UnitOfWork, mrn: str | None, authority: str | None, arrival_id: UUID | None
) -> Patient:
    """Return a person by MRN, or who is expected. Raises NotFound, NotAllowed, InvalidInput.

    Who is expected and was never registered gets a record without a name, to which holds belong.
    """
    if arrival_id is None:
        if mrn is None:
            raise InvalidInput("patient_mrn", "name `patient_mrn` or `expected_arrival_id`")
        return lookups.patient(uow, mrn, authority)
    if mrn is not None:
        raise InvalidInput("patient_mrn", "name `patient_mrn` or `expected_arrival_id`, not both")
    arrival = expected_arrival(uow, arrival_id)
    if arrival.patient is not None:
        return uow.one(Patient, arrival.patient, "expected_arrival_id")
    id = uow.entry.id_of("patient")
    patient = uow.new(Patient, "patient", About(patient=id, key_id=f"{id}/1"))
    unknown = (None, None, None, Sex.UNKNOWN, Confidentiality.NORMAL)
    patient.register(str(arrival.id), EXPECTED_ARRIVALS, *unknown, uow.entry)
    assert patient.about is not None
    arrival.be_of(patient.about, uow.entry)
    return patient


def _is_of_who_requested(uow: UnitOfWork, erasure: Erasure) -> bool:
    """Return whether one of those who act now is one of those who requested it."""
    now, then = uow.entry.recorded_by, erasure.by
    return (now.issuer, now.subject) == (then.issuer, then.subject) or bool(
        {now.subject, now.on_behalf_of} & {then.subject, then.on_behalf_of} - {None}
    )


def _check_erasable(uow: UnitOfWork, patient: Patient) -> None:
    """Refuse while a record is under a legal hold, or a stay open. Raises ErasureImpossible."""
    if any(record.legal_hold for record in persons.records(uow, patient.id)):
        raise ErasureImpossible(
            Problem.LEGAL_HOLD, "there is a legal hold; `lift_legal_hold` comes first"
        )
    open_stays = [s.id for s in persons.stays_of(uow, patient.id) if not s.history.discharge]
    if open_stays:
        raise ErasureImpossible(Problem.STAY_OPEN, stays=tuple(open_stays))


def _belongings(uow: UnitOfWork, records: list[Patient]) -> dict[UUID, set[UUID]]:
    """Return the streams of each record now, by its id: stays, prescriptions, reported visits, arrivals.

    Emergency accesses to the person's data are among them, with each record.
    """
    ids = {record.id for record in records}
    belongings: dict[UUID, set[UUID]] = {id: set() for id in ids}
    histories = uow.record.streams(dict.fromkeys(uow.record.streams_of_patients(ids), 0))

    def load_belongings(kind: type[A]) -> list[A]:
        streams = [id for id, events in histories.items() if events[0].belongs_to(kind)]
        return uow.load(kind, *streams)

    for access in load_belongings(EmergencyAccess):
        for id in ids:
            belongings[id].add(access.id)
    patients = (
        *((stay.id, stay.patient) for stay in load_belongings(Stay)),
        *(
            (prescription.id, prescription.patient)
            for prescription in load_belongings(Prescription)
        ),
        *((visit.id, visit.patient) for visit in load_belongings(SourceVisit)),
        *((arrival.id, arrival.patient) for arrival in load_belongings(ExpectedArrival)),
    )
    for stream, patient in patients:
        if patient in ids:
            belongings[patient].add(stream)
    return belongings


def _numbers(uow: UnitOfWork, record: Patient) -> list[UniqueClaim]:
    """Return the claims of the numbers that a record has, and had."""
    events = uow.record.streams({record.id: 0})[record.id]
    claims = [
        claim
        for event in events
        for claim in (unique_keys.unique_of(event), unique_keys.former_of(event))
        if claim is not None
    ]
    return [UniqueClaim(*claim, record.id) for claim in claims]
