"""Mistakes of other systems about the type of a stay that changes: see `test_covered` for the list."""

from itertools import permutations
from typing import Any

from tests.mistakes.test_feeds import send_message
from tests.support.api_dsl import Ward, ago, late, place
from tests.support.correction_examples import WRONG

STAY = "query($id: ID!, $at: DateTime) { stay(id: $id, asOf: $at) { admissionType status bed } }"
TIMELINE = (
    "query($id: ID!) { timeline(stayId: $id, read: TRUTH) { nodes { kind summary movementId } } }"
)


def type_at(ward: Ward, stay: str, **before: float) -> str:
    return str(ward.ask(STAY, id=stay, at=ago(**before))["stay"]["admissionType"])


def types(ward: Ward, stay: str) -> list[str]:
    """Return the type after the admission, after the first change, and after the second."""
    return [type_at(ward, stay, hours=hours) for hours in (8, 6, 1)]


def changes_of(ward: Ward, stay: str) -> list[str]:
    """Return the ids of the changes of type, in order."""
    nodes = ward.ask(TIMELINE, id=stay)["timeline"]["nodes"]
    return [n["movementId"] for n in nodes if n["kind"] == "STAY_ADMISSION_TYPE_CHANGED"]


def test_mistake_196_the_type_of_a_stay_changes_from_a_time_on_and_can_be_put_right(
    ward: Ward,
) -> None:
    stay = ward.stay(at=ago(hours=9), admissionType="DAY_CASE")
    change = {"stayId": stay, "admissionType": "EMERGENCY"}
    ward.record("changeAdmissionType", **change, **late(ago(hours=7)))
    assert types(ward, stay) == ["DAY_CASE", "EMERGENCY", "EMERGENCY"]
    ward.record("changeAdmissionType", stayId=stay, admissionType="DAY_CASE", **late(ago(hours=3)))
    assert types(ward, stay) == ["DAY_CASE", "EMERGENCY", "DAY_CASE"]
    nodes = ward.ask(TIMELINE, id=stay)["timeline"]["nodes"]
    told = [n["summary"] for n in nodes if n["kind"] == "STAY_ADMISSION_TYPE_CHANGED"]
    assert told == ["Type of stay: emergency", "Type of stay: day case"]

    first = changes_of(ward, stay)[0]
    ward.record("correctMovement", movementId=first, admissionType="TRANSFER_IN", **WRONG)
    assert types(ward, stay) == ["DAY_CASE", "TRANSFER_IN", "DAY_CASE"]
    ward.record("correctMovement", movementId=first, occurredAt=ago(hours=8.5), **WRONG)
    assert types(ward, stay) == ["TRANSFER_IN", "TRANSFER_IN", "DAY_CASE"]
    ward.record("cancelMovement", movementId=first, because="ENTERED_IN_ERROR", **WRONG)
    assert types(ward, stay) == ["DAY_CASE"] * 3

    changed = {"stayId": stay, "admissionType": "MATERNITY", **late(ago(hours=2))}
    ward.record("changeAdmissionType", **changed)
    last = changes_of(ward, stay)[-1]
    reversal = {"movementId": last, "because": "DECISION_REVERSED", **late(ago(hours=1.5))}
    ward.record("cancelMovement", **reversal)
    assert [type_at(ward, stay, hours=hours) for hours in (1.8, 1)] == ["MATERNITY", "DAY_CASE"]
    refusal = ward.execute("changeAdmissionType", **change, **late(ago(hours=10)))
    assert refusal["__typename"] == "OutsideStay"


REPORT = """query($period: ReportPeriod!, $ward: String, $of: [ReportParameterInput!]) {
  report(name: "occupancy-over-time", period: $period, ward: $ward, parameters: $of) {
    figures { name value of { value } } } }"""


def test_mistake_196_a_report_leaves_a_stay_out_by_the_type_that_it_came_to(ward: Ward) -> None:
    name = ward.name("Types")
    room = ward.room("a", "b", "c", ward=name)
    stays = [ward.stay(f"{room}/{bed}", at=ago(days=5), admissionType="DAY_CASE") for bed in "abc"]
    day = ago(days=3)[:10]

    def peak() -> float:
        of = [{"name": "without", "value": "DAY_CASE"}]
        fields = {"period": {"from": day, "to": day}, "ward": name, "of": of}
        figures = ward.ask(REPORT, **fields)["report"]["figures"]
        (told,) = [f["value"] for f in figures if f["name"] == "peakOccupancy" and not f["of"]]
        return float(told)

    assert peak() == 0
    for stay in stays[:2]:
        change = {"stayId": stay, "admissionType": "EMERGENCY"}
        ward.record("changeAdmissionType", **change, **late(ago(days=4)))
    assert peak() == 2


DAILY = REPORT.replace("occupancy-over-time", "average-daily-census")


def test_mistake_196_days_count_a_stay_by_its_type_at_their_census(ward: Ward) -> None:
    name = ward.name("Days")
    stay = ward.stay(f"{ward.room('a', ward=name)}/a", at=ago(days=6), admissionType="NEWBORN")
    for type, days in (("EMERGENCY", 4), ("DAY_CASE", 2)):
        ward.record("changeAdmissionType", stayId=stay, admissionType=type, **late(ago(days=days)))

    def shown(figure: str, without: str) -> float:
        of = [{"name": "without", "value": without}]
        period = {"from": ago(days=6)[:10], "to": ago(days=1)[:10]}
        fields = {"period": period, "ward": name, "of": of}
        figures = ward.ask(DAILY, **fields)["report"]["figures"]
        return round(next(float(f["value"]) for f in figures if f["name"] == figure) * 6, 3)

    assert shown("averageDailyCensusOfNewborns", "") == 2
    assert shown("averageDailyCensus", "") == 4
    assert shown("averageDailyCensus", "DAY_CASE") == 2
    assert shown("averageDailyCensus", "EMERGENCY") == 2


def test_mistake_196_who_is_a_newborn_then_shares_the_bed_of_the_mother(ward: Ward) -> None:
    room = ward.room("a", "b")
    mother = ward.stay(f"{room}/a", patientMrn=ward.patient(sex="FEMALE"), at=ago(hours=9))
    child = ward.stay(f"{room}/b", at=ago(hours=9), admissionType="NEWBORN")
    ward.record(
        "changeAdmissionType", stayId=child, admissionType="EMERGENCY", **late(ago(hours=5))
    )
    shared = {"stayId": child, "sharesBedOf": mother, **place(f"{room}/a")}
    refusal = ward.execute("transferPatient", **shared, **late(ago(hours=4)))
    assert (refusal["__typename"], "EMERGENCY then" in str(refusal)) == ("InvalidInput", True)
    ward.record("transferPatient", **shared, **late(ago(hours=6)))
    other = ward.stay(f"{room}/b", at=ago(hours=5), admissionType="EMERGENCY")
    ward.record("changeAdmissionType", stayId=other, admissionType="NEWBORN", **late(ago(hours=3)))
    shared["stayId"] = other
    assert ward.execute("transferPatient", **shared, **late(ago(hours=4)))["__typename"] == (
        "InvalidInput"
    )
    ward.record("transferPatient", **shared, **late(ago(hours=2)))


ADMIT: dict[str, Any] = {"kind": "ADMIT", "admissionType": "ELECTIVE"}


def test_mistake_196_a_change_of_class_of_another_system_holds_in_whichever_order_it_comes(
    ward: Ward,
) -> None:
    for order in permutations(range(3)):
        room, visit, mrn = ward.room("a", "b"), ward.name("V"), ward.patient()
        of = {"patientMrn": mrn}
        reports = [
            {**ADMIT, **of, "occurredAt": ago(hours=9), **place(f"{room}/a")},
            {
                "kind": "CHANGE_TYPE",
                "admissionType": "DAY_CASE",
                "occurredAt": ago(hours=7),
            },
            {
                "kind": "CHANGE_TYPE",
                "admissionType": "EMERGENCY",
                "occurredAt": ago(hours=3),
                **of,
                **place(f"{room}/b"),
            },
        ]
        for i in order:
            answer = send_message(ward, visit, str(i), i, movement=reports[i])
        assert answer["sourceMovement"]["status"] == "RECORDED"
        stay = answer["ofStay"]["id"]
        assert types(ward, stay) == ["ELECTIVE", "DAY_CASE", "EMERGENCY"], order
        beds = [ward.ask(STAY, id=stay, at=ago(hours=h))["stay"]["bed"] for h in (8, 1)]
        assert beds == ["a", "b"]
        send_message(ward, visit, "2", 9, cancelled=True)
        assert types(ward, stay) == ["ELECTIVE", "DAY_CASE", "DAY_CASE"]
        assert ward.ask(STAY, id=stay)["stay"]["bed"] == "a"


def test_mistake_196_a_change_to_an_inpatient_admits_who_was_not_admitted_before(
    ward: Ward,
) -> None:
    room, visit, mrn = ward.room("a"), ward.name("V"), ward.patient()
    change = {"kind": "CHANGE_TYPE", "admissionType": "EMERGENCY", "occurredAt": ago(hours=7)}
    answer = send_message(
        ward, visit, "1", 1, movement={**change, "patientMrn": mrn, **place(f"{room}/a")}
    )
    assert answer["sourceMovement"]["status"] == "RECORDED"
    stay = answer["ofStay"]["id"]
    assert ward.ask(STAY, id=stay)["stay"] == {
        "admissionType": "EMERGENCY",
        "status": "ADMITTED",
        "bed": "a",
    }
    nameless = {"kind": "CHANGE_TYPE", "occurredAt": ago(hours=1)}
    answer = send_message(ward, visit, "2", 2, movement=nameless)
    assert answer["sourceMovement"]["why"] == "InvalidInput"
