"""Mistakes that those meet who build a ward's screens on the schema alone: see `test_covered`."""

from typing import Any

import pytest

from application.authorization.roles import Role
from tests.api.test_scope import login
from tests.support.api_dsl import Ward, ago, codes, late, moment, place

STAFF = """query($search: String, $filter: PractitionerFilter, $number: String, $first: Int,
    $order: PractitionerOrder! = STAFF_NUMBER, $after: String) {
  listed: practitioners(search: $search, filter: $filter, staffNumber: $number, orderBy: $order,
    first: $first, after: $after) { nodes { staffNumber } pageInfo { hasNextPage endCursor } } }"""
TIMELINE = """query($stay: ID, $mrn: String, $from: DateTime, $to: DateTime, $order: TimelineOrder!,
    $read: TimelineReading! = ALL, $kinds: [TimelineKind!], $first: Int, $after: String) {
  listed: timeline(stayId: $stay, mrn: $mrn, occurredFrom: $from, occurredTo: $to, orderBy: $order,
    read: $read, kinds: $kinds, first: $first, after: $after) {
    nodes { id kind occurredAt } pageInfo { hasNextPage endCursor } } }"""
LATE = """query($ward: String, $first: Int, $after: String) {
  listed: lateEntries(ward: $ward, first: $first, after: $after) {
    nodes { entry { id kind } stay { id } } pageInfo { hasNextPage endCursor } } }"""


def listed(house: Ward, query: str, first: int = 2, **asked: Any) -> list[dict[str, Any]]:
    """Return all entries of a list, asked for in pages."""
    nodes: list[dict[str, Any]] = []
    page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        answer = house.ask(query, first=first, after=page["endCursor"], **asked)["listed"]
        nodes, page = nodes + answer["nodes"], answer["pageInfo"]
    return nodes


def staff(ward: Ward, **asked: Any) -> list[str]:
    return [node["staffNumber"] for node in listed(ward, STAFF, **asked)]


def test_mistake_751_a_doctor_is_found_only_by_her_staff_number(shared: Ward) -> None:
    """Who asks for a consult knows a name, or a specialty."""
    name, specialty = shared.name("Achebe"), shared.name("Nephrology")
    people = [
        {"familyName": f"Mc{name}", "givenName": "Zo\u00eb", "specialty": specialty},
        {"familyName": f"Mc {name}", "givenName": "Ann Lee", "specialty": "other"},
        {"familyName": f"Mc {name}", "givenName": "Ann", "specialty": specialty.upper()},
        {"familyName": f"Mc {name}"},
    ]
    numbers = [f"{shared.name('D00')}" for _ in people]
    for number, person in zip(numbers, people, strict=True):
        shared.record("registerPractitioner", staffNumber=number, **person, **late(ago(days=9)))
    one, two, three, four = numbers
    assert staff(shared, search=f"mc {name}") == sorted(numbers)
    assert staff(shared, search=f"MC{name}", order="NAME") == [four, three, two, one]
    assert staff(shared, search=f"zoe mc{name}") == [one]
    assert set(staff(shared, search=f"mc-{name} annl")) == {two}
    assert set(staff(shared, filter={"specialty": specialty.lower()})) == {one, three}
    assert staff(shared, filter={"specialty": specialty}, search="Ann") == [three]
    assert staff(shared, search=four) == [four] == staff(shared, number=four, search=name)
    assert staff(shared, search=" - ") == [] == staff(shared, number=four, search="Ann")
    married = {"staffNumber": one, "familyName": "Okri", "validFrom": ago(days=1)[:10]}
    shared.record("changePractitioner", **married)
    assert staff(shared, search=f"Okri {one}") == [one]
    assert one not in staff(shared, search=name)
    cursor = shared.ask(STAFF, order="NAME", first=1)["listed"]["pageInfo"]["endCursor"]
    answer = shared.client.raw(STAFF, {"after": cursor})
    assert answer["errors"][0]["extensions"]["code"] == "InvalidInput"


def test_mistake_752_a_dose_does_not_say_by_which_order_it_was_given(shared: Ward) -> None:
    stay = shared.stay()
    drug = shared.prescription(stay)
    dose = {"prescriptionId": drug, "given": True, "doseGiven": "1 g"}
    shared.record("recordAdministration", **dose)
    query = """query($id: ID!) { stay(id: $id) { prescriptions {
      administrations { prescription { id medication { name } } } } } }"""
    (of_stay,) = shared.ask(query, id=stay)["stay"]["prescriptions"]
    (given_dose,) = of_stay["administrations"]
    assert given_dose["prescription"] == {"id": drug, "medication": {"name": "Paracetamol"}}


@pytest.mark.parametrize("read", ["ALL", "TRUTH", "RECORD"])
def test_mistake_753_what_happened_last_is_reached_through_all_that_was_before(
    shared: Ward, read: str
) -> None:
    """A screen that shows a shift read the timeline of months from its beginning."""
    mrn, room = shared.patient(), shared.room("a", "b")
    days = [f"{ago(days=day)[:10]}T12:00:00Z" for day in (9, 8, 7, 6)]
    stay = shared.stay(f"{room}/a", days[0], patientMrn=mrn)
    for day, bed in zip(days[1:], "bab", strict=True):
        shared.record("transferPatient", stayId=stay, **place(f"{room}/{bed}"), **late(day))
    for of in ({"stay": stay}, {"mrn": mrn}):
        fields: dict[str, Any] = {**of, "read": read}
        whole = listed(shared, TIMELINE, first=50, order="EARLIEST_FIRST", **fields)
        for first in (1, 2, 3, 50):
            latest = listed(shared, TIMELINE, first, order="LATEST_FIRST", **fields)
            assert latest == whole[::-1]
            earliest = listed(shared, TIMELINE, first, order="EARLIEST_FIRST", **fields)
            assert earliest == whole
        for begin in (None, *days):
            for end in (None, *days):
                period = {"from": begin, "to": end}
                if begin and end and end < begin:
                    of_none = {**fields, **period, "order": "LATEST_FIRST"}
                    (error,) = shared.client.raw(TIMELINE, of_none)["errors"]
                    assert error["extensions"]["parameters"] == {"field": "occurredTo"}
                    continue
                within = [
                    entry["id"]
                    for entry in whole
                    if (not begin or moment(entry["occurredAt"]) >= moment(begin))
                    and (not end or moment(entry["occurredAt"]) < moment(end))
                ]
                asked_of: dict[str, Any] = {**fields, **period, "order": "EARLIEST_FIRST"}
                result = listed(shared, TIMELINE, **asked_of)
                assert [entry["id"] for entry in result] == within
    moves: dict[str, Any] = {"stay": stay, "kinds": ["STAY_TRANSFERRED"], "from": days[2]}
    (last, before) = listed(shared, TIMELINE, first=1, order="LATEST_FIRST", **moves)
    assert moment(last["occurredAt"]) > moment(before["occurredAt"])


HANDOVER = """query($ward: String!, $from: DateTime) {
  stays(filter: {ward: $ward}, orderBy: PLACE) { nodes { id timeline(occurredFrom: $from, first: 20,
    orderBy: LATEST_FIRST, read: TRUTH) { nodes { id kind occurredAt } pageInfo { endCursor } } } } }"""


def test_mistake_757_a_handover_asks_for_the_shift_of_each_stay_one_by_one(shared: Ward) -> None:
    """A stay had no timeline: a ward of thirty beds was thirty and one questions."""
    name = shared.name("Handover")
    room = shared.room("a", "b", ward=name)
    stays = [shared.stay(f"{room}/{bed}", ago(days=2)) for bed in "ab"]
    for stay in stays:
        for specialty, hours in (("surgery", 30), ("medicine", 7), ("care", 3)):
            at = late(ago(hours=hours))
            shared.record("changeSpecialty", stayId=stay, specialty=specialty, **at)
    answer = shared.ask(HANDOVER, ward=name, **{"from": ago(hours=8)})["stays"]["nodes"]
    assert [node["id"] for node in answer] == stays
    for node in answer:
        fields = {"stay": node["id"], "from": ago(hours=8), "read": "TRUTH"}
        alone = listed(shared, TIMELINE, order="LATEST_FIRST", **fields)
        assert node["timeline"]["nodes"] == alone
        assert [entry["kind"] for entry in alone] == ["STAY_SPECIALTY_CHANGED"] * 2
    (first, _) = shared.ask(HANDOVER.replace("20", "1"), ward=name)["stays"]["nodes"]
    after = first["timeline"]["pageInfo"]["endCursor"]
    fields = {"stay": first["id"], "after": after, "order": "LATEST_FIRST", "read": "TRUTH"}
    nodes = shared.ask(TIMELINE, first=1, **fields)["listed"]["nodes"]
    assert nodes[0]["id"] != first["timeline"]["nodes"][0]["id"]
    analyst = login(shared, Role.ANALYST, who=shared.name("analyst"))
    refusal = analyst.raw("{ stays { nodes { id timeline { nodes { summary } } } } }")
    assert codes(refusal) == {"NOT_ALLOWED"}


def test_mistake_754_late_entries_of_a_ward_are_picked_from_those_of_the_house(
    shared: Ward,
) -> None:
    here, there = shared.name("Late"), shared.name("Late")
    bed, other = f"{shared.room('a', ward=here)}/a", f"{shared.room('a', ward=there)}/a"
    stay = shared.stay(bed, ago(hours=20))
    shared.record("transferPatient", stayId=stay, **place(other), **late(ago(hours=10)))
    for specialty, hours in (("surgery", 15), ("medicine", 5)):
        at = late(ago(hours=hours))
        shared.record("changeSpecialty", stayId=stay, specialty=specialty, **at)
    left = {"stayId": stay, "disposition": "HOME", **late(ago(hours=2))}
    shared.record("dischargePatient", **left)
    waiting = shared.stay(None, ago(hours=4), withoutBed=f"{here} corridor")

    def kinds(ward: str) -> list[str]:
        entries = listed(shared, LATE, ward=ward)
        assert {node["stay"]["id"] for node in entries} <= {stay, waiting}
        return [node["entry"]["kind"].removeprefix("STAY_") for node in entries]

    assert kinds(here) == [
        *("ADMITTED", "SPECIALTY_CHANGED", "TRANSFERRED"),
        *("ROOM_ALLOCATED", "ADMITTED"),
    ]
    assert kinds(there) == ["DISCHARGED", "SPECIALTY_CHANGED", "TRANSFERRED"]
    entries = {node["entry"]["id"] for node in listed(shared, LATE, first=50)}
    assert {node["entry"]["id"] for node in listed(shared, LATE, ward=here)} <= entries
    answer = shared.client.raw(LATE, {"ward": "Nowhere"})
    assert answer["errors"][0]["extensions"]["code"] == "NotFound"


def test_mistake_755_a_consult_is_not_found_for_the_case_of_its_specialty(shared: Ward) -> None:
    """`stays` compared specialties without their case, `openConsults` with it."""
    stay, asked = shared.stay(), shared.name("Neurology")
    shared.record("requestConsult", stayId=stay, specialty=asked, requestedBy=shared.doctor())
    query = "query($s: String) { openConsults(specialty: $s) { specialty } }"
    for typed in (asked, asked.lower(), asked.upper()):
        assert shared.ask(query, s=typed)["openConsults"] == [{"specialty": asked}]
