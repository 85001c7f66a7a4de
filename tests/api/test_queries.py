"""Every query once, and everything that has an id by its id. One without an example fails here."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from api.graphql.schema import schema
from tests.support.api_dsl import Ward, ago, ahead, codes, late, moment, place
from tests.support.arrival_examples import planned
from tests.support.source_movement_examples import report as report_of

Example = Callable[[Ward], None]
EXAMPLES: dict[str, Example] = {}
LEFT = {"kind": "DISCHARGE", "occurredAt": ago(days=1)}
"""A movement of another system that does not fit: nobody came in before."""


def example(given: Example) -> Example:
    """An example of the query that it is named for."""
    first, *rest = given.__name__.split("_")
    EXAMPLES[first + "".join(part.capitalize() for part in rest)] = given
    return given


def queries() -> list[str]:
    query = schema._schema.query_type
    assert query is not None
    return list(query.fields)


@pytest.mark.parametrize("name", queries())
def test_a_query_answers(shared: Ward, name: str) -> None:
    assert name in EXAMPLES, f"give an example of {name} in this file"
    EXAMPLES[name](shared)


def test_there_are_no_examples_of_what_does_not_exist() -> None:
    assert set(EXAMPLES) == set(queries())


@example
def patient(ward: Ward) -> None:
    mrn = ward.patient(familyName="Okafor", givenName="Ada", birthDate="1961-12-24", sex="FEMALE")
    stay = ward.stay(patientMrn=mrn)
    query = """query($mrn: String, $id: ID) { patient(mrn: $mrn, id: $id) {
        id mrn mrnAuthority familyName givenName birthDate sex confidentiality diedAt version
        stays { id status } } }"""
    answer = ward.ask(query, mrn=mrn)["patient"]
    assert ward.ask(query, id=answer["id"])["patient"] == answer
    assert answer.pop("id")
    assert answer == {
        "mrn": mrn,
        "mrnAuthority": "main",
        "familyName": "Okafor",
        "givenName": "Ada",
        "birthDate": "1961-12-24",
        "sex": "FEMALE",
        "confidentiality": "NORMAL",
        "diedAt": None,
        "version": 1,
        "stays": [{"id": stay, "status": "ADMITTED"}],
    }
    for nobody in ({"mrn": "nobody"}, {"id": str(uuid4())}, {"id": "nonsense"}):
        answer = ward.client.raw(query, nobody)
        assert (answer["data"], codes(answer)) == ({"patient": None}, {"NotFound"})


@example
def patients(ward: Ward) -> None:
    family = ward.name("Family")
    mrns = [ward.patient(familyName=family, givenName=given) for given in ("Zoe", "Ada")]
    query = """query($search: String) { patients(search: $search) {
        edges { cursor node { mrn } } nodes { mrn }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    answer = ward.ask(query, search=family.lower())["patients"]
    assert [node["mrn"] for node in answer["nodes"]] == mrns[::-1]
    assert [edge["node"] for edge in answer["edges"]] == answer["nodes"]
    assert answer["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": answer["edges"][0]["cursor"],
        "endCursor": answer["edges"][1]["cursor"],
    }
    assert [n["mrn"] for n in ward.ask(query, search=mrns[0])["patients"]["nodes"]] == mrns[:1]
    for pattern in ("%", "_", "\\"):
        assert ward.ask(query, search=pattern)["patients"]["nodes"] == []


@example
def practitioners(ward: Ward) -> None:
    number = ward.name("D")
    ward.record("registerPractitioner", staffNumber=number, grade="RESIDENT", familyName="Ito")
    query = """query($number: String) { practitioners(staffNumber: $number) { nodes {
        staffNumber familyName givenName grade gradeFrom specialty version } } }"""
    assert ward.ask(query, number=number)["practitioners"]["nodes"] == [
        {
            "staffNumber": number,
            "familyName": "Ito",
            "givenName": None,
            "grade": "RESIDENT",
            "gradeFrom": None,
            "specialty": None,
            "version": 1,
        }
    ]
    everybody = ward.ask(query)["practitioners"]["nodes"]
    assert number in [node["staffNumber"] for node in everybody]


@example
def wards(ward: Ward) -> None:
    names = sorted([ward.name("Z"), ward.name("Z")])
    for name in (*names, names[0]):
        ward.room(ward=name)
    result = [w["name"] for w in ward.ask("{ wards { name } }")["wards"]]
    assert [name for name in result if name in names] == names


@example
def viewer(house: Ward) -> None:
    assert house.ask("{ viewer { subject role } }")["viewer"]["role"] == "admin"


@example
def hospital(house: Ward) -> None:
    assert house.ask("{ hospital { timeZone } }")["hospital"] == {"timeZone": "UTC"}


@example
def ward(house: Ward) -> None:
    name = house.name("Z")
    number = house.room(ward=name).split("/")[1]
    query = "query($name: String!) { ward(name: $name) { name rooms { room { number } } } }"
    answer = house.ask(query, name=name)["ward"]
    assert answer == {"name": name, "rooms": [{"room": {"number": number}}]}


@example
def room(house: Ward) -> None:
    answer = house.record("openRoom", ward="Z", room=house.name("R"), beds=["a"])["room"]
    query = "query($id: ID!) { room(id: $id) { number } }"
    assert house.ask(query, id=answer["id"])["room"] == {"number": answer["number"]}
    assert codes(house.client.raw(query, {"id": str(uuid4())})) == {"NotFound"}


@example
def stay(ward: Ward) -> None:
    doctor, number = ward.doctor(), ward.room("a")
    at = ago(days=1)
    id = ward.stay(f"{number}/a", at, attending=doctor, specialty="surgery")
    ward.record("recordVisit", stayId=id, practitioner=doctor, kind="CONSULT", note="fine")
    drug = ward.prescription(id, **late(ago(hours=5)))
    query = """query($id: ID!, $statuses: [PrescriptionStatus!]) { stay(id: $id) {
        id status admissionType admittedAt decidedToAdmitAt dischargedAt specialty bed
        sharesBedOf withoutBed bedKept expectedReturn dischargePlan expectedDischarge disposition
        destination confidentiality version patient { mrn } attending { staffNumber }
        room { ward number }
        visits { kind note practitioner { staffNumber } stay { id } }
        prescriptions(statuses: $statuses) { id status writtenAt prescriber { staffNumber }
            stay { id } } } }"""
    answer = ward.ask(query, id=id)["stay"]
    assert (answer["status"], answer["admittedAt"], answer["bed"]) == ("ADMITTED", at, "a")
    assert f"{answer['room']['ward']}/{answer['room']['number']}" == number
    assert answer["attending"] == {"staffNumber": doctor}
    (visit,) = answer["visits"]
    assert (visit["kind"], visit["stay"]) == ("CONSULT", {"id": id})
    assert [p["id"] for p in answer["prescriptions"]] == [drug]
    assert answer["version"] == 3
    assert ward.ask(query, id=id, statuses=["HELD"])["stay"]["prescriptions"] == []
    assert codes(ward.client.raw(query, {"id": str(uuid4())})) == {"NotFound"}


@example
def stays(ward: Ward) -> None:
    name, doctor = ward.name("W"), ward.doctor()
    number = ward.room("a", "b", ward=name)
    mrn = ward.patient()
    one = ward.stay(f"{number}/a", ago(days=3), patientMrn=mrn)
    other = ward.stay(f"{number}/b", ago(days=1), attending=doctor)
    query = "query($filter: StayFilter) { stays(filter: $filter) { nodes { id } } }"

    def found(**filter: Any) -> list[str]:
        return [node["id"] for node in ward.ask(query, filter=filter)["stays"]["nodes"]]

    assert found(ward=name) == [one, other]
    assert found(patientMrn=mrn) == [one]
    assert found(attending=doctor) == [other]
    ward.record("dischargePatient", stayId=one, disposition="HOME")
    assert found(ward=name) == [other]
    assert found(patientMrn=mrn) == []
    assert found(patientMrn=mrn, statuses=["DISCHARGED"]) == [one]
    open_ones = [
        n["id"] for n in ward.ask("{ stays(first: 500) { nodes { id } } }")["stays"]["nodes"]
    ]
    assert other in open_ones
    assert one not in open_ones


@example
def prescription(ward: Ward) -> None:
    doctor, start = ward.doctor(), ago(minutes=30)
    id = ward.prescription(
        medication={"name": "Heparin", "code": "B01AB01", "system": "ATC"},
        start=start,
        dose="5000 IU",
        route="subcutaneous",
        frequency="daily",
        prescriber=doctor,
    )
    dose = {"prescriptionId": id, "given": True, "doseGiven": "5000 IU", "performedBy": "Nurse B"}
    ward.record("recordAdministration", **dose)
    answer = ward.ask(
        """query($id: ID!) { prescription(id: $id) { id status dose route frequency writtenAt start
        stop version medication { name code system } prescriber { staffNumber } stay { id }
        administrations { id occurredAt given doseGiven reasonNotGiven outsidePrescription
            performedBy } } }""",
        id=id,
    )["prescription"]
    assert (answer["status"], answer["start"], answer["version"]) == ("ACTIVE", start, 2)
    assert answer["medication"] == {"name": "Heparin", "code": "B01AB01", "system": "ATC"}
    assert answer["prescriber"] == {"staffNumber": doctor}
    (administration,) = answer["administrations"]
    assert (administration["given"], administration["performedBy"]) == (True, "Nurse B")


@example
def room_occupancy(ward: Ward) -> None:
    room = ward.room("a", "b", "c", "d", "e", "f")
    mother = ward.stay(f"{room}/a", ago(hours=9))
    child = ward.stay(f"{room}/a", ago(hours=2), sharesBedOf=mother, admissionType="NEWBORN")
    away = ward.stay(f"{room}/b")
    left = ago(minutes=20)
    ward.record("startLeave", stayId=away, keepBed=True, occurredAt=left)
    ward.record("closeBed", **place(f"{room}/c"), reason="paint")
    ward.record("startCleaning", **place(f"{room}/d"))
    until, mrn = ahead(hours=3), ward.patient()
    ward.record("reserveBed", **place(f"{room}/e"), patientMrn=mrn, until=until)

    beds = {code: ward.bed(f"{room}/{code}") for code in "abcdef"}
    states = ["OCCUPIED", "KEPT", "CLOSED", "CLEANING", "RESERVED", "FREE"]
    assert [bed["state"] for bed in beds.values()] == states
    assert beds["a"]["stay"] == {"id": mother}
    assert [o["stay"]["id"] for o in beds["a"]["occupants"]] == [mother, child]
    assert [o["sharesBedOf"] for o in beds["a"]["occupants"]] == [None, mother]
    assert (beds["b"]["stay"], beds["b"]["since"]) == ({"id": away}, left)
    assert beds["c"]["stateReason"] == "paint"
    assert (beds["e"]["until"], beds["e"]["patient"]) == (until, None)
    assert beds["e"]["reservedForPatient"]
    assert beds["e"]["reservationId"]


@example
def occupancy_history(ward: Ward) -> None:
    room = ward.room("a", "b")
    name, number = room.split("/")
    begun, moved, gone = ago(days=4), ago(days=3), ago(days=2)
    mrn = ward.patient()
    one, other = ward.stay(f"{room}/a", begun, patientMrn=mrn), ward.stay(f"{room}/b", moved)
    ward.record("swapBeds", stayId=one, withStayId=other, **late(gone))
    query = """query($from: DateTime!, $to: DateTime!, $ward: String, $room: String, $bed: String,
        $stay: ID, $mrn: String) {
        occupancyHistory(from: $from, to: $to, ward: $ward, room: $room, bed: $bed,
                         stayId: $stay, mrn: $mrn) {
        bed since until kept sharesBedOf room { ward number } stay { id } patient { mrn } } }"""

    def told(**asked: Any) -> list[tuple[str, str, str, str | None]]:
        fields = {"from": ago(days=5), "to": ahead(days=1), "ward": name, "room": number, **asked}
        result = ward.ask(query, **fields)["occupancyHistory"]
        return [(s["bed"], s["stay"]["id"], s["since"], s["until"]) for s in result]

    assert sorted(told()) == sorted(
        [
            ("a", one, begun, gone),
            ("b", one, gone, None),
            ("b", other, moved, gone),
            ("a", other, gone, None),
        ]
    )
    assert [stretch[1] for stretch in told(bed="a")] == [one, other]
    assert [stretch[1] for stretch in told(bed="a", to=gone)] == [one]
    assert [stretch[1] for stretch in told(bed="a", **{"from": gone})] == [other]
    everywhere = {"ward": None, "room": None}
    assert told(stay=one, **everywhere) == [("a", one, begun, gone), ("b", one, gone, None)]
    assert told(mrn=mrn, **everywhere) == told(stay=one, **everywhere)
    assert told(mrn=ward.patient(), **everywhere) == []


@example
def timeline(ward: Ward) -> None:
    mrn, doctor, room = ward.patient(), ward.doctor(), ward.room("a", "b")
    id = ward.stay(f"{room}/a", ago(days=2), patientMrn=mrn, attending=doctor)
    moved = ago(days=1)
    ward.record("transferPatient", stayId=id, **place(f"{room}/b"), **late(moved))
    query = """query($mrn: String, $stay: ID, $kinds: [TimelineKind!]) {
        timeline(mrn: $mrn, stayId: $stay, kinds: $kinds) { edges { cursor } nodes {
        id kind status occurredAt occurredAtPrecision recordedAt position late reason performedBy
        recordedBy { issuer subject role onBehalfOf } movementId correctedBy corrects cancels stayId
        source { system id recordedAt } summary data } } }"""
    entries = ward.ask(query, mrn=mrn)["timeline"]["nodes"]
    assert [e["kind"] for e in entries] == [
        "PATIENT_REGISTERED",
        "STAY_ADMITTED",
        "STAY_ROOM_ALLOCATED",
        "STAY_TRANSFERRED",
    ]
    assert entries[1:] == ward.ask(query, stay=id)["timeline"]["nodes"]
    transfer = entries[-1]
    assert ward.ask(query, mrn=mrn, kinds=["STAY_TRANSFERRED"])["timeline"]["nodes"] == [transfer]
    assert (transfer["occurredAt"], transfer["late"]) == (moved, True)
    assert moment(transfer["recordedAt"]) > moment(moved)
    assert transfer["summary"] == f"Moved to A, room {room.split('/')[1]}, bed b"
    assert doctor in entries[1]["summary"]
    assert (transfer["reason"], transfer["status"]) == ("noted afterwards", "TRUE")
    assert transfer["recordedBy"]["role"]
    assert transfer["movementId"]


@example
def stay_difference(ward: Ward) -> None:
    query = """query($id: ID!, $from: DateTime!) { stayDifference(id: $id, fromKnown: $from) {
        before { stay { id } } after { stay { id status } } facts { kind } } }"""
    before, stay = ago(seconds=1), ward.stay()
    answer = ward.ask(query, **{"id": stay, "from": before})["stayDifference"]
    assert answer == {
        "before": [],
        "after": [{"stay": {"id": stay, "status": "ADMITTED"}}],
        "facts": [{"kind": "STAY_ADMITTED"}],
    }


@example
def occupancy_difference(ward: Ward) -> None:
    query = """query($ward: String, $from: DateTime!) {
        occupancyDifference(ward: $ward, fromKnown: $from) {
        room { number } before { state } after { state } facts { kind } } }"""
    name = ward.name("W")
    room = ward.room("a", ward=name)
    known = ago()
    ward.stay(f"{room}/a")
    (result,) = ward.ask(query, **{"ward": name, "from": known})["occupancyDifference"]
    assert (result["before"], result["after"]) == ({"state": "FREE"}, {"state": "OCCUPIED"})
    assert {"kind": "STAY_ROOM_ALLOCATED"} in result["facts"]


@example
def course(ward: Ward) -> None:
    stay = ward.stay()
    query = "query($id: ID) { course(stayId: $id, format: CSV) { text mediaType } }"
    answer = ward.ask(query, id=stay)["course"]
    assert answer["mediaType"] == "text/csv; charset=utf-8"
    assert stay in answer["text"]


@example
def exposure(ward: Ward) -> None:
    stay = ward.stay()
    visit = ward.record("recordVisit", stayId=stay, practitioner=ward.doctor(), kind="ROUND")
    id = visit["visit"]["id"]
    query = "query($id: ID!) { exposure(movementId: $id) { wrong { kind } decided { kind } } }"
    assert ward.ask(query, id=id)["exposure"] is None
    ward.record("cancelVisit", visitId=id, reason="another patient's")
    assert ward.ask(query, id=id)["exposure"] == {
        "wrong": [{"kind": "STAY_VISIT_RECORDED"}],
        "decided": [],
    }


@example
def events(ward: Ward) -> None:
    mrn = ward.patient()
    query = """query($after: Position) { events(after: $after, first: 500) {
        nodes { kind data } pageInfo { hasNextPage endCursor } } }"""
    answer = ward.ask(query)["events"]
    while answer["pageInfo"]["hasNextPage"]:
        answer = ward.ask(query, after=answer["pageInfo"]["endCursor"])["events"]
    last = answer["nodes"][-1]
    assert (last["kind"], last["data"]["mrn"]) == ("PATIENT_REGISTERED", mrn)


@example
def deceased(ward: Ward) -> None:
    stay = ward.stay()
    ward.record("recordDeath", stayId=stay, occurredAt=ago(minutes=5))
    answer = ward.ask("{ deceased { diedAt stays { id } prescriptions { id } } }")["deceased"]
    assert [stay] in [[s["id"] for s in dead["stays"]] for dead in answer]


@example
def open_consults(ward: Ward) -> None:
    stay = ward.stay()
    reply = ward.record("requestConsult", stayId=stay, specialty="cardiology", question="murmur")
    answer = ward.ask('{ openConsults(specialty: "cardiology") { id question } }')["openConsults"]
    assert {"id": reply["consult"]["id"], "question": "murmur"} in answer


@example
def expected_arrival(ward: Ward) -> None:
    id = planned(ward, familyName="Somebody")
    query = "query($id: ID!) { expectedArrival(id: $id) { status familyName } }"
    answer = ward.ask(query, id=id)["expectedArrival"]
    assert answer == {"status": "PLANNED", "familyName": "Somebody"}


@example
def expected_arrivals(ward: Ward) -> None:
    id = planned(ward, patientMrn=ward.patient(), urgency="STAT")
    query = "{ expectedArrivals(first: 500) { nodes { id } } }"
    assert {"id": id} in ward.ask(query)["expectedArrivals"]["nodes"]


@example
def beds(ward: Ward) -> None:
    name = ward.name("Beds")
    ward.room("b", "a", ward=name)
    query = "query($ward: String) { beds(ward: $ward) { totalCount nodes { code state } } }"
    free = [{"code": "a", "state": "FREE"}, {"code": "b", "state": "FREE"}]
    assert ward.ask(query, ward=name)["beds"] == {"totalCount": 2, "nodes": free}


@example
def house_totals(ward: Ward) -> None:
    name = ward.name("Total")
    ward.stay(f"{ward.room('a', 'b', ward=name)}/a")
    query = """query($ward: String) { houseTotals(ward: $ward, hours: 2) {
      total { beds taken free hours { leaving coming } } wards { ward } } }"""
    answer = ward.ask(query, ward=name)["houseTotals"]
    assert answer["wards"] == [{"ward": name}]
    hours = [{"leaving": 0, "coming": 0}] * 2
    assert answer["total"] == {"beds": 2, "taken": 1, "free": 1, "hours": hours}


@example
def likely_duplicates(ward: Ward) -> None:
    name = ward.name("Twice")
    mrns = [ward.patient(familyName=name), ward.patient(familyName=name.upper())]
    query = "query($name: String) { likelyDuplicates(familyName: $name) { mrn } }"
    result = ward.ask(query, name=name)["likelyDuplicates"]
    assert sorted(p["mrn"] for p in result) == sorted(mrns)


@example
def doses_due(ward: Ward) -> None:
    name = ward.name("Due")
    stay = ward.stay(f"{ward.room('a', ward=name)}/a", ago(days=2))
    drug = ward.prescription(stay, schedule={"everyHours": 36}, **late(ago(hours=30)))
    query = """query($ward: String!) {
      dosesDue(ward: $ward, hoursBack: 48) { status prescription { id } } }"""
    answer = ward.ask(query, ward=name)["dosesDue"]
    assert answer == [
        {"status": "OVERDUE", "prescription": {"id": drug}},
        {"status": "UPCOMING", "prescription": {"id": drug}},
    ]


@example
def late_entries(ward: Ward) -> None:
    stay = ward.stay(at=ago(days=3))
    for specialty, at in (("surgery", ago(days=2)), ("medicine", ago()), ("care", ago(days=1))):
        ward.record("changeSpecialty", stayId=stay, specialty=specialty, **late(at))
    query = """query($after: String) { lateEntries(first: 1, after: $after) {
        nodes { entry { late content } stay { id } patient { mrn } }
        pageInfo { endCursor } } }"""

    last = ward.ask(query)["lateEntries"]
    before = ward.ask(query, after=last["pageInfo"]["endCursor"])["lateEntries"]

    nodes = last["nodes"] + before["nodes"]
    assert [(node["stay"]["id"], node["entry"]["late"]) for node in nodes] == [(stay, True)] * 2
    assert [node["entry"]["content"]["specialty"] for node in nodes] == ["care", "surgery"]
    assert nodes[0]["patient"]["mrn"]


@example
def pending_movements(ward: Ward) -> None:
    visit = ward.name("V")
    result = report_of(ward, visit, "1", 1, movement=LEFT)
    assert result["__typename"] == "SourceMovementRecorded"
    query = (
        """{ pendingMovements(system: "ADT", first: 500) { nodes { sourceId sourceVisit why } } }"""
    )
    pending = ward.ask(query)["pendingMovements"]["nodes"]
    assert {"sourceId": f"{visit}-1", "sourceVisit": visit, "why": "NotFound"} in pending


@example
def report_definitions(ward: Ward) -> None:
    answer = ward.ask("{ reportDefinitions { name version source } }")["reportDefinitions"]
    assert "inpatient-census" in {definition["name"] for definition in answer}
    assert all(definition["source"] for definition in answer)


@example
def report(ward: Ward) -> None:
    name = ward.name("Ward")
    ward.stay(f"{ward.room('a', ward=name)}/a", at=ago(days=3))
    days = {"from": ago(days=2)[:10], "to": ago(days=2)[:10]}
    query = """query($ward: String, $period: ReportPeriod!) {
        report(name: "inpatient-census", ward: $ward, period: $period) {
            figures { name value } } }"""
    answer = ward.ask(query, ward=name, period=days)["report"]["figures"]
    assert {"name": "census", "value": 1} in answer


@example
def report_bundle(ward: Ward) -> None:
    name = ward.name("Ward")
    ward.stay(f"{ward.room('a', ward=name)}/a", at=ago(days=3))
    days = {"from": ago(days=2)[:10], "to": ago(days=2)[:10]}
    query = """query($ward: String, $period: ReportPeriod!) {
        reportBundle(ward: $ward, period: $period) { figures { name value } } }"""
    reports = ward.ask(query, ward=name, period=days)["reportBundle"]
    assert len(reports) > 10
    assert {"name": "census", "value": 1} in [f for report in reports for f in report["figures"]]


@example
def report_issues(ward: Ward) -> None:
    id = issued(ward)
    query = """{ reportIssues(name: "inpatient-census", first: 100) { nodes { id } } }"""
    assert {"id": id} in ward.ask(query)["reportIssues"]["nodes"]


@example
def report_issue(ward: Ward) -> None:
    id = issued(ward)
    query = "query($id: ID!) { reportIssue(id: $id) { id report { definition { name } } } }"
    assert ward.ask(query, id=id)["reportIssue"] == {
        "id": id,
        "report": {"definition": {"name": "inpatient-census"}},
    }
    assert codes(ward.client.raw(query, {"id": str(uuid4())})) == {"NotFound"}


def issued(ward: Ward) -> str:
    """A report of the day before yesterday that was issued."""
    days = {"from": ago(days=2)[:10], "to": ago(days=2)[:10]}
    answer = ward.record("issueReport", name="inpatient-census", period=days)
    return str(answer["issue"]["id"])


@example
def command(ward: Ward) -> None:
    id = str(uuid4())
    query = "query($id: ID!) { command(id: $id) { commandId operation position recordedAt } }"
    assert ward.ask(query, id=id)["command"] is None
    ward.execute("admitPatient", commandId=id, patientMrn="nobody", admissionType="ELECTIVE")
    assert ward.ask(query, id=id)["command"] is None
    answer = ward.record("registerPatient", commandId=id, mrn=ward.name("M"))
    assert ward.ask(query, id=id)["command"] == {
        "commandId": id,
        "operation": "registerPatient",
        "position": answer["position"],
        "recordedAt": answer["recordedAt"],
    }


@example
def accesses(ward: Ward) -> None:
    mrn = ward.patient()
    ward.ask("query($m: String) { patient(mrn: $m) { sex } }", m=mrn)
    answer = ward.ask(
        "query($m: String) { accesses(mrn: $m) { nodes {"
        " subject role operation purpose brokeGlass patient { mrn } } } }",
        m=mrn,
    )["accesses"]["nodes"]
    assert [a["operation"] for a in answer] == ["patient", "registerPatient"]
    assert {(a["subject"], a["role"], a["purpose"]) for a in answer} == {
        ("tester", "admin", "TREATMENT")
    }
    assert {(a["brokeGlass"], a["patient"]["mrn"]) for a in answer} == {(False, mrn)}


@example
def projections(ward: Ward) -> None:
    position = ward.record("registerPatient", mrn=ward.name("M"))["position"]
    answer = ward.ask("{ projections { name position lag lagSeconds state parked } }")[
        "projections"
    ]
    assert {p["name"] for p in answer} >= {"rooms", "occupancy", "timeline", "stays", "patients"}
    assert {p["position"] for p in answer} == {position}
    assert {(p["lag"], p["lagSeconds"], p["state"], p["parked"]) for p in answer} == {
        (0, 0.0, "FOLLOWING", 0)
    }


NODES: dict[str, Callable[[Ward], str]] = {
    "Patient": lambda ward: ward.record("registerPatient", mrn=ward.name("M"))["patient"]["id"],
    "Practitioner": lambda ward: ward.record("registerPractitioner", staffNumber=ward.name("D"))[
        "practitioner"
    ]["id"],
    "Room": lambda ward: ward.record("openRoom", ward="A", room=ward.name("R"), beds=["a"])["room"][
        "id"
    ],
    "Stay": lambda ward: ward.stay(),
    "Visit": lambda ward: ward.record(
        "recordVisit", stayId=ward.stay(), practitioner=ward.doctor(), kind="ROUND"
    )["visit"]["id"],
    "Prescription": lambda ward: ward.prescription(),
    "ExpectedArrival": lambda ward: planned(ward, familyName="Somebody"),
    "ReportIssue": lambda ward: issued(ward),
    "SourceMovement": lambda ward: report_of(ward, ward.name("V"), "1", 1, movement=LEFT)[
        "sourceMovement"
    ]["id"],
    "TimelineEntry": lambda ward: ward.ask(
        "query($mrn: String) { timeline(mrn: $mrn) { nodes { id } } }", mrn=ward.patient()
    )["timeline"]["nodes"][0]["id"],
}


@example
def node(ward: Ward) -> None:
    interface = schema._schema.type_map["Node"]
    assert {t.name for t in schema._schema.get_possible_types(interface)} == set(NODES)  # type: ignore[arg-type]
    for kind, make in NODES.items():
        id = make(ward)
        answer = ward.ask("query($id: ID!) { node(id: $id) { __typename id } }", id=id)["node"]
        assert answer == {"__typename": kind, "id": id}
    for nothing in (str(uuid4()), "", "nonsense"):
        assert ward.ask("query($id: ID!) { node(id: $id) { id } }", id=nothing)["node"] is None


@example
def node_as_of(ward: Ward) -> None:
    stay = ward.stay(at=ago(hours=2))
    query = "query($id: ID!, $at: DateTime) { nodeAsOf(id: $id, asOf: $at) { __typename id } }"
    for hours, result in ((1, {"__typename": "Stay", "id": stay}), (3, None)):
        assert ward.ask(query, id=stay, at=ago(hours=hours))["nodeAsOf"] == result
