"""Mistakes of other systems about what is said beside a fact: see `test_covered` for the list."""

from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, ahead, late, place
from tests.support.care_examples import PENICILLIN, allergy, patient
from tests.support.correction_examples import IN_ERROR, REVERSED, WRONG, fact, movement

STAY = "query($id: ID!) { stay(id: $id) { status bed expectedReturn mother { id } } }"


def stay_of(ward: Ward, id: str) -> dict[str, Any]:
    answer = ward.ask(STAY, id=id)["stay"]
    assert isinstance(answer, dict)
    return answer


def test_mistake_299_the_end_of_an_allergy_is_not_corrected_into_a_second_one(ward: Ward) -> None:
    mrn = patient(ward)
    first = allergy(ward, mrn, hours=9)
    ward.record("endAllergy", **first, **late(ago(hours=7)))
    second = allergy(ward, mrn, hours=5)

    later = ward.execute("correctAllergyEnd", **first, occurredAt=ago(hours=4), **WRONG)
    assert (later["__typename"], later["allergyId"]) == ("AllergyKnown", second["allergyId"])
    ward.record("correctAllergyEnd", **first, occurredAt=ago(hours=6), **WRONG)
    ward.record("recordAllergy", patientMrn=mrn, substance=PENICILLIN, kind="INTOLERANCE")


def test_mistake_299_a_correction_keeps_how_precisely_an_allergy_began(ward: Ward) -> None:
    mrn = patient(ward)
    begun = late(ago(days=9)) | {"occurredAtPrecision": "DAY"}
    answer = ward.record("recordAllergy", patientMrn=mrn, substance=PENICILLIN, **begun)
    fields = {"patientMrn": mrn, "allergyId": answer["allergy"]["id"]}
    ward.record("endAllergy", **fields, **late(ago(hours=7)))
    renamed = ward.execute("correctAllergy", **fields, severity="MILD", **WRONG)
    assert renamed["__typename"] == "AllergyRecorded"
    after = {"occurredAt": ago(hours=6), "occurredAtPrecision": "MINUTE"}
    refusal = ward.execute("correctAllergy", **fields, **after, **WRONG)
    assert refusal["__typename"] == "ContradictsLaterFacts"


def test_mistake_300_nobody_is_expected_back_before_going_on_leave(ward: Ward) -> None:
    stay = ward.stay(f"{ward.room('a')}/a")
    leave = {"stayId": stay, "keepBed": True, **late(ago(hours=5))}

    refusal = ward.execute("startLeave", **leave, expectedReturn=ago(hours=6))
    assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["expectedReturn"])
    assert "correct one of them" in refusal["message"]
    ward.record("startLeave", **leave, expectedReturn=ago(hours=2))
    moved = {"movementId": movement(ward, stay, "STAY_LEAVE_STARTED")}
    for content in ({"expectedReturn": ago(hours=6)}, {"occurredAt": ago(hours=1)}):
        part = {**moved, **content}
        for refusal in (
            ward.execute("correctMovement", **part, **WRONG),
            ward.execute("correctFacts", corrections=[part], **WRONG),
        ):
            assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["expectedReturn"])
    moved |= WRONG
    both = {"expectedReturn": ahead(hours=6), "occurredAt": ago(hours=1)}
    assert ward.record("correctMovement", **moved, **both)["stay"]["status"] == "ON_LEAVE"
    unknown = {"unknown": ["EXPECTED_RETURN"], "occurredAt": ago(minutes=9)}
    ward.record("correctMovement", **moved, **unknown)
    assert stay_of(ward, stay)["expectedReturn"] is None


def test_mistake_300_a_leave_known_to_the_day_contradicts_no_return_of_that_day(ward: Ward) -> None:
    stay = ward.stay(f"{ward.room('a')}/a", ago(days=4))
    noon = ago(days=2)[:11] + "12:00:00Z"
    leave = {"stayId": stay, "keepBed": True, "occurredAtPrecision": "DAY", **late(noon)}
    early = ago(days=3)[:11] + "08:00:00Z"
    refusal = ward.execute("startLeave", **leave, expectedReturn=early)
    assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["expectedReturn"])
    ward.record("startLeave", **leave, expectedReturn=noon[:11] + "08:00:00Z")


def test_mistake_371_nobody_is_expected_to_leave_before_having_come(ward: Ward) -> None:
    day = ago(days=3)[:11]
    stay = ward.stay(f"{ward.room('a')}/a", f"{day}10:00:00Z")
    plan = {"stayId": stay, **late(f"{day}11:00:00Z")}

    refusal = ward.execute("planDischarge", **plan, expectedAt=f"{day}09:59:00Z")
    assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["expectedAt"])
    ward.record("planDischarge", **plan, expectedAt=f"{day}10:00:30Z")
    too_early = late(f"{day}09:00:00Z")
    before = ward.execute("planDischarge", stayId=stay, **too_early)
    assert before["__typename"] == "OutsideStay"
    planned = {"movementId": movement(ward, stay, "STAY_DISCHARGE_PLANNED")}
    admitted = {"movementId": movement(ward, stay, "STAY_ADMITTED")}
    earlier = {**planned, "expectedAt": f"{day}08:00:00Z"}
    for wrong in (
        ward.execute("correctMovement", **earlier, **WRONG),
        ward.execute("correctFacts", corrections=[earlier], **WRONG),
    ):
        assert (wrong["__typename"], wrong["path"]) == ("InvalidInput", ["expectedAt"])
    later = {**admitted, "occurredAt": f"{day}10:30:00Z"}
    broken = ward.execute("correctMovement", **later, **WRONG)
    assert [f["kind"] for f in broken["facts"]] == ["discharge plan"]
    both = [later, {**planned, "expectedAt": f"{day}18:00:00Z"}]
    assert ward.record("correctFacts", corrections=both, **WRONG)["position"]
    ward.record("correctMovement", **admitted, occurredAt=f"{day}07:00:00Z", **WRONG)
    ward.record("correctMovement", **earlier, **WRONG)


def test_mistake_371_a_discharge_expected_on_the_day_of_the_admission_is_a_date_alone(
    ward: Ward,
) -> None:
    day, before = ago(days=3)[:11], ago(days=4)[:11]
    stay = ward.stay(at=f"{day}10:00:00Z")
    plan = {"stayId": stay, **late(f"{day}11:00:00Z")}
    assert ward.execute("planDischarge", **plan, expectedAt=f"{before}00:00:00Z")["path"] == [
        "expectedAt"
    ]
    ward.record("planDischarge", **plan, expectedAt=f"{day}00:00:00Z")
    known_to_the_day = {**late(f"{day}10:00:00Z"), "occurredAtPrecision": "DAY"}
    other = ward.record(
        "admitPatient", patientMrn=ward.patient(), admissionType="ELECTIVE", **known_to_the_day
    )
    plan = {"stayId": other["stay"]["id"], **late(f"{day}11:00:00Z")}
    ward.record("planDischarge", **plan, expectedAt=f"{day}08:00:00Z")


@pytest.mark.parametrize("because", [IN_ERROR, REVERSED], ids=["in error", "reversed"])
@pytest.mark.parametrize("how", ["along", "apart", "not"])
def test_mistake_301_children_discharged_with_their_mother_come_back_with_her_if_named(
    ward: Ward, because: dict[str, str], how: str
) -> None:
    room = ward.room(*"abc")
    mother = ward.stay(f"{room}/a")
    newborn = {"sharesBedOf": mother, "admissionType": "NEWBORN"}
    child = ward.stay(f"{room}/a", ago(days=1), **newborn)
    gone = {"disposition": "HOME", "sharers": [{"stayId": child, "sharesBed": True}]}
    ward.record("dischargePatient", stayId=mother, **gone, **late(ago(hours=5)))

    sharers: dict[str, dict[str, Any]] = {
        "along": {"sharers": [{"stayId": child, "sharesBed": True}]},
        "apart": {"sharers": [{"stayId": child, **place(f"{room}/c")}]},
        "not": {},
    }
    back = {**because, **late(ago(hours=3)), **place(f"{room}/b"), **sharers[how]}
    ward.record("cancelDischarge", stayId=mother, **back)

    assert (stay_of(ward, mother)["status"], stay_of(ward, mother)["bed"]) == ("ADMITTED", "b")
    status, bed = {"along": ("ADMITTED", "b"), "apart": ("ADMITTED", "c")}.get(
        how, ("DISCHARGED", None)
    )
    assert (stay_of(ward, child)["status"], stay_of(ward, child)["bed"]) == (status, bed)


def test_mistake_301_a_child_discharged_in_another_act_is_no_sharer_of_that(ward: Ward) -> None:
    room = ward.room(*"abc")
    mother = ward.stay(f"{room}/a")
    newborn = {"sharesBedOf": mother, "admissionType": "NEWBORN"}
    child = ward.stay(f"{room}/a", ago(days=1), **newborn)
    for stay in (child, mother):
        ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=5)))
    fields = {"sharers": [{"stayId": child, "sharesBed": True}]}
    refusal = ward.execute("cancelDischarge", stayId=mother, **IN_ERROR, **fields)
    assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["sharers"])


PARTS = """query($id: ID!) { stay(id: $id) { visits { id occurredAt note }
  prescriptions { withoutPrescription medication { name }
    administrations { id occurredAt doseGiven infusion endedAt } } } }"""


def parts_of(ward: Ward, stay: str) -> tuple[list[Any], list[Any]]:
    answer = ward.ask(PARTS, id=stay)["stay"]
    return answer["visits"], [p for p in answer["prescriptions"] if p["administrations"]]


def test_mistake_302_a_fact_goes_to_another_stay_at_its_right_time(ward: Ward) -> None:
    mrn, doctor, right = ward.patient(), ward.doctor(), ago(days=9)
    earlier = ward.stay(f"{ward.room('a')}/a", ago(days=10), patientMrn=mrn)
    prescribed = ward.prescription(earlier, **late(ago(days=9.5)))
    ward.record("dischargePatient", stayId=earlier, disposition="HOME", **late(ago(days=8)))
    later = ward.stay(f"{ward.room('a')}/a", ago(days=2), patientMrn=mrn)
    visit = ward.record("recordVisit", stayId=later, practitioner=doctor, kind="ROUND", note="x")
    dose = {"prescriptionId": ward.prescription(later), "given": True, "doseGiven": "1 g"}
    ward.record("recordAdministration", **dose, **late(ago(hours=5)))
    given = fact(ward, later, "PRESCRIPTION_ADMINISTRATION_RECORDED", "administration")
    verbal = {"medication": {"name": "Adrenaline"}, "basis": "PROTOCOL", "doseGiven": "1 mg"}
    ward.record("recordUnprescribedDose", stayId=later, **verbal, **late(ago(hours=4)))
    unprescribed = fact(ward, later, "PRESCRIPTION_UNPRESCRIBED_GIVEN", "administration")

    moves: list[tuple[str, dict[str, Any]]] = [
        ("amendVisit", {"visitId": visit["visit"]["id"], "stayId": earlier}),
        ("correctAdministration", {"administrationId": given, "prescriptionId": prescribed}),
        ("correctAdministration", {"administrationId": unprescribed, "stayId": earlier}),
    ]
    for command, content in moves:
        for at in ({}, {"occurredAt": ago(days=7)}):
            refusal = ward.execute(command, **content, **at, **WRONG)["__typename"]
            assert refusal in ("OutsideStay", "PrescriptionStateBroken"), command
        ward.record(command, **content, occurredAt=right, **WRONG)

    assert parts_of(ward, later) == ([], [])
    (seen,), orders = parts_of(ward, earlier)
    assert (seen["id"], seen["occurredAt"], seen["note"]) == (visit["visit"]["id"], right, "x")
    doses = [dose for order in orders for dose in order["administrations"]]
    assert {(d["id"], d["occurredAt"], d["doseGiven"]) for d in doses} == {
        (given, right, "1 g"),
        (unprescribed, right, "1 mg"),
    }
    day = {"occurredAt": ago(days=10)[:11] + "00:00:00Z", "occurredAtPrecision": "DAY"}
    ward.record("amendVisit", visitId=visit["visit"]["id"], **day, **WRONG)


def test_mistake_303_ends_of_infusions_and_doses_without_an_order_are_put_right_with_others(
    ward: Ward,
) -> None:
    stay, doctor = ward.stay(at=ago(hours=30)), ward.doctor()
    infused = {"given": True, "infusion": True, "endedAt": ago(hours=7), **late(ago(hours=8))}
    ward.record("recordAdministration", prescriptionId=ward.prescription(stay), **infused)
    infusion = fact(ward, stay, "PRESCRIPTION_INFUSION_ENDED", "administration")
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=6)))
    gone = movement(ward, stay, "STAY_DISCHARGED")
    verbal = {"stayId": stay, "medication": {"name": "Adrenaline"}, "basis": "VERBAL_ORDER"}
    new = [
        {**verbal, "occurredAt": ago(hours=5), "orderedBy": doctor, "doseGiven": "1 mg"},
        {**verbal, "occurredAt": ago(hours=4), "orderedBy": doctor, "endedAt": ago(hours=3)},
    ]
    parts: dict[str, Any] = {
        "corrections": [{"movementId": gone, "occurredAt": ago(hours=2)}],
        "cancelledInfusionEnds": [infusion],
        "newUnprescribedDoses": new,
    }

    alone = ward.execute("correctFacts", newUnprescribedDoses=new, **WRONG)
    assert alone["__typename"] == "OutsideStay", alone
    nobodys = {**new[0], "orderedBy": None}
    refusal = ward.execute("correctFacts", newUnprescribedDoses=[nobodys], **WRONG)
    assert (refusal["__typename"], refusal["path"][-1]) == ("InvalidInput", "orderedBy")
    ward.record("correctFacts", **parts, **WRONG)

    _, orders = parts_of(ward, stay)
    doses = [
        (o["withoutPrescription"], d["occurredAt"], d["endedAt"])
        for o in orders
        for d in o["administrations"]
    ]
    assert sorted(doses, key=lambda dose: str(dose[1])) == [
        (None, infused["occurredAt"], None),
        ("VERBAL_ORDER", new[0]["occurredAt"], None),
        ("VERBAL_ORDER", new[1]["occurredAt"], new[1]["endedAt"]),
    ]
    infused_again = fact(ward, stay, "PRESCRIPTION_UNPRESCRIBED_GIVEN", "administration")
    ends = [{"administrationId": infused_again, "occurredAt": ago(hours=2.5)}]
    assert ward.record("correctFacts", infusionEnds=ends, **WRONG)["position"]
    again = ward.execute("correctFacts", cancelledInfusionEnds=[infusion], **WRONG)
    assert again["__typename"] == "PrescriptionStateBroken"
    both = {"infusionEnds": [{"administrationId": infusion}], "cancelledInfusionEnds": [infusion]}
    assert ward.execute("correctFacts", **both, **WRONG)["__typename"] == "InvalidInput"


def test_mistake_304_each_of_several_patients_discharged_in_one_act_is_put_right_alone(
    ward: Ward,
) -> None:
    room = ward.room(*"abc")
    mother = ward.stay(f"{room}/a")
    newborn = {"sharesBedOf": mother, "admissionType": "NEWBORN"}
    children = [ward.stay(f"{room}/a", ago(days=1), **newborn) for _ in range(2)]
    gone = {"disposition": "HOME", "sharers": [{"stayId": child} for child in children]}
    ward.record("dischargePatient", stayId=mother, **gone, **late(ago(hours=5)))
    hers = {"movementId": movement(ward, mother, "STAY_DISCHARGED")}

    ward.record("correctMovement", **hers, disposition="DIED", **WRONG)
    died = "query($id: ID!) { stay(id: $id) { status disposition patient { diedAt } } }"
    result = [ward.ask(died, id=stay)["stay"] for stay in (mother, *children)]
    assert [stay["disposition"] for stay in result] == ["DIED", "HOME", "HOME"]
    assert [stay["patient"]["diedAt"] is None for stay in result] == [False, True, True]

    one_along = {"sharers": [{"stayId": children[0], "sharesBed": True}]}
    ward.record("cancelMovement", **hers, **IN_ERROR, **one_along)
    statuses = [stay_of(ward, stay)["status"] for stay in (mother, *children)]
    assert statuses == ["ADMITTED", "ADMITTED", "DISCHARGED"]
