"""Mistakes of other systems about boards of several wards that are followed at once.

Patients and rooms go from ward to ward, and wards have other names; each board has just what a question
about it says: see `test_covered`.
"""

from contextlib import ExitStack
from random import Random
from typing import Any

import pytest

from tests.api.conftest import followed, running
from tests.support.api_dsl import Ward, ago
from tests.support.correction_examples import IN_ERROR
from tests.support.server_process import Client, Served

__all__ = ["followed", "running"]

BOARD = """{ id room { ward number policies } beds { code state
  occupants { kept sharesBedOf stay { id } } patient { mrn familyName } } }"""
QUESTION = f"query($w: String) {{ roomOccupancy(ward: $w) {BOARD} }}"
FOLLOWING = f"""subscription($w: String) {{
  roomOccupancyChanged(ward: $w) {{ position left rooms {BOARD} }} }}"""
MOVEMENTS = "query($id: ID!) { stay(id: $id) { movements { id kind } } }"


class House:
    """Two wards with rooms and patients, of whom and which things are told by lot."""

    def __init__(self, ward: Ward, lot: Random) -> None:
        self.ward, self.lot = ward, lot
        self.wards = [ward.name("North"), ward.name("South")]
        self.rooms = [ward.room("a", "b", ward=name) for name in self.wards for _ in range(2)]
        self.stays = [ward.stay(f"{room}/a") for room in self.rooms[:3]]
        self.stays.append(
            ward.stay(f"{self.rooms[0]}/a", sharesBedOf=self.stays[0], admissionType="NEWBORN")
        )
        marks = [ward.room("m", ward=name) for name in self.wards]
        self.marked = [ward.stay(f"{room}/m") for room in marks]
        self.marks = {room.split("/")[1] for room in marks}

    def mark(self) -> str:
        """Change both wards by one command that shows nothing else; return its position."""
        one, other = self.marked
        return str(self.ward.record("swapBeds", stayId=one, withStayId=other)["position"])

    def board(self, ward: str | None) -> dict[str, Any]:
        """Return what a question says of a ward, or the house; nothing of one that is no more."""
        answer = self.ward.client.raw(QUESTION, {"w": ward})
        rooms = [] if "errors" in answer else answer["data"]["roomOccupancy"]
        return {room["id"]: room for room in rooms}

    def act(self) -> None:
        """Give a command that may be refused."""
        acts = (self.transfer, self.transfer, self.swap, self.leave, self.back, self.in_error)
        of_rooms = (self.room, self.room, self.ward_named, self.room_back, self.bed)
        command, content = self.lot.choice((*acts, *of_rooms))()
        self.ward.execute(command, **{"reason": "as it is", **content})

    def bed_by_lot(self) -> dict[str, Any]:
        rooms = [each["room"] for each in self.board(None).values()]
        ours = [r for r in rooms if r["ward"] in self.wards and r["number"] not in self.marks]
        room = self.lot.choice(sorted(ours, key=lambda room: str(room["number"])))
        return {"ward": room["ward"], "room": room["number"], "bed": self.lot.choice("ab")}

    def stay(self) -> str:
        return self.lot.choice(self.stays)

    def transfer(self) -> tuple[str, dict[str, Any]]:
        sharers = [{"stayId": self.stays[3], "sharesBed": True}]
        along = {"sharers": sharers} if self.lot.random() < 0.5 else {}
        at = {"occurredAt": ago(minutes=self.lot.randint(1, 90))}
        return "transferPatient", {"stayId": self.stay(), **self.bed_by_lot(), **along, **at}

    def swap(self) -> tuple[str, dict[str, Any]]:
        return "swapBeds", {"stayId": self.stay(), "withStayId": self.stay()}

    def leave(self) -> tuple[str, dict[str, Any]]:
        return "startLeave", {"stayId": self.stay(), "keepBed": self.lot.random() < 0.5}

    def back(self) -> tuple[str, dict[str, Any]]:
        return "endLeave", {"stayId": self.stay(), **self.bed_by_lot()}

    def in_error(self) -> tuple[str, dict[str, Any]]:
        movements = self.ward.ask(MOVEMENTS, id=self.stay())["stay"]["movements"]
        return "cancelMovement", {"movementId": self.lot.choice(movements)["id"], **IN_ERROR}

    def _room(self) -> dict[str, Any]:
        bed = self.bed_by_lot()
        return {"ward": bed["ward"], "room": bed["room"]}

    def room(self) -> tuple[str, dict[str, Any]]:
        to = {"newWard": self.lot.choice(self.wards)}
        command = self.lot.choice(("changeRoom", "correctRoom"))
        since = {"validFrom": ago(days=self.lot.randint(0, 3))[:10]}
        return command, {**self._room(), **to, **(since if command == "changeRoom" else {})}

    def room_back(self) -> tuple[str, dict[str, Any]]:
        return "cancelRoomChange", self._room()

    def ward_named(self) -> tuple[str, dict[str, Any]]:
        one, other = self.lot.sample(self.wards, 2)
        return "renameWard", {"ward": one, "newWard": other}

    def bed(self) -> tuple[str, dict[str, Any]]:
        command = self.lot.choice(("addBed", "cancelBed", "retireBeds", "cancelRetirement"))
        return command, {**self._room(), "bed": self.lot.choice("abc")}


class Followed:
    """A board that is followed, as a client holds it."""

    def __init__(self, ward: Ward, socket: Client, name: str | None) -> None:
        self.socket, self.name = socket, name
        rooms = ward.ask(QUESTION, w=name)["roomOccupancy"]
        self.held = {room["id"]: room for room in rooms}
        socket.subscribe(FOLLOWING, w=name)

    def read_until(self, position: str) -> None:
        at = None
        while at != position:
            answer = self.socket.next()
            at = answer["position"]
            self.held.update({room["id"]: room for room in answer["rooms"]})
            for room in answer["left"]:
                self.held.pop(room, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in (1, 2, 3))]
)
def test_mistake_436_followed_boards_of_two_wards_and_the_house_are_what_questions_say(
    running: Served, followed: Ward, seed: int
) -> None:
    house = House(followed, Random(seed))
    with ExitStack() as stack:
        boards = [
            Followed(followed, stack.enter_context(Client(running.url)), name)
            for name in (*house.wards, None)
        ]
        running.await_followers(len(boards))
        for _ in range(30):
            house.act()
            position = house.mark()
            for board in boards:
                board.read_until(position)
                assert board.held == house.board(board.name), board.name
