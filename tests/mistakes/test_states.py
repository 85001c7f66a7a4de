"""Mistakes of other systems about states: see `test_covered` for the list and what is left out."""

from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, late, place
from tests.support.correction_examples import IN_ERROR, WRONG, entries
from tests.support.questions import doses, the_stay


def test_mistake_11_a_fact_is_not_written_into_the_history_of_another_kind(ward: Ward) -> None:
    room = ward.room("a")
    stay = ward.stay(f"{room}/a")
    prescription = ward.prescription(stay)
    ward.record("changeSpecialty", stayId=stay, specialty="surgery")
    ward.record("planDischarge", stayId=stay, plan="PLANNED")
    ward.record("holdPrescription", prescriptionId=prescription, reason="surgery")

    result = entries(ward, stay)

    kinds = [e["kind"] for e in result]
    assert len(kinds) == len(set(kinds))
    shapes = [frozenset(e["data"]) for e in result]
    assert len(set(shapes)) == len(shapes), "two kinds of fact have the same shape"
    fields = {"specialty": "STAY_SPECIALTY_CHANGED", "plan": "STAY_DISCHARGE_PLANNED"}
    for field, kind in fields.items():
        assert kind in {e["kind"] for e in result if field in e["data"]}


@pytest.mark.parametrize("ended", ["discharged", "cancelled"])
def test_mistake_12_a_stay_does_not_go_from_any_state_to_any_other(ward: Ward, ended: str) -> None:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a")
    if ended == "discharged":
        ward.record("dischargePatient", stayId=stay, disposition="HOME")
    else:
        ward.record("cancelAdmission", stayId=stay, **IN_ERROR)
    before = the_stay(ward, stay) if ended == "discharged" else None

    acts: dict[str, dict[str, Any]] = {
        "transferPatient": place(f"{room}/b"),
        "startLeave": {"keepBed": True},
        "endLeave": {},
        "dischargePatient": {"disposition": "HOME"},
        "cancelAdmission": IN_ERROR,
    }
    for command, content in acts.items():
        answer = ward.execute(command, stayId=stay, **content)
        assert not answer["__typename"].endswith("Recorded"), (command, answer)

    if before is not None:
        assert the_stay(ward, stay) == before


def test_mistake_12_the_dead_are_not_admitted(ward: Ward) -> None:
    mrn, died = ward.patient(), ago(hours=3)
    ward.record("recordDeath", patientMrn=mrn, **late(died))

    answer = ward.execute(
        "admitPatient", patientMrn=mrn, admissionType="EMERGENCY", withoutBed="hall"
    )

    assert (answer["__typename"], answer["diedAt"]) == ("PatientDied", died)


def test_mistake_15_a_prescription_does_not_go_from_any_state_to_any_other(ward: Ward) -> None:
    prescription = ward.prescription()
    ward.record("stopPrescription", prescriptionId=prescription, reason="rash")

    for command in ("resumePrescription", "holdPrescription", "completePrescription"):
        answer = ward.execute(command, prescriptionId=prescription, reason="a mistake")
        assert answer["__typename"] == "PrescriptionStateBroken", command


def test_mistake_15_a_dose_whose_time_is_corrected_keeps_both_times(ward: Ward) -> None:
    prescription, wrong, right = ward.prescription(), ago(hours=4), ago(hours=6)
    answer = ward.record(
        "recordAdministration", prescriptionId=prescription, given=True, **late(wrong)
    )
    (dose,) = doses(ward, prescription)

    ward.record("correctAdministration", administrationId=dose["id"], occurredAt=right, **WRONG)

    assert [d["occurredAt"] for d in doses(ward, prescription)] == [right]
    assert [d["occurredAt"] for d in doses(ward, prescription, answer["position"])] == [wrong]
