"""Mistakes of receivers that read one of several numbers, and no time without a day."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest

from api.hl7.door import Door
from api.hl7.er7 import parse
from api.hl7.sending import SendingSystem
from application.hospital import Hospital
from domain.patient import Patient
from domain.time import Precision
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import ZONE
from tests.hl7.test_triggers import answer
from tests.mistakes.test_cancelled_numbers import told
from tests.support.hospital_dsl import events

SENDER = SendingSystem(
    "ADT", "NORTH", "north", ZONE, authorities={"HOSP": "main", "LAB": "lab", "OLD": "old"}
)


@pytest.fixture
def door(hospital: Hospital, tmp_path: Path) -> Door:
    return Door(hospital, [SENDER], tmp_path)


def lab(message: bytes) -> bytes:
    """The same of somebody whose number is of the laboratory."""
    return message.replace(b"^^^HOSP^MR||", b"^^^LAB^MR||")


def records(database: Database) -> dict[tuple[str, str], Patient]:
    """Each record by its number now."""
    result: dict[object, Patient] = {}
    for *_, event in events(database):
        if event.belongs_to(Patient):
            event.mutate(result.setdefault(event.originator_id, Patient.empty(event.originator_id)))
    return {(r.mrn_authority, r.mrn): r for r in result.values()}


@pytest.mark.parametrize("zbe", [[], ["ZBE|M1|20260302090400+0000||INSERT"]], ids=["derived", "id"])
def test_mistake_704_each_number_of_the_list_is_of_the_record_that_is_merged(
    hospital: Hospital, database: Database, door: Door, zbe: list[str]
) -> None:
    formers = "MRG|B{0}^^^HOSP^MR~C{0}^^^LAB^MR~D{0}^^^ELSEWHERE^MR"
    for n, order in enumerate(permutations(range(5))):
        if n % 12:
            continue
        merge = told("A40", f"A{n}", 4, formers.format(n), *(z.replace("M1", f"M{n}") for z in zbe))
        story = [
            *(told("A28", f"A{n}", 1), told("A28", f"B{n}", 2), lab(told("A28", f"C{n}", 3))),
            merge,
            merge.replace(b"-4|P", b"-again|P"),
        ]
        for index in order:
            assert answer(door, story[index])[:2] == "AA", order
            hospital.source_movements.wait()
        result = records(database)
        into = result["main", f"A{n}"]
        assert result["main", f"B{n}"].merged_into == into.id, order
        assert result["lab", f"C{n}"].merged_into == into.id, order
        cancel = told(
            "A37", f"A{n}", 5, formers.format(n), *(z.replace("M1", f"M{n}") for z in zbe)
        )
        assert answer(door, cancel) == "AA"
        result = records(database)
        assert result["main", f"B{n}"].merged_into is None
        assert result["lab", f"C{n}"].merged_into is None
    assert not list(door.refused)


def test_mistake_704_two_numbers_of_one_authority_are_refused(door: Door) -> None:
    for trigger in ("A34", "A36", "A40", "A46", "A47", "A37"):
        message = told(trigger, f"A{trigger}", 4, "MRG|B^^^HOSP^MR~C^^^HOSP^MR")
        assert answer(door, message) == "AR|several numbers of one authority", trigger
        twice = told(trigger, f"A{trigger}", 5, "MRG|B^^^HOSP^MR~B^^^HOSP^MR")
        assert answer(door, twice)[:2] == "AA", trigger
    # a number that a visit is moved from tells nothing: its visit does
    assert answer(door, told("A44", "A", 6, "PV1||I|||||||||||||||||V1", "MRG|B~C"))[:2] == "AA"


def test_mistake_704_a_number_is_changed_to_that_of_its_authority(
    door: Door, database: Database
) -> None:
    assert answer(door, lab(told("A28", "L1", 1))) == "AA"
    change = told("A47", "H2", 2, "MRG|L1^^^LAB^MR")
    assert answer(door, change.replace(b"H2^^^HOSP^MR", b"H2^^^HOSP^MR~L2^^^LAB^MR")) == "AA"
    assert list(records(database)) == [("lab", "L2")]


@pytest.mark.parametrize(
    ("onset", "at", "precision"),
    [
        ("2019", datetime(2018, 12, 31, 23, tzinfo=UTC), Precision.ESTIMATED),
        ("201907", datetime(2019, 6, 30, 22, tzinfo=UTC), Precision.ESTIMATED),
        ("20190702", datetime(2019, 7, 1, 22, tzinfo=UTC), Precision.DAY),
    ],
)
def test_mistake_705_an_allergy_since_a_year_or_a_month_is_taken(
    door: Door, database: Database, onset: str, at: datetime, precision: Precision
) -> None:
    allergy = told("A60", "A1", 1, f"IAM|1||1^Nuts^L|SV|Rash|A|||||{onset}")
    assert answer(door, allergy) == "AA"
    (held,) = records(database)["main", "A1"].allergies.values()
    assert (held.at, held.precision) == (at, precision)


@pytest.mark.parametrize("onset", ["201913", "20190", "19", "2019-07", "0000"])
def test_mistake_705_what_is_no_time_is_refused(door: Door, onset: str) -> None:
    allergy = told("A60", "A1", 1, f"IAM|1||1^Nuts^L|SV|Rash|A|||||{onset}")
    assert answer(door, allergy)[:2] == "AR"
    assert parse(allergy).value("IAM", 11) == onset
