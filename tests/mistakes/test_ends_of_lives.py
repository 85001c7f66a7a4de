"""Mistakes of other systems about what ends with a life, a stay or an order: see `test_covered`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.mistakes.test_lives import MERGE, chained, dead, died_at
from tests.support.api_dsl import Ward, ago, late, moment
from tests.support.correction_examples import IN_ERROR, WRONG, entries, movement


@pytest.mark.parametrize("told", ["death", "corrected death", "merge", "discharge as DIED"])
def test_mistake_290_nobody_gets_an_allergy_after_a_death_that_is_told_afterwards(
    ward: Ward, told: str
) -> None:
    first, last = chained(ward)[::2]
    latex = {"patientMrn": first, "substance": {"name": "Latex"}}
    ward.record("recordAllergy", **latex, **late(ago(hours=8)))
    if told == "death":
        answer = ward.execute("recordDeath", patientMrn=last, **late(ago(hours=9)))
    elif told == "corrected death":
        ward.record("recordDeath", patientMrn=last, **late(ago(hours=7)))
        answer = ward.execute("correctDeath", patientMrn=last, occurredAt=ago(hours=9), **WRONG)
    elif told == "merge":
        other, _ = dead(ward, hours=9)
        answer = ward.execute("mergePatients", patientMrn=last, intoMrn=other, **MERGE)
    else:
        stay = ward.stay(patientMrn=last)
        died = {"stayId": stay, "disposition": "DIED"}
        answer = ward.execute("dischargePatient", **died, **late(ago(hours=9)))

    assert answer["__typename"] == "ContradictsLaterFacts"


def test_mistake_290_an_allergy_known_to_the_day_of_death_contradicts_nothing(ward: Ward) -> None:
    noon = (datetime.now(UTC) - timedelta(days=3)).replace(hour=12, minute=0)
    latex = {"substance": {"name": "Latex"}, "occurredAtPrecision": "DAY"}
    for death_first in (True, False):
        mrn = ward.patient()
        died = late((noon - timedelta(hours=3)).isoformat())
        acts: list[tuple[str, dict[str, Any]]] = [
            ("recordDeath", died),
            ("recordAllergy", {**latex, **late(noon.isoformat())}),
        ]
        for name, content in acts if death_first else reversed(acts):
            ward.record(name, patientMrn=mrn, **content)


def test_mistake_291_a_death_of_the_day_that_is_all_that_is_known_of_the_discharge_is_taken(
    ward: Ward,
) -> None:
    day = (datetime.now(UTC) - timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
    at, later = day.isoformat(), (day + timedelta(hours=4)).isoformat()
    mrn = ward.patient()
    stay = ward.stay(at=(day - timedelta(days=1)).isoformat(), patientMrn=mrn)
    died = {"stayId": stay, "disposition": "DIED", "occurredAtPrecision": "DAY"}
    ward.record("dischargePatient", **died, **late(at))
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND"}
    ward.record("recordVisit", **visit, **late((day + timedelta(hours=2)).isoformat()))

    next_day = late((day + timedelta(days=1)).isoformat())
    assert ward.execute("recordDeath", patientMrn=mrn, **next_day)["__typename"] == "PatientDied"
    ward.record("recordDeath", patientMrn=mrn, **late(later))

    result = died_at(ward, mrn)
    assert result is not None
    assert moment(result) == moment(later)


def test_mistake_291_a_death_is_known_as_precisely_as_the_discharge_that_it_follows_from(
    ward: Ward,
) -> None:
    mrn, stay = dead(ward, hours=30)
    discharge = movement(ward, stay, "STAY_DISCHARGED")
    early = ward.execute("recordDeath", patientMrn=mrn, **late(ago(hours=29)))
    assert early["__typename"] == "PatientDied"
    ward.record("correctMovement", movementId=discharge, occurredAtPrecision="HOUR", **WRONG)
    query = """query($mrn: String!) { timeline(mrn: $mrn, read: TRUTH) {
      nodes { kind occurredAtPrecision } } }"""
    nodes = ward.ask(query, mrn=mrn)["timeline"]["nodes"]
    deaths = [n for n in nodes if n["kind"] in ("PATIENT_DIED", "PATIENT_DEATH_CORRECTED")]
    assert [node["occurredAtPrecision"] for node in deaths] == ["HOUR"]


def test_mistake_292_a_death_and_a_discharge_as_died_are_both_taken_back(ward: Ward) -> None:
    mrn, stay = dead(ward)
    exact = ago(hours=6)
    ward.record("recordDeath", patientMrn=mrn, **late(exact))
    alive = {"movementId": movement(ward, stay, "STAY_DISCHARGED"), "disposition": "HOME"}
    assert ward.execute("correctMovement", **alive, **WRONG)["__typename"] == "PatientDied"

    ward.record("cancelDeath", patientMrn=mrn, **WRONG)
    assert died_at(ward, mrn) not in (None, exact)  # it follows from the discharge again
    assert ward.execute("cancelDeath", patientMrn=mrn, **WRONG)["__typename"] == "InvalidInput"
    ward.record("correctMovement", **alive, **WRONG)

    assert died_at(ward, mrn) is None
    ward.stay(at=ago(hours=1), patientMrn=mrn)


@pytest.mark.parametrize("told", ["admission", "correction", "birth date"])
def test_mistake_293_nobody_is_decided_to_be_admitted_before_birth(ward: Ward, told: str) -> None:
    born, before = ago(days=5)[:10], ago(days=8)
    decided = {"decidedToAdmitAt": before}
    mrn = ward.patient(**({} if told == "birth date" else {"birthDate": born}))
    if told == "admission":
        newborn = {"patientMrn": mrn, "admissionType": "NEWBORN", **late(ago(days=4))}
        answer = ward.execute("admitPatient", **newborn, **decided)
    elif told == "correction":
        stay = ward.stay(at=ago(days=4), patientMrn=mrn)
        admission = movement(ward, stay, "STAY_ADMITTED")
        answer = ward.execute("correctMovement", movementId=admission, **decided, **WRONG)
    else:
        ward.stay(at=ago(days=4), patientMrn=mrn, **decided)
        answer = ward.execute("correctPatientDetails", patientMrn=mrn, birthDate=born, **WRONG)

    field = "birthDate" if told == "birth date" else "decidedToAdmitAt"
    assert (answer["__typename"], answer["path"]) == ("InvalidInput", [field])


@pytest.mark.parametrize("end", ["stopPrescription", "completePrescription"])
def test_mistake_294_a_late_end_of_an_order_takes_the_place_of_its_stop_at_the_discharge(
    ward: Ward, end: str
) -> None:
    result: list[list[tuple[str, str]]] = []
    ended, left = ago(hours=9), ago(hours=5)
    for is_late in (False, True):
        stay = ward.stay()
        prescription = ward.prescription(stay)
        acts: list[tuple[str, dict[str, Any]]] = [
            (end, {"prescriptionId": prescription, **late(ended)}),
            ("dischargePatient", {"stayId": stay, "disposition": "HOME", **late(left)}),
        ]
        for name, content in reversed(acts) if is_late else acts:
            ward.record(name, **content)
        truth = entries(ward, stay, "TRUTH")
        result.append([(e["kind"], e["occurredAt"]) for e in truth if "PRESCRIPTION" in e["kind"]])
        result[-1].sort()

    assert [kind for kind, _ in result[1]] == [kind for kind, _ in result[0]]
    assert result[1][0][1] == result[0][0][1] == ended


def test_mistake_295_an_infusion_in_a_stay_that_never_was_does_not_end(ward: Ward) -> None:
    stay = ward.stay()
    verbal = {"basis": "VERBAL_ORDER", "orderedBy": ward.doctor(), "infusion": True}
    dose = {"stayId": stay, "medication": {"name": "Noradrenaline"}, **verbal}
    ward.record("recordUnprescribedDose", endedAt=ago(hours=7), **dose, **late(ago(hours=8)))
    fields = {"prescriptionId": ward.prescription(stay), "given": True, "infusion": True}
    ward.record("recordAdministration", endedAt=ago(hours=7), **fields, **late(ago(hours=8)))

    ward.record("cancelAdmission", stayId=stay, voidClinicalFacts=True, **IN_ERROR)

    assert entries(ward, stay, "TRUTH") == []
