"""Mistakes of other systems about facts of rooms that are known to the day: see `test_covered`.

A room was opened, or a bed closed, "on that day". Nobody knows the hour; so nothing of that day is
refused for it, and the fact keeps that no more is known of it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, iso, late, moment, place
from tests.support.correction_examples import movement
from tests.support.room_examples import WRONG, room

AT_NIGHT, BEGIN, MORNING, NOON, AFTERNOON, LAST = (
    timedelta(hours=h, minutes=m) for h, m in ((-3, 0), (0, 0), (9, 0), (12, 0), (15, 0), (23, 59))
)
"""Times of a day; the first is of the day before."""


class Day:
    """A day three days ago, in a room of a ward: what is told of it, by day or by the minute."""

    def __init__(self, ward: Ward) -> None:
        self.ward, self.named = ward, ward.room("a", "b")
        self.bed, self.room = place(f"{self.named}/a"), room(self.named)
        self.start = moment(ago(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)

    def at(self, hour: timedelta) -> dict[str, Any]:
        return late(iso(self.start + hour))

    def by_day(self, hour: timedelta) -> dict[str, Any]:
        return {"occurredAtPrecision": "DAY", **self.at(hour)}

    def admit(self, hour: timedelta, bed: dict[str, str] | None = None) -> str:
        content = {
            "patientMrn": self.ward.patient(birthDate="1950-01-01"),
            "admissionType": "ELECTIVE",
        }
        answer = self.ward.execute("admitPatient", **content, **(bed or self.bed), **self.at(hour))
        return str(answer["__typename"])

    def stays_until(self, hour: timedelta) -> Callable[[timedelta], str]:
        """Put somebody into the bed until an hour; return how that hour is corrected."""
        stay = self.ward.stay(f"{self.named}/a", at=iso(self.start + AT_NIGHT))
        self.ward.record(
            "transferPatient", stayId=stay, **{**self.bed, "bed": "b"}, **self.at(hour)
        )
        moved = movement(self.ward, stay, "STAY_TRANSFERRED")

        def correct(hour: timedelta) -> str:
            at = iso(self.start + hour)
            answer = self.ward.execute("correctMovement", movementId=moved, occurredAt=at, **WRONG)
            return str(answer["__typename"])

        return correct


def opened(day: Day, at: dict[str, Any]) -> dict[str, str]:
    number = day.ward.name("R")
    day.ward.record("openRoom", ward="A", room=number, beds=["a"], **at)
    return {"ward": "A", "room": number, "bed": "a"}


def added(day: Day, at: dict[str, Any]) -> dict[str, str]:
    day.ward.record("addBed", **{**day.bed, "bed": "c"}, **at)
    return {**day.bed, "bed": "c"}


def limited(day: Day, at: dict[str, Any]) -> dict[str, str]:
    day.ward.record("setRoomPolicy", **day.room, policy="CHILDREN_ONLY", **at)
    return day.bed


def reopened(day: Day, at: dict[str, Any]) -> dict[str, str]:
    day.ward.record("closeBed", **day.bed, **day.at(AT_NIGHT))
    day.ward.record("reopenBed", **day.bed, **at)
    return day.bed


def reserved(day: Day, at: dict[str, Any]) -> dict[str, str]:
    until = iso(day.start + timedelta(days=1))
    day.ward.record("reserveBed", **day.bed, until=until, patientMrn=day.ward.patient(), **at)
    return day.bed


def lifted(day: Day, at: dict[str, Any]) -> dict[str, str]:
    policy = {**day.room, "policy": "CHILDREN_ONLY"}
    day.ward.record("setRoomPolicy", **policy, **day.at(AT_NIGHT))
    day.ward.record("setRoomPolicy", **policy, applies=False, **at)
    return day.bed


BEFORE_ADMISSION = [
    (opened, LAST),
    (added, LAST),
    (reopened, LAST),
    (lifted, LAST),
    (limited, BEGIN),
    (reserved, BEGIN),
]


@pytest.mark.parametrize(
    ("tell", "hour"), BEFORE_ADMISSION, ids=lambda v: getattr(v, "__name__", "")
)
def test_mistake_427_a_room_fact_known_to_the_day_refuses_no_admission_of_that_day(
    ward: Ward, tell: Callable[[Day, dict[str, Any]], dict[str, str]], hour: timedelta
) -> None:
    day = Day(ward)
    bed = tell(day, day.by_day(hour))
    assert day.admit(MORNING, bed) == "StayRecorded"
    exact = Day(ward)
    bed = tell(exact, exact.at(hour))
    assert exact.admit(MORNING, bed) in ("BedNotOpen", "RoomPolicyBroken")


@pytest.mark.parametrize("command", ["closeBed", "retireBeds", "startCleaning"])
def test_mistake_427_a_bed_out_of_use_on_that_day_was_in_use_until_it_was(
    ward: Ward, command: str
) -> None:
    day = Day(ward)
    correct = day.stays_until(MORNING)
    ward.record(command, **day.bed, **day.by_day(NOON))
    assert correct(AFTERNOON) == "StayRecorded"
    exact = Day(ward)
    correct = exact.stays_until(MORNING)
    ward.record(command, **exact.bed, **exact.at(NOON))
    assert correct(AFTERNOON) in ("BedNotOpen", "BedOccupied")
    after = Day(ward)
    correct = after.stays_until(MORNING)
    ward.record(command, **after.bed, **after.by_day(NOON))
    assert correct(timedelta(days=1, hours=1)) == "BedNotOpen"


ENDS = {"finishCleaning": "startCleaning", "reopenBed": "closeBed"}


@pytest.mark.parametrize("end", ENDS)
def test_mistake_428_what_ended_that_day_ended_after_it_began(ward: Ward, end: str) -> None:
    day = Day(ward)
    ward.record(ENDS[end], **day.bed, **day.at(MORNING))
    ward.record(end, **day.bed, **day.by_day(BEGIN))
    both = Day(ward)
    ward.record(ENDS[end], **both.bed, **both.by_day(LAST))
    ward.record(end, **both.bed, **both.by_day(BEGIN))


def test_mistake_428_a_bed_that_came_on_the_day_of_the_opening_came_after_it(ward: Ward) -> None:
    day = Day(ward)
    here = room("/".join(list(opened(day, day.at(NOON)).values())[:2]))
    ward.record("addBed", **here, bed="b", **day.by_day(BEGIN))
    ward.record("retireBeds", **here, **day.by_day(BEGIN))
    exact = ward.execute("addBed", **here, bed="c", **day.at(MORNING))
    assert (exact["__typename"], exact["field"]) == ("InvalidInput", "occurredAt")


def test_mistake_428_corrections_of_rooms_say_how_precisely_a_time_is_known(ward: Ward) -> None:
    day = Day(ward)
    bed = opened(day, day.at(LAST))
    assert day.admit(MORNING, bed) == "BedNotOpen"
    here = {"ward": bed["ward"], "room": bed["room"]}
    ward.record("correctRoom", **here, occurredAtPrecision="DAY", **WRONG)
    assert day.admit(MORNING, bed) == "StayRecorded"

    closed = ward.record("closeBed", **day.bed, **day.at(MORNING))["room"]["beds"][0]
    closure = {**day.room, "bedStateId": closed["bedStateId"]}
    ward.record("reopenBed", **day.bed, **day.at(LAST))
    assert day.admit(NOON) == "BedNotOpen"
    last = iso(day.start + LAST)
    ward.record("correctBedState", **closure, until=last, occurredAtPrecision="DAY", **WRONG)
    assert day.admit(NOON) == "StayRecorded"

    policy = {**day.room, "policy": "CHILDREN_ONLY"}
    ward.record("setRoomPolicy", **policy, **day.at(BEGIN))
    free = {**day.bed, "bed": "b"}
    assert day.admit(MORNING, free) == "RoomPolicyBroken"
    set_at = {"setAt": iso(day.start), "occurredAtPrecision": "DAY"}
    ward.record("correctRoomPolicy", **policy, **set_at, **WRONG)
    assert day.admit(MORNING, free) == "StayRecorded"


STATES = """query($ward: String!) { roomOccupancy(ward: $ward) { room {
  bedStates { state since until sincePrecision untilPrecision } } } }"""


@pytest.mark.parametrize(
    ("begin", "end"), [("closeBed", "reopenBed"), ("startCleaning", "finishCleaning")]
)
def test_mistake_581_how_precisely_a_state_of_a_bed_is_known_is_not_told(
    ward: Ward, begin: str, end: str
) -> None:
    name = ward.name("W")
    bed, hour = place(f"{ward.room('a', ward=name)}/a"), {"occurredAtPrecision": "HOUR"}
    day = Day(ward)

    def told() -> list[str]:
        (occupied,) = ward.ask(STATES, ward=name)["roomOccupancy"]
        (state,) = occupied["room"]["bedStates"]
        return [state["sincePrecision"], state["untilPrecision"]]

    ward.record(begin, **bed, **day.by_day(NOON))
    assert told() == ["DAY", "MINUTE"]
    ward.record(end, **bed, **hour, **day.at(LAST))
    assert told() == ["DAY", "HOUR"]


def test_mistake_429_a_ward_is_named_back_on_the_first_day_of_its_room(ward: Ward) -> None:
    former, other = ward.name("W"), ward.name("W")
    first = {"validFrom": ago(days=30)[:10]}
    named = room(ward.room("a", ward=former))
    ward.record("renameWard", ward=former, newWard=other, **first)
    ward.record("renameWard", ward=other, newWard=former, **first)
    ward.record("changeRoom", **named, newRoom=ward.name("R"), **first)
    answer = ward.ask("query($w: String!) { roomOccupancy(ward: $w) { room { ward } } }", w=former)
    assert answer["roomOccupancy"] == [{"room": {"ward": former}}]


def test_mistake_429_a_ward_that_was_renamed_before_its_room_was_opened_can_be_renamed_again(
    ward: Ward,
) -> None:
    """The second name holds from ten days before the room was there, not only from the day of it."""
    former, second, third = (ward.name("W") for _ in range(3))
    ward.room("a", ward=former)
    ward.record("renameWard", ward=former, newWard=second, validFrom=ago(days=50)[:10])
    answer = ward.record("renameWard", ward=second, newWard=third, validFrom=ago(days=40)[:10])
    assert [r["ward"] for r in answer["rooms"]] == [third]


@pytest.mark.parametrize("applies", [True, False])
def test_mistake_582_a_rule_of_cleaning_known_to_the_day_asks_for_none_on_that_day(
    ward: Ward, applies: bool
) -> None:
    """The house began, or ceased, to clean beds on that day: nobody knows at what hour."""
    day, name = Day(ward), ward.name("W")
    bed = place(f"{ward.room('a', ward=name)}/a")
    before, hour = {"applies": not applies, "ward": name}, BEGIN if applies else LAST
    ward.record("setBedCleaning", **before, **day.at(AT_NIGHT - timedelta(days=1)))
    ward.record("setBedCleaning", applies=applies, ward=name, **day.by_day(hour))
    stay = ward.stay("/".join(bed.values()), at=iso(day.start + AT_NIGHT))
    left = {"stayId": stay, "disposition": "HOME"}
    ward.record("dischargePatient", **left, **day.at(MORNING))
    assert day.admit(NOON, bed) == "StayRecorded"

    exact = ward.name("W")
    bed = place(f"{ward.room('a', ward=exact)}/a")
    ward.record("setBedCleaning", **{**before, "ward": exact}, **day.at(AT_NIGHT))
    ward.record("setBedCleaning", applies=applies, ward=exact, **day.at(hour))
    stay = ward.stay("/".join(bed.values()), at=iso(day.start + BEGIN))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **day.at(MORNING))
    assert day.admit(NOON, bed) == "BedNotOpen"


def test_mistake_582_the_day_after_a_rule_of_cleaning_it_holds(ward: Ward) -> None:
    day, name = Day(ward), ward.name("W")
    bed = place(f"{ward.room('a', ward=name)}/a")
    ward.record("setBedCleaning", applies=True, ward=name, **day.by_day(NOON))
    stay = ward.stay("/".join(bed.values()), at=iso(day.start + AT_NIGHT))
    next_day = timedelta(days=1)
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **day.at(next_day))
    assert day.admit(next_day + NOON, bed) == "BedNotOpen"


def asked(day: Day, at: dict[str, Any]) -> str:
    """Ask for a bed for somebody who is in the house since the night before; return the request."""
    stay = day.ward.stay(at=iso(day.start + AT_NIGHT))
    answer = day.ward.record("requestBed", stayId=stay, **at)
    return str(answer["expectedArrival"]["id"])


def planned(day: Day, at: dict[str, Any]) -> str:
    later = {"expectedAt": iso(day.start + timedelta(days=9)), "patientMrn": day.ward.patient()}
    return str(day.ward.record("planAdmission", **later, **at)["expectedArrival"]["id"])


@pytest.mark.parametrize("ask", [asked, planned])
def test_mistake_583_an_expected_arrival_known_to_the_day_contradicts_nothing_of_that_day(
    ward: Ward, ask: Callable[[Day, dict[str, Any]], str]
) -> None:
    day = Day(ward)
    cancel = "cancelExpectedArrival"

    def called_off(arrival: str, at: dict[str, Any]) -> str:
        return str(ward.execute(cancel, expectedArrivalId=arrival, **at)["__typename"])

    assert called_off(ask(day, day.by_day(LAST)), day.at(NOON)) == "ExpectedArrivalRecorded"
    assert called_off(ask(day, day.at(NOON)), day.by_day(BEGIN)) == "ExpectedArrivalRecorded"
    assert called_off(ask(day, day.at(NOON)), day.at(MORNING)) == "InvalidInput"
    assert called_off(ask(day, day.by_day(NOON)), day.at(AT_NIGHT)) == "InvalidInput"

    def corrected(arrival: str, **to: Any) -> str:
        correction = {"expectedArrivalId": arrival, **WRONG, **to}
        return str(ward.execute("correctExpectedArrival", **correction)["__typename"])

    gone = ask(day, day.at(MORNING))
    assert called_off(gone, day.at(NOON)) == "ExpectedArrivalRecorded"
    late_in_day = day.by_day(LAST)["occurredAt"]
    assert corrected(gone, occurredAt=late_in_day) == "InvalidInput"
    by_day = {"occurredAt": late_in_day, "occurredAtPrecision": "DAY"}
    assert corrected(gone, **by_day) == "ExpectedArrivalRecorded"
    gone = ask(day, day.at(MORNING))
    assert called_off(gone, day.by_day(NOON)) == "ExpectedArrivalRecorded"
    assert corrected(gone, occurredAt=late_in_day) == "ExpectedArrivalRecorded"
