"""Orders of another system: made, changed, cancelled, and doses given of them."""

from datetime import UTC, datetime

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
    found = counts(database)
    assert found["prescription.written"] == 1
    assert found["prescription.administration-recorded"] == 2
    assert found["prescription.changed"] == found["prescription.stopped"] == 1
    assert not list(door.refused)


def test_a_change_of_an_order_that_is_not_known_waits_and_is_carried_out_by_a_replay(
    door: Door, database: Database
) -> None:
    assert answer(door, adt("A01", "1")) == "AA"
    early = "AA|kept, until what it is about is known: replay it then"
    assert answer(door, rde("5", "XO", 14, "600")) == early
    assert answer(door, rde("2", "NW", 12, "400")) == "AA"
    assert [verdict.text for _, verdict in door.replay()] == [""]
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
    found = counts(database)
    assert found["stay.consult-requested"] == found["stay.consult-withdrawn"] == 1
    assert state(hospital, datetime(2026, 3, 3, tzinfo=UTC))
    assert not list(door.refused)
