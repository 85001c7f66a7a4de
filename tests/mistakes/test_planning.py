"""Mistakes of other systems in finding patients and planning beds: see `test_covered` for the list."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api_dsl import Ward, ago, ahead, late, moment, place
from tests.support.arrival_examples import planned
from tests.support.correction_examples import IN_ERROR, WRONG, entries

FIND = """query($search: String, $filter: PatientFilter) {
  patients(search: $search, filter: $filter) { nodes { mrn } } }"""
ALIKE = """query($family: String, $given: String, $born: Date, $sex: Sex) {
  likelyDuplicates(familyName: $family, givenName: $given, birthDate: $born, sex: $sex) { mrn } }"""
REGISTER = """mutation($input: RegisterPatientInput!) { registerPatient(input: $input) {
  __typename ... on Refusal { path }
  ... on PatientRecorded { patient { id mrn } likelyDuplicates { id mrn } } } }"""
WAITING = """query($filter: ExpectedArrivalFilter, $first: Int, $after: String, $at: DateTime) {
  expectedArrivals(filter: $filter, first: $first, after: $after, asOf: $at) {
    totalCount nodes { id } pageInfo { endCursor hasNextPage } } }"""
ARRIVAL = """query($id: ID!, $at: DateTime, $known: Position) {
  expectedArrival(id: $id, asOf: $at, knownAtPosition: $known) {
    status convertedBy { id } patient { mrn } } }"""


def found(ward: Ward, search: str | None = None, **filter: Any) -> set[str]:
    patients = ward.ask(FIND, search=search, filter=filter or None)["patients"]
    return {patient["mrn"] for patient in patients["nodes"]}


def register(ward: Ward, **content: Any) -> Any:
    input = {"commandId": str(uuid4()), "mrn": ward.name("Mistaken"), **content}
    return ward.ask(REGISTER, input=input)["registerPatient"]


def waiting(ward: Ward, /, at: str | None = None, **filter: Any) -> list[str]:
    """Return the waiting list, page by page."""
    ids: list[str] = []
    after = None
    while True:
        fields = {"filter": filter or None, "first": 2, "after": after, "at": at}
        page = ward.ask(WAITING, **fields)["expectedArrivals"]
        ids += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(ids)
            return ids


def held(ward: Ward, id: str, at: str | None = None, known: str | None = None) -> Any:
    return ward.ask(ARRIVAL, id=id, at=at, known=known)["expectedArrival"]


def test_mistake_160_a_patient_is_found_by_what_is_remembered_of_her(ward: Ward) -> None:
    name, number = ward.name("Quillinan"), ward.name("00")
    born = {"birthDate": "1911-07-05", "sex": "FEMALE"}
    one = ward.patient(familyName=f"O\u2019{name}", givenName="Ren\u00e9e Marie", **born)
    ward.record("registerPatient", mrn=f"MX{number}", familyName=name, **late(ago(days=30)))
    bare = number.lstrip("0")
    ward.record("registerPatient", mrn=f"MX{bare}", familyName=name, **late(ago(days=30)))
    assert found(ward, f"renee o'{name.lower()}") == {one}
    assert found(ward, f"MARIE {name}") == {one}
    assert {one} == found(ward, f"{name} 1911") == found(ward, f"{name} 1911-07")
    assert {one} == found(ward, f"1911-07-05 {name}") == found(ward, f"5.7.1911 {name}")
    assert found(ward, name, birthYear=1911) == {one} == found(ward, name, birthDate="1911-07-05")
    assert found(ward, name, birthYear=1912) == set() == found(ward, name, sex="MALE")
    assert found(ward, f"{name} {number}") == {f"MX{number}"}
    assert found(ward, f"{name} {bare}") == {f"MX{number}", f"MX{bare}"}
    stay = ward.stay(patientMrn=one)
    assert found(ward, name, inHouse=True) == {one}
    ward.record("dischargePatient", stayId=stay, disposition="HOME")
    assert found(ward, name, inHouse=True) == set()


def test_mistake_638_a_number_that_could_be_a_date_finds_nobody(ward: Ward) -> None:
    """A house that numbers its patients by years found none of them by the number on the wristband."""
    name, year = ward.name("Halloran"), "1907-05"
    number = f"{year}-77"
    ward.record("registerPatient", mrn=number, familyName=name)
    born = ward.patient(familyName=name, birthDate="1907-05-04")
    assert found(ward, f"{name} {number}") == {number}
    assert found(ward, f"{name} {year}") == {number, born}
    assert {born} == found(ward, f"{name} 1907/5/4") == found(ward, f"4. 5. 1907, {name}")
    assert found(ward, f"{name} 5/1907") == {number, born}


@pytest.mark.parametrize(
    ("together", "apart"),
    [("Mc{}", "Mc {}"), ("O'{}", "O {}"), ("Dela{}", "de la {}"), ("Jean{}", "Jean-{}")],
)
def test_mistake_750_a_name_is_found_only_as_its_words_were_set_apart(
    ward: Ward, together: str, apart: str
) -> None:
    """McDonald was not found as "mc donald", and registered again."""
    name = ward.name("Donal")
    spellings = together.format(name), apart.format(name), apart.format(name).replace(" ", "-")
    person = {"givenName": "Ada May", "birthDate": "1944-03-02"}
    mrns = {register(ward, familyName=s, **person)["patient"]["mrn"] for s in spellings}
    for spelling in spellings:
        for typed in (spelling.lower(), f"{spelling} adam", f"Ada M {spelling}"):
            assert found(ward, typed) == mrns, typed
        assert found(ward, f"{spelling} Adele") == set()
        for born in ("1944-03-02", None):
            fields = {"family": spelling, "given": "Adamay", "born": born}
            likely = ward.ask(ALIKE, **fields)["likelyDuplicates"]
            assert {patient["mrn"] for patient in likely} == mrns
    unborn = register(ward, familyName=spellings[0], givenName="Ada May")["likelyDuplicates"]
    assert {patient["mrn"] for patient in unborn} == mrns


def test_mistake_161_who_registers_is_told_who_is_likely_the_same(ward: Ward) -> None:
    name = ward.name("Beauch\u00eane")
    person = {"birthDate": "1950-02-01", "sex": "FEMALE"}
    first = register(ward, familyName=name, givenName="Zo\u00e9 Anne", **person)
    assert first["likelyDuplicates"] == []
    plain = name.replace("\u00ea", "e").upper()
    fields = {"family": "Zoe", "given": plain, "born": "1950-02-01", "sex": "FEMALE"}
    same = [{"mrn": first["patient"]["mrn"]}]
    assert ward.ask(ALIKE, **fields)["likelyDuplicates"] == same
    assert ward.ask(ALIKE, **{**fields, "sex": None})["likelyDuplicates"] == same
    for other in ({"sex": "MALE"}, {"born": "1950-01-02"}, {"given": "Somebody"}):
        assert ward.ask(ALIKE, **{**fields, **other})["likelyDuplicates"] == []
    assert ward.ask(ALIKE, **{**fields, "born": None})["likelyDuplicates"] == []
    fields = {"family": plain, "given": "Anne Zoe"}
    assert ward.ask(ALIKE, **fields)["likelyDuplicates"] == same

    second = register(ward, familyName=plain, givenName="Zoe", **person)
    assert second["likelyDuplicates"] == [first["patient"]]
    shown = {"despiteLikelyDuplicates": [first["patient"]["id"]]}
    third = register(ward, familyName=plain, givenName="Zoe", **person, **shown)
    assert len(third["likelyDuplicates"]) == 2
    (entry,) = ward.ask(
        "query($mrn: String!) { timeline(mrn: $mrn) { nodes { summary recordedBy { subject } } } }",
        mrn=third["patient"]["mrn"],
    )["timeline"]["nodes"]
    assert "another person" in entry["summary"]
    assert entry["recordedBy"]["subject"]
    unknown = {"despiteLikelyDuplicates": [str(uuid4())]}
    refusal = register(ward, familyName=plain, **unknown)
    assert (refusal["__typename"], refusal["path"]) == ("NotFound", ["despiteLikelyDuplicates"])

    linked = {"patientMrn": second["patient"]["mrn"], "intoMrn": first["patient"]["mrn"]}
    ward.record("mergePatients", **linked, **WRONG)
    fourth = ward.ask(ALIKE, family=name, given="Zoe", born="1950-02-01")["likelyDuplicates"]
    assert len(fourth) == 3


def test_mistake_162_an_arrival_is_expected_again_once_its_admission_never_was(ward: Ward) -> None:
    name = ward.name("Expecting")
    bed, mrn = f"{ward.room('a', ward=name)}/a", ward.patient()
    id = planned(ward, patientMrn=mrn, ward=name, isolation=True)
    assert (waiting(ward, ward=name), held(ward, id)["status"]) == ([id], "PLANNED")
    other = ward.execute(
        "admitPatient",
        patientMrn=ward.patient(),
        admissionType="ELECTIVE",
        expectedArrivalId=id,
    )
    assert (other["__typename"], other["path"]) == ("InvalidInput", ["expectedArrivalId"])
    admitted = ward.record(
        "admitPatient",
        patientMrn=mrn,
        admissionType="ELECTIVE",
        expectedArrivalId=id,
        **place(bed),
    )
    stay = admitted["stay"]["id"]
    assert held(ward, id) == {
        "status": "CONVERTED",
        "convertedBy": {"id": stay},
        "patient": {"mrn": mrn},
    }
    assert waiting(ward, ward=name) == []
    refusal = ward.execute("cancelExpectedArrival", expectedArrivalId=id)
    assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["expectedArrivalId"])
    void = ward.record("cancelAdmission", stayId=stay, because="ENTERED_IN_ERROR", reason="no")
    assert (waiting(ward, ward=name), held(ward, id)["status"]) == ([id], "PLANNED")
    known = admitted["position"]
    assert held(ward, id, known=known, at=admitted["recordedAt"])["status"] == "CONVERTED"
    assert held(ward, id, known=void["position"])["convertedBy"] is None

    again = ward.record(
        "admitPatient", patientMrn=mrn, admissionType="ELECTIVE", expectedArrivalId=id
    )
    assert held(ward, id)["convertedBy"] == {"id": again["stay"]["id"]}
    assert held(ward, id, at=admitted["recordedAt"])["status"] == "PLANNED"


def test_mistake_162_what_is_called_off_was_expected_and_what_is_void_never_was(ward: Ward) -> None:
    mrn = ward.patient()
    off = planned(ward, patientMrn=mrn, **late(ago(hours=5)))
    void = planned(ward, familyName="Unregistered", **late(ago(hours=5)))
    ward.record("cancelExpectedArrival", expectedArrivalId=off, **late(ago(hours=2)))
    at = ago(hours=3)
    assert (held(ward, off, at)["status"], held(ward, off)["status"]) == ("PLANNED", "CANCELLED")
    answer = ward.record("cancelExpectedArrival", expectedArrivalId=void, **IN_ERROR)
    assert answer["expectedArrival"] is None
    assert held(ward, void, at) is None
    again = ward.execute("cancelExpectedArrival", expectedArrivalId=void)
    assert (again["__typename"], again["path"]) == ("MovementNotFound", ["expectedArrivalId"])
    kinds = [entry["kind"] for entry in entries_of(ward, mrn)]
    assert kinds[-2:] == ["ARRIVAL_PLANNED", "ARRIVAL_CANCELLED"]
    nobody = ward.execute("planAdmission", expectedAt=ahead(hours=1))
    assert (nobody["__typename"], nobody["path"]) == ("InvalidInput", ["patientMrn"])
    right = {"expectedArrivalId": off, "urgency": "STAT", "occurredAt": ago(hours=4), **WRONG}
    assert ward.record("correctExpectedArrival", **right)
    assert held(ward, off, ago(hours=4.5)) is None
    assert entries_of(ward, mrn)[-2]["summary"].endswith(" (stat)")
    lapsed = planned(ward, patientMrn=mrn, expectedAt=ago(days=40), **late(ago(days=25)))
    assert held(ward, lapsed)["status"] == "EXPIRED"


def test_mistake_162_a_bed_that_is_asked_for_is_had_once_the_patient_lies_there(ward: Ward) -> None:
    name = ward.name("Asked")
    there, here = ward.room("a", ward=name), ward.room("a", "b")
    stay = ward.stay(f"{here}/a", ago(hours=9))
    late_in = {"urgency": "URGENT", "expectedAt": ago(hours=6), **late(ago(hours=6))}
    id = ward.record("requestBed", stayId=stay, ward=name, **late_in)["expectedArrival"]["id"]
    plan = planned(ward, familyName="Somebody", ward=name)
    first = planned(ward, familyName="Other", ward=name, urgency="STAT")
    assert waiting(ward, ward=name) == [first, id, plan]
    ward.record("transferPatient", stayId=stay, **place(f"{here}/b"), **late(ago(hours=5)))
    assert held(ward, id)["status"] == "REQUESTED"
    answer = ward.record(
        "transferPatient", stayId=stay, **place(f"{there}/a"), **late(ago(hours=4))
    )
    assert (held(ward, id)["status"], waiting(ward, ward=name)) == ("CONVERTED", [first, plan])
    assert waiting(ward, at=ago(hours=4.5), ward=name) == [id]
    assert answer["stay"]["room"]["ward"] == name
    move = entries(ward, stay, "TRUTH")[-1]["movementId"]
    ward.record("cancelMovement", movementId=move, because="ENTERED_IN_ERROR", reason="no")
    assert held(ward, id)["status"] == "REQUESTED"
    ward.record("dischargePatient", stayId=stay, disposition="DIED")
    assert held(ward, id)["status"] == "EXPIRED"


def test_mistake_163_totals_are_those_of_the_board_at_every_moment(ward: Ward) -> None:
    name = ward.name("Counted")
    room = ward.room("a", "b", "c", "d", "e", ward=name)
    begun = ward.stay(f"{room}/a", ago(hours=9))
    away = ward.stay(f"{room}/b", ago(hours=8))
    known = ward.record("planDischarge", stayId=begun, expectedAt=ahead(hours=3), plan="PLANNED")
    ward.record("startLeave", stayId=away, keepBed=True, **late(ago(hours=5)))
    ward.record("closeBed", **place(f"{room}/c"), **late(ago(hours=4)))
    kept_for = {"patientMrn": ward.patient(), "until": ahead(hours=20)}
    ward.record("reserveBed", **place(f"{room}/d"), **kept_for)
    planned(ward, ward=name, familyName="Somebody", expectedAt=ahead(hours=2))
    ward.record("requestBed", stayId=ward.stay(), ward=name, expectedAt=ago(hours=3))

    now = totals(ward, name)["total"]
    assert [now[state] for state in STATES] == [5, 1, 1, 1, 0, 0, 1, 1]
    assert (now["waiting"], now["overdueIn"], now["overdueOut"]) == (2, 1, 0)
    hours = {moment(h["start"]): (h["leaving"], h["coming"]) for h in now["hours"]}
    assert sum(map(sum, hours.values())) == 2
    for which, due in enumerate((ahead(hours=3), ahead(hours=2))):
        begin = max(start for start in hours if start <= moment(due) - timedelta(seconds=30))
        assert 1 in (hours[begin][which], hours.get(begin + timedelta(hours=1), (0, 0))[which])
    for at in (None, ago(hours=4.5), ago(hours=7), ago(hours=8.5), ago(hours=10)):
        counted = totals(ward, name, asOf=at)["total"]
        states = board(ward, name, asOf=at)
        assert counted["beds"] == len(states)
        for state, count in zip(STATES[1:], COUNTED, strict=True):
            assert counted[state] == states.count(count), (at, state)
    before = totals(ward, name, knownAtPosition=known["position"])["total"]
    assert (before["taken"], before["kept"], before["free"], before["waiting"]) == (2, 0, 3, 0)
    house = totals(ward)
    assert next(w for w in house["wards"] if w["ward"] == name) == {**now, "withoutBed": None}
    assert house["total"]["beds"] == sum(w["beds"] for w in house["wards"])
    assert house["total"]["withoutBed"] >= 1


def test_mistake_164_what_is_told_in_words_is_told_by_the_hospitals_clocks(ward: Ward) -> None:
    stay = ward.stay()
    ward.record("setHospitalTime", timeZone="Asia/Kolkata")
    expected = {"expectedAt": "2027-01-01T20:40:00Z", "plan": "PLANNED"}
    ward.record("planDischarge", stayId=stay, **expected)
    query = """query($id: ID!) { timeline(stayId: $id, kinds: [STAY_DISCHARGE_PLANNED]) {
      nodes { summary } } }"""
    (entry,) = ward.ask(query, id=stay)["timeline"]["nodes"]
    assert entry["summary"] == "Discharge planned for 2027-01-02 02:10"
    ward.record("setHospitalTime", timeZone="UTC")


def test_mistake_164_what_stands_in_the_way_is_shown_and_facts_have_public_names(
    ward: Ward,
) -> None:
    bed = f"{ward.room('a')}/a"
    mrn = ward.patient(familyName="Occupant")
    stay = ward.stay(bed, patientMrn=mrn)
    document = """mutation($input: AdmitPatientInput!) { admitPatient(input: $input) {
      ... on BedOccupied { byStay occupiedBy { id bed patient { familyName } } }
      ... on PatientAlreadyAdmitted { otherStay { id } } } }"""
    admission = {"admissionType": "ELECTIVE", "commandId": str(uuid4())}
    refusal = ward.ask(document, input={"patientMrn": ward.patient(), **place(bed), **admission})
    held_by = {"id": stay, "bed": "a", "patient": {"familyName": "Occupant"}}
    assert refusal["admitPatient"] == {"byStay": stay, "occupiedBy": held_by}
    refusal = ward.ask(document, input={"patientMrn": mrn, **admission})
    assert refusal["admitPatient"] == {"otherStay": {"id": stay}}

    query = "query($id: ID!) { timeline(stayId: $id) { nodes { kind content data } } }"
    nodes = ward.ask(query, id=stay)["timeline"]["nodes"]
    feed = ward.ask("{ events(first: 500) { nodes { kind data } } }")["events"]["nodes"]
    for node in nodes:
        (result,) = [e["data"] for e in feed if says(e, node["kind"], stay)]
        assert node["content"].items() <= result.items()
        assert node["content"]


def says(event: Any, kind: str, stay: str) -> bool:
    return bool(event["kind"] == kind and event["data"].get("stayId") == stay)


STATES = ["beds", "taken", "kept", "free", "toBeCleaned", "inCleaning", "closed", "reserved"]
COUNTED = ["OCCUPIED", "KEPT", "FREE", "TO_BE_CLEANED", "CLEANING", "CLOSED", "RESERVED"]
TOTALS = f"""query($ward: String, $asOf: DateTime, $knownAtPosition: Position) {{
  houseTotals(ward: $ward, asOf: $asOf, knownAtPosition: $knownAtPosition) {{
    total {{ ...Figures }} wards {{ ...Figures }} }} }}
fragment Figures on BedTotals {{ ward {" ".join(STATES)} withoutBed waiting overdueOut overdueIn
  hours {{ start leaving coming }} }}"""
BOARD = """query($ward: String, $asOf: DateTime) {
  roomOccupancy(ward: $ward, asOf: $asOf) { beds { state } } }"""


def totals(ward: Ward, name: str | None = None, **at: Any) -> Any:
    return ward.ask(TOTALS, ward=name, **at)["houseTotals"]


def board(ward: Ward, name: str, **at: Any) -> list[str]:
    rooms = ward.ask(BOARD, ward=name, **at)["roomOccupancy"]
    return [bed["state"] for room in rooms for bed in room["beds"]]


def entries_of(ward: Ward, mrn: str) -> list[Any]:
    query = "query($mrn: String!) { timeline(mrn: $mrn, read: TRUTH) { nodes { kind summary } } }"
    nodes: list[Any] = ward.ask(query, mrn=mrn)["timeline"]["nodes"]
    return nodes


def test_mistake_193_an_arrival_that_was_called_off_refuses_its_admission_as_a_member(
    ward: Ward,
) -> None:
    mrn = ward.patient()
    planned = ward.record("planAdmission", patientMrn=mrn, expectedAt=ago(hours=1))
    arrival = planned["expectedArrival"]["id"]
    ward.record("cancelExpectedArrival", expectedArrivalId=arrival, because="ENTERED_IN_ERROR")
    admission = {"patientMrn": mrn, "admissionType": "ELECTIVE", "expectedArrivalId": arrival}
    assert ward.execute("admitPatient", **admission)["code"] == "MovementNotFound"


def test_a_planned_admission_says_which_system_planned_it(ward: Ward) -> None:
    mrn = ward.patient()
    source = {"system": " Theatre  plan ", "id": "4711", "recordedAt": "2026-01-02T09:00:00+01:00"}
    plan = {"patientMrn": mrn, "expectedAt": ahead(hours=1)}
    ward.record("planAdmission", source=source, **plan)
    answer = ward.ask(
        "query($mrn: String!) { timeline(mrn: $mrn) { nodes {"
        " kind source { system id recordedAt } } } }",
        mrn=mrn,
    )
    nodes = answer["timeline"]["nodes"]
    (entry,) = [node for node in nodes if node["kind"] == "ARRIVAL_PLANNED"]
    assert (entry["source"]["system"], entry["source"]["id"]) == ("Theatre plan", "4711")
    at = datetime.fromisoformat(entry["source"]["recordedAt"])
    assert at == datetime.fromisoformat(str(source["recordedAt"]))
    for wrong in ({"system": " ", "id": "1"}, {"system": "x", "id": ""}):
        answer = ward.execute("planAdmission", source=wrong, **plan)
        assert answer["__typename"] == "InvalidInput"


@pytest.mark.parametrize("into_the_middle", [True, False], ids=["chain", "star"])
def test_mistake_275_what_is_asked_of_a_person_follows_one_merge_alone(
    ward: Ward, into_the_middle: bool
) -> None:
    """Merged one after the other, or both into the third: in the house, and come as expected."""
    name = ward.name("Merged")
    one, middle, last = (ward.patient(familyName=name) for _ in range(3))
    id = planned(ward, patientMrn=one)
    stay = ward.stay(patientMrn=middle, at=ago(hours=5))
    called_off = planned(ward, patientMrn=one)
    for mrn, into in ((one, middle if into_the_middle else last), (middle, last)):
        ward.record("mergePatients", patientMrn=mrn, intoMrn=into, reason="one person")
    assert found(ward, name, inHouse=True) == {one, middle, last}
    other = ward.stay(patientMrn=ward.patient())
    assert stay != other
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=2)))
    assert found(ward, name, inHouse=True) == set()
    again = ward.record(
        "admitPatient", patientMrn=last, admissionType="ELECTIVE", expectedArrivalId=id
    )
    result = held(ward, id)
    assert (result["status"], result["convertedBy"]) == ("CONVERTED", {"id": again["stay"]["id"]})
    assert held(ward, called_off)["status"] == "PLANNED"
    ward.record("recordDeath", patientMrn=last)
    assert held(ward, called_off)["status"] == "EXPIRED"
