"""Mistakes of receivers that take back what another message says still: see `test_covered`."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from api.hl7.door import Door
from application.commands.movement_reports import MovementReport
from application.hospital import Hospital
from domain.source_visit import SourceKind
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from tests.hl7.test_triggers import answer
from tests.mistakes.test_cancelled_numbers import told
from tests.mistakes.test_listed_numbers import door, records
from tests.support.hospital_dsl import ago, place, request, room

__all__ = ["door"]


def report(trigger: str, into: str, former: str, id: str, minute: int, action: str) -> bytes:
    zbe = f"ZBE|{id}|20260302090400+0000||{action}|N|{trigger}"
    return told(trigger, into, minute, f"MRG|{former}^^^HOSP^MR", zbe)


def by_two_ids(trigger: str, into: str, former: str) -> list[bytes]:
    """Return the reports of one link by two ids, and then their cancels."""
    return [
        report(trigger, into, former, f"{id}{former}", minute, action)
        for action, minutes in (("INSERT", (4, 5)), ("CANCEL", (6, 7)))
        for id, minute in zip("MN", minutes, strict=True)
    ]


def tell(hospital: Hospital, door: Door, *messages: bytes) -> None:
    for message in messages:
        assert answer(door, message)[:2] == "AA"
        hospital.source_movements.wait()


@pytest.mark.parametrize("cancels", [1, 2])
def test_mistake_933_the_cancel_of_one_id_takes_back_the_merge_that_another_tells(
    hospital: Hospital, database: Database, door: Door, cancels: int
) -> None:
    for n, order in enumerate(permutations(range(2 + cancels))):
        into, former = f"A{n}", f"B{n}"
        tell(hospital, door, told("A28", into, 1), told("A28", former, 2))
        story = by_two_ids("A40", into, former)
        tell(hospital, door, *(story[index] for index in order))
        result = records(database)
        expected = result["main", into].id if cancels == 1 else None
        assert result["main", former].merged_into == expected, order
    assert [check.promise for check in verify(database, read_models=False) if check.broken] == []


@pytest.mark.parametrize("cancels", [1, 2])
def test_mistake_933_the_cancel_of_one_id_takes_back_the_number_that_another_tells(
    hospital: Hospital, database: Database, door: Door, cancels: int
) -> None:
    for n, order in enumerate(permutations(range(2 + cancels))):
        former, now = f"C{n}", f"D{n}"
        tell(hospital, door, told("A28", former, 1))
        story = by_two_ids("A47", now, former)
        tell(hospital, door, *(story[index] for index in order))
        numbers = {number for _, number in records(database) if number in (former, now)}
        assert numbers == ({now} if cancels == 1 else {former}), order
    assert [check.promise for check in verify(database, read_models=False) if check.broken] == []


def test_mistake_933_records_that_were_one_by_others_are_one_by_what_tells_it(
    hospital: Hospital, database: Database, door: Door
) -> None:
    tell(hospital, door, *(told("A28", number, 1) for number in "ABC"))
    for id, into, former, minute in (("K", "C", "B", 3), ("M", "A", "C", 4), ("N", "A", "B", 5)):
        tell(hospital, door, report("A40", into, former, id, minute, "INSERT"))
    tell(hospital, door, report("A40", "C", "B", "K", 6, "CANCEL"))
    result = records(database)
    person = result["main", "A"].id
    assert [result["main", number].merged_into for number in "BC"] == [person, person]
    tell(hospital, door, report("A40", "A", "B", "N", 7, "CANCEL"))
    result = records(database)
    assert [result["main", number].merged_into for number in "BC"] == [None, person]


def test_what_staff_took_back_is_not_linked_again(
    hospital: Hospital, database: Database, door: Door
) -> None:
    first, second = (
        report("A40", "A", "B", id, minute, "INSERT") for id, minute in (("M", 4), ("N", 5))
    )
    tell(hospital, door, told("A28", "A", 1), told("A28", "B", 2), first, second)
    merge = records(database)["main", "B"].merge
    assert merge is not None
    hospital.identity.unmerge_patients(request(reason="two persons"), merge_id=merge)
    tell(hospital, door, second, report("A40", "A", "B", "M", 6, "CANCEL"))
    assert records(database)["main", "B"].merged_into is None


@pytest.mark.parametrize("trigger", ["A40", "A47"])
def test_mistake_934_the_cancel_of_another_merge_links_again_what_staff_took_back(
    hospital: Hospital, database: Database, door: Door, trigger: str
) -> None:
    tell(hospital, door, *(told("A28", number, 1) for number in "ABC"))
    for id, former, minute in (("K", "C", 3), ("M", "B", 4), ("N", "B", 5)):
        tell(hospital, door, report(trigger, "A", former, id, minute, "INSERT"))
    merge = records(database)["main", "B"].merge
    assert merge is not None
    hospital.identity.unmerge_patients(request(reason="two persons"), merge_id=merge)
    tell(hospital, door, report(trigger, "A", "C", "K", 6, "CANCEL"))
    assert [records(database)["main", number].merged_into for number in "BC"] == [None, None]


def test_mistake_935_a_merge_that_is_linked_again_drops_the_admission_beside_it(
    hospital: Hospital, database: Database, door: Door
) -> None:
    room(hospital)
    tell(hospital, door, *(told("A28", number, 1) for number in "AB"))
    tell(hospital, door, report("A40", "A", "B", "M", 4, "INSERT"))
    start = ago(hours=3)

    def tell_visit(kind: SourceKind, hour: int, **content: Any) -> None:
        at = start + timedelta(hours=hour)
        hospital.source_movements.record_source_movement(
            request(),
            system="other",
            source_visit="V",
            source_id=kind.value,
            source_recorded_at=at,
            movement=MovementReport(kind=kind, occurred_at=at, **content),
        )

    tell_visit(SourceKind.MERGE, 0, patient_mrn="A", former_mrn="B")
    tell_visit(SourceKind.ADMIT, 0, patient_mrn="A", **place("A/1/a"))
    stay = hospital.source_movements.stay_of("other", "V")
    tell(hospital, door, report("A40", "A", "B", "M", 6, "CANCEL"))
    result = records(database)
    assert result["main", "B"].merged_into == result["main", "A"].id
    tell_visit(SourceKind.TRANSFER, 1, **place("A/1/b"))
    assert hospital.source_movements.stay_of("other", "V") == stay is not None
    assert [check.promise for check in verify(database, read_models=False) if check.broken] == []


@pytest.mark.parametrize(
    ("links", "cancelled", "persons"),
    [
        (["M CB", "K AC", "N AB"], "KM", ["AB", "C"]),
        (["K AC", "M CB", "N AB"], "K", ["ABC"]),
        (["K AC", "M CB", "N AB"], "MN", ["AC", "B"]),
    ],
)
def test_mistake_936_a_link_that_stood_for_another_outlives_what_told_it(
    hospital: Hospital,
    database: Database,
    door: Door,
    links: list[str],
    cancelled: str,
    persons: list[str],
) -> None:
    tell(hospital, door, *(told("A28", number, 1) for number in "ABC"))
    for minute, link in enumerate(links, 2):
        tell(hospital, door, report("A40", link[2], link[3], link[0], minute, "INSERT"))
    for minute, id in enumerate(cancelled, 6):
        link = next(link for link in links if link[0] == id)
        tell(hospital, door, report("A40", link[2], link[3], id, minute, "CANCEL"))
    result = records(database)
    letters = {result["main", letter].id: letter for letter in "ABC"}
    found: dict[str, str] = {}
    for letter in "ABC":
        root = letter
        while (into := result["main", root].merged_into) is not None:
            root = letters[into]
        found[root] = found.get(root, "") + letter
    assert sorted(found.values()) == persons
