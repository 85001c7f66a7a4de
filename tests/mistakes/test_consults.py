"""Mistakes of other systems about consults: see `test_covered` for the list."""

from typing import Any

from tests.support.api_dsl import Ward, ago, late
from tests.support.consult_examples import consult
from tests.support.correction_examples import IN_ERROR, WRONG, entries

OPEN = """query($ward: String, $specialty: String, $at: DateTime) {
  openConsults(ward: $ward, specialty: $specialty, asOf: $at) { id stay { id } } }"""
HELD = """query($id: ID!, $at: DateTime) { stay(id: $id, asOf: $at) {
  visits { id consultId } consults { id status visit { id } withdrawnAt } } }"""


def waiting(client: Ward, **asked: Any) -> list[str]:
    return [result["id"] for result in client.ask(OPEN, **asked)["openConsults"]]


def held(ward: Ward, stay: str, at: str | None = None) -> dict[str, Any]:
    result = ward.ask(HELD, id=stay, at=at)["stay"]
    assert isinstance(result, dict)
    return result


def visit(ward: Ward, stay: str, at: str, **content: Any) -> dict[str, Any]:
    fields = {"practitioner": ward.doctor(), "kind": "CONSULT", **content, **late(at)}
    return ward.execute("recordVisit", stayId=stay, **fields)


def test_mistake_95_a_consult_is_no_visit_until_it_took_place(ward: Ward) -> None:
    name = ward.name("Consulted")
    stay = ward.stay(f"{ward.room('a', ward=name)}/a")
    id = consult(ward, stay, hours=5)
    assert (held(ward, stay)["visits"], waiting(ward, ward=name)) == ([], [id])
    assert waiting(ward, ward=name, specialty="surgery") == []
    assert waiting(ward, ward=name, at=ago(hours=6)) == []
    early = visit(ward, stay, ago(hours=6), consultId=id)
    assert (early["__typename"], early["path"]) == ("InvalidInput", ["occurredAt"])
    came = visit(ward, stay, ago(hours=2), consultId=id)["visit"]["id"]
    now, then = held(ward, stay), held(ward, stay, ago(hours=3))
    assert [(c["status"], c["visit"]) for c in now["consults"]] == [("ANSWERED", {"id": came})]
    assert [(c["status"], c["visit"]) for c in then["consults"]] == [("OPEN", None)]
    assert now["visits"] == [{"id": came, "consultId": id}]
    assert (waiting(ward, ward=name), waiting(ward, ward=name, at=ago(hours=3))) == ([], [id])
    assert visit(ward, stay, ago(hours=1), consultId=id)["__typename"] == "StayStateBroken"
    kinds = [e["kind"] for e in entries(ward, stay, "TRUTH")]
    assert kinds.count("STAY_CONSULT_REQUESTED") == 1


def test_mistake_95_what_became_of_a_consult_follows_its_visit(ward: Ward) -> None:
    stay = ward.stay()
    one, other = consult(ward, stay, hours=8), consult(ward, stay, hours=5)
    came = visit(ward, stay, ago(hours=3), consultId=one)["visit"]["id"]
    later = {"consultId": one, "occurredAt": ago(hours=2), **WRONG}
    refusal = ward.execute("correctConsult", **later)
    assert [f["id"] for f in refusal["facts"]] == [came]
    refusal = ward.execute("cancelConsult", consultId=one, **WRONG)
    assert [f["id"] for f in refusal["facts"]] == [came]
    ward.record("amendVisit", visitId=came, consultId=other, **WRONG)
    statuses = {c["id"]: c["status"] for c in held(ward, stay)["consults"]}
    assert statuses == {one: "OPEN", other: "ANSWERED"}
    early = {"visitId": came, "occurredAt": ago(hours=6), **WRONG}
    assert ward.execute("amendVisit", **early)["path"] == ["occurredAt"]
    ward.record("cancelVisit", visitId=came, **WRONG)
    assert {c["status"] for c in held(ward, stay)["consults"]} == {"OPEN"}


def test_mistake_95_each_step_of_a_consult_is_put_right_and_taken_back(ward: Ward) -> None:
    stay = ward.stay(at=ago(hours=10))
    id = consult(ward, stay, hours=8)
    ward.record("withdrawConsult", consultId=id, **late(ago(hours=6)))
    assert visit(ward, stay, ago(hours=2), consultId=id)["__typename"] == "StayStateBroken"
    early = {"consultId": id, "occurredAt": ago(hours=9), **WRONG}
    assert ward.execute("correctConsultWithdrawal", **early)["path"] == ["occurredAt"]
    outside = {"consultId": id, "occurredAt": ago(hours=11), **WRONG}
    assert ward.execute("correctConsult", **outside)["__typename"] == "OutsideStay"
    ward.record("correctConsultWithdrawal", consultId=id, occurredAt=ago(hours=4), **WRONG)
    assert held(ward, stay, ago(hours=5))["consults"][0]["status"] == "OPEN"
    ward.record("cancelConsult", consultId=id, **WRONG)
    assert held(ward, stay)["consults"] == []
    result = [(e["kind"], e["status"]) for e in entries(ward, stay) if "CONSULT" in e["kind"]]
    assert ("STAY_CONSULT_REQUESTED", "CANCELLED") in result
    assert ("STAY_CONSULT_WITHDRAWN", "CANCELLED") in result
    unknown = ward.execute("withdrawConsult", consultId=id)
    assert unknown["__typename"] == "MovementNotFound"


def test_mistake_95_a_consult_stops_a_stay_from_being_taken_back_unless_it_goes_too(
    ward: Ward,
) -> None:
    stay = ward.stay()
    id = consult(ward, stay)
    refusal = ward.execute("cancelAdmission", stayId=stay, **IN_ERROR)
    assert [f["id"] for f in refusal["facts"]] == [id]
    ward.record("cancelAdmission", stayId=stay, voidClinicalFacts=True, **IN_ERROR)
    assert id not in waiting(ward)


def test_mistake_372_a_consult_known_to_the_day_does_not_break_what_contradicts_it(
    ward: Ward,
) -> None:
    day = ago(days=2)[:11]
    stay = ward.stay(at=f"{day}08:00:00Z")
    fields = {"occurredAtPrecision": "DAY", **late(f"{day}09:00:00Z")}
    ward.record("requestConsult", stayId=stay, specialty="ear", **fields)
    early = visit(ward, stay, f"{day}07:00:00Z", kind="ROUND")
    assert early["__typename"] == "OutsideStay"
    gone = {"stayId": stay, "disposition": "HOME", **late(f"{day}08:30:00Z")}
    ward.record("dischargePatient", **gone)
    assert [c["requestedAt"] for c in ward.ask(ASKED, id=stay)["stay"]["consults"]] == [
        f"{day}08:30:00Z"
    ]


ASKED = "query($id: ID!) { stay(id: $id) { consults { requestedAt } } }"


def test_mistake_868_a_consult_waits_for_who_has_died(ward: Ward) -> None:
    name, mrn = ward.name("Consulted"), ward.patient()
    stay = ward.stay(f"{ward.room('a', ward=name)}/a", patientMrn=mrn)
    id = consult(ward, stay, hours=5)
    ward.record("recordDeath", patientMrn=mrn, **late(ago(hours=3)))
    assert (waiting(ward, ward=name), waiting(ward, ward=name, at=ago(hours=4))) == ([], [id])
    ward.record("cancelDeath", patientMrn=mrn, **WRONG)
    assert waiting(ward, ward=name) == [id]
