"""Mistakes of receivers that take back one of several records that one message merged."""

from itertools import permutations

import pytest

from api.hl7.door import Door
from application.hospital import Hospital
from infrastructure.postgres.database import Database
from tests.hl7.test_triggers import answer
from tests.mistakes.test_cancelled_numbers import told
from tests.mistakes.test_listed_numbers import door, lab, records

__all__ = ["door"]

ZBE = "ZBE|M{0}|20260302090400+0000||{1}|N|A40"
B, C = "B{0}^^^HOSP^MR", "C{0}^^^LAB^MR"


def people(n: int) -> list[bytes]:
    return [told("A28", f"A{n}", 1), told("A28", f"B{n}", 2), lab(told("A28", f"C{n}", 3))]


def merged(database: Database, n: int) -> set[str]:
    """The letters of the records that are merged into that of A."""
    result = records(database)
    into = result["main", f"A{n}"].id
    pairs = {"B": ("main", f"B{n}"), "C": ("lab", f"C{n}")}
    return {letter for letter, number in pairs.items() if result[number].merged_into == into}


@pytest.mark.parametrize("trigger", ["A37", "Z99"])
@pytest.mark.parametrize(
    "listed", [[], [f"MRG|{B}"], [f"MRG|{C}~{B}"]], ids=["none", "one", "the other way round"]
)
def test_mistake_790_the_cancel_of_a_merge_takes_back_all_of_its_message(
    hospital: Hospital, database: Database, door: Door, trigger: str, listed: list[str]
) -> None:
    for n, order in enumerate(permutations(range(3))):
        for person in people(n):
            assert answer(door, person) == "AA"
        more = [text.format(n, "CANCEL") for text in (*listed, ZBE)]
        cancel = told(trigger, f"A{n}", 6, *more)
        merge = told("A40", f"A{n}", 4, f"MRG|{B}~{C}".format(n), ZBE.format(n, "INSERT"))
        story = [merge, cancel, merge.replace(b"-4|P", b"-again|P")]
        for index in order:
            assert answer(door, story[index])[:2] == "AA", order
            hospital.source_movements.wait()
        assert merged(database, n) == set(), order
    assert not list(door.refused)


@pytest.mark.parametrize(
    ("listed", "left"),
    [(B, {"B"}), (C, {"C"}), (f"{C}~{B}", {"B", "C"}), (f"{B}~{C}", {"B", "C"})],
)
def test_mistake_790_another_version_of_a_merge_holds_instead_of_all_of_the_first(
    hospital: Hospital, database: Database, door: Door, listed: str, left: set[str]
) -> None:
    for n, order in enumerate(permutations(range(3))):
        for person in people(n):
            assert answer(door, person) == "AA"
        merge = told("A40", f"A{n}", 4, f"MRG|{B}~{C}".format(n), ZBE.format(n, "INSERT"))
        update = told("Z99", f"A{n}", 6, f"MRG|{listed}".format(n), ZBE.format(n, "UPDATE"))
        story = [merge, update, merge.replace(b"-4|P", b"-again|P")]
        for index in order:
            assert answer(door, story[index])[:2] == "AA", order
            hospital.source_movements.wait()
        assert merged(database, n) == left, order


@pytest.mark.parametrize("trigger", ["A40", "A34", "A36", "A47"])
def test_mistake_791_one_id_of_several_pairs_is_refused_and_nothing_of_it_is_done(
    database: Database, door: Door, trigger: str
) -> None:
    for person in people(1):
        assert answer(door, person) == "AA"
    pairs = ["MRG|B1^^^HOSP^MR", "PID|||C1^^^LAB^MR", "MRG|D1^^^LAB^MR"]
    zbe = ZBE.format(1, "INSERT")
    for minute, more in enumerate(([zbe, *pairs], [*pairs, zbe], [*pairs[:1], zbe, *pairs[1:]])):
        message = told(trigger, "A1", 10 + minute, *more)
        assert answer(door, message)[:2] == "AR", more
    assert merged(database, 1) == set()
