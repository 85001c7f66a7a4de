"""Mistakes of other systems about allergies: see `test_covered` for the list."""

from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, late
from tests.support.care_examples import PENICILLIN, allergy, patient
from tests.support.correction_examples import WRONG

HELD = """query($mrn: String!, $at: DateTime, $known: Position) {
  patient(mrn: $mrn, asOf: $at, knownAtPosition: $known) {
    allergies { id substance { name } verification since } } }"""
AMOXICILLIN = {"name": "Amoxicillin", "code": "J01CA04", "system": "ATC"}
SAID = {"confirmedWarnings": ["ALLERGY"], "reason": "no alternative, test dose was tolerated"}


def held(ward: Ward, mrn: str, at: str | None = None, known: str | None = None) -> list[str]:
    answer = ward.ask(HELD, mrn=mrn, at=at, known=known)["patient"]["allergies"]
    return [a["substance"]["name"] for a in answer]


def prescribed(ward: Ward, stay: str, medication: dict[str, str], **content: Any) -> dict[str, Any]:
    return ward.execute("writePrescription", stayId=stay, medication=medication, **content)


def test_mistake_165_a_medicine_against_an_allergy_is_refused_unless_confirmed_with_a_reason(
    ward: Ward,
) -> None:
    mrn = ward.patient()
    stay = ward.stay(patientMrn=mrn)
    allergy(ward, mrn)
    refusal = prescribed(ward, stay, AMOXICILLIN)
    assert (refusal["__typename"], refusal["warnings"]) == ("WarningsUnconfirmed", ["ALLERGY"])
    assert refusal["path"] == ["confirmedWarnings"]
    assert "allergy to Penicillin" in refusal["message"]
    silent = prescribed(ward, stay, AMOXICILLIN, confirmedWarnings=["ALLERGY"])
    assert silent["__typename"] == "ReasonNeeded"
    result = prescribed(ward, stay, AMOXICILLIN, **SAID)
    query = "query($id: ID!) { timeline(stayId: $id) { nodes { kind summary } } }"
    nodes = ward.ask(query, id=stay)["timeline"]["nodes"]
    (summary,) = [e["summary"] for e in nodes if e["kind"] == "PRESCRIPTION_WRITTEN"]
    assert summary == "Prescribed Amoxicillin, in spite of the warning: allergy"
    fields = {"prescriptionId": result["prescription"]["id"], "given": True}
    assert ward.execute("recordAdministration", **fields)["__typename"] == "PrescriptionRecorded"

    dose = {"stayId": stay, "medication": {"name": "PENICILLIN"}, "basis": "PROTOCOL"}
    assert ward.execute("recordUnprescribedDose", **dose)["warnings"] == ["ALLERGY"]
    ward.record("recordUnprescribedDose", **dose, **SAID)
    harmless = prescribed(ward, stay, {"name": "Paracetamol", "code": "N02BE01", "system": "ATC"})
    assert harmless["__typename"] == "PrescriptionRecorded"


@pytest.mark.parametrize(
    "name", ["penicillin", "PENICILLIN", "P\u00e9nicillin", "\uff30enicillin", " Penicillin  "]
)
def test_mistake_165_a_substance_is_known_in_each_spelling_of_its_name(
    ward: Ward, name: str
) -> None:
    mrn = ward.patient()
    allergy(ward, mrn)
    assert prescribed(ward, ward.stay(patientMrn=mrn), {"name": name})["warnings"] == ["ALLERGY"]


def test_mistake_165_an_allergy_is_of_the_person_under_every_record(ward: Ward) -> None:
    one, other = ward.patient(), ward.patient()
    stay = ward.stay(patientMrn=one)
    named = allergy(ward, other)
    assert prescribed(ward, stay, AMOXICILLIN)["__typename"] == "PrescriptionRecorded"
    merge = ward.record("mergePatients", patientMrn=one, intoMrn=other, **WRONG)
    assert held(ward, one) == held(ward, other) == ["Penicillin"]
    assert prescribed(ward, stay, AMOXICILLIN)["warnings"] == ["ALLERGY"]
    ward.record("endAllergy", patientMrn=one, allergyId=named["allergyId"])
    assert held(ward, other) == []
    ward.record("cancelAllergyEnd", patientMrn=one, allergyId=named["allergyId"], **WRONG)
    merges = ward.ask("query($m: String!) { patient(mrn: $m) { merges { id } } }", m=one)
    assert merge["patient"]["mrn"] == one
    ward.record("unmergePatients", mergeId=merges["patient"]["merges"][0]["id"], **WRONG)
    assert (held(ward, one), held(ward, other)) == ([], ["Penicillin"])
    assert prescribed(ward, stay, AMOXICILLIN)["__typename"] == "PrescriptionRecorded"


def test_mistake_165_each_step_of_an_allergy_is_put_right_and_taken_back(ward: Ward) -> None:
    mrn = patient(ward)
    before = ward.record("recordAllergy", patientMrn=mrn, substance={"name": "Latex"})["position"]
    named = allergy(ward, mrn, hours=8)
    assert held(ward, mrn, known=before) == ["Latex"]
    assert (held(ward, mrn, ago(hours=9)), held(ward, mrn, ago(hours=1))) == ([], ["Penicillin"])
    ward.record("endAllergy", **named, **late(ago(hours=4)))
    assert ward.execute("endAllergy", **named)["__typename"] == "AllergyStateBroken"
    assert (held(ward, mrn, ago(hours=5)), held(ward, mrn)) == (["Penicillin"], ["Latex"])
    early = ward.execute("correctAllergyEnd", **named, occurredAt=ago(hours=9), **WRONG)
    assert early["path"] == ["occurredAt"]
    late_ = ward.execute("correctAllergy", **named, occurredAt=ago(hours=3), **WRONG)
    assert late_["__typename"] == "ContradictsLaterFacts"
    ward.record("correctAllergyEnd", **named, occurredAt=ago(hours=6), **WRONG)
    assert held(ward, mrn, ago(hours=5)) == []
    ward.record("cancelAllergyEnd", **named, **WRONG)
    ward.record("correctAllergy", **named, substance={"name": "Iodine"}, **WRONG)
    assert held(ward, mrn) == ["Iodine", "Latex"]
    ward.record("correctAllergy", **named, verification="REFUTED", **WRONG)
    stay = ward.stay(patientMrn=ward.patient())
    assert prescribed(ward, stay, {"name": "Iodine"})["__typename"] == "PrescriptionRecorded"
    ward.record("cancelAllergy", **named, **WRONG)
    assert sorted(held(ward, mrn)) == ["Latex"]
    unknown = ward.execute("cancelAllergy", **named, **WRONG)
    assert (unknown["__typename"], unknown["path"]) == ("MovementNotFound", ["allergyId"])


def test_mistake_165_an_allergy_begins_with_the_life_that_it_is_of(ward: Ward) -> None:
    mrn = ward.patient(birthDate=ago(days=3)[:10])
    early = ward.execute("recordAllergy", patientMrn=mrn, substance=PENICILLIN, **late(ago(days=9)))
    assert (early["__typename"], early["path"]) == ("InvalidInput", ["occurredAt"])


def test_mistake_138_an_allergy_is_recorded_once_under_whichever_record(ward: Ward) -> None:
    mrn, other, gone = ward.patient(), ward.patient(), ward.patient()
    for merged, into in ((gone, other), (other, mrn)):
        ward.record("mergePatients", patientMrn=merged, intoMrn=into, reason="one person")
    known = allergy(ward, gone)["allergyId"]
    again = {"patientMrn": mrn, "substance": {"name": " PENICILLIN"}}
    refusal = ward.execute("recordAllergy", **again)
    assert (refusal["__typename"], refusal["allergyId"]) == ("AllergyKnown", known)
    assert refusal["path"] == ["substance"]
    by_code = {**PENICILLIN, "name": "a penicillin", "code": "j01c"}
    assert ward.execute("recordAllergy", patientMrn=mrn, substance=by_code)["allergyId"] == known
    ward.record("recordAllergy", **again, kind="INTOLERANCE")
    latex = ward.record("recordAllergy", patientMrn=mrn, substance={"name": "Latex"})
    fields = {"patientMrn": mrn, "allergyId": latex["allergy"]["id"], **WRONG}
    renamed = ward.execute("correctAllergy", **fields, substance=PENICILLIN)
    assert renamed["__typename"] == "AllergyKnown"
    assert sorted(held(ward, mrn)) == ["Latex", "PENICILLIN", "Penicillin"]


def test_mistake_138_an_allergy_that_ended_or_was_refuted_may_be_recorded_again(
    ward: Ward,
) -> None:
    mrn = patient(ward)
    first = allergy(ward, mrn, hours=9)
    ward.record("endAllergy", **first, **late(ago(hours=7)))
    inside = {"patientMrn": mrn, "substance": PENICILLIN, **late(ago(hours=8))}
    assert ward.execute("recordAllergy", **inside)["__typename"] == "AllergyKnown"
    second = allergy(ward, mrn, hours=5)
    undone = ward.execute("cancelAllergyEnd", **first, **WRONG)
    assert (undone["__typename"], undone["allergyId"]) == ("AllergyKnown", second["allergyId"])
    ward.record("correctAllergy", **second, verification="REFUTED", **WRONG)
    third = allergy(ward, mrn, hours=1)
    again = ward.execute("correctAllergy", **second, verification="CONFIRMED", **WRONG)
    assert (again["__typename"], again["allergyId"]) == ("AllergyKnown", third["allergyId"])


def test_mistake_433_an_allergy_that_ended_that_day_is_beside_one_that_began_that_day(
    ward: Ward,
) -> None:
    """Whichever is known to the day alone. One that goes on into the other is the same one."""
    mrn, first_day = patient(ward), {"occurredAtPrecision": "DAY"}
    noon = f"{ago(days=2)[:10]}T12:00:00Z"
    first = allergy(ward, mrn, hours=200)
    ward.record("endAllergy", **first, **late(f"{ago(days=2)[:10]}T23:00:00Z"))
    begun = {"patientMrn": mrn, "substance": PENICILLIN, **late(noon)}
    assert ward.execute("recordAllergy", **begun)["__typename"] == "AllergyKnown"
    ward.record("correctAllergyEnd", **first, **first_day, **WRONG)
    second = ward.record("recordAllergy", **begun)["allergy"]["id"]
    for right in ({"occurredAt": ago(days=1)}, {"occurredAt": ago(days=1), **first_day}):
        answer = ward.execute("correctAllergyEnd", **first, **right, **WRONG)
        assert (answer["__typename"], answer["allergyId"]) == ("AllergyKnown", second)
    ward.record("correctAllergyEnd", **first, occurredAt=noon, **WRONG)
