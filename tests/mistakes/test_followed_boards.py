"""Mistakes of other systems about followed boards: see `test_covered` for the list."""

from itertools import zip_longest
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type

from api.graphql.extensions import authorization
from api.graphql.schema import schema
from tests.api.conftest import followed, running
from tests.support.api_dsl import Ward, ago, ahead, place
from tests.support.server_process import Client, Served

pytestmark = pytest.mark.nightly

__all__ = ["followed", "running"]

SAME = {
    *("Stay.id", "Stay.parked", "Room.id", "Room.parked", "Practitioner.id", "Prescription.id"),
    *("Bed.id", "Room.beds", "RoomOccupancy.id"),
    *("Patient.id", "Patient.mrnAuthority", "Bed.code", "RoomOccupancy.beds", "RoomOccupancy.room"),
}
"""Fields of a thing that stays the same while it is in its bed."""

OF_WHO_HAS_LEFT = {
    f"Stay.{name}"
    for name in ("bed", "dischargedAt", "disposition", "destination", "withoutBed", "sharesBedOf")
} | {
    "OccupancyStretch.sharesBedOf",
    *(f"Movement.{name}" for name in ("withoutBed", "destination", "disposition", "sharesBedOf")),
}
"""Fields that differ between stays, but not for one that has a bed of its own."""

PARTS = (
    {"movements"},
    {"children", "merges", "mergedInto"},
    {"visits"},
    {"flags", "allergies"},
    {"prescriptions"},
    {"stretches"},
    {"history", "bedStates"},
)
"""Fields that one document cannot select together: it would be too large."""

APART = [set.union(*(other for other in PARTS if other is not part)) for part in PARTS]
"""The fields that each document leaves out."""

TOO_LARGE = {
    "administrations",
    "changes",
    "consults",
    "timeline",
    "reservedPatient",
    "reservedStay",
}
"""Fields that no document of a board can select with all others."""


def test_mistake_110_a_followed_board_is_pushed_whatever_it_shows_changes(
    running: Served, followed: Ward
) -> None:
    ward = followed
    room, doctor = ward.room("a", "b", "c", ward="Ward"), ward.doctor()
    mother, child = ward.patient(sex="UNKNOWN"), ward.patient(birthDate=ago(days=3)[:10])
    other = ward.patient()
    stay = ward.stay(f"{room}/a", patientMrn=mother, attending=doctor)
    boards = [Followed(running, without | TOO_LARGE) for without in APART]
    running.await_followers(len(boards))
    room_of = dict(zip(("ward", "room"), room.split("/"), strict=True))
    position = ""

    def push(name: str, **content: Any) -> Any:
        nonlocal position
        result = ward.record(name, **{"reason": "as it is", **content})
        position = result["position"]
        boards[0].read_until(position)
        return result

    push("planDischarge", stayId=stay, plan="PLANNED", expectedAt=ahead(days=1))
    push("setRoomPolicy", **room_of, policy="ISOLATION")
    push("setRoomPolicy", **room_of, policy="ISOLATION", applies=False)
    who = {"patientMrn": mother, "reason": "identified"}
    push("correctPatientDetails", **who, familyName="Known", givenName="Now")
    push("correctPatientDetails", **who, birthDate="1990-01-01", sex="FEMALE")
    push("correctPatientDetails", **who, confidentiality="VERY_RESTRICTED")
    push("mergePatients", patientMrn=other, intoMrn=mother, reason="one person")
    merged = ward.ask("query($mrn: String!) { patient(mrn: $mrn) { merges { id } } }", mrn=mother)
    push("unmergePatients", mergeId=merged["patient"]["merges"][0]["id"], reason="two after all")
    push("correctPractitioner", staffNumber=doctor, familyName="Good", givenName="Dora")
    push("changePractitioner", staffNumber=doctor, grade="CONSULTANT", specialty="Surgery")
    push("changeAttending", stayId=stay, attending=ward.doctor())
    push("changeSpecialty", stayId=stay, specialty="Obstetrics")
    push("planDischarge", stayId=stay, plan="PLANNED", expectedAt=ahead(days=2))
    push("recordVisit", stayId=stay, practitioner=doctor, kind="ROUND", note="well")
    result = push("raiseFlag", stayId=stay, flagKind="NOTE", note="deaf")
    right = {"flagKind": "ISOLATION", "note": "MRSA", "occurredAt": ago(hours=1)}
    push("correctFlag", stayId=stay, flagId=result["flag"]["id"], **right)
    latex = {"name": "Latex", "code": "111088007", "system": "SNOMED CT"}
    push("recordAllergy", patientMrn=mother, substance=latex, severity="MILD", reaction="rash")
    drug = {"medication": {"name": "Paracetamol", "code": "N02BE01", "system": "ATC"}}
    plan = {"dose": "1 g", "route": "oral", "frequency": "4/d", "stop": ahead(days=3)}
    result = push("writePrescription", stayId=stay, **drug, **plan, prescriber=doctor)
    prescription = result["prescription"]["id"]
    for schedule in (
        {"everyHours": 6},
        {"timesOfDay": ["08:00"]},
        {"asNeeded": True, "minIntervalMinutes": 60, "maxPerDay": 4},
    ):
        push("changePrescription", prescriptionId=prescription, schedule=schedule)
    push("holdPrescription", prescriptionId=prescription)
    push("resumePrescription", prescriptionId=prescription)
    newborn = {"patientMrn": child, "admissionType": "NEWBORN", "sharesBedOf": stay}
    result = push("admitPatient", **newborn, **place(f"{room}/a"))
    born = result["stay"]["id"]
    push("transferPatient", stayId=born, withoutBed="neonatal ward")
    push("transferPatient", stayId=born, **place(f"{room}/b"))
    push("dischargePatient", stayId=born, disposition="HOME")
    push("reserveBed", **place(f"{room}/b"), stayId=ward.stay(), until=ahead(hours=2))
    reserved = ward.bed(f"{room}/b")["reservationId"]
    push("releaseReservation", **room_of, reservationId=reserved)
    later = {"from": ahead(hours=5), "until": ahead(hours=6)}
    push("reserveBed", **place(f"{room}/b"), patientMrn=other, **later)
    push("reserveBed", **place(f"{room}/b"), patientMrn=other, until=ahead(hours=2))
    push("startLeave", stayId=stay, keepBed=True, expectedReturn=ahead(days=1))
    push("endLeave", stayId=stay)
    push("swapBeds", stayId=stay, withStayId=ward.stay(f"{room}/c"), performedBy="Nurse")
    query = "query($id: ID!) { stay(id: $id) { movements { id kind } } }"
    movements = ward.ask(query, id=stay)["stay"]["movements"]
    ids = {movement["kind"]: movement["id"] for movement in movements}
    push("cancelMovement", movementId=ids["STAY_SPECIALTY_CHANGED"], because="DECISION_REVERSED")
    admitted = {"admissionType": "EMERGENCY", "decidedToAdmitAt": ago(days=3)}
    push("correctMovement", movementId=ids["STAY_ADMITTED"], occurredAt=ago(days=3), **admitted)
    push("correctMovement", movementId=ids["STAY_ATTENDING_CHANGED"], attending=doctor)
    care = {"occurredAt": ago(days=4), "departedAt": ago(days=2)}
    push("recordEmergencyCare", stayId=stay, **care)
    past = {"dischargedAt": ago(days=8), "disposition": "HOME", "withoutBed": "hall"}
    earlier = {"admissionType": "ELECTIVE", **past, "occurredAt": ago(days=9)}
    push("admitPatient", patientMrn=mother, **earlier)
    push("closeBed", **place(f"{room}/b"), until=ahead(days=1))
    push("recordDeath", patientMrn=mother)
    push("cancelDeath", patientMrn=mother)
    push("moveStay", stayId=stay, patientMrn=other)
    push("mergePatients", patientMrn=other, intoMrn=mother)
    push("changeRoom", **room_of, newRoom="new")
    push("renameWard", ward="Ward", newWard="renamed")
    for board in boards[1:]:
        board.read_until(position)
    for board in boards:
        board.close()
    unseen = set.intersection(*(board.fields - board.seen for board in boards))
    unseen -= SAME | OF_WHO_HAS_LEFT
    assert not unseen, sorted(unseen)


class Followed:
    """All fields of a board and of what is in it, and those of which another value was seen.

    Each type is selected with all fields where it is found first, elsewhere with two plain ones.
    """

    def __init__(self, running: Served, without: set[str]) -> None:
        self.seen: set[str] = set()
        self._without = without
        self._types = schema._schema.type_map
        self._expanded: dict[str, list[tuple[str, str, bool]]] = {}
        result = ["RoomOccupancy"]
        for name in result:
            self._expanded[name] = []
            for field, kind in self._fields(name).items():
                is_first = _is_object(self._types[kind]) and kind not in result
                self._expanded[name].append((field, kind, is_first))
                result += [kind] if is_first else []
        self.document = self._selected("RoomOccupancy")
        self._rooms: dict[str, Any] = {}
        self._socket = Client(running.url)
        self._socket.subscribe(
            f"subscription {{ roomOccupancyChanged {{ position rooms {self.document} }} }}"
        )

    @property
    def fields(self) -> set[str]:
        return {f"{name}.{field}" for name, of in self._expanded.items() for field, _, _ in of}

    def read_until(self, position: str) -> None:
        """Read the items up to that of a command, and note the fields that differ from before."""
        result: dict[str, Any] = {"position": None}
        while result["position"] != position:
            result = self._socket.next()
            for room in result["rooms"]:
                before = self._rooms.get(room["room"]["id"])
                if before is not None:
                    self.seen |= self._differences("RoomOccupancy", before, room)
                self._rooms[room["room"]["id"]] = room

    def close(self) -> None:
        self._socket.__exit__(None, None, None)

    def _selected(self, name: str) -> str:
        fields = [
            field + (self._selected(kind) if is_first else self._plain(kind))
            for field, kind, is_first in self._expanded[name]
        ]
        return f"{{ {' '.join(fields)} }}"

    def _plain(self, name: str) -> str:
        if not _is_object(self._types[name]):
            return ""
        of = [field for field, k in self._fields(name).items() if not _is_object(self._types[k])]
        return f"{{ {' '.join(of[:2])} }}"

    def _differences(self, name: str, before: Any, after: Any) -> set[str]:
        if isinstance(before, list) and isinstance(after, list):
            pairs: Any = zip_longest(before, after, fillvalue={})
            return {field for pair in pairs for field in self._differences(name, *pair)}
        if not isinstance(before, dict | None) or not isinstance(after, dict | None):
            return set()
        before, after = before or {}, after or {}
        differ: set[str] = set()
        kinds = self._fields(name)
        for field in {**before, **after}:
            was, now = before.get(field), after.get(field)
            if was != now:
                differ |= {f"{name}.{field}"} | self._differences(kinds[field], was, now)
        return differ

    def _fields(self, name: str) -> dict[str, str]:
        fields = self._types[name].fields.items()  # type: ignore[attr-defined]
        kinds = {field: get_named_type(of.type).name for field, of in fields}
        return {field: kind for field, kind in kinds.items() if field not in self._without}


def _is_object(kind: Any) -> bool:
    return isinstance(kind, GraphQLObjectType)


def test_mistake_110_each_type_on_a_board_declares_the_queries_that_it_is_read_by() -> None:
    types, result = schema._schema.type_map, ["RoomOccupancy"]
    for name in result:
        kinds = (get_named_type(f.type) for f in types[name].fields.values())  # type: ignore[attr-defined]
        result += [k.name for k in kinds if _is_object(k) and k.name not in result]
    result.remove("PageInfo")  # of no table by itself
    assert [name for name in result if not authorization.DECLARED.queries[name]] == []
