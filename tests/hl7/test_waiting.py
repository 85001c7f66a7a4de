"""Orders, doses and consults before what they are about: they wait, and any order gives one history."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from uuid import uuid5

import pytest

from api.hl7 import door as module
from api.hl7.act import thing_name
from api.hl7.door import WAITS, Door
from api.hl7.things import MESSAGES
from application.aggregate_cache import current
from application.hospital import Hospital
from domain.prescription.aggregate import Prescription
from domain.stay.aggregate import Stay
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import SENDERS, adt
from tests.hl7.test_orders import counts, ras, rde
from tests.hl7.test_triggers import answer, door, of_kind
from tests.record.test_source_movements import EXAMPLES
from tests.support.hospital_dsl import doctor, request, room

__all__ = ["door"]

EARLY = f"AA|{WAITS.text}"


def consult(control: str, action: str, hour: int, specialty: str = "Heart") -> bytes:
    order = f"ORC|{action}|7|||||||20260302{hour}0000+0100|||D1"
    return of_kind("ORM^O01", control, order, f"OBR|1|||C^{specialty}")


def recorded(message: bytes, minute: int, sequence: str = "") -> bytes:
    """Return a message as its sender recorded it at another minute, or with a number."""
    head, _, rest = message.partition(b"\r")
    head = head.replace(b"20260302101500", b"2026030210%02d00" % minute)
    return head + (f"|{sequence}".encode() if sequence else b"") + b"\r" + rest


ADMITTED = adt("A01", "1")
LEFT = adt("A03", "9", "ZBE|M9|20260302180000+0100||INSERT|N|A03")
NEW, GIVEN = rde("2", "NW", 12, "400"), ras("3", 13)
REPLACED = of_kind(
    *("RDE^O11^RDE_O11", "5", "ORC|RP|8|||||||20260302140000+0100|||D1"),
    *("ORC|RO|9|||||||20260302140000+0100|||D1", "RXE||X2^Naproxen^L|250||mg"),
)
STORIES: dict[str, list[bytes]] = {
    "changed twice": [NEW, rde("3", "XO", 14, "600"), rde("4", "XO", 16, "200")],
    "given, then stopped": [NEW, GIVEN, rde("4", "DC", 16, "")],
    "held and released": [NEW, rde("3", "HD", 14, ""), rde("4", "RL", 16, "")],
    "held and released before a dose": [
        *(NEW, rde("3", "HD", 14, ""), rde("4", "RL", 15, ""), ras("5", 16)),
    ],
    "held and released twice": [
        *(NEW, rde("3", "HD", 13, ""), rde("4", "RL", 14, "")),
        *(rde("5", "HD", 15, ""), rde("6", "RL", 16, "")),
    ],
    "held and released twice with doses between and after": [
        *(NEW, rde("3", "HD", 13, ""), rde("4", "RL", 14, ""), ras("7", 14)),
        *(rde("5", "HD", 15, ""), rde("6", "RL", 16, ""), ras("8", 17)),
    ],
    "a consult put right twice": [
        consult("2", "NW", 11),
        recorded(consult("3", "XO", 11, "Kidneys"), 20),
        recorded(consult("4", "XO", 11, "Lungs"), 30),
    ],
    "a consult put right twice in one second": [
        consult("2", "NW", 11),
        recorded(consult("3", "XO", 11, "Kidneys"), 20, "8"),
        recorded(consult("4", "XO", 11, "Lungs"), 20, "9"),
    ],
    "a consult put right and withdrawn": [
        *(consult("2", "NW", 11), consult("3", "XO", 11, "Kidneys"), consult("4", "CA", 13))
    ],
    "replaced": [NEW, GIVEN, REPLACED],
    "given before the discharge": [NEW, GIVEN, LEFT],
    "a discharge planned and not": [
        adt("A16", "2", "PV2|||||||||20260309"),
        adt("A25", "3").replace(b"0302101500", b"0302121500"),
    ],
}


def renamed(message: bytes, example: int) -> bytes:
    """Return the message of another example, with numbers of its own."""
    for old, new in (
        *((b"VNORTH", b"V%d"), (b"4711", b"P%d"), (b"A^1^a", b"A^%d^a"), (b"|P|2.5", b"-%d|P|2.5")),
        *((b"|7|", b"|7-%d|"), (b"|8|", b"|8-%d|"), (b"|9|||||||2", b"|9-%d|||||||2")),
        *((b"|M9|", b"|M9-%d|"), (b"ORC|RE|8", b"ORC|RE|8-%d")),
    ):
        message = message.replace(old, new % example)
    return message


def history(hospital: Hospital, example: int) -> object:
    """Return the history of the stay and the orders of an example."""
    id = hospital.source_movements.stay_of("north", f"V{example}")
    assert id
    stay = current(hospital.record, Stay.empty(id))
    orders = [thing_name("prescription", f"{number}-{example}") for number in (8, 9)]
    ids = [uuid5(uuid5(MESSAGES, f"north\0{order}"), "prescription") for order in orders]
    courses = [current(hospital.record, Prescription.empty(id)) for id in ids]
    specialties = [
        event.specialty
        for event in hospital.record.streams({id: 0})[id]
        if isinstance(event, Stay.ConsultRequested | Stay.ConsultCorrected) and event.specialty
    ]
    return (
        specialties[-1:],
        [(period, state.status, state.plan) for period, state in stay.history.segments],
        [(bool(each.answer), bool(each.withdrawal)) for each in stay.consults.values()],
        [type(fact).__name__ for fact in stay.history.facts],
        [
            (p.course.segments(), sorted((d.at, d.given) for d in p.course.doses))
            for p in courses
            if p.exists
        ],
    )


@pytest.mark.parametrize("name", STORIES)
def test_orders_in_any_order_give_one_history(
    hospital: Hospital, tmp_path: Path, name: str
) -> None:
    door, story, histories = Door(hospital, SENDERS, tmp_path), [ADMITTED, *STORIES[name]], []
    doctor(hospital)
    orders = list(permutations(story))
    for n, order in enumerate(orders if EXAMPLES > 50 else orders[:: max(1, len(orders) // 24)]):
        room(hospital, str(n), "a", "b", at=datetime(2026, 1, 1, tzinfo=UTC))
        for message in (*order, order[n % len(order)]):
            assert answer(door, renamed(message, n))[:2] == "AA", order
        assert not list(door.refused), order
        histories.append(history(hospital, n))
        assert histories[0] == histories[-1], order


def test_an_order_waits_for_what_staff_enter_and_the_rest_for_it(
    hospital: Hospital, tmp_path: Path
) -> None:
    """A doctor whom nobody knows yet comes by no message: what waits is taken again in its turn."""
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    door = Door(hospital, SENDERS, tmp_path)
    assert answer(door, ADMITTED) == "AA"
    for message in (ras("4", 13), rde("3", "XO", 14, "600"), rde("2", "NW", 12, "400")):
        assert answer(door, message) == EARLY
    door.retry_waiting()
    assert len(list(door.refused)) == 3
    doctor(hospital)
    other = Door(hospital, SENDERS, tmp_path)  # another process, or the same after a restart
    for _ in range(3):
        other.retry_waiting()
    assert not list(other.refused)
    assert not door.refused.waiting()


def test_a_replay_carries_out_what_was_kept_before_what_it_is_about(
    hospital: Hospital, tmp_path: Path
) -> None:
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    door = Door(hospital, SENDERS, tmp_path)
    assert answer(door, ADMITTED) == "AA"
    for message in (rde("3", "XO", 14, "600"), rde("2", "NW", 12, "400")):
        assert answer(door, message) == EARLY
    doctor(hospital)
    assert [verdict.text for _, verdict in door.replay()] == ["", ""]
    assert not list(door.refused)


def test_what_fits_no_more_when_its_order_comes_is_kept_to_be_entered_by_hand(door: Door) -> None:
    wrong = ras("4", 11)  # before the order
    assert answer(door, ADMITTED) == "AA"
    assert answer(door, wrong) == EARLY
    assert answer(door, rde("2", "NW", 12, "400")) == "AA"
    (kept,) = door.refused
    assert kept["text"] == "PrescriptionStateBroken"
    assert door.refused.message_of(kept) == wrong
    assert not door.refused.waiting()


def test_a_message_takes_no_longer_the_more_wait_for_it(
    door: Door, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_TRIED", 2)
    monkeypatch.setattr(module, "MAX_RETRIED", 2)
    orders = [rde(str(n), "NW", 12, "400").replace(b"|8|", b"|8-%d|" % n) for n in range(7)]
    assert {answer(door, message) for message in orders} == {EARLY}
    assert answer(door, adt("A01", "admission")) == "AA"
    assert counts(database)["prescription.written"] == 2
    for _ in range(3):
        door.retry_waiting()
    assert counts(database)["prescription.written"] == 7
    assert not list(door.refused)


def test_a_file_that_is_broken_keeps_no_message_from_its_answer(door: Door, tmp_path: Path) -> None:
    assert answer(door, rde("2", "NW", 12, "400")) == EARLY
    (kept,) = door.refused
    Path(kept["file"]).write_text("{")
    assert answer(door, ADMITTED) == "AA"


@pytest.mark.parametrize("is_dose_first", [False, True])
def test_a_hold_and_a_dose_after_it_contradict_each_other_until_one_is_put_right(
    door: Door, hospital: Hospital, is_dose_first: bool
) -> None:
    """Without its release: what came first holds, and the other waits, also once the order ends."""
    held, dose = rde("3", "HD", 14, ""), ras("4", 16)
    for message in (ADMITTED, NEW, *([dose, held] if is_dose_first else [held, dose])):
        result = answer(door, message)
    assert result == EARLY
    assert answer(door, rde("5", "DC", 18, "")) == "AA"
    door.retry_waiting()
    (kept,) = door.refused
    assert kept["text"] == WAITS.text
    id = uuid5(uuid5(MESSAGES, f"north\0{thing_name('prescription', '8')}"), "prescription")
    course = current(hospital.record, Prescription.empty(id)).course
    if is_dose_first:
        wrong = request(reason="it was given to another")
        hospital.prescriptions.cancel_administration(wrong, administration_id=course.doses[0].id)
    else:
        resumed_at = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
        hospital.prescriptions.resume_prescription(request(resumed_at), prescription_id=id)
    door.retry_waiting()
    assert not list(door.refused)
