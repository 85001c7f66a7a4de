"""Stays with a time away between a discharge and its reversal, and stays that ended as they began."""

from uuid import UUID

import pytest

from application.command import Recorded
from application.hospital import Hospital
from domain.prescription.events import Medication
from domain.refusals import ContradictsLaterFacts
from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason, Disposition
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from tests.support.hospital_dsl import admitted, ago, request, room, rows


def discharged(hospital: Hospital, stay: UUID, hours: float) -> Recorded:
    command_request = request(ago(hours=hours))
    return hospital.stays.discharge_patient(
        command_request, stay_id=stay, disposition=Disposition.HOME
    )


def back(hospital: Hospital, stay: UUID, hours: float) -> UUID:
    """The reversal of a discharge: the patient is back, in the corridor."""
    answer = hospital.corrections.cancel_discharge(
        request(ago(hours=hours)),
        stay_id=stay,
        because=CancellationReason.DECISION_REVERSED,
        without_bed="corridor",
    )
    (cancelled,) = [e for e in answer.events if isinstance(e, Stay.DischargeCancelled)]
    return cancelled.cancel


def given(hospital: Hospital, stay: UUID, written: float, dose: float, stopped: float) -> None:
    """A medicine that was written, given once and stopped, so many hours ago."""
    command_request = request(ago(hours=written))
    drug = hospital.prescriptions.write_prescription(
        command_request, stay_id=stay, medication=Medication(name="Heparin")
    )
    (id,) = drug.ids("prescription")
    hospital.prescriptions.record_administration(
        request(ago(hours=dose)), prescription_id=id, given=True
    )
    hospital.prescriptions.stop_prescription(request(ago(hours=stopped)), prescription_id=id)


def test_a_patient_does_not_come_back_only_after_what_was_given_then(hospital: Hospital) -> None:
    room(hospital)
    stay = admitted(hospital, "M1", "A/1/a", ago(hours=10))
    discharged(hospital, stay, 8)
    reversal = back(hospital, stay, 6)
    given(hospital, stay, 5, 4, 2)
    with pytest.raises(ContradictsLaterFacts) as refusal:
        hospital.corrections.correct_movement(request(ago(hours=3)), movement_id=reversal)
    assert len(refusal.value.facts) > 1


def test_a_patient_does_not_leave_before_what_was_given_even_to_come_back(
    hospital: Hospital,
) -> None:
    room(hospital)
    stay = admitted(hospital, "M1", "A/1/a", ago(hours=10))
    given(hospital, stay, 9, 8, 7)
    result = discharged(hospital, stay, 6)
    back(hospital, stay, 5)
    (gone,) = [e.movement for e in result.events if isinstance(e, Stay.Discharged)]
    with pytest.raises(ContradictsLaterFacts):
        hospital.corrections.correct_movement(request(ago(hours=8.5)), movement_id=gone)
    hospital.corrections.correct_movement(request(ago(hours=6.5)), movement_id=gone)


def test_a_merge_takes_along_a_stay_that_ended_as_it_began(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    began = ago(hours=10)
    stay = admitted(hospital, "M1", "A/1/a", began)
    hospital.stays.discharge_patient(request(began), stay_id=stay, disposition=Disposition.HOME)
    admitted(hospital, "M2", "A/1/a", ago(hours=1))
    persons = "SELECT stay, person FROM record.person_claims ORDER BY stay"
    before = rows(database, persons)

    merged = hospital.identity.merge_patients(
        request(reason="one person"), patient_mrn="M1", into_mrn="M2"
    )
    assert len({person for _, person in rows(database, persons)}) == 1
    assert [c for c in verify(database, read_models=False) if c.broken] == []

    hospital.identity.unmerge_patients(request(reason="two"), merge_id=merged.entry.id_of("merge"))
    assert rows(database, persons) == before


def test_nobody_dies_before_a_stay_that_ended_as_it_began(hospital: Hospital) -> None:
    room(hospital)
    began = ago(hours=10)
    stay = admitted(hospital, "M1", "A/1/a", began)
    hospital.stays.discharge_patient(request(began), stay_id=stay, disposition=Disposition.HOME)
    with pytest.raises(ContradictsLaterFacts):
        hospital.patients.record_death(request(ago(hours=11)), patient_mrn="M1")
    hospital.patients.record_death(request(began), patient_mrn="M1")
