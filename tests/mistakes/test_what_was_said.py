"""Mistakes of other systems about what is said beside a fact: see `test_covered` for the list."""

from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, ahead, late, place
from tests.support.care_examples import PENICILLIN, allergy, patient
from tests.support.correction_examples import IN_ERROR, REVERSED, WRONG, movement

STAY = "query($id: ID!) { stay(id: $id) { status bed expectedReturn mother { id } } }"


def stay_of(ward: Ward, id: str) -> dict[str, Any]:
    told = ward.ask(STAY, id=id)["stay"]
    assert isinstance(told, dict)
    return told


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
    told = ward.record("recordAllergy", patientMrn=mrn, substance=PENICILLIN, **begun)
    named = {"patientMrn": mrn, "allergyId": told["allergy"]["id"]}
    ward.record("endAllergy", **named, **late(ago(hours=7)))
    renamed = ward.execute("correctAllergy", **named, severity="MILD", **WRONG)
    assert renamed["__typename"] == "AllergyRecorded"
    after = {"occurredAt": ago(hours=6), "occurredAtPrecision": "MINUTE"}
    refused = ward.execute("correctAllergy", **named, **after, **WRONG)
    assert refused["__typename"] == "ContradictsLaterFacts"


def test_mistake_300_nobody_is_expected_back_before_going_on_leave(ward: Ward) -> None:
    stay = ward.stay(f"{ward.room('a')}/a")
    leave = {"stayId": stay, "keepBed": True, **late(ago(hours=5))}

    refused = ward.execute("startLeave", **leave, expectedReturn=ago(hours=6))
    assert (refused["__typename"], refused["path"]) == ("InvalidInput", ["expectedReturn"])
    assert "correct one of them" in refused["message"]
    ward.record("startLeave", **leave, expectedReturn=ago(hours=2))
    moved = {"movementId": movement(ward, stay, "STAY_LEAVE_STARTED")}
    for content in ({"expectedReturn": ago(hours=6)}, {"occurredAt": ago(hours=1)}):
        part = {**moved, **content}
        for refused in (
            ward.execute("correctMovement", **part, **WRONG),
            ward.execute("correctFacts", corrections=[part], **WRONG),
        ):
            assert (refused["__typename"], refused["path"]) == ("InvalidInput", ["expectedReturn"])
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
    refused = ward.execute("startLeave", **leave, expectedReturn=early)
    assert (refused["__typename"], refused["path"]) == ("InvalidInput", ["expectedReturn"])
    ward.record("startLeave", **leave, expectedReturn=noon[:11] + "08:00:00Z")


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
    named = {"sharers": [{"stayId": child, "sharesBed": True}]}
    refused = ward.execute("cancelDischarge", stayId=mother, **IN_ERROR, **named)
    assert (refused["__typename"], refused["path"]) == ("InvalidInput", ["sharers"])
