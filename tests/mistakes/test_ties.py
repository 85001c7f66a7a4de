"""Mistakes of other systems about facts of one minute: see `test_covered` for the list."""

from typing import Any

from tests.support.api_dsl import Ward, ago, late, place

TIMELINE = """query($stay: ID!, $read: TimelineReading!, $first: Int!, $after: String) {
  timeline(stayId: $stay, read: $read, first: $first, after: $after) {
    nodes { id kind summary movementId cancelledBy cancels }
    pageInfo { hasNextPage endCursor } } }"""


def timeline_of(
    ward: Ward, stay: str, read: str = "TRUTH", first: int = 100
) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        after = {"after": page["endCursor"]} if page["endCursor"] else {}
        of = ward.ask(TIMELINE, stay=stay, read=read, first=first, **after)["timeline"]
        nodes, page = nodes + of["nodes"], of["pageInfo"]
    return nodes


def kinds(ward: Ward, stay: str) -> list[str]:
    return [node["kind"].removeprefix("STAY_") for node in timeline_of(ward, stay)]


def test_mistake_114_a_corrected_fact_stays_in_its_place_among_those_of_its_minute(
    shared: Ward,
) -> None:
    room, at = shared.room("a", "b", "c"), ago(hours=5)
    stay = shared.stay(f"{room}/a", at=ago(hours=9))
    for bed in "bc":
        shared.record("transferPatient", stayId=stay, **place(f"{room}/{bed}"), **late(at))
    first = timeline_of(shared, stay)[-2]["movementId"]
    corrected = {"movementId": first, "withoutBed": "hall 3", "reason": "never in that bed"}
    shared.record("correctMovement", **corrected)
    moves = [node["summary"] for node in timeline_of(shared, stay)][-2:]
    assert (moves[0], moves[1].endswith("bed c")) == ("Moved to hall 3", True)
    answer = shared.ask("query($id: ID!) { stay(id: $id) { bed movements { kind bed } } }", id=stay)
    assert answer["stay"]["bed"] == answer["stay"]["movements"][-1]["bed"] == "c"
    for read in ("ALL", "TRUTH", "RECORD"):
        assert timeline_of(shared, stay, read, first=1) == timeline_of(shared, stay, read)


def test_mistake_114_an_admission_stays_before_the_discharge_of_its_minute(shared: Ward) -> None:
    stay, left = shared.stay(f"{shared.room('a')}/a", at=ago(hours=9)), ago(hours=5)
    shared.record("dischargePatient", stayId=stay, disposition="HOME", **late(left))
    admitted = timeline_of(shared, stay)[0]["movementId"]
    shared.record("correctMovement", movementId=admitted, occurredAt=left, reason="at once")
    assert kinds(shared, stay) == ["ADMITTED", "ROOM_ALLOCATED", "DISCHARGED"]


def test_mistake_114_visits_and_doses_of_one_minute_keep_their_order(shared: Ward) -> None:
    stay, at = shared.stay(at=ago(hours=9)), ago(hours=5)
    doctor = {"stayId": stay, "practitioner": shared.doctor(), **late(at)}
    first = shared.record("recordVisit", **doctor, kind="ROUND", note="one")["visit"]["id"]
    shared.record("recordVisit", **doctor, kind="ROUND", note="two")
    shared.record("amendVisit", visitId=first, note="one, amended", reason="typed wrongly")
    drug = shared.prescription(stay, **late(ago(hours=8)))
    dose = {"prescriptionId": drug, "given": True, **late(at)}
    for amount in ("1 g", "2 g"):
        of = shared.record("recordAdministration", **dose, doseGiven=amount)["prescription"]
    first = of["administrations"][0]["id"]
    right = {"administrationId": first, "doseGiven": "1.5 g", "reason": "read wrongly"}
    shared.record("correctAdministration", **right)
    query = """query($id: ID!) { stay(id: $id) {
      visits { note } prescriptions { administrations { doseGiven } } } }"""
    seen = shared.ask(query, id=stay)["stay"]
    assert [visit["note"] for visit in seen["visits"]] == ["one, amended", "two"]
    (of,) = seen["prescriptions"]
    assert [dose["doseGiven"] for dose in of["administrations"]] == ["1.5 g", "2 g"]


def test_mistake_115_a_reversed_movement_names_its_reversal(shared: Ward) -> None:
    room = shared.room("a", "b")
    stay = shared.stay(f"{room}/a", at=ago(hours=9))
    shared.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(hours=5)))
    moved = timeline_of(shared, stay)[-1]
    reversal = {"because": "DECISION_REVERSED", **late(ago(hours=4))}
    shared.record("cancelMovement", movementId=moved["movementId"], **reversal)
    *_, of_move, reversed_ = timeline_of(shared, stay)
    assert (of_move["id"], of_move["cancelledBy"]) == (moved["id"], reversed_["id"])
    assert reversed_["cancels"] == moved["id"]
    wrong = {"because": "ENTERED_IN_ERROR", "reason": "it stands"}
    shared.record("cancelMovement", movementId=reversed_["movementId"], **wrong)
    assert timeline_of(shared, stay)[-1] == moved


def test_mistake_116_a_swap_whose_other_bed_was_corrected_away_says_what_it_is_now(
    shared: Ward,
) -> None:
    room = shared.room("a", "b", "c")
    one, other = (shared.stay(f"{room}/{bed}", at=ago(hours=9)) for bed in "ab")
    shared.record("swapBeds", stayId=one, withStayId=other, **late(ago(hours=5)))
    assert timeline_of(shared, one)[-1]["summary"].startswith("Exchanged beds, now in")
    allocated = timeline_of(shared, other)[1]["movementId"]
    right = {"movementId": allocated, "reason": "wrong bed", **place(f"{room}/c")}
    shared.record("correctMovement", **right)
    assert timeline_of(shared, one)[-1]["summary"].startswith("Moved to")
    assert timeline_of(shared, other)[-1]["summary"].startswith("Exchanged beds, now in")


NAMESAKES = """query($search: String!, $after: String) {
  patients(search: $search, first: 1, after: $after) {
    nodes { mrn } pageInfo { hasNextPage endCursor } } }"""


def test_mistake_202_a_page_that_ends_among_namesakes_goes_on_with_the_next_of_them(
    shared: Ward,
) -> None:
    name = f"Mueller-{shared.name('N')}"
    mrns = [shared.patient(familyName=name, givenName="Anna") for _ in range(3)]
    mrns.append(shared.patient(familyName=name.replace("ue", "ü"), givenName="Anna"))
    mrns_read: list[str] = []
    page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        of = shared.ask(NAMESAKES, search=name, after=page["endCursor"])["patients"]
        assert of["nodes"]
        mrns_read, page = [*mrns_read, *(node["mrn"] for node in of["nodes"])], of["pageInfo"]
    assert sorted(mrns_read) == sorted(mrns)
