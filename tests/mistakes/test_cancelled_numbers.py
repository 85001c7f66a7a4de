"""Mistakes of other systems about numbers that were changed by mistake: see `test_covered`."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest

from api.hl7.door import Door
from application import persons
from application.aggregate_cache import AggregateReader
from application.hospital import Hospital
from domain.patient import Patient
from domain.stay.aggregate import Stay
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from tests.hl7.test_beds import message, status
from tests.hl7.test_inbound import SENDERS, adt
from tests.hl7.test_triggers import answer
from tests.support.hospital_dsl import events, request, room


@pytest.fixture
def door(hospital: Hospital, tmp_path: Path) -> Door:
    return Door(hospital, SENDERS, tmp_path)


def told(trigger: str, number: str, minute: int, *more: str, name: str = "Every") -> bytes:
    """A message about the person of a number, recorded at a minute of a morning."""
    at = f"{datetime(2026, 3, 2, 9, minute, tzinfo=UTC):%Y%m%d%H%M%S}+0000"
    segments = (
        rf"MSH|^~\&|ADT|NORTH|||{at}||ADT^{trigger}|{number}-{minute}|P|2.5",
        f"EVN|{trigger}|{at}||||{at}",
        f"PID|||{number}^^^HOSP^MR||{name}^Adam||19700101|M",
        *more,
    )
    return "\r".join(segments).encode()


def numbers(database: Database, last: str) -> list[tuple[str, list[str], str | None]]:
    """Each record whose number ends so: its number, former ones, and the family name."""
    records: dict[object, Patient] = {}
    for *_, event in events(database):
        if event.belongs_to(Patient):
            record = records.setdefault(event.originator_id, Patient.empty(event.originator_id))
            event.mutate(record)
    return sorted(
        (r.mrn, sorted({n for _, n in r.former_numbers} - {r.mrn}), r.details[0][1].family_name)
        for r in records.values()
        if r.mrn.endswith(last)
    )


def test_mistake_346_a_number_that_never_was_the_records_still_names_it(
    door: Door, hospital: Hospital, database: Database
) -> None:
    """Whether the change came before its cancel or after it decided whom the number names."""
    outcomes = set()
    for n, order in enumerate(permutations(range(3))):
        old, new = f"A{n}", f"B{n}"
        change = f"MRG|{old}^^^HOSP^MR"
        messages = [
            told("A28", old, 1),
            told("A47", new, 2, change, f"ZBE|X{n}|20260302090200+0000||INSERT|N|A47"),
            told("A47", new, 3, change, f"ZBE|X{n}|20260302090200+0000||CANCEL|N|A47"),
        ]
        for index in (*order, order[n % 3]):
            assert answer(door, messages[index])[:2] == "AA"
        hospital.source_movements.wait()
        other = told("A28", new, 9, name="Other")
        assert answer(door, other) == "AA"
        hospital.source_movements.wait()
        result = numbers(database, str(n))
        outcomes.add(str(result).replace(old, "A").replace(new, "B"))
        assert len(outcomes) == 1, (order, outcomes)
    assert outcomes == {"[('A', [], 'Every'), ('B', [], 'Other')]"}
    assert [check.promise for check in verify(database, read_models=False) if check.broken] == []


def test_a_number_that_a_record_had_before_a_change_stays_with_it_when_that_is_cancelled(
    door: Door, hospital: Hospital, database: Database
) -> None:
    outcomes = set()
    for n, order in enumerate(permutations(range(3))):
        old, new = f"C{n}", f"D{n}"
        change = f"MRG|{old}^^^HOSP^MR"
        messages = [
            told("A28", new, 1),
            told("A47", new, 2, change, f"ZBE|Y{n}|20260302090200+0000||INSERT|N|A47"),
            told("A47", new, 3, change, f"ZBE|Y{n}|20260302090200+0000||CANCEL|N|A47"),
        ]
        for index in order:
            assert answer(door, messages[index])[:2] == "AA"
        hospital.source_movements.wait()
        outcomes |= {number[0] for number, *_ in numbers(database, str(n))}
    assert outcomes == {"D"}


def test_a_change_to_a_number_that_another_record_has_makes_one_person_in_any_order(
    door: Door, hospital: Hospital, database: Database
) -> None:
    """Two records that are merged, or one with both numbers: the same person, stays and details."""
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    outcomes = set()
    for n, order in enumerate(permutations(range(4))):
        old, new = f"E{n}", f"F{n}"
        change = f"MRG|{old}^^^HOSP^MR"
        messages = [
            told("A28", old, 1, name="Former"),
            told("A28", new, 2, name="Right"),
            told("A47", new, 4, change, name="Right"),
            told("A01", new, 3, f"PV1||I|A||||||||||||||||V{n}", name="Right"),
        ]
        for index in order:
            assert answer(door, messages[index])[:2] == "AA"
        hospital.source_movements.wait()
        visit = hospital.source_movements.stay_of("north", f"V{n}")
        assert visit
        reader = AggregateReader(hospital.record)
        (stay,) = reader.load(Stay, visit)
        assert stay.patient
        person = persons.records(reader, stay.patient)
        known = {m for r in person for _, m in [("", r.mrn), *r.former_numbers]}
        assert known == {old, new}, order
        outcomes.add((person[0].mrn == new, person[0].details[0][1].family_name))
    assert outcomes == {(True, "Right")}
    assert [check.promise for check in verify(database, read_models=False) if check.broken] == []


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
def test_mistake_347_a_bed_that_was_cleaned_before_its_discharge_was_known_is_not_clean(
    door: Door, hospital: Hospital, order: tuple[int, ...]
) -> None:
    """It was said to be clean while somebody was in it, which changed nothing, and was forgotten."""
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    since = datetime(2026, 1, 2, tzinfo=UTC)
    hospital.rooms.set_bed_cleaning(request(since, reason="as ever"), applies=True)
    sent = [adt("A01", "1"), message("A03", "2", 12), status("3", 13, "U", "A^1^a")]
    for index in order:
        assert answer(door, sent[index])[:2] == "AA"
    hospital.source_movements.wait()
    list(door.replay())
    assert not list(door.refused)
    other = message("A01", "4", 14).replace(b"4711", b"4712").replace(b"VNORTH", b"V2")
    assert answer(door, other) == "AA"
