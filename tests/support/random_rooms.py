"""Random commands that change, correct and cancel rooms where nobody lies, and practitioners."""

from collections.abc import Callable
from typing import Any

from application.command import Recorded
from domain.practitioner import Grade
from domain.room.policies import RoomPolicy
from tests.support.random_care import Caring

WRONG = "typed wrong"


class Furnishing(Caring):
    """The part of `Busy` that is about what the house has."""

    now: Any
    _give: Callable[..., Recorded | None]
    _rooms = 0

    def _empty_room(self, *beds: str) -> dict[str, str]:
        """Open a room of a ward of its own."""
        self._rooms += 1
        here = {"ward": f"Empty {self._rooms}", "room": "1"}
        self._give("open_room", beds=beds or ("a",), **here)
        return here

    def _new_ward(self) -> str:
        self._rooms += 1
        return f"Renamed {self._rooms}"

    def _correct_room(self) -> None:
        self._give("correct_room", WRONG, new_room="2", **self._empty_room())

    def _change_room(self) -> None:
        self._give("change_room", new_ward=self._new_ward(), **self._empty_room())

    def _cancel_room_change(self) -> None:
        here, there = self._empty_room(), self._new_ward()
        self._give("change_room", new_ward=there, **here)
        self._give("cancel_room_change", WRONG, ward=there, room=here["room"])

    def _rename_ward(self) -> None:
        self._give("rename_ward", ward=self._empty_room()["ward"], new_ward=self._new_ward())

    def _correct_bed(self) -> None:
        self._rooms += 1
        bed = {"ward": "B", "room": "2", "bed": f"c{self._rooms}"}
        self._give("add_bed", **bed)
        self._give("correct_bed", WRONG, **bed)

    def _cancel_bed(self) -> None:
        self._give("cancel_bed", WRONG, bed="z", **self._empty_room("a", "z"))

    def _retire_beds(self) -> None:
        self._give("retire_beds", ward=self._empty_room()["ward"])

    def _cancel_retirement(self) -> None:
        here = self._empty_room("a", "b")
        self._give("retire_beds", bed="a", **here)
        self._give("cancel_retirement", WRONG, **here)

    def _correct_bed_state(self) -> None:
        here = self._empty_room()
        closed = self._give("close_bed", WRONG, bed="a", **here)
        if closed:
            until, id = self.now, closed.entry.id_of("closure")
            self._give("correct_bed_state", WRONG, bed_state_id=id, until=until, **here)

    def _cancel_bed_state(self) -> None:
        here = self._empty_room()
        cleaning = self._give("start_cleaning", bed="a", **here)
        if cleaning:
            id = cleaning.entry.id_of("cleaning")
            self._give("cancel_bed_state", WRONG, bed_state_id=id, **here)

    def _correct_practitioner(self) -> None:
        self._give("correct_practitioner", WRONG, staff_number="D2", family_name="Lindqvist")

    def _change_practitioner(self) -> None:
        self._give("change_practitioner", staff_number="D3", grade=Grade.SPECIALIST)

    def _cancel_practitioner_change(self) -> None:
        change: dict[str, Any] = {"staff_number": "D3", "valid_from": self.now.date()}
        self._give("change_practitioner", grade=Grade.CONSULTANT, **change)
        self._give("cancel_practitioner_change", WRONG, **change)

    def _correct_room_policy(self) -> None:
        self._mend_policy("correct_room_policy")

    def _cancel_room_policy(self) -> None:
        self._mend_policy("cancel_room_policy")

    def _mend_policy(self, command: str) -> None:
        policy: dict[str, Any] = {**self._empty_room(), "policy": RoomPolicy.ISOLATION}
        answer = self._give("set_room_policy", **policy)
        if answer:
            self._give(command, WRONG, set_at=answer.entry.occurred_at, **policy)
