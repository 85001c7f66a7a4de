"""Orders of another system: made, changed, cancelled, and doses given of them."""

from datetime import UTC, datetime

import pytest

from api.hl7.door import Door
from application.hospital import Hospital
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import adt
from tests.hl7.test_triggers import answer, door, of_kind, state
from tests.support.hospital_dsl import rows

__all__ = ["door"]


def rde(control: str, action: str, hour: int, amount: str) -> bytes:
    return of_kind(
        *("RDE^O11^RDE_O11", control, f"ORC|{action}|8|||||||20260302{hour}0000+0100|||D1"),
        *(f"RXE||X1^Ibuprofen^L|{amount}||mg", "RXR|PO^oral"),
    )


def ras(control: str, hour: int, *more: str) -> bytes:
    dose = f"RXA||1|20260302{hour}0000+0100||X1|400|mg"
    return of_kind("RAS^O17", control, "ORC|RE|8", "|".join((dose, *more)))


def counts(database: Database) -> dict[str, int]:
    return dict(rows(database, "SELECT topic, count(*) FROM record.events GROUP BY topic"))


def test_a_prescription_is_written_changed_given_and_stopped_each_once(
    door: Door, database: Database
) -> None:
    for message in (
        adt("A01", "1"),
        rde("2", "NW", 12, "400"),
        rde("3", "NW", 12, "400"),  # another message of the same order
        ras("4", 13),
        rde("5", "XO", 14, "600"),
        rde("5", "XO", 14, "600"),  # sent again
        ras("6", 15, *[""] * 10, "sick^nausea", "", "RE"),
        rde("7", "DC", 16, ""),
    ):
        assert answer(door, message) == "AA", message
    result = counts(database)
    assert result["prescription.written"] == 1
    assert result["prescription.administration-recorded"] == 2
    assert result["prescription.changed"] == result["prescription.stopped"] == 1
    assert not list(door.refused)


def test_a_consult_is_asked_for_changed_and_withdrawn(
    door: Door, hospital: Hospital, database: Database
) -> None:
    for message in (
        adt("A01", "1"),
        of_kind("ORM^O01", "2", "ORC|NW|7||||||||||D1", "OBR|1|||C^Heart"),
        of_kind("ORM^O01", "3", "ORC|XO|7||||||||||D1", "OBR|1|||C^Kidneys"),
        of_kind("ORM^O01", "4", "ORC|CA|7||||||||||D1", "OBR|1|||C^Kidneys"),
    ):
        assert answer(door, message) == "AA", message
    result = counts(database)
    assert result["stay.consult-requested"] == result["stay.consult-withdrawn"] == 1
    assert state(hospital, datetime(2026, 3, 3, tzinfo=UTC))
    assert not list(door.refused)


def test_a_replaced_order_ends_where_the_order_in_its_place_is_in_the_message(
    door: Door, database: Database
) -> None:
    new = "RXE||X2^Naproxen^L|250||mg"
    replacement = of_kind(
        *("RDE^O11^RDE_O11", "3", "ORC|RP|8|||||||20260302140000+0100|||D1"),
        *("ORC|RO|9|||||||20260302140000+0100|||D1", new),
    )
    same_number = of_kind(
        *("RDE^O11^RDE_O11", "4", "ORC|RP|9|||||||20260302150000+0100|||D1"),
        *("ORC|RO|9|||||||20260302150000+0100|||D1", new.replace("250", "500")),
    )
    for message in (adt("A01", "1"), rde("2", "NW", 12, "400"), replacement, same_number):
        assert answer(door, message) == "AA", message
    result = counts(database)
    assert result["prescription.written"] == 2
    assert result["prescription.stopped"] == result["prescription.changed"] == 1
    assert not list(door.refused)


def test_an_order_is_held_and_released(door: Door, database: Database) -> None:
    for number, code in enumerate(("NW", "HD", "RL", "OH", "OE", "OD")):
        if not number:
            assert answer(door, adt("A01", "1")) == "AA"
        assert answer(door, rde(code, code, 12 + number, "400")) == "AA", code
    result = counts(database)
    assert result["prescription.held"] == result["prescription.resumed"] == 2
    assert result["prescription.stopped"] == 1


@pytest.mark.parametrize("code", ["SC", "UA", "UX", "RF", "LI", "??"])
def test_a_control_code_without_a_fact_here_is_kept_for_who_enters_it(
    code: str, door: Door, database: Database
) -> None:
    by_hand = "AA|kept, to be entered by hand: no fact here for this code"
    assert answer(door, adt("A01", "1")) == answer(door, rde("2", "NW", 12, "400")) == "AA"
    result = counts(database)
    assert answer(door, rde("3", code, 14, "600")) == by_hand
    assert answer(door, of_kind("ORM^O01", "4", f"ORC|{code}|7", "OBR|1|||C^Heart")) == by_hand
    assert answer(door, ras("5", 13, *[""] * 13, "D")) == by_hand
    assert counts(database) == result
    assert len(list(door.refused)) == 3


def test_another_message_of_a_known_order_is_counted_and_one_that_differs_is_kept(
    door: Door, database: Database
) -> None:
    by_hand = "AA|kept, to be entered by hand: it is known here with other content"
    for message in (adt("A01", "1"), rde("2", "NW", 12, "400"), ras("3", 13)):
        assert answer(door, message) == "AA"
    finding = counts(database)
    assert answer(door, rde("4", "NW", 14, "400")) == "AA"
    assert door.counts["known already: write_prescription"] == 1
    assert answer(door, rde("5", "NW", 14, "600")) == by_hand
    assert answer(door, ras("6", 13).replace(b"|400|", b"|200|")) == by_hand
    allergy = "IAM|1||91936005^Penicillin^SCT|{}|Rash|A"
    assert answer(door, adt("A60", "7", allergy.format("MO"))) == "AA"
    later = adt("A60", "8", allergy.format("SV")).replace(b"101500", b"111500")
    assert answer(door, later) == "AA", "what the source says last holds"
    result = {name: n for name, n in counts(database).items() if "source-visit" not in name}
    before = {name: n for name, n in finding.items() if "source-visit" not in name}
    assert result == {**before, "patient.allergy-recorded": 1, "patient.allergy-corrected": 1}


def test_each_dose_of_a_message_is_recorded(door: Door, database: Database) -> None:
    for message in (adt("A01", "1"), rde("2", "NW", 12, "400")):
        assert answer(door, message) == "AA"
    second = "RXA||2|20260302150000+0100||X1|400|mg"
    assert answer(door, ras("3", 13) + b"\r" + second.encode()) == "AA"
    assert counts(database)["prescription.administration-recorded"] == 2
