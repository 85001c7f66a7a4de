"""Mistakes of other systems about the emergency department: see `test_covered` for the list."""

from typing import Any

from tests.support.api_dsl import Ward, ago, late, moment

STAY = """query($id: ID!, $asOf: DateTime) { stay(id: $id, asOf: $asOf) {
  emergencyCare { id arrivedAt departedAt } visits { occurredAt }
  prescriptions { administrations { occurredAt } } } }"""
REPORT = """query($period: ReportPeriod!, $ward: String) {
  report(name: "emergency-department-stay", period: $period, ward: $ward) {
    figures { name shown } } }"""


def shown(ward: Ward, stay: str) -> Any:
    return ward.ask(STAY, id=stay)["stay"]


def test_mistake_117_care_before_the_admission_is_of_the_stay(shared: Ward) -> None:
    ward = shared.name("Ward ")
    arrived, admitted, left = ago(hours=40), ago(hours=36), ago(hours=35)
    stay = shared.stay(f"{shared.room('a', ward=ward)}/a", at=admitted)
    visit = {"stayId": stay, "practitioner": shared.doctor(), "kind": "REVIEW"}
    seen = late(ago(hours=38))
    assert shared.execute("recordVisit", **visit, **seen)["__typename"] == "OutsideStay"
    shared.record("recordEmergencyCare", stayId=stay, departedAt=left, **late(arrived))
    shared.record("recordVisit", **visit, **seen)
    drug = shared.prescription(stay, **late(ago(hours=39)))
    dose = {"prescriptionId": drug, "given": True}
    shared.record("recordAdministration", **dose, **seen)
    too_early = shared.execute("recordAdministration", **dose, **late(ago(hours=41)))
    assert too_early["__typename"] in ("OutsideStay", "PrescriptionStateBroken")

    result = shown(shared, stay)
    care = result["emergencyCare"]
    assert (care["arrivedAt"], care["departedAt"]) == (arrived, left)
    assert [v["occurredAt"] for v in result["visits"]] == [seen["occurredAt"]]
    (prescription,) = result["prescriptions"]
    assert len(prescription["administrations"]) == 1
    timeline = shared.ask("query($id: ID!) { timeline(stayId: $id) { nodes { kind } } }", id=stay)[
        "timeline"
    ]["nodes"]
    assert timeline[0]["kind"] == "STAY_EMERGENCY_CARE_RECORDED"
    assert shared.ask(STAY, id=stay, asOf=ago(hours=37))["stay"] is None  # not admitted yet

    period = {"from": ago(hours=70)[:10], "to": ago(hours=30)[:10]}
    for of in (None, ward):
        figures = shared.ask(REPORT, period=period, ward=of)["report"]["figures"]
        values = {figure["name"]: figure["shown"] for figure in figures}
        assert (values["admissions"], values["departed"]) == ("1", "1")
        assert float(values["medianTimeInDepartment"].replace(",", "")) == round(
            (moment(left) - moment(arrived)).total_seconds()
        )


def test_mistake_117_emergency_care_is_put_right_and_taken_back(shared: Ward) -> None:
    stay = shared.stay(at=ago(hours=20))
    shared.record("recordEmergencyCare", stayId=stay, **late(ago(hours=24)))
    care = shown(shared, stay)["emergencyCare"]["id"]
    visit = {"stayId": stay, "practitioner": shared.doctor(), "kind": "REVIEW"}
    id = shared.record("recordVisit", **visit, **late(ago(hours=23)))["visit"]["id"]
    right = {"movementId": care, "reason": "read wrongly"}
    later = shared.execute("correctMovement", **right, occurredAt=ago(hours=22))
    assert later["__typename"] == "ContradictsLaterFacts"
    arrived, left = ago(hours=25), ago(hours=19)
    shared.record("correctMovement", **right, occurredAt=arrived, departedAt=left)
    result = shown(shared, stay)["emergencyCare"]
    assert (result["arrivedAt"], result["departedAt"]) == (arrived, left)
    error = {"movementId": care, "because": "ENTERED_IN_ERROR", "reason": "came by himself"}
    assert shared.execute("cancelMovement", **error)["__typename"] == "ContradictsLaterFacts"
    shared.record("cancelVisit", visitId=id, reason="never was")
    shared.record("cancelMovement", **error)
    assert shown(shared, stay)["emergencyCare"] is None


def test_mistake_117_what_cannot_have_been_is_refused(shared: Ward) -> None:
    mrn = shared.patient(birthDate=ago(days=400)[:10])
    past = {"dischargedAt": ago(days=8), "disposition": "HOME", "withoutBed": "hall"}
    shared.stay(patientMrn=mrn, at=ago(days=9), **past)
    stay = shared.stay(patientMrn=mrn, at=ago(hours=20))

    def refused(at: str, **more: Any) -> str:
        answer = shared.execute("recordEmergencyCare", stayId=stay, **late(at), **more)
        return str(answer["__typename"])

    assert refused(ago(hours=19)) == "StayStateBroken"
    assert refused(ago(hours=22), departedAt=ago(hours=23)) == "StayStateBroken"
    assert refused(ago(hours=22), departedAt="2999-01-01T00:00:00Z") == "InvalidInput"
    assert refused(ago(days=8, hours=3)) == "PatientAlreadyAdmitted"
    assert refused(ago(hours=22)) == "StayRecorded"
    assert refused(ago(hours=21)) == "StayStateBroken"
    young = shared.stay(patientMrn=shared.patient(birthDate=ago(days=1)[:10]), at=ago(hours=2))
    born = shared.execute("recordEmergencyCare", stayId=young, **late(ago(days=3)))
    assert born["__typename"] == "InvalidInput"
