"""Mistakes of receivers that read the rest of a torn message with the beginning of the next one."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.hl7.door import Door
from application.hospital import Hospital
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import SENDERS, adt, listening
from tests.hl7.test_orders import counts
from tests.support.hospital_dsl import room

FIRST = adt("A01", "one")
SECOND = adt("A31", "two").replace(b"4711", b"4712")
START, END = b"\x0b", b"\x1c\r"


def answers(door: Door, sent: bytes) -> list[str]:
    """Send bytes over one connection, and return the verdicts and ids of what was answered."""
    result = b""

    async def act(port: int) -> None:
        nonlocal result
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        result = await reader.read()
        writer.close()

    listening(door, act)
    lines = [line.split("|") for line in result.decode().split("\r") if line.startswith("MSA")]
    return ["|".join(fields[1:3]) for fields in lines]


@pytest.mark.parametrize("length", [3, 20, 60, 115, 140, 150, len(FIRST) - 1])
@pytest.mark.parametrize("between", [b"", b"\r", b"\r\n"])
def test_mistake_932_a_torn_message_is_read_on_in_the_one_sent_after_it(
    hospital: Hospital, database: Database, tmp_path: Path, length: int, between: bytes
) -> None:
    """One that was sent again, say, after its sender gave up: person of one, visit of the other."""
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    door = Door(hospital, SENDERS, tmp_path)
    torn = START + FIRST[:length] + between
    assert answers(door, torn + START + SECOND + END) == ["AA|two"]
    assert counts(database)["patient.registered"] == 1
    assert "stay.admitted" not in counts(database)
    assert not list(door.refused)


@pytest.mark.parametrize("end", [b"\x1c", b"\x1c\n", b"\r\x1c", b"\x1c\r\n", b"\x1c\r"])
def test_mistake_932_a_message_without_the_whole_end_takes_the_next_one_with_it(
    hospital: Hospital, database: Database, tmp_path: Path, end: bytes
) -> None:
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    door = Door(hospital, SENDERS, tmp_path)
    sent = b"noise" + START + FIRST + end + START + SECOND + END
    assert answers(door, sent) == ["AA|one", "AA|two"]
    assert answers(door, START + FIRST + END) == ["AA|one"]  # the same, to its last letter
    assert counts(database)["stay.admitted"] == 1
    assert not list(door.refused)


@pytest.mark.parametrize(
    "sent",
    [
        START + FIRST + END[:1],
        START + FIRST + b"\r" + END[:1] + b"\n",
        START + FIRST + END[:1] + SECOND + END[:1],
        START + FIRST + END + b"\n" + SECOND + b"\r" + END[:1],
        START + FIRST + END + END + START + SECOND + END[:1],
    ],
)
def test_mistake_937_who_ends_a_message_by_fs_alone_waits_for_an_answer(
    hospital: Hospital, tmp_path: Path, sent: bytes
) -> None:
    """The connection stays open, as that of a sender that waits: two of them are two messages."""
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    verdicts = []

    async def act(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        for _ in range(sent.count(b"MSH|")):
            answer = (await reader.readuntil(END)).decode().split("MSA|")[1]
            verdicts.append("|".join(answer.strip().split("|")[:2]))
        writer.close()

    listening(Door(hospital, SENDERS, tmp_path), act)
    assert verdicts == ["AA|one", "AA|two"][: sent.count(b"MSH|")]


@pytest.mark.parametrize(
    ("codec", "last"),
    [("utf-16-le", ""), ("utf-16-be", ""), ("utf-16-le", "\u1c41"), ("utf-16-be", "\u411c")],
)
def test_a_letter_of_utf_16_ends_no_message(
    hospital: Hospital, database: Database, tmp_path: Path, codec: str, last: str
) -> None:
    """Its last byte may be FS: what follows it is FS CR."""
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    text = "\ufeff" + FIRST.decode().replace("Every", "\u011c\u1c01 \u0b0b")
    text = text.rstrip("\r") + f"\rNTE|1||{last}" if last else text
    frame = START + text.encode(codec) + END

    async def act(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(frame)
        await reader.readuntil(END)
        writer.close()

    listening(Door(hospital, SENDERS, tmp_path), act)
    assert counts(database)["stay.admitted"] == 1
