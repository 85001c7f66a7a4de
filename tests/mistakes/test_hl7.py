"""Mistakes of doors for HL7 v2: what a message says is lost, or held otherwise."""

import asyncio
import os
import socket
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from api.hl7.door import Door
from application.aggregate_cache import current
from application.hospital import Hospital
from domain import unique_keys
from domain.patient import Patient
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import adt, listening
from tests.hl7.test_orders import counts, rde
from tests.hl7.test_triggers import answer, door, of_kind, state

__all__ = ["door"]


def test_mistake_206_an_exchange_of_beds_in_one_message_is_left_to_be_entered_by_hand(
    door: Door, hospital: Hospital
) -> None:
    other = adt("A01", "2", place="A^1^b").replace(b"VNORTH", b"V2").replace(b"4711", b"4712")
    assert answer(door, adt("A01", "1")) == answer(door, other) == "AA"
    swap = adt("A17", "3", "PID|||4712^^^HOSP^MR", "PV1||I|A^1^a||||||||||||||||V2", place="A^1^b")
    assert answer(door, swap.replace(b"20260302100000", b"20260302110000")) == "AA"
    assert state(hospital, datetime(2026, 3, 3, tzinfo=UTC)).place.bed.bed == "b"  # type: ignore[attr-defined]


def test_mistake_205_a_leave_that_releases_the_bed_keeps_it(door: Door, hospital: Hospital) -> None:
    leave = adt("A21", "2").replace(b"0302100000", b"0302110000")
    parts = leave.split(b"\r")
    parts[3] = b"PV1||I|A^1^a" + b"|" * 16 + b"VNORTH" + b"|" * 21 + b"U"
    assert answer(door, adt("A01", "1")) == answer(door, b"\r".join(parts)) == "AA"
    assert state(hospital, datetime(2026, 3, 3, tzinfo=UTC)).place.bed is None  # type: ignore[attr-defined]


def test_mistake_217_a_persons_older_details_that_come_late_take_the_place_of_newer_ones(
    door: Door, hospital: Hospital
) -> None:
    for minute, trigger, name in ((30, "A31", "Evers"), (15, "A28", "Every"), (20, "A08", "Eve")):
        message = adt(trigger, f"{minute}").replace(b"0302101500", b"03021%d00" % (minute + 100))
        assert answer(door, message.replace(b"Every", name.encode()))[:2] == "AA"
    id = hospital.record.owner(*unique_keys.mrn(hospital.pipeline.rules.mrn_authority, "4711"))
    assert id
    assert current(hospital.record, Patient.empty(id)).details[-1][1].family_name == "Evers"


def test_mistake_218_a_sender_that_reads_no_acknowledgement_keeps_its_connection_for_ever(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.hl7.mllp.SECONDS_OF_ANSWER", 0.2)

    async def act(port: int) -> None:
        with socket.socket() as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sender.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sender, ("127.0.0.1", port))
            nonsense = b"\x0bMSH|^~\\&|" + b"x" * 100 + b"\x1c\r"
            with pytest.raises(ConnectionError):  # the listener closes it
                await loop.sock_sendall(sender, nonsense * 200_000)

    monkeypatch.setattr(door, "answers", lambda data: [b"x" * 10_000])
    listening(door, act)


def test_mistake_207_an_order_that_comes_before_its_admission_is_lost(door: Door) -> None:
    early = of_kind("ORM^O01", "0", "ORC|NW|7", "OBR|1|||C^Heart")
    assert answer(door, early) == "AA|kept, until what it is about is known"
    assert len(list(door.refused)) == 1
    assert answer(door, adt("A01", "1")) == "AA"
    assert not list(door.refused)


@pytest.mark.parametrize("code", ["RP", "RU"])
def test_mistake_219_an_order_that_is_replaced_stays_as_it_was_and_is_acknowledged(
    code: str, door: Door, database: Database
) -> None:
    dose, consult = rde("3", code, 14, "600"), "ORC|{}|7||||||||||D1"
    for message in (
        adt("A01", "1"),
        rde("2", "NW", 12, "400"),
        dose,
        of_kind("ORM^O01", "4", consult.format("NW"), "OBR|1|||C^Heart"),
        of_kind("ORM^O01", "5", consult.format(code), "OBR|1|||C^Kidneys"),
    ):
        assert answer(door, message) == "AA", message
    result = counts(database)
    assert result["prescription.changed"] == result["stay.consult-corrected"] == 1
    assert result["prescription.written"] == result["stay.consult-requested"] == 1
    other = dose.replace(b"_O11|3|", b"_O11|6|").replace(b"X1^Ibuprofen", b"X2^Naproxen")
    by_hand = "AA|kept, to be entered by hand: it is known here with other content"
    assert answer(door, other) == by_hand, "a change of a prescription says no other medicine"
    assert counts(database) == result
    assert len(list(door.refused)) == 1


def test_mistake_234_a_change_of_an_order_to_another_start_is_lost_with_its_acknowledgement(
    door: Door, database: Database
) -> None:
    """The start of an order that is being given is not changed from a time on: somebody decides."""
    for result in (adt("A01", "1"), rde("2", "NW", 12, "400")):
        assert answer(door, result) == "AA"
    by_hand = "AA|kept, to be entered by hand: it is known here with other content"
    another = rde("3", "XO", 14, "600") + b"\rTQ1|||||||20260309080000+0100"
    assert answer(door, another) == by_hand
    assert "prescription.changed" not in counts(database)
    for control, start in (("4", "12"), ("5", "14")):  # that of the order; that of the change
        change = rde(control, "XO", 14, f"{control}00")
        timing = f"\rTQ1|||||||20260302{start}0000+0100".encode()
        assert answer(door, change + timing) == "AA", start
    assert counts(database)["prescription.changed"] == 2


def of_person(message: bytes, mrn: str) -> bytes:
    return message.replace(b"PID|||4711", f"PID|||{mrn}".encode())


def test_mistake_275_an_allergy_is_found_under_one_of_a_chain_of_merged_records_alone(
    door: Door, hospital: Hospital, database: Database
) -> None:
    """It was told of a record that was merged into one that was merged itself since."""
    result = adt("A60", "4", "IAM|1||91936005^Penicillin^SCT|MO|Rash|A")
    records = ("4711", "4712", "4713")
    for number, mrn in enumerate(records):
        assert answer(door, of_person(adt("A28", f"{number}"), mrn)) == "AA"
    assert answer(door, result) == "AA"
    for number, (former, into) in enumerate(pairwise(records)):
        merge = adt("A40", f"M{number}", f"MRG|{former}^^^HOSP^MR")
        assert answer(door, of_person(merge, into)) == "AA"
    changed = adt("A60", "5", "IAM|1||91936005^Penicillin^SCT|SV|Rash|U")
    taken_back = adt("A60", "6", "IAM|1||91936005^Penicillin^SCT|SV|Rash|D")
    for message in (changed, taken_back):
        assert answer(door, of_person(message, "4713")) == "AA"
    finding = counts(database)
    assert finding["patient.allergy-corrected"] == finding["patient.allergy-cancelled"] == 1
    assert not list(door.refused)


def test_mistake_660_a_message_waits_for_ever_that_was_kept_as_the_folder_was_listed(
    door: Door, tmp_path: Path
) -> None:
    """Within one tick of its clock a file system gives two changes of a folder one time."""
    tick = time.time_ns() + 3_600 * 10**9
    for number in (1, 2):
        assert answer(door, rde(str(number), "XO", 12, "400")).startswith("AA|kept, until")
        os.utime(tmp_path / "hl7-refused", ns=(tick, tick))
        assert len(door.refused.waiting()) == number


def test_mistake_663_the_second_medicine_of_an_order_is_lost(
    door: Door, database: Database
) -> None:
    two = rde("2", "NW", 12, "400") + b"\rRXE||X2^Naproxen^L|250||mg"
    assert answer(door, adt("A01", "1")) == "AA"
    assert answer(door, two) == "AR|several medicines in one order"
    assert "prescription.written" not in counts(database)
    assert len(list(door.refused)) == 1


def test_mistake_664_a_message_in_small_letters_is_acknowledged_and_lost(
    door: Door, hospital: Hospital
) -> None:
    assert answer(door, adt("A01", "1").replace(b"ADT^A01", b"adt^a01")) == "AA"
    assert hospital.source_movements.stay_of("north", "VNORTH")
