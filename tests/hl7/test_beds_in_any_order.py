"""Tests of reports of beds before and after their movements: any order gives one history."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from api.hl7.door import Door
from application.hospital import Hospital
from domain.time import TICK
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from tests.hl7.test_beds import at, message, pending, status
from tests.hl7.test_inbound import SENDERS
from tests.hl7.test_triggers import answer
from tests.support.hospital_dsl import request, room

Story = Callable[[], list[bytes]]


def stay(visit: str, hour: int = 10, *, bed: str = "a", ends: int | None = None) -> list[bytes]:
    """The admission of a visit to a bed, and its discharge."""
    messages = [message("A01", f"in {visit}", hour).replace(b"|A^1^a|", f"|A^1^{bed}|".encode())]
    if ends:
        messages.append(message("A03", f"out {visit}", ends))
    return [of_visit(result, visit) for result in messages]


def of_visit(told: bytes, visit: str) -> bytes:
    return told.replace(b"VNORTH", f"V{visit}".encode()).replace(b"4711", f"P{visit}".encode())


def planned(trigger: str, hour: int, visit: str, *more: str) -> bytes:
    sent = pending(trigger, f"{trigger} {visit} {hour}", hour, *more)
    return of_visit(sent, visit)


WITH_ID = "ZBE|Z1|20260302{}0000+0100||INSERT"
STORIES: dict[str, tuple[Story, str]] = {
    "closed once its patient has left": (
        lambda: [*stay("7", ends=12), in_bed_a(13, "C")],
        "a CLOSED 13-",
    ),
    "closed and open again between two patients": (
        lambda: [*stay("7", ends=12), in_bed_a(13, "C"), in_bed_a(14, "U"), *stay("8", 15)],
        "a CLOSED 13-14, a CLEANING 14-14",
    ),
    "cleaned after the discharge": (
        lambda: [*stay("7", ends=12), in_bed_a(13, "U"), *stay("8", 14)],
        "a CLEANING 13-13",
    ),
    "being cleaned after the discharge": (
        lambda: [*stay("7", ends=12), in_bed_a(13, "H"), in_bed_a(14, "U"), *stay("8", 15)],
        "a CLEANING 13-14",
    ),
    "closed while it is reserved": (
        lambda: [
            *(*stay("7"), planned("A15", 11, "7"), planned("A26", 14, "7")),
            *(status("C 12", 12, "C"), status("U 13", 13, "U")),
        ],
        "b RESERVED 11-14, b CLOSED 12-13",
    ),
    "reserved and given up": (
        lambda: [*stay("7"), planned("A15", 12, "7"), planned("A26", 15, "7")],
        "b RESERVED 12-15",
    ),
    "reserved with an id and given up": (
        lambda: [
            *stay("7"),
            planned("A15", 12, "7", WITH_ID.format(12)),
            planned("A26", 15, "7", WITH_ID.format(15)),
        ],
        "b RESERVED 12-15",
    ),
    "reserved for one and then for another": (
        lambda: [
            *(*stay("7"), *stay("8", bed="c")),
            *(planned("A15", 11, "7"), planned("A26", 12, "7"), planned("A15", 13, "8")),
        ],
        "b RESERVED 11-12, b RESERVED 13-03/13",
    ),
}


def in_bed_a(hour: int, code: str) -> bytes:
    return status(f"{code} {hour}", hour, code, "A^1^a")


@pytest.mark.parametrize("name", STORIES)
def test_what_is_told_of_a_bed_and_its_patients_in_any_order_gives_one_history(
    hospital: Hospital, database: Database, tmp_path: Path, name: str
) -> None:
    story, expected = STORIES[name]
    hospital.rooms.set_bed_cleaning(request(at(2), reason="as ever"), applies=True)
    orders = list(permutations(range(len(story()))))
    door = Door(hospital, SENDERS, tmp_path)
    for n, order in enumerate(orders[:: max(1, len(orders) // 24)]):
        ward = f"W{n}"
        room(hospital, "1", "a", "b", "c", ward=ward, at=datetime(2026, 1, 1, tzinfo=UTC))
        result = [own(each, n) for each in story()]
        for index in (*order, order[n % len(order)]):
            assert answer(door, result[index]) in ("AA", PENDING), order
        hospital.source_movements.wait()
        spells = [s for bed in "abc" for s in hospital.rooms.spells_of(ward, "1", bed)]
        finding = [
            f"{s.bed} {s.state} {_hour(s.period.start)}-{_hour(s.period.end)}"
            for s in spells
            if not s.period.is_empty
        ]
        assert ", ".join(finding) == expected, order
        assert not list(door.refused)
    assert [check.promise for check in verify(database, read_models=False) if check.broken] == []


PENDING = "AA|pending, until it fits what is known"


def own(message: bytes, n: int) -> bytes:
    """A message of a story about a ward, visits, persons and with an id of its own."""
    head, *rest = message.split(b"\r")
    fields = head.split(b"|")
    fields[9] += f" {n}".encode()
    text = b"\r".join([b"|".join(fields), *rest]).replace(b"A^1^", f"W{n}^1^".encode())
    for visit in b"78":
        text = text.replace(b"V%c" % visit, b"V%d.%c" % (n, visit))
        text = text.replace(b"P%c" % visit, b"P%d.%c" % (n, visit))
    return text.replace(b"Z1", b"Z%d" % n)


def _hour(moment: datetime | None) -> str:
    """The hour of a moment by the clock of the sender, with the day where it is another one."""
    if moment is None:
        return ""
    result = moment + timedelta(hours=1) + TICK
    return f"{result:%H}" if result.day == 2 else f"{result:%d/%H}"


@pytest.mark.parametrize("code", ["C", "H"])
@pytest.mark.parametrize("is_on_leave", [False, True])
def test_of_a_bed_that_is_closed_or_cleaned_during_a_stay_in_it_what_came_first_holds(
    hospital: Hospital, tmp_path: Path, is_on_leave: bool, code: str
) -> None:
    """The source contradicts itself: the other is pending, until one of them is put right."""
    story = stay("7")
    if is_on_leave:  # with the bed kept
        story.append(of_visit(message("A21", "leave", 11), "7"))
    story.append(in_bed_a(12, code))
    door = Door(hospital, SENDERS, tmp_path)
    for n, order in enumerate(permutations(range(len(story)))):
        room(hospital, "1", "a", "b", "c", ward=f"W{n}", at=datetime(2026, 1, 1, tzinfo=UTC))
        for index in order:
            assert answer(door, own(story[index], n)) in ("AA", PENDING)
        hospital.source_movements.wait()
        is_closed = order.index(len(story) - 1) < order.index(0)
        stay_id = hospital.source_movements.stay_of("north", f"V{n}.7")
        assert (stay_id is None) is is_closed, order
        assert bool(hospital.rooms.spells_of(f"W{n}", "1", "a")) is is_closed, order
        assert not list(door.refused)
