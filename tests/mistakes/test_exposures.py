"""Mistakes of other systems about reports that a wrong fact got into: see `test_covered`."""

from typing import Any

import pytest

from tests.reports.test_asked import days_ago
from tests.support.api_dsl import Ward, ago, ahead, late, place
from tests.support.correction_examples import IN_ERROR, WRONG, movement

EXPOSURE = """query($id: ID!) { exposure(movementId: $id) {
  wrong { kind } decided { kind } reports { id } } }"""


def issued(ward: Ward, name: str, first: int, last: int, /, **content: Any) -> str:
    period = {"from": days_ago(first), "to": days_ago(last)}
    return str(ward.record("issueReport", name=name, period=period, **content)["issue"]["id"])


def exposed(ward: Ward, id: str) -> list[str] | None:
    answer = ward.ask(EXPOSURE, id=id)["exposure"]
    return None if answer is None else [report["id"] for report in answer["reports"]]


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("mend", ["cancelDeath", "correctDeath"])
def test_mistake_280_reports_that_a_wrong_death_got_into_are_named_by_nobody(
    ward: Ward, mend: str, merged: bool
) -> None:
    deaths = "admissions-discharges-deaths"
    mrn, other = ward.patient(), ward.patient()
    stay = ward.stay(patientMrn=mrn, at=ago(days=12))
    at = ago(days=10)
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(at))
    if merged:
        ward.record("mergePatients", patientMrn=mrn, intoMrn=other, reason="one person")
    query = "query($m: String!) { patient(mrn: $m) { id } }"
    patient = ward.ask(query, m=mrn)["patient"]["id"]
    assert exposed(ward, patient) is None
    before = issued(ward, deaths, 13, 9)
    ward.record("recordDeath", patientMrn=mrn, **late(at))
    wrong, untouched = issued(ward, deaths, 13, 9), issued(ward, deaths, 30, 28)
    census = issued(ward, "inpatient-census", 13, 9)
    assert exposed(ward, patient) is None  # it is held true
    if mend == "cancelDeath":
        ward.record("cancelDeath", patientMrn=mrn, **WRONG)
    else:
        ward.record("correctDeath", patientMrn=mrn, occurredAt=ago(days=1), **WRONG)
    after = issued(ward, deaths, 13, 9)
    figures = {id: figures_of(ward, id) for id in (before, wrong, after)}
    assert figures[before] == figures[after] != figures[wrong]
    assert exposed(ward, patient) == [wrong]
    answer = ward.ask(EXPOSURE, id=patient)["exposure"]
    assert [entry["kind"] for entry in answer["wrong"]] == ["PATIENT_DIED"]
    assert not {untouched, census} & set(exposed(ward, patient) or ())


def closure_of(ward: Ward, bed: str) -> str:
    query = "query($w: String) { roomOccupancy(ward: $w) { room { number } beds { bedStateId } } }"
    board = ward.ask(query, w=bed.split("/")[0])["roomOccupancy"]
    (ids,) = ([b["bedStateId"] for b in r["beds"]] for r in board if r["room"]["number"] in bed)
    (closure,) = [id for id in ids if id]
    return str(closure)


def figures_of(ward: Ward, id: str) -> list[Any]:
    query = """query($id: ID!) { reportIssue(id: $id) { report {
      figures { name of { name value } value } } } }"""
    figures = ward.ask(query, id=id)["reportIssue"]["report"]["figures"]
    assert isinstance(figures, list)
    return figures


@pytest.mark.parametrize("mend", ["cancel", "correct"])
def test_mistake_280_reports_that_a_wrong_closure_got_into_are_named_by_nobody(
    ward: Ward, mend: str
) -> None:
    rate, name = "bed-occupancy-rate", ward.name("W")
    bed = f"{ward.room(ward=name)}/a"
    before = issued(ward, rate, 5, 3, ward=name)
    ward.record("closeBed", **place(bed), **{"from": ago(days=4)}, **late(ago(days=4)))
    closure, here = closure_of(ward, bed), {"ward": name, "room": bed.split("/")[1]}
    wrong, earlier = issued(ward, rate, 5, 3, ward=name), issued(ward, rate, 9, 8, ward=name)
    house, census = issued(ward, rate, 5, 3), issued(ward, "inpatient-census", 5, 3, ward=name)
    assert exposed(ward, closure) is None
    if mend == "cancel":
        ward.record("cancelBedState", **here, bedStateId=closure, **WRONG)
    else:
        right = {"from": ago(days=1), "until": ahead(days=1)}
        ward.record("correctBedState", **here, bedStateId=closure, **right, **WRONG)
    after = issued(ward, rate, 5, 3, ward=name)
    assert figures_of(ward, after) == figures_of(ward, before) != figures_of(ward, wrong)
    assert exposed(ward, closure) == [wrong, house]
    assert not {before, earlier, census, after} & set(exposed(ward, closure) or ())


def test_mistake_280_a_closure_that_only_ended_was_never_wrong(ward: Ward) -> None:
    bed = f"{ward.room()}/a"
    ward.record("closeBed", **place(bed), **{"from": ago(days=4)}, **late(ago(days=4)))
    closure = closure_of(ward, bed)
    issued(ward, "bed-occupancy-rate", 3, 2)
    ward.record("reopenBed", **place(bed), **late(ago(days=1)))
    assert exposed(ward, closure) is None


def test_mistake_280_an_id_of_nothing_is_refused(ward: Ward) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    errors = ward.client.raw(EXPOSURE, {"id": nobody})["errors"]
    assert [error["extensions"]["code"] for error in errors] == ["NotFound"]


def test_mistake_588_a_report_on_earlier_days_that_a_wrong_readmission_got_into_is_named_by_nobody(
    ward: Ward,
) -> None:
    mrn, name = ward.patient(), ward.name("Left ")
    first = ward.stay(f"{ward.room(ward=name)}/a", patientMrn=mrn, at=ago(days=22))
    ward.record("dischargePatient", stayId=first, disposition="HOME", **late(ago(days=20)))
    before = issued(ward, "readmission", 21, 18, ward=name)
    again = ward.stay(patientMrn=mrn, at=ago(days=9), admissionType="EMERGENCY")
    admission = movement(ward, again, "STAY_ADMITTED")
    wrong = issued(ward, "readmission", 21, 18, ward=name)
    issued(ward, "inpatient-census", 21, 18, ward=name)
    ward.record("cancelAdmission", stayId=again, **IN_ERROR)
    after = issued(ward, "readmission", 21, 18, ward=name)
    assert figures_of(ward, after) == figures_of(ward, before) != figures_of(ward, wrong)
    assert exposed(ward, admission) == [wrong]


def test_mistake_588_a_report_on_the_day_of_a_wrong_decision_to_admit_is_named_by_nobody(
    ward: Ward,
) -> None:
    name = ward.name("Board ")
    bed = f"{ward.room(ward=name)}/a"
    before = issued(ward, "boarding", 20, 18, ward=name)
    stay = ward.stay(bed, at=ago(days=9), decidedToAdmitAt=ago(days=19))
    wrong = issued(ward, "boarding", 20, 18, ward=name)
    admission = movement(ward, stay, "STAY_ADMITTED")
    ward.record("correctMovement", movementId=admission, decidedToAdmitAt=ago(days=10), **WRONG)
    after = issued(ward, "boarding", 20, 18, ward=name)
    assert figures_of(ward, after) == figures_of(ward, before) != figures_of(ward, wrong)
    assert exposed(ward, admission) == [wrong]


@pytest.mark.parametrize("mend", ["cancelPrescription", "correctPrescription"])
def test_mistake_589_reports_that_a_wrong_order_got_into_are_named_by_nobody(
    ward: Ward, mend: str
) -> None:
    name = ward.name("Ordered ")
    stay = ward.stay(f"{ward.room(ward=name)}/a", at=ago(days=8))
    before = issued(ward, "active-prescriptions", 6, 4, ward=name)
    order = ward.prescription(stay, **late(ago(days=7)))
    assert exposed(ward, order) is None
    wrong = issued(ward, "active-prescriptions", 6, 4, ward=name)
    issued(ward, "inpatient-census", 6, 4, ward=name)
    right = (
        {} if mend == "cancelPrescription" else {"start": ago(days=2), "occurredAt": ago(days=2)}
    )
    ward.record(mend, prescriptionId=order, **right, **WRONG)
    after = issued(ward, "active-prescriptions", 6, 4, ward=name)
    assert figures_of(ward, after) == figures_of(ward, before) != figures_of(ward, wrong)
    assert exposed(ward, order) == [wrong]
    answer = ward.ask(EXPOSURE, id=order)["exposure"]
    assert [entry["kind"] for entry in answer["wrong"]] == ["PRESCRIPTION_WRITTEN"]


def of_old(ward: Ward) -> tuple[str, str, dict[str, str]]:
    """Return a patient's MRN and id, and who saw the patient: discharged ten days ago."""
    mrn, number = ward.patient(birthDate="1950-01-01", sex="FEMALE"), ward.name("D")
    answer = ward.record("registerPractitioner", staffNumber=number, **late(ago(days=30)))
    doctor = answer["practitioner"]
    stay = ward.stay(f"{ward.room('a')}/a", patientMrn=mrn, at=ago(days=12))
    visit = {"stayId": stay, "practitioner": number, "kind": "ROUND"}
    ward.record("recordVisit", **visit, **late(ago(days=11)))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=10)))
    answer = ward.ask("query($m: String!) { patient(mrn: $m) { id } }", m=mrn)
    return mrn, str(answer["patient"]["id"]), doctor


@pytest.mark.parametrize("wrong", [{"birthDate": "2015-01-01"}, {"sex": "MALE"}], ids=str)
def test_mistake_726_reports_that_a_wrong_birth_date_or_sex_got_into_are_named_by_nobody(
    ward: Ward, wrong: dict[str, Any]
) -> None:
    mrn, patient, _ = of_old(ward)
    groups = "movements-by-age-and-sex"
    ward.record("correctPatientDetails", patientMrn=mrn, familyName="Other", **WRONG)
    assert exposed(ward, patient) is None
    before = issued(ward, groups, 13, 9)
    ward.record("correctPatientDetails", patientMrn=mrn, **wrong, **WRONG)
    meanwhile, census = issued(ward, groups, 13, 9), issued(ward, "inpatient-census", 13, 9)
    right = {"birthDate": "1950-01-01", "sex": "FEMALE"}
    again = {name: right[name] for name in wrong}
    ward.record("correctPatientDetails", patientMrn=mrn, **again, **WRONG)
    after = issued(ward, groups, 13, 9)
    figures = {id: figures_of(ward, id) for id in (before, meanwhile, after)}
    assert figures[before] == figures[after] != figures[meanwhile]
    assert exposed(ward, patient) == [meanwhile] != [census]
    married = {"familyName": "Newly", "validFrom": days_ago(1)}
    ward.record("correctPatientDetails", patientMrn=mrn, **married, **WRONG)
    assert exposed(ward, patient) == [meanwhile]


def test_mistake_726_reports_that_a_wrong_grade_got_into_are_named_by_nobody(ward: Ward) -> None:
    _, _, doctor = of_old(ward)
    id, number, review = doctor["id"], doctor["staffNumber"], "senior-review"
    assert exposed(ward, id) is None
    before = issued(ward, review, 13, 9)
    ward.record("correctPractitioner", staffNumber=number, grade="CONSULTANT", **WRONG)
    meanwhile, census = issued(ward, review, 13, 9), issued(ward, "inpatient-census", 13, 9)
    ward.record("correctPractitioner", staffNumber=number, grade="OTHER", **WRONG)
    assert exposed(ward, id) == [meanwhile] != [census]
    assert before != meanwhile


@pytest.mark.parametrize("mend", ["correctRoom", "cancelRoomChange", "changeRoom"])
def test_mistake_726_reports_that_a_wrong_ward_got_into_are_named_by_nobody(
    ward: Ward, mend: str
) -> None:
    number, name, other = ward.name("R"), ward.name("W"), ward.name("V")
    room: dict[str, Any] = {"ward": name, "room": number}
    answer = ward.record("openRoom", **room, beds=["a"], **late(ago(days=30)))
    ward.room("b", ward=name)
    ward.room("b", ward=other)
    ward.stay(f"{name}/{number}/a", at=ago(days=12))
    id, census = answer["room"]["id"], "inpatient-census"
    before = issued(ward, census, 13, 9, ward=name)
    assert exposed(ward, id) is None
    if mend == "correctRoom":
        ward.record("correctRoom", **room, newWard=other, **WRONG)
    else:
        ward.record("changeRoom", **room, newWard=other, validFrom=days_ago(11), **WRONG)
    meanwhile, untouched = (issued(ward, census, day, day - 3, ward=name) for day in (12, 24))
    moved = {"ward": other, "room": number}
    if mend == "cancelRoomChange":
        ward.record("cancelRoomChange", **moved, **WRONG)
    elif mend == "changeRoom":
        ward.record("changeRoom", **moved, newWard=name, validFrom=days_ago(11), **WRONG)
    else:
        ward.record("correctRoom", **moved, newWard=name, **WRONG)
    assert exposed(ward, id) == [meanwhile]
    assert not {before, untouched} & set(exposed(ward, id) or ())


def test_mistake_726_a_room_that_went_to_another_ward_was_never_wrong(ward: Ward) -> None:
    number, name, other = ward.name("R"), ward.name("W"), ward.name("V")
    room: dict[str, Any] = {"ward": name, "room": number}
    answer = ward.record("openRoom", **room, beds=["a"], **late(ago(days=30)))
    issued(ward, "inpatient-census", 13, 9, ward=name)
    ward.record("changeRoom", **room, newWard=other, validFrom=days_ago(11), **WRONG)
    assert exposed(ward, answer["room"]["id"]) is None
