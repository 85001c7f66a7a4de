"""Tests of reports of other systems, asked for as a client would."""

from tests.support.api_dsl import Ward, ago, late
from tests.support.source_movement_examples import admission, report

PENDING = """query($knownAt: Position, $asOf: DateTime) {
  pendingMovements(system: "ADT", knownAtPosition: $knownAt, asOf: $asOf) { nodes {
    id sourceId sourceVisit why status kind reportedAt patient { mrn } } } }"""
TIMELINE = """query($mrn: String!, $read: TimelineReading! = ALL) {
  timeline(mrn: $mrn, read: $read) { nodes { kind status summary source { system id } } } }"""
NODE = "query($id: ID!) { node(id: $id) { ... on SourceMovement { sourceId status } } }"


def pending(ward: Ward, **at: str) -> list[tuple[str, str]]:
    nodes = ward.ask(PENDING, **at)["pendingMovements"]["nodes"]
    return [(node["sourceId"], node["why"]) for node in nodes]


def test_what_is_pending_is_listed_shown_in_the_timeline_and_true_once_it_fits(ward: Ward) -> None:
    room, mrn = ward.room("a"), ward.patient()
    there = ward.stay(f"{room}/a", at=ago(hours=20))
    result = report(ward, "V", "1", 1, movement=admission(mrn, ago(hours=9), f"{room}/a"))
    assert (result["sourceMovement"]["status"], result["ofStay"]) == ("PENDING", None)
    assert pending(ward) == [("V-1", "BedOccupied")]
    assert pending(ward, asOf=ago(hours=10)) == []
    (entry,) = [
        e for e in ward.ask(TIMELINE, mrn=mrn)["timeline"]["nodes"] if e["status"] == "PENDING"
    ]
    assert (entry["kind"], entry["source"]) == ("STAY_ADMITTED", {"system": "ADT", "id": "V-1"})
    assert entry["summary"] == (
        f"ADT reports, not true yet: admitted, ward A, room {room.split('/')[1]}, bed a"
    )
    truth = ward.ask(TIMELINE, mrn=mrn, read="TRUTH")["timeline"]["nodes"]
    assert [e["kind"] for e in truth] == ["PATIENT_REGISTERED"]

    left = late(ago(hours=12))
    ward.record("dischargePatient", stayId=there, disposition="HOME", **left)
    ward.patient()  # its answer waits until all before it can be read
    assert pending(ward) == []
    assert pending(ward, knownAt=result["position"]) == [("V-1", "BedOccupied")]
    entries = ward.ask(TIMELINE, mrn=mrn)["timeline"]["nodes"]
    assert [(e["kind"], e["status"]) for e in entries[1:]] == [
        ("STAY_ADMITTED", "TRUE"),
        ("STAY_ROOM_ALLOCATED", "TRUE"),
    ]
    node = ward.ask(NODE, id=result["sourceMovement"]["id"])["node"]
    assert node == {"sourceId": "V-1", "status": "RECORDED"}


def test_a_report_that_says_nothing_or_names_another_visit_is_refused(ward: Ward) -> None:
    away = {"kind": "START_LEAVE", "occurredAt": ago(hours=9)}
    assert report(ward, "V", "1", 1)["path"] == ["movement"]
    assert report(ward, "V", "1", 1, movement=away)["sourceMovement"]["status"] == "PENDING"
    ids = {"system": "ADT", "sourceId": "V-1", "sourceRecordedAt": "2026-01-01T00:02:00Z"}
    answer = ward.execute("recordSourceMovement", sourceVisit="W", movement=away, **ids)
    assert answer["path"] == ["sourceVisit"]
