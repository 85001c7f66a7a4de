"""Mistakes of receivers that take back one of several records that one message merged."""

from collections.abc import Iterator
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


def in_all_orders(door: Door) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the orders of three messages, each with a number whose three people are registered."""
    for n, order in enumerate(permutations(range(3))):
        for person in people(n):
            assert answer(door, person) == "AA"
        yield n, order


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
    for n, order in in_all_orders(door):
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
    for n, order in in_all_orders(door):
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


PAIRS = ["MRG|B1^^^HOSP^MR", "PID|||C1^^^LAB^MR||Every^Adam", "MRG|D1^^^LAB^MR"]


@pytest.mark.parametrize("trigger", ["A17", "A34", "A36", "A40", "A44", "A46", "A47", "Z99"])
def test_mistake_860_the_cancel_of_several_pairs_is_read_as_their_merge(
    hospital: Hospital, database: Database, door: Door, trigger: str
) -> None:
    """Only the part with the ZBE was read as a cancel; the pairs before it were merged."""
    for person in people(1):
        assert answer(door, person) == "AA"
    before, visits = records(database), "PV1||I|||||||||||||||||V1"
    zbe = ZBE.format(1, "CANCEL")
    orders = [zbe, *PAIRS], [*PAIRS, zbe], [*PAIRS[:1], zbe, *PAIRS[1:]]
    for minute, more in enumerate(orders):
        message = told(trigger, "A1", 10 + minute, visits, *more)
        assert answer(door, message)[:2] in ("AA", "AR"), more
        hospital.source_movements.wait()
    after = records(database)
    assert {number: person.merged_into for number, person in after.items()} == {
        number: person.merged_into for number, person in before.items()
    }


def test_mistake_861_the_cancel_of_several_pairs_takes_back_the_first(
    hospital: Hospital, database: Database, door: Door
) -> None:
    for number in ("A1", "B1", "A2", "B2"):
        assert answer(door, told("A28", number, 1)) == "AA"
    pairs = ["MRG|B1^^^HOSP^MR", "PID|||A2^^^HOSP^MR||Every^Adam", "MRG|B2^^^HOSP^MR"]
    for minute, trigger, are_merged in ((5, "A40", True), (6, "A37", False)):
        assert answer(door, told(trigger, "A1", minute, *pairs))[:2] == "AA"
        hospital.source_movements.wait()
        result = records(database)
        for letter in "12":
            record, into = result["main", f"B{letter}"], result["main", f"A{letter}"]
            assert record.merged_into == (into.id if are_merged else None)


def test_mistake_862_the_second_record_of_one_person_is_left_out(
    database: Database, door: Door
) -> None:
    for person in people(1):
        assert answer(door, person) == "AA"
    message = told("A40", "A1", 5, "MRG|B1^^^HOSP^MR", "MRG|C1^^^LAB^MR")
    assert answer(door, message)[:2] == "AR"
    assert merged(database, 1) == set()


def test_mistake_863_what_has_no_fact_here_is_refused_for_its_form(door: Door) -> None:
    link = ["PID|||B1^^^HOSP^MR", "ZBE|M1|20260302090400+0000||INSERT|N|A24"]
    assert answer(door, told("A24", "A1", 5, *link))[:2] == "AA"
