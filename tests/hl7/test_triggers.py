"""Triggers of messages, each carried out by the command of its fact, in a real database."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.hl7.adt import CANCELS, MOVEMENTS, OF_PERSON
from api.hl7.door import Door
from application.hospital import Hospital
from domain.stay.aggregate import Stay
from domain.stay.facts import DischargePlan
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import SENDERS, adt, codes
from tests.support.hospital_dsl import doctor, room, rows

VISIT = "PV1||I|A^1^a||||||||||||||||VNORTH"


def answer(door: Door, message: bytes) -> str:
    """Return what MSA-1 and MSA-3 say of a message."""
    (result,) = door.answers(message)
    return "|".join(result.decode().split("\r")[1].split("|")[1:4:2]).rstrip("|")


def of_kind(event: str, control: str, *segments: str) -> bytes:
    """A message that is no ADT."""
    head = rf"MSH|^~\&|ADT|NORTH|||20260302101500+0100||{event}|{control}|P|2.5"
    pid = "PID|||4711^^^HOSP^MR||Every^Adam||19700101|M"
    return "\r".join((head, pid, VISIT, *segments)).encode()


def state(hospital: Hospital, at: datetime) -> object:
    stay = hospital.source_movements.stay_of("north", "VNORTH")
    assert stay
    aggregate = Stay.empty(stay)
    for event in hospital.record.streams({stay: 0})[stay]:
        event.mutate(aggregate)
    result = aggregate.history.at(at)
    assert result
    return result


@pytest.fixture
def door(hospital: Hospital, tmp_path: Path) -> Door:
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    doctor(hospital)
    return Door(hospital, SENDERS, tmp_path)


def test_each_trigger_is_carried_out_by_the_command_of_its_fact(
    door: Door, hospital: Hospital, database: Database
) -> None:
    later = "ZBE|{}|20260302110000+0100||INSERT"
    by_d1 = adt("A08", "2", later.format("M8")).replace(b"|A^1^a||||", b"|A^1^a||||D1")
    plan = adt("A16", "3", "PV2|||||||||20260309")
    for message in (
        adt("A01", "1"),
        by_d1,
        plan,
        adt("A60", "4", "IAM|1||91936005^Penicillin^SCT|SV|Rash|A", "IAM|2||^Nuts||||"),
        adt("A60", "5", "IAM|1||91936005^Penicillin^SCT|SV|Rash|A"),
        of_kind("ORM^O01", "6", "ORC|NW|7||||||||||D1", "OBR|1|||C^Heart"),
        of_kind(
            *("RDE^O11^RDE_O11", "7", "ORC|NW|8|||||||20260302120000+0100|||D1"),
            *("RXE||X1^Ibuprofen^L|400||mg", "RXR|PO^oral"),
        ),
        of_kind("RAS^O17", "8", "ORC|RE|8", "RXA||1|20260302130000+0100||X1|400|mg"),
        of_kind("RAS^O17", "9", "ORC|RE|8", "RXA||1|20260302130000+0100||X1|400|mg"),
    ):
        assert answer(door, message) == "AA", message
    at = datetime(2026, 3, 3, tzinfo=UTC)
    result = state(hospital, at)
    assert (result.attending is not None, result.plan) == (True, DischargePlan.PLANNED)  # type: ignore[attr-defined]
    assert answer(door, adt("A55", "10", later.format("M8"))) == "AA"
    assert answer(door, adt("A25", "11").replace(b"0302101500", b"0302121500")) == "AA"
    result = state(hospital, at)
    assert (result.attending, result.plan) == (None, DischargePlan.NONE)  # type: ignore[attr-defined]
    counts = dict(rows(database, "SELECT topic, count(*) FROM record.events GROUP BY topic"))
    assert counts["patient.allergy-recorded"] == 2
    assert counts["prescription.written"] == counts["prescription.administration-recorded"] == 1
    assert counts["stay.consult-requested"] == 1
    assert not list(door.refused)


def test_what_is_said_of_persons_may_come_before_them(door: Door, hospital: Hospital) -> None:
    other = adt("A01", "3", place="A^1^b").replace(b"4711", b"4712").replace(b"VNORTH", b"V2")
    for message in (
        adt("A40", "1", "MRG|4712^^^HOSP^MR"),
        adt("A05", "2"),
        adt("A01", "4"),
        other,
        adt("A47", "5", "MRG|4799"),
        adt("A45", "6", "MRG|4711", VISIT).replace(b"4711^^^HOSP", b"4713^^^HOSP"),
        adt("A37", "7", "MRG|4712^^^HOSP^MR"),
        adt("A38", "8"),
    ):
        assert answer(door, message)[:2] == "AA", message
    assert answer(door, adt("A40", "9")) == "AR|no number of a known authority"
    assert hospital.source_movements.stay_of("north", "V2")


def test_the_table_of_triggers_is_that_of_the_program() -> None:
    table = (
        Path(__file__)
        .parents[2]
        .joinpath("docs/hl7.md")
        .read_text()
        .split("| trigger | becomes |")[1]
    )
    rows_of_table = table.split("\n\n")[0].splitlines()[2:]
    named = {t for row in rows_of_table for t in re.findall(r"\b[AZ]\d\d\b", row.split("|")[1])}
    own = {"A15", "A16", "A17", "A20", "A25", "A26", "A60", "Z99", *OF_PERSON}
    assert named == {*MOVEMENTS, *CANCELS, *own}


SEEDS = [
    adt("A01", "1"),
    adt("A60", "4", "IAM|1||1^Nuts^L|SV|Rash|A"),
    of_kind("RDE^O11", "7", "ORC|NW|8", "RXE||X1^Ibuprofen|400||mg"),
    of_kind("RAS^O17", "8", "ORC|RE|8", "RXA||1|20260302130000||X1|400|mg"),
    adt("A17", "3", "PID|||4712", VISIT),
]
PIECES = [
    *(
        b"",
        b"|",
        b"^",
        b"~",
        b"\\",
        b"&",
        b"\r",
        b"\n",
        b'""',
        b"\\X4\\",
        b"\\Z9\\",
        b"\x00",
        b"\xff",
    ),
    *(b"A08", b"A99", b"MSH", b"PV1|", b"20261332", b"99999999999999", b"\\E", b"UNICODE", b"~~"),
    *(
        "ß".encode(),
        b"\xef\xbb\xbf",
        b"9" * 400,
        b"ZBE|||||||||",
        b"+9999",
        b"\x0b",
        b"#",
        b"|A40|",
    ),
]


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(SEEDS),
    st.lists(
        st.tuples(st.integers(0, 250), st.integers(0, 12), st.sampled_from(PIECES)), max_size=4
    ),
)
def test_whatever_is_sent_gets_one_acknowledgement(
    door: Door, seed: bytes, changes: list[tuple[int, int, bytes]]
) -> None:
    message = seed
    for place, length, piece in changes:
        message = message[:place] + piece + message[place + length :]
    answers = door.answers(message)
    result = codes([each.decode("utf-8", "replace") for each in answers])
    assert len(result) == 1 or b"|AL" in message
    assert {code[1] for code in result} <= {"A", "R"}, "come again: an exception that is no refusal"
