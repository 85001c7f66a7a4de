"""Mistakes of other systems about what was given: see `test_covered` for the list."""

from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, ahead, late, moment
from tests.support.correction_examples import WRONG, entries

CHART = """query($id: ID!, $at: DateTime) { stay(id: $id, asOf: $at) { prescriptions {
  id status start stop withoutPrescription medication { name code } prescriber { staffNumber }
  administrations { id occurredAt doseGiven performedBy infusion endedAt } } } }"""
DRUG = {"name": "Adrenaline", "code": "C01CA24", "system": "ATC"}


def chart(ward: Ward, stay: str, at: str | None = None) -> list[dict[str, Any]]:
    result = ward.ask(CHART, id=stay, at=at)["stay"]["prescriptions"]
    assert isinstance(result, list)
    return result


def unprescribed(ward: Ward, stay: str, at: str, **content: Any) -> dict[str, Any]:
    content = {"basis": "PROTOCOL", "medication": DRUG, "doseGiven": "1 mg", **content}
    return ward.execute("recordUnprescribedDose", stayId=stay, **content, **late(at))


def dose(told: dict[str, Any]) -> str:
    return str(told["prescription"]["administrations"][0]["id"])


def test_mistake_90_a_dose_without_a_prescription_is_on_the_chart_with_who_ordered_it(
    ward: Ward,
) -> None:
    stay, doctor, at = ward.stay(), ward.doctor(), ago(hours=3)
    fields = {"basis": "VERBAL_ORDER", "orderedBy": doctor, "performedBy": "nurse Okafor"}
    unprescribed(ward, stay, at, **fields)
    (order,) = chart(ward, stay)
    (given,) = order["administrations"]
    assert order["medication"] == {"name": "Adrenaline", "code": "C01CA24"}
    assert (order["prescriber"], order["withoutPrescription"]) == (
        {"staffNumber": doctor},
        "VERBAL_ORDER",
    )
    assert (given["occurredAt"], given["doseGiven"], given["performedBy"]) == (
        at,
        "1 mg",
        "nurse Okafor",
    )
    (entry,) = [e for e in entries(ward, stay) if e["kind"] == "PRESCRIPTION_UNPRESCRIBED_GIVEN"]
    assert entry["occurredAt"] == at
    nobody = unprescribed(ward, stay, at, basis="VERBAL_ORDER")
    assert (nobody["__typename"], nobody["path"]) == ("InvalidInput", ["orderedBy"])


def test_mistake_90_a_dose_without_a_prescription_is_refused_where_any_dose_is(ward: Ward) -> None:
    mrn = ward.patient()
    stay = ward.stay(patientMrn=mrn, at=ago(hours=20))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=4)))
    for hours in (21, 3):
        assert unprescribed(ward, stay, ago(hours=hours))["__typename"] == "OutsideStay"
    ward.record("recordDeath", patientMrn=mrn, **late(ago(hours=3)))
    other = ward.patient()
    dying = ward.stay(patientMrn=other, at=ago(hours=20))
    ward.record("recordDeath", patientMrn=other, **late(ago(hours=3)))
    assert unprescribed(ward, dying, ago(hours=2))["__typename"] == "PatientDied"
    assert unprescribed(ward, dying, ago(hours=4))["__typename"] == "PrescriptionRecorded"
    earlier = {"patientMrn": other, **late(ago(hours=5))}
    assert ward.execute("correctDeath", **earlier)["__typename"] == "ContradictsLaterFacts"


def test_mistake_90_a_dose_without_a_prescription_can_be_put_right_and_taken_back(
    ward: Ward,
) -> None:
    stay, doctor, right = ward.stay(), ward.doctor(), ago(hours=5)
    id = dose(unprescribed(ward, stay, ago(hours=3)))
    ward.record(
        "correctAdministration",
        administrationId=id,
        doseGiven="0.5 mg",
        medication={"name": "Noradrenaline", "code": "C01CA03", "system": "ATC"},
        basis="VERBAL_ORDER",
        orderedBy=doctor,
        occurredAt=right,
        **WRONG,
    )
    (order,) = chart(ward, stay)
    assert (order["start"], order["stop"], order["medication"]["name"]) == (
        right,
        right,
        "Noradrenaline",
    )
    assert [d["doseGiven"] for d in order["administrations"]] == ["0.5 mg"]
    assert order["prescriber"] == {"staffNumber": doctor}
    outside = {"administrationId": id, "occurredAt": ago(days=3), **WRONG}
    assert ward.execute("correctAdministration", **outside)["__typename"] == "OutsideStay"
    ward.record("cancelAdministration", administrationId=id, **WRONG)
    (order,) = chart(ward, stay)
    assert (order["status"], order["administrations"]) == ("CANCELLED", [])
    statuses = {e["status"] for e in entries(ward, stay) if "UNPRESCRIBED" in e["kind"]}
    assert statuses == {"CORRECTED", "CANCELLED"}


def test_mistake_90_the_stay_cannot_be_cut_short_before_a_dose_without_a_prescription(
    ward: Ward,
) -> None:
    stay = ward.stay(at=ago(hours=20))
    unprescribed(ward, stay, ago(hours=10))
    gone = {"stayId": stay, "disposition": "HOME"}
    refusal = ward.execute("dischargePatient", **gone, **late(ago(hours=12)))
    assert refusal["__typename"] == "ContradictsLaterFacts"
    ward.record("dischargePatient", **gone, **late(ago(hours=8)))
    movements = "query($id: ID!) { stay(id: $id) { movements { id kind } } }"
    answer = ward.ask(movements, id=stay)["stay"]["movements"]
    ids = {m["kind"]: m["id"] for m in answer}
    for kind, hours in (("STAY_DISCHARGED", 12), ("STAY_ADMITTED", 9)):
        moved = {"movementId": ids[kind], "occurredAt": ago(hours=hours), **WRONG}
        refusal = ward.execute("correctMovement", **moved)
        assert refusal["__typename"] == "ContradictsLaterFacts", kind


def infusion(ward: Ward, prescription: str, at: str, **content: Any) -> dict[str, Any]:
    fields = {"prescriptionId": prescription, "given": True, "infusion": True, **content}
    return ward.execute("recordAdministration", **fields, **late(at))


@pytest.mark.parametrize("end_first", [True, False], ids=["end first", "stop first"])
def test_mistake_91_an_infusion_ends_at_the_latest_with_its_order(
    ward: Ward, end_first: bool
) -> None:
    stay, stop = ward.stay(), ago(hours=2)
    order = ward.prescription(stay)
    id = dose(infusion(ward, order, ago(hours=5)))
    acts: list[tuple[str, dict[str, Any]]] = [
        ("endInfusion", {"administrationId": id}),
        ("stopPrescription", {"prescriptionId": order}),
    ]
    for name, content in acts if end_first else reversed(acts):
        ward.record(name, **content, **late(stop))
    after = {"administrationId": id, "occurredAt": ago(hours=1), **WRONG}
    assert ward.execute("correctInfusionEnd", **after)["__typename"] == "PrescriptionStateBroken"
    before = {"administrationId": id, "occurredAt": ago(hours=6), **WRONG}
    assert ward.execute("correctInfusionEnd", **before)["path"] == ["occurredAt"]
    right = ago(hours=3)
    ward.record("correctInfusionEnd", administrationId=id, occurredAt=right, **WRONG)
    (given,) = chart(ward, stay)[0]["administrations"]
    assert (given["infusion"], given["endedAt"]) == (True, right)


def test_mistake_91_an_order_cannot_have_stopped_before_its_infusion_did(ward: Ward) -> None:
    stay, end = ward.stay(), ago(hours=2)
    order = ward.prescription(stay)
    id = dose(infusion(ward, order, ago(hours=5), endedAt=end))
    stop = {"prescriptionId": order, **late(ago(hours=3))}
    refusal = ward.execute("stopPrescription", **stop)
    assert [f["id"] for f in refusal["facts"]] == [id]
    again = {"administrationId": id, **late(ago(hours=3))}
    assert ward.execute("endInfusion", **again)["__typename"] == "PrescriptionStateBroken"
    ward.record("cancelInfusionEnd", administrationId=id, **WRONG)
    ward.record("stopPrescription", **stop)
    kinds = [e["kind"] for e in entries(ward, stay, "TRUTH")]
    assert "PRESCRIPTION_INFUSION_ENDED" not in kinds


def test_mistake_91_an_infusion_does_not_outlast_the_patient(ward: Ward) -> None:
    mrn, died = ward.patient(), ago(hours=2)
    order = ward.prescription(ward.stay(patientMrn=mrn))
    id = dose(infusion(ward, order, ago(hours=5)))
    ward.record("recordDeath", patientMrn=mrn, **late(died))
    end = {"administrationId": id, **late(ago(hours=1))}
    assert ward.execute("endInfusion", **end)["__typename"] == "PatientDied"
    ward.record("endInfusion", administrationId=id, **late(died))
    earlier = {"patientMrn": mrn, **late(ago(hours=3))}
    assert ward.execute("correctDeath", **earlier)["__typename"] == "ContradictsLaterFacts"


def test_mistake_92_what_was_written_can_be_put_right_as_if_entered_so(ward: Ward) -> None:
    stay, written, doctor = ward.stay(), ago(hours=20), ward.doctor()
    order = ward.prescription(stay, dose="1 g", stop=ahead(days=1), **late(ago(hours=24)))
    answer = ward.record(
        "correctPrescription",
        prescriptionId=order,
        medication=DRUG,
        dose="2 g",
        route="oral",
        openEnded=True,
        prescriber=doctor,
        occurredAt=written,
        **WRONG,
    )["prescription"]
    assert (answer["dose"], answer["start"], answer["stop"]) == ("2 g", written, None)
    (held,) = chart(ward, stay)
    assert (held["medication"]["code"], held["prescriber"]) == (
        "C01CA24",
        {"staffNumber": doctor},
    )
    (entry,) = [e for e in entries(ward, stay, "TRUTH") if e["kind"] == "PRESCRIPTION_WRITTEN"]
    assert (entry["occurredAt"], entry["data"]["dose"]) == (written, "2 g")
    assert entry["corrects"]
    assert "stop" not in entry["data"]


def test_mistake_92_what_was_given_is_judged_by_the_corrected_text(ward: Ward) -> None:
    stay, at = ward.stay(), ago(hours=10)
    order = ward.prescription(stay)
    answer = ward.record("recordAdministration", prescriptionId=order, given=True, **late(at))
    for wrong in ({"start": ago(hours=9)}, {"stop": ago(hours=11)}):
        refusal = ward.execute("correctPrescription", prescriptionId=order, **wrong, **WRONG)
        assert [f["id"] for f in refusal["facts"]] == [dose(answer)]
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=5)))
    ward.record("correctPrescription", prescriptionId=order, stop=ago(hours=8), **WRONG)
    assert chart(ward, stay)[0]["status"] == "COMPLETED"
    ward.record("correctPrescription", prescriptionId=order, stop=ahead(hours=8), **WRONG)
    assert chart(ward, stay)[0]["status"] == "STOPPED"
    late_text = {"prescriptionId": order, "occurredAt": ago(hours=4), **WRONG}
    assert ward.execute("correctPrescription", **late_text)["__typename"] == "OutsideStay"


def day(at: str) -> dict[str, str]:
    return {**late(at), "occurredAtPrecision": "DAY"}


@pytest.mark.parametrize("step", ["stop", "hold", "complete"])
def test_mistake_93_a_step_known_to_the_day_contradicts_nothing_of_that_day(
    ward: Ward, step: str
) -> None:
    stay = ward.stay(at=ago(days=9))
    order = ward.prescription(stay, **late(ago(days=8)))
    noon = moment(ago(days=3)).replace(hour=12, minute=0).isoformat()
    morning = moment(noon).replace(hour=1).isoformat()
    evening = moment(noon).replace(hour=20).isoformat()
    fields = {"prescriptionId": order, "given": True}
    ward.record("recordAdministration", **fields, **late(noon))
    ward.record(f"{step}Prescription", prescriptionId=order, **day(morning))
    ward.record("recordAdministration", **fields, **late(evening))
    if step == "hold":
        ward.record("resumePrescription", prescriptionId=order, **day(morning))
    tomorrow = {**fields, **late(ago(days=1))}
    answer = ward.execute("recordAdministration", **tomorrow)["__typename"]
    assert answer == ("PrescriptionRecorded" if step == "hold" else "PrescriptionStateBroken")


def test_mistake_93_a_dose_known_to_the_day_fits_the_day_of_an_admission_and_a_stop(
    ward: Ward,
) -> None:
    noon = moment(ago(days=3)).replace(hour=12, minute=0)
    stay = ward.stay(at=noon.isoformat())
    midnight = noon.replace(hour=0).isoformat()
    assert unprescribed(ward, stay, midnight)["__typename"] == "OutsideStay"
    answer = ward.record(
        "recordUnprescribedDose",
        stayId=stay,
        medication=DRUG,
        basis="PROTOCOL",
        **day(midnight),
    )
    right = {"occurredAt": midnight, "occurredAtPrecision": "DAY", **WRONG}
    ward.record("correctAdministration", administrationId=dose(answer), doseGiven="2 mg", **right)


MOVES: dict[str, dict[str, Any]] = {
    "startLeave": {"keepBed": True},
    "changeSpecialty": {"specialty": "surgery"},
    "planDischarge": {},
}


@pytest.mark.parametrize("name", MOVES)
def test_mistake_93_a_movement_known_to_the_day_fits_the_day_of_the_admission(
    ward: Ward, name: str
) -> None:
    noon = moment(ago(days=3)).replace(hour=12, minute=0)
    stay = ward.stay(f"{ward.room()}/a", at=noon.isoformat())
    content = MOVES[name]
    begin = noon.replace(hour=0).isoformat()
    assert ward.execute(name, stayId=stay, **content, **late(begin))["__typename"] == "OutsideStay"
    ward.record(name, stayId=stay, **content, **day(begin))
    if name == "startLeave":
        ward.record("endLeave", stayId=stay, **day(begin))


REPORT = """query($period: ReportPeriod!, $of: [ReportParameterInput!]) {
  report(name: "days-of-therapy", period: $period, parameters: $of) {
    figures { name value of { value } } } }"""


def test_mistake_98_an_agent_is_counted_by_its_code_and_called_as_last_ordered(ward: Ward) -> None:
    stay, code = ward.stay(at=ago(days=9)), ward.name("J01")
    at = moment(ago(days=4)).replace(hour=12, minute=0)
    spellings = ("Amoxicilin", "amoxicillin", "Amoxicillin 500")
    for number, name in enumerate(spellings):
        drug = {"name": name, "code": code, "system": "ATC"}
        written = late(ago(days=8 - number))
        order = ward.prescription(stay, medication=drug, **written)
        fields = {"prescriptionId": order, "given": True, **late(at.isoformat())}
        ward.record("recordAdministration", **fields)
    drug = {"name": "amoxicillin", "code": code.lower(), "system": "atc"}
    unprescribed(ward, stay, at.isoformat(), medication=drug)
    day = at.date().isoformat()
    for chosen in (code, "Amoxicilin"):
        of = [{"name": "drugs", "value": chosen}]
        answer = ward.ask(REPORT, period={"from": day, "to": day}, of=of)["report"]["figures"]
        by_drug = [f for f in answer if f["name"] == "daysOfTherapyByDrug"]
        assert [(f["of"][0]["value"], f["value"]) for f in by_drug] == [("amoxicillin", 1)], chosen


def test_mistake_159_a_dose_in_the_wrong_stay_goes_to_the_right_one_with_all_its_facts(
    ward: Ward,
) -> None:
    wrong, right, later = ward.stay(), ward.stay(), ward.stay(at=ago(hours=1))
    orders = [ward.prescription(stay) for stay in (wrong, right, right)]
    fields = {
        "prescriptionId": orders[0],
        "given": True,
        "infusion": True,
        "performedBy": "N. Okafor",
    }
    answer = ward.record(
        "recordAdministration", **fields, endedAt=ago(hours=3), **late(ago(hours=5))
    )
    id = dose(answer)
    ward.record("correctAdministration", administrationId=id, doseGiven="2 g", **WRONG)

    def doses(order: str) -> list[dict[str, Any]]:
        query = """query($id: ID!) { prescription(id: $id) { administrations {
          id occurredAt doseGiven performedBy infusion endedAt } } }"""
        doses = ward.ask(query, id=order)["prescription"]["administrations"]
        assert isinstance(doses, list)
        return doses

    before = doses(orders[0])
    for place, rest in ((1, (0, 2)), (0, (1, 2)), (2, (0, 1))):
        move = {"administrationId": id, "prescriptionId": orders[place]}
        answer = ward.record("correctAdministration", **move, **WRONG)
        assert (answer["prescription"]["id"], dose(answer)) == (orders[place], id)
        assert doses(orders[place]) == before
        assert [doses(orders[other]) for other in rest] == [[], []]
    both = {"administrationId": id, "prescriptionId": orders[0], "doseGiven": "1 g"}
    assert ward.execute("correctAdministration", **both, **WRONG)["__typename"] == "InvalidInput"
    outside = {
        "administrationId": id,
        "prescriptionId": ward.prescription(later, **late(ago(hours=1))),
    }
    assert ward.execute("correctAdministration", **outside, **WRONG)["__typename"] == "OutsideStay"
    ward.record("correctAdministration", administrationId=id, doseGiven="3 g", **WRONG)
    ward.record("cancelAdministration", administrationId=id, **WRONG)
    assert doses(orders[2]) == []


def test_mistake_159_a_dose_that_nobody_prescribed_goes_to_the_right_stay(ward: Ward) -> None:
    wrong, right, at = ward.stay(), ward.stay(), ago(hours=5)
    id = dose(unprescribed(ward, wrong, at, infusion=True, endedAt=ago(hours=4)))
    (before,) = chart(ward, wrong)
    for stay, rest in ((right, wrong), (wrong, right)):
        ward.record("correctAdministration", administrationId=id, stayId=stay, **WRONG)
        (now,) = [order for order in chart(ward, stay) if order["status"] != "CANCELLED"]
        assert {**now, "id": None} == {**before, "id": None}
        assert [o["administrations"] for o in chart(ward, rest) if o["administrations"]] == []
    order = ward.prescription(right)
    ward.record("correctAdministration", administrationId=id, prescriptionId=order, **WRONG)
    assert {o["status"] for o in chart(ward, wrong)} == {"CANCELLED"}
    again = {"administrationId": id, "stayId": wrong}
    assert ward.execute("correctAdministration", **again, **WRONG)["__typename"] == (
        "PrescriptionStateBroken"
    )
