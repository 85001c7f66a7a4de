"""Merges that several ids tell, and their cancels: one person is what is told, and not cancelled."""

from collections.abc import Iterable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from api.hl7.door import Door
from application.hospital import Hospital
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import SENDERS
from tests.mistakes.test_cancelled_numbers import told
from tests.mistakes.test_listed_numbers import records
from tests.mistakes.test_told_by_two_ids import report, tell
from tests.support.hospital_dsl import request

LETTERS = "ABCDE"
PAIRS = st.permutations(LETTERS).map(lambda letters: (letters[0], letters[1]))
BY_STAFF = "by staff"
TRIGGERS = st.sampled_from(["A34", "A36", "A40", "A47", BY_STAFF])
STEPS = st.lists(
    st.tuples(st.sampled_from("KLMN"), TRIGGERS, PAIRS, st.booleans()), min_size=3, max_size=10
)
"""What comes next: its id, trigger, the records that are one, and whether that is cancelled."""


def groups(pairs: Iterable[tuple[str, str]]) -> set[frozenset[str]]:
    """The records of each person, if those of each pair are one."""
    result = {frozenset(letter) for letter in LETTERS}
    for pair in pairs:
        joined = {group for group in result if group & set(pair)}
        result = result - joined | {frozenset().union(*joined)}
    return result


class House:
    """The records of one example in a hospital that has those of others, too."""

    def __init__(self, hospital: Hospital, database: Database, door: Door, name: str) -> None:
        self.hospital, self.database, self.door, self.name = hospital, database, door, name
        self.minutes = count(1)
        tell(hospital, door, *(told("A28", f"{letter}{name}", 0) for letter in LETTERS))

    def tell(self, id: str, trigger: str, pair: tuple[str, str], action: str) -> None:
        into, former = (f"{letter}{self.name}" for letter in pair)
        minute = next(self.minutes)
        tell(
            self.hospital,
            self.door,
            report(trigger, into, former, f"{id}{self.name}", minute, action),
        )

    def merge_by_hand(self, pair: tuple[str, str]) -> tuple[str, str] | None:
        """Link the persons of two records; return the two records that staff link, if they can."""
        heads = self._heads()
        persons = [heads[letter] for letter in pair]
        if persons[0] == persons[1]:
            return None
        self.hospital.identity.merge_patients(
            request(reason="one person"),
            patient_mrn=f"{persons[1]}{self.name}",
            into_mrn=f"{persons[0]}{self.name}",
        )
        return persons[0], persons[1]

    def _heads(self) -> dict[str, str]:
        """The record of each record's person."""
        result = records(self.database)
        by_letter = {letter: result["main", f"{letter}{self.name}"] for letter in LETTERS}
        letters = {record.id: letter for letter, record in by_letter.items()}
        heads = {}
        for letter in LETTERS:
            head = letter
            while (into := by_letter[head].merged_into) is not None:
                head = letters[into]
            heads[letter] = head
        return heads

    def persons(self) -> set[frozenset[str]]:
        """The records of each person as they are held."""
        return groups(self._heads().items())


@pytest.fixture
def door(hospital: Hospital, tmp_path: Path) -> Door:
    return Door(hospital, SENDERS, tmp_path)


@pytest.mark.slow
def test_one_person_is_what_is_told_and_not_cancelled_in_any_order(
    hospital: Hospital, database: Database, door: Door
) -> None:
    numbers = count(1)

    @runs(
        max_examples=25,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(STEPS)
    def check(steps: list[tuple[str, str, tuple[str, str], bool]]) -> None:
        house = House(hospital, database, door, str(next(numbers)))
        held: dict[str, tuple[str, tuple[str, str]]] = {}
        cancelled: set[str] = set()
        by_hand: list[tuple[str, str]] = []
        for id, trigger, pair, is_cancel in steps:
            if trigger == BY_STAFF:
                by_hand += [link] if (link := house.merge_by_hand(pair)) else []
            elif is_cancel:
                trigger, pair = held.pop(id, (trigger, pair))
                cancelled.add(id)
                house.tell(id, trigger, pair, "CANCEL")
            else:
                house.tell(id, trigger, pair, "UPDATE" if id in held else "INSERT")
                if id not in cancelled:
                    held[id] = trigger, pair
            told_pairs = [pair for _, pair in held.values()]
            assert house.persons() == groups([*told_pairs, *by_hand]), steps

    check()
    assert [c.promise for c in verify(database, read_models=False) if c.broken] == []
