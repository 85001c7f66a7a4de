"""HL7 v2 over a socket: a real listener, a real client, the real database."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.hl7.adt import reports_of
from api.hl7.door import Door
from api.hl7.er7 import Delimiters, Unreadable, escape_text, parse, time_of
from api.hl7.mllp import Listener
from api.hl7.sending import SendingSystem, sending_systems
from application.hospital import Hospital
from domain.errors import ConfigurationError
from domain.time import Precision
from infrastructure.postgres.database import Database
from tests.support.hospital_dsl import room, rows

SAMPLES = Path(
    os.environ.get("WARDBOOK_HL7_SAMPLES")
    or Path(__file__).resolve().parents[3] / "shared" / "data" / "hl7v2-samples"
)
ZONE = ZoneInfo("Europe/Berlin")
SENDERS = [
    SendingSystem("ADT", "NORTH", "north", ZONE),
    SendingSystem("ADT", "SOUTH", "south", ZONE, authorities={"HOSP": "main"}),
]


def adt(
    trigger: str, control: str, *more: str, facility: str = "NORTH", place: str = "A^1^a"
) -> bytes:
    segments = (
        rf"MSH|^~\&|ADT|{facility}|||20260302101500+0100||ADT^{trigger}|{control}|P|2.5",
        f"EVN|{trigger}|20260302101500+0100|||| 20260302100000+0100".replace(" ", ""),
        "PID|||4711^^^HOSP^MR||Every^Adam||19700101|M",
        f"PV1||I|{place}||||||||||||||||V{facility}",
        *more,
    )
    return "\r".join(segments).encode()


async def sent(port: int, *messages: bytes) -> list[str]:
    """Send messages at once over one connection, and return what was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for message in messages:
        writer.write(b"\x0b" + message + b"\x1c\r")
    answers = [(await reader.readuntil(b"\x1c\r"))[1:-2].decode() for _ in messages]
    writer.close()
    return answers


def listening(door: Door, act: Callable[[int], Awaitable[None]]) -> None:
    async def run() -> None:
        server = await Listener(door).start("127.0.0.1", 0)
        async with server:
            await act(server.sockets[0].getsockname()[1])

    asyncio.run(run())


def codes(answers: list[str]) -> list[str]:
    lines = [line for each in answers for line in each.split("\r") if line[:3] == "MSA"]
    return [line.split(line[3])[1] for line in lines]  # by the sender's own separator


def test_messages_of_two_senders_are_kept_once_and_what_is_refused_is_listed(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    room(hospital)
    door = Door(hospital, SENDERS, tmp_path)
    stories = [
        adt("A01", "1"),
        adt("A01", "1"),
        adt("A02", "2", "ZBE|M2|20260302113000+0100||INSERT", place="A^1^b"),
        adt("Z99", "3", "ZBE|M2|20260302113000+0100||CANCEL|N|A02"),
        adt("A20", "4", "NPU|A^1^a|K"),
        adt("A09", "8"),
        adt("A40", "5"),
        b"nonsense",
        adt("A01", "6", facility="WEST"),
        adt("A01", "7").replace(b"Adam", b"Ad\xe4m"),
    ]

    async def act(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x0b" + adt("A03", "killed")[:60])
        await writer.drain()
        writer.close()
        here, there = await asyncio.gather(
            sent(port, *stories), sent(port, adt("A01", "1", facility="SOUTH", place="A"))
        )
        assert codes(here) == ["AA", "AA", "AA", "AA", "AA", "AA", "AR", "AR", "AR", "AR"]
        assert codes(there) == ["AA"]
        assert "ERR||MSH^1^18|102" in here[-1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x0b" + adt("A01", "long") + b"\rNTE|" + b"x" * 1_100_000)
        answer = await reader.read(4_000)
        assert b"MSA|AR|long|" in answer
        writer.close()

    listening(door, act)
    aside, *refusal = door.refused
    assert aside["text"] == "kept, to be entered by hand: no fact here for this code"
    assert door.refused.message_of(aside) == adt("A20", "4", "NPU|A^1^a|K")
    assert len(refusal) == 4
    assert door.counts["no fact: ADT^A09"] == 1
    reported = rows(
        database, "SELECT count(*) FROM record.events WHERE topic LIKE 'source-visit%%reported%%'"
    )
    assert reported[0][0] == 6  # two of them of the persons who were admitted


def test_the_enhanced_mode_answers_a_commit_and_then_the_application(
    hospital: Hospital, tmp_path: Path
) -> None:
    door = Door(hospital, SENDERS, tmp_path)
    message = adt("A09", "1").replace(b"|P|2.5", b"|P|2.5|||AL|AL")
    assert codes([each.decode() for each in door.answers(message)]) == ["CA", "AA"]


def test_each_sample_gets_one_definite_acknowledgement(hospital: Hospital, tmp_path: Path) -> None:
    if not SAMPLES.is_dir():
        pytest.skip(f"no samples in {SAMPLES}: set WARDBOOK_HL7_SAMPLES to their folder")
    door = Door(
        hospital, [SendingSystem(name, None, name, ZONE) for name in ("ADTApp", "ADT1")], tmp_path
    )
    for file in sorted(SAMPLES.glob("*.hl7")):
        answers = door.answers(file.read_bytes())
        assert codes([each.decode("utf-8") for each in answers]) in (
            ["AA"],
            ["AR"],
            ["CA"],
            ["CR"],
        ), file.name


def test_a_file_of_a_sending_system_is_read_and_a_wrong_word_in_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "north.toml"
    file.write_text('application = "ADT"\nzone = "Europe/Berlin"\n[sexes]\nM = "MALE"\n')
    assert sending_systems(tmp_path)[0].sexes
    file.write_text('application = "ADT"\nzone = "Europe/Berlin"\n[sexes]\nM = "MAN"\n')
    with pytest.raises(ConfigurationError, match=r"north\.toml"):
        sending_systems(tmp_path)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_line_ends_and_a_byte_order_mark_change_nothing(end: str) -> None:
    message = parse(b"\xef\xbb\xbf" + adt("A01", "1").replace(b"\r", end.encode()))
    (report,) = reports_of(message, SENDERS[0])
    assert report
    assert report.movement
    assert report.movement.bed == "a"


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_what_is_escaped_is_read_as_it_was(text: str) -> None:
    message = parse(rf"MSH|^~\&|ADT|{escape_text(text)}".encode())
    assert (message.value("MSH", 4) or "") == (text.strip() if text != '""' else "")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_code(data: bytes) -> None:
    for each in (data, rb"MSH|^~\&|" + data):
        try:
            code = len(parse(each).segments)
        except Unreadable as error:
            code = error.code
        assert code


def test_a_time_has_any_precision_and_its_own_zone_or_the_senders() -> None:
    assert time_of("20260302", ZONE, "")[1] is Precision.DAY
    assert time_of("2026030210", ZONE, "")[1] is Precision.HOUR
    assert time_of("202603021000", ZONE, "") == time_of("20260302090000.0+0000", ZONE, "")
    for wrong in ("2026", "202613", "20261301", "tomorrow", "20260302+9999"):
        with pytest.raises(Unreadable):
            time_of(wrong, ZONE, "")


def test_an_erased_field_is_told_from_an_absent_one() -> None:
    message = parse(b'MSH|^~\\&|ADT|""')
    assert message.is_erased("MSH", 4)
    assert not message.is_erased("MSH", 5)
    assert Delimiters() == message.delimiters
