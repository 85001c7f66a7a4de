"""Mistakes of other systems about the two doors of commands: see `test_covered` for the list.

What is told of rooms, beds and merges by `POST /commands` is decided as by a mutation.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.graphql.extensions.authorization import snake
from application.hospital import COMMANDS
from tests.support.api_dsl import Ward, ago, iso, moment
from tests.support.json_door import Commands
from tests.support.room_examples import WRONG

BOARD = """query($ward: String!, $asOf: DateTime) { roomOccupancy(ward: $ward, asOf: $asOf) {
  room { number policies } beds { code state since until patient { familyName } } } }"""
STATES = """query($ward: String!) { roomOccupancy(ward: $ward) {
  room { number } beds { code bedStateId } } }"""
NAMES = "query($m: String!) { patient(mrn: $m) { otherRecords { familyName } merges { id } } }"

UNKNOWN = "00000000-0000-4000-8000-000000000000"
ROOM, BED, HOUR = st.sampled_from("12"), st.sampled_from("abc"), st.integers(1, 20)
STEP = st.tuples(
    st.sampled_from(
        [
            *("openRoom", "addBed", "closeBed", "reopenBed", "startCleaning", "finishCleaning"),
            *("correctBed", "cancelBed", "retireBeds", "cancelRetirement", "correctRoom"),
            *("changeRoom", "cancelRoomChange", "renameWard", "setRoomPolicy"),
            *("correctRoomPolicy", "cancelRoomPolicy", "correctBedState", "cancelBedState"),
            *("admitPatient", "dischargePatient", "mergePatients", "unmergePatients"),
        ]
    ),
    ROOM,
    BED,
    HOUR,
    st.sampled_from(["MINUTE", "HOUR", "DAY"]),
)


class House:
    """A ward of one room, and three people with names that are the same in each house."""

    def __init__(self, ward: Ward, begin: datetime) -> None:
        self.ward, self.begin = ward, begin
        self.name, self.other = ward.name("Both"), ward.name("Both")
        first = {"occurredAt": iso(begin), "reason": "built"}
        self.policies: list[str] = []
        self.mrns = [ward.patient(familyName=f"Family {n}") for n in range(3)]
        ward.record("openRoom", ward=self.name, room="1", beds=["a", "b"], **first)

    def do(self, step: str, room: str, bed: str, hour: int, precision: str) -> dict[str, Any]:
        """Give a command; return what is told of it, without the names of this house."""
        input = self._input(step, room, bed, hour)
        at = iso(self.begin + timedelta(hours=hour))
        when = {} if COMMANDS[snake(step)].own_times is not None else {"occurredAt": at}
        answer = self.ward.execute(
            step, **{**when, "occurredAtPrecision": precision, **WRONG, **input}
        )
        if answer["__typename"].endswith("Recorded"):
            if step == "renameWard":
                self.name, self.other = self.other, self.name
            if step == "setRoomPolicy":
                self.policies.append(at)
        parts = ("__typename", "code", "errorCode", "field", "policy")
        return {part: answer.get(part) for part in parts} | {"path": answer.get("path")}

    def _input(self, step: str, room: str, bed: str, hour: int) -> dict[str, Any]:
        here = {"ward": self.name, "room": room}
        number = "12".index(room)
        match step:
            case "openRoom":
                return {**here, "beds": ["a", bed]}
            case "retireBeds" | "cancelRetirement":
                return {**here, **({"bed": bed} if hour % 2 else {})}
            case "correctRoom" | "changeRoom":
                return {**here, "newRoom": "21"[number]}
            case "cancelRoomChange":
                return here
            case "renameWard":
                return {"ward": self.name, "newWard": self.other}
            case "setRoomPolicy":
                return {**here, "policy": "CHILDREN_ONLY" if hour % 2 else "ISOLATION"}
            case "correctRoomPolicy" | "cancelRoomPolicy":
                policy = "CHILDREN_ONLY" if hour % 2 else "ISOLATION"
                set_at = (self.policies or [iso(self.begin)])[-1]
                return {**here, "policy": policy, "setAt": set_at}
            case "correctBedState" | "cancelBedState":
                rooms = self.ward.ask(STATES, ward=self.name)["roomOccupancy"]
                ids = [b["bedStateId"] for r in rooms for b in r["beds"] if b["bedStateId"]]
                until = {"until": iso(self.begin + timedelta(hours=hour + 2))}
                return {
                    **here,
                    "bedStateId": (ids or [UNKNOWN])[-1],
                    **(until if step == "correctBedState" else {}),
                }
            case "admitPatient":
                who = {"patientMrn": self.mrns[number], "admissionType": "ELECTIVE"}
                return {**who, **here, "bed": bed}
            case "dischargePatient":
                question = "query($m: String!) { patient(mrn: $m) { stays { id } } }"
                stays = self.ward.ask(question, m=self.mrns[number])["patient"]["stays"]
                return {"stayId": (stays or [{"id": UNKNOWN}])[-1]["id"], "disposition": "HOME"}
            case "mergePatients":
                away, into = self.mrns[number], self.mrns[hour % 3]
                return {"patientMrn": away, "intoMrn": into}
            case "unmergePatients":
                merges = self.ward.ask(NAMES, m=self.mrns[number])["patient"]["merges"]
                return {"mergeId": (merges or [{"id": UNKNOWN}])[-1]["id"]}
        return {**here, "bed": bed}

    def told(self) -> Any:
        hours = (0, 7, 14, 30)
        boards = []
        for hour in hours:
            at = iso(self.begin + timedelta(hours=hour))
            answer = self.ward.client.raw(BOARD, {"ward": self.name, "asOf": at})
            errors = [e["extensions"]["code"] for e in answer.get("errors", ())]
            boards.append(errors or answer["data"]["roomOccupancy"])
        return boards, [self.ward.ask(NAMES, m=mrn)["patient"]["otherRecords"] for mrn in self.mrns]


@pytest.mark.slow
def test_mistake_578_rooms_beds_and_merges_are_decided_the_same_by_both_doors(
    shared: Ward,
) -> None:
    begin = moment(ago(days=3)[:10] + "T02:00:00Z")
    accepted: set[str] = set()

    @settings(max_examples=8)
    @given(st.lists(STEP, min_size=8, max_size=14))
    def check(steps: list[tuple[str, str, str, int, str]]) -> None:
        one, other = House(shared, begin), House(Commands(shared), begin)
        for step in steps:
            answer = one.do(*step)
            assert other.do(*step) == answer, step
            if answer["__typename"].endswith("Recorded"):
                accepted.add(step[0])
        assert one.told() == other.told()

    check()
    assert len(accepted) >= 8
