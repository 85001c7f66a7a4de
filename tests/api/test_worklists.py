"""Lists of stays to work through."""

from typing import Any

import pytest

from application.authorization.roles import Role
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, ahead, codes, late, place
from tests.support.correction_examples import IN_ERROR, movement
from tests.support.graphql_client import GraphQLClient

STAYS = """query($filter: StayFilter, $order: StayOrder!, $after: String, $first: Int) {
  stays(filter: $filter, orderBy: $order, first: $first, after: $after) {
    totalCount nodes { id } pageInfo { endCursor hasNextPage } } }"""


def found(ward: Ward, order: str = "ADMISSION", **filter: Any) -> list[str]:
    """Return all stays that a filter finds, page by page."""
    ids: list[str] = []
    after = None
    while True:
        page = ward.ask(STAYS, filter=filter, order=order, after=after, first=2)["stays"]
        total = page["totalCount"]
        ids += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert total == len(ids)
            return ids


def test_stays_are_found_and_ordered_by_what_is_to_be_done(ward: Ward) -> None:
    room = ward.room("a", "b", "c")
    doctor = ward.doctor()
    early = ward.stay(f"{room}/a", ago(days=3), attending=doctor, specialty="Cardiology")
    away = ward.stay(f"{room}/b", ago(days=2))
    placeless = ward.stay(None, ago(days=1), withoutBed="hall")
    for stay, at, plan in (
        (early, ahead(hours=9), "PLANNED"),
        (placeless, ahead(hours=2), "CLEARED"),
    ):
        ward.record("planDischarge", stayId=stay, expectedAt=at, plan=plan)
    leave = {"keepBed": True, "expectedReturn": ago(hours=1), **late(ago(hours=20))}
    ward.record("startLeave", stayId=away, **leave)

    assert found(ward) == [early, away, placeless]
    assert found(ward, "EXPECTED_DISCHARGE") == [placeless, early, away]
    assert found(ward, expectedDischargeUntil=ahead(hours=3)) == [placeless]
    assert found(ward, dischargePlans=["PLANNED"]) == [early]
    assert found(ward, hasBed=False) == [placeless]
    assert found(ward, hasBed=True) == [early, away]
    assert found(ward, overdue=True) == [away]
    assert found(ward, hasAttending=False) == [away, placeless]
    assert found(ward, specialty="cardiology") == [early]
    assert found(ward, admittedFrom=ago(hours=60), admittedTo=ago(hours=30)) == [away]
    assert found(ward, confidentialities=["RESTRICTED"]) == []


BEDS = """query($ward: String, $filter: BedFilter, $after: String, $first: Int) {
  beds(ward: $ward, filter: $filter, first: $first, after: $after) {
    totalCount nodes { code freeUntil room { number } } pageInfo { endCursor hasNextPage } } }"""


def beds_found(ward: Ward, name: str, first: int = 2, **filter: Any) -> list[str]:
    """Return the codes of all beds of a ward that a filter finds, page by page."""
    codes: list[str] = []
    after = None
    while True:
        page = ward.ask(BEDS, ward=name, filter=filter, after=after, first=first)["beds"]
        codes += [node["code"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(codes)
            return codes


@pytest.mark.parametrize("labelled", ["stay", "record", "another record", "none"])
def test_stays_are_found_by_the_label_that_they_show(ward: Ward, labelled: str) -> None:
    label = {"confidentiality": "RESTRICTED"}
    mrn = ward.patient(**(label if labelled == "record" else {}))
    stay = ward.stay(patientMrn=mrn)
    if labelled == "record":
        later = ward.patient()
        of_later = ward.stay(patientMrn=later)
        ward.record("correctPatientDetails", patientMrn=later, **label, reason="press")
        assert of_later in found(ward, confidentialities=["RESTRICTED"])
    if labelled == "another record":
        other = ward.patient(**label)
        ward.record("mergePatients", patientMrn=other, intoMrn=mrn, reason="recognised")
    if labelled == "stay":
        stay = ward.stay(**label)
    shown = ward.ask("query($id: ID!) { stay(id: $id) { confidentiality } }", id=stay)
    for of in ("NORMAL", "RESTRICTED", "VERY_RESTRICTED"):
        assert (stay in found(ward, confidentialities=[of])) is (
            shown["stay"]["confidentiality"] == of
        )


def test_beds_are_found_by_pages_in_order_by_state_by_policy_and_free_until(ward: Ward) -> None:
    name = ward.name("Pages")
    for number, beds in (("1", ["b10", "b9", "a1", "a2", "a3"]), ("2", ["z1"])):
        ward.record("openRoom", ward=name, room=number, beds=beds, **late(ago(days=9)))
    room = f"{name}/1"
    ward.record("setRoomPolicy", ward=name, room="2", policy="ONE_SEX_ONLY")
    ward.stay(f"{room}/a1")
    ward.record("closeBed", **place(f"{room}/a2"), reason="paint")
    begin, end = ahead(hours=5), ahead(hours=9)
    reserved = {"patientMrn": ward.patient(), "from": begin, "until": end}
    ward.record("reserveBed", **place(f"{room}/b9"), **reserved)

    assert beds_found(ward, name) == ["a1", "a2", "a3", "b9", "b10", "z1"]
    assert beds_found(ward, name, first=1) == beds_found(ward, name, first=500)
    assert beds_found(ward, name, states=["OCCUPIED", "CLOSED"]) == ["a1", "a2"]
    assert beds_found(ward, name, policies=["ONE_SEX_ONLY"]) == ["z1"]
    assert beds_found(ward, name, freeUntil=ahead(hours=4)) == ["a3", "b9", "b10", "z1"]
    assert beds_found(ward, name, freeUntil=ahead(hours=6)) == ["a3", "b10", "z1"]
    page = ward.ask(BEDS, ward=name, filter={"states": ["FREE"]})["beds"]
    until = {bed["code"]: bed["freeUntil"] for bed in page["nodes"]}
    assert {code: until[code] for code in ("a3", "b9")} == {"a3": None, "b9": begin}


def test_a_page_of_beds_goes_on_after_a_bed_that_is_not_found_any_more(ward: Ward) -> None:
    name = ward.name("Goes")
    room = ward.room("a", "b", "c", ward=name)
    query = {"ward": name, "filter": {"states": ["FREE"]}, "first": 2}
    after = ward.ask(BEDS, **query)["beds"]["pageInfo"]["endCursor"]
    ward.stay(f"{room}/b")
    assert [bed["code"] for bed in ward.ask(BEDS, **query, after=after)["beds"]["nodes"]] == ["c"]


LATE = """query($from: DateTime, $known: DateTime) {
  lateEntries(recordedFrom: $from, knownAt: $known) { nodes { entry { kind stayId } } } }"""


def test_late_entries_are_those_that_hold_of_a_period_of_recording(ward: Ward) -> None:
    room = ward.room("a", "b")
    stay = ward.stay(f"{room}/a", ago(days=3))
    seen = ward.record(
        "recordVisit", stayId=stay, practitioner=ward.doctor(), kind="ROUND", **late(ago(days=1))
    )
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=5)))

    def late_kinds(**period: Any) -> list[str]:
        nodes = ward.ask(LATE, **period)["lateEntries"]["nodes"]
        return [node["entry"]["kind"] for node in nodes if node["entry"]["stayId"]]

    before = ["STAY_ROOM_ALLOCATED", "STAY_ADMITTED"]
    assert late_kinds() == ["STAY_TRANSFERRED", "STAY_VISIT_RECORDED", *before]
    moved = movement(ward, stay, "STAY_TRANSFERRED")
    ward.record("cancelMovement", movementId=moved, **IN_ERROR)
    assert late_kinds() == ["STAY_VISIT_RECORDED", *before]
    assert late_kinds(known=seen["recordedAt"]) == ["STAY_VISIT_RECORDED", *before]
    assert late_kinds(known=seen["recordedAt"], **{"from": ago()}) == []
    for begin in (ahead(hours=1), ago(days=32)):
        answer = ward.client.raw(LATE, {"from": begin})
        assert codes(answer) == {"InvalidInput"}


def test_late_entries_are_those_of_the_wards_of_the_login(ward: Ward) -> None:
    for name in ("Here", "There"):
        ward.stay(f"{ward.room('a', ward=name)}/a", ago(days=2))
    nurse = GraphQLClient(ward.client.http, LOGIN.make(Role.NURSE, "Ada", ["Here"]))
    clerk = GraphQLClient(ward.client.http, LOGIN.make(Role.REGISTRAR, "Bea"))

    nodes = nurse.ask(LATE)["lateEntries"]["nodes"]

    here = ward.ask('{ stays(filter: {ward: "Here"}) { nodes { id } } }')["stays"]["nodes"]
    stays = {node["entry"]["stayId"] for node in nodes} - {None}
    assert stays == {stay["id"] for stay in here}
    assert codes(clerk.raw(LATE)) == {"NOT_ALLOWED"}
