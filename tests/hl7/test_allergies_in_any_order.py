"""Allergies under the numbers of one person, and the links of these numbers: any order, one history."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from api.hl7.door import Door
from application.hospital import Hospital
from domain.allergies import Substance
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import SENDERS
from tests.hl7.test_triggers import answer
from tests.mistakes.test_cancelled_numbers import told

NUTS = Substance(name="Nuts", code="1", system="L")


def allergy(number: str, minute: int, action: str, severity: str = "", reaction: str = "") -> bytes:
    return told("A60", number, minute, f"IAM|1||1^Nuts^L|{severity}|{reaction}|{action}")


def merge(number: str, into: str, minute: int, trigger: str = "A40") -> bytes:
    return told(trigger, into, minute, f"MRG|{number}^^^HOSP^MR")


STORIES: dict[str, tuple[Callable[[str, str], list[bytes]], str]] = {
    "told, put right, deleted and told again": (
        lambda a, b: [
            *(allergy(a, 1, "A", "SV"), allergy(a, 2, "D"), allergy(a, 3, "A", "MO")),
            allergy(a, 4, "U", reaction="Rash"),
        ],
        "MODERATE Rash",
    ),
    "put right before the person is known": (
        lambda a, b: [told("A28", a, 1), allergy(a, 2, "A", "SV"), allergy(a, 3, "U", "MI")],
        "MILD None",
    ),
    "told under one number and deleted under another": (
        lambda a, b: [
            *(told("A28", a, 1), allergy(a, 2, "A", "SV"), allergy(b, 3, "D"), merge(b, a, 4))
        ],
        "",
    ),
    "told under both numbers": (
        lambda a, b: [
            *(told("A28", a, 1), told("A28", b, 1), allergy(a, 2, "A", "SV", "Rash")),
            *(allergy(b, 3, "A", "MO"), merge(b, a, 4)),
        ],
        "MODERATE Rash",
    ),
    "deleted under one number and told after that under the other": (
        lambda a, b: [allergy(a, 1, "D"), allergy(b, 2, "A", "MO"), merge(b, a, 4)],
        "MODERATE None",
    ),
    "told under two numbers that are not of one person after all": (
        lambda a, b: [
            *(allergy(a, 2, "A", "SV"), allergy(b, 3, "D"), merge(b, a, 4)),
            merge(b, a, 5, "A37"),
        ],
        "SEVERE None",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_allergies_under_linked_numbers_in_any_order_give_one_history(
    hospital: Hospital, database: Database, tmp_path: Path, name: str
) -> None:
    story, expected = STORIES[name]
    door = Door(hospital, SENDERS, tmp_path)
    orders = list(permutations(range(len(story("", "")))))
    for n, order in enumerate(orders[:: max(1, len(orders) // 24)]):
        messages = story(f"A{n}", f"B{n}")
        for index in (*order, order[n % len(order)]):
            assert answer(door, messages[index])[:2] == "AA", order
            hospital.source_movements.wait()
        assert not list(door.refused), order
        held = hospital.allergies.held_of(f"A{n}", None, NUTS)
        assert "; ".join(f"{a.severity} {a.reaction}" for a in held) == expected, order
    assert [check.promise for check in verify(database, read_models=False) if check.broken] == []
