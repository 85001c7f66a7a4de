"""HL7 over the wire while it breaks: nothing lost, nothing twice, whatever is answered."""

import socket
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random

import pytest

from api.hl7.er7 import MAX_BYTES
from api.hl7.mllp import END, MAX_CONNECTIONS, START
from application.hospital import Hospital
from domain.patient import Patient
from infrastructure.bootstrap import hospital as wired
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import empty
from tests.hl7.test_inbound import adt
from tests.support.checker import ROUNDS, wait_until
from tests.support.hl7_wire import Sender, take_messages
from tests.support.hospital_dsl import room, rows
from tests.support.program import Running, When, running

nightly = pytest.mark.nightly
KILLED = -9
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

STORY = [
    adt("A01", "1"),
    adt("A02", "2", "ZBE|M2|20260302113000+0100||INSERT", place="A^1^b"),
    adt("A20", "3", "NPU|A^1^a|K"),  # kept, to be entered by hand
    adt("A02", "4", "ZBE|M4|20260302123000+0100||INSERT", place="A^9^z"),  # waits for its room
    adt("Z99", "5", "ZBE|M2|20260302113000+0100||CANCEL|N|A02"),
    adt("A40", "6"),  # never so
    adt("A03", "7", "ZBE|M7|20260302133000+0100||INSERT"),
]
ANSWERS = ["AA", "AA", "AA", "AA", "AA", "AR", "AA"]


def recorded(database: Database) -> dict[str, int]:
    """Return what is in the log, by topic."""
    return dict(rows(database, "SELECT topic, count(*) FROM record.events GROUP BY topic"))


def told_by(listener: Running, messages: Sequence[bytes], answers: list[str]) -> None:
    """Send what has no answer yet, one after the other, until the connection breaks."""
    with suppress(EOFError, OSError), Sender(next(listener.messages())) as sender:
        while len(answers) < len(messages):
            answers.append(sender.exchange(messages[len(answers)]))


def undisturbed(hospital: Hospital, database: Database, home: Path) -> dict[str, int]:
    """Return what the story leaves where nothing breaks; then empty the log, but for the room."""
    room(hospital, at=LONG_AGO)
    answers: list[str] = []
    with running(take_messages, database.app_url, str(home)) as listener:
        told_by(listener, STORY, answers)
    assert answers == ANSWERS
    expected = recorded(database)
    empty(database)
    database.open_log("real")
    with closing(wired(Settings(home=home), database)) as another:
        room(another, at=LONG_AGO)
    return expected


def killed_and_resent(
    hospital: Hospital, database: Database, home: Path, killed_after: Iterator[int]
) -> None:
    """A listener is killed once a message is durable, and the sender comes again to the next one."""
    expected, answers = undisturbed(hospital, database, home), list[str]()
    for last in killed_after:
        with running(take_messages, database.app_url, str(home / "again"), last) as listener:
            told_by(listener, STORY, answers)
            if len(answers) < len(STORY):
                assert listener.end() == KILLED
        if len(answers) == len(STORY):
            break
    assert answers == ANSWERS
    assert recorded(database) == expected
    assert {c.promise: c.examples for c in verify(database) if c.broken} == {}


@pytest.mark.slow
def test_a_message_whose_answer_was_lost_is_answered_as_the_first_time(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    killed_and_resent(hospital, database, tmp_path, iter([2, 4, 0]))


@nightly
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_whichever_answers_are_lost_nothing_is_recorded_twice(
    hospital: Hospital, database: Database, tmp_path: Path, seed: int
) -> None:
    lot = Random(seed)
    killed_and_resent(
        hospital, database, tmp_path, (1 if n < 7 else lot.choice([2, 3, 0]) for n in count())
    )


@nightly
@pytest.mark.parametrize("when", ["before", "amid"])
def test_a_listener_killed_at_any_step_leaves_no_half_of_a_message(
    hospital: Hospital, database: Database, tmp_path: Path, when: When
) -> None:
    expected = undisturbed(hospital, database, tmp_path)
    answers: list[str] = []
    home = str(tmp_path / "again")
    for step in count(1, 1 if when == "before" else 3):
        with running(take_messages, database.app_url, home, 0, step, when) as listener:
            told_by(listener, STORY, answers)
        if len(answers) == len(STORY):
            break
    assert answers == ANSWERS
    assert recorded(database) == expected


def cut(port: int, part: bytes, abruptly: bool) -> None:
    """Send a part of a message, and break the connection."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(part)
    if abruptly:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_of_half_a_message_nothing_is_held_and_the_whole_one_is_taken(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    room(hospital, at=LONG_AGO)
    before, whole = recorded(database), START + adt("A01", "1") + END
    with running(take_messages, database.app_url, str(tmp_path)) as listener:
        port = next(listener.messages())
        for length in (1, 2, *range(10, len(whole), 40), len(whole) - 1):
            cut(port, whole[:length], abruptly=length % 20 == 0)
        with Sender(port) as sender:
            assert sender.exchange(adt("A09", "0")) == "AA"  # so the halves were read, too
            assert recorded(database) == before
            assert not (tmp_path / "hl7-refused").exists()
            assert sender.exchange(adt("A01", "1")) == "AA"
    assert recorded(database)["stay.admitted"] == 1


def visits(number: int) -> list[list[bytes]]:
    """Messages of so many visits of other patients, who are in the house one after the other."""
    return [
        [
            part.replace(b"4711", b"%d" % (5000 + n)).replace(b"VNORTH", b"V%d" % n)
            for part in (
                adt("A01", f"{n}-1", f"ZBE|{n}-1|202603{n % 28 + 1:02}1000+0100||INSERT"),
                adt("A02", f"{n}-2", f"ZBE|{n}-2|202603{n % 28 + 1:02}1100+0100||INSERT"),
                adt("A03", f"{n}-3", f"ZBE|{n}-3|202603{n % 28 + 1:02}1200+0100||INSERT"),
            )
        ]
        for n in range(number)
    ]


@pytest.mark.parametrize("number", [3, pytest.param(28, marks=nightly)])
def test_two_senders_at_once_of_the_same_messages_record_each_once(
    hospital: Hospital, database: Database, tmp_path: Path, number: int
) -> None:
    room(hospital, at=LONG_AGO)
    messages = [message for visit in visits(number) for message in visit]
    with running(take_messages, database.app_url, str(tmp_path)) as listener:
        port = next(listener.messages())

        def send(seed: int) -> list[str]:
            with Sender(port) as sender:
                return [sender.exchange(m) for m in Random(seed).sample(messages, len(messages))]

        with ThreadPoolExecutor(2) as threads:
            for answers in threads.map(send, range(2)):
                assert set(answers) == {"AA"}
    kept = recorded(database)
    assert kept["source-visit.reported"] == len(messages) + number  # and who was admitted
    assert (kept["stay.admitted"], kept["stay.discharged"]) == (number, number)


def peak_memory(process: Running) -> int:
    """The most memory that a process had, in bytes."""
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.mark.parametrize("number", [30, pytest.param(1_000, marks=nightly)])
def test_a_flood_that_reads_no_answers_keeps_nobody_else_waiting_and_loses_nothing(
    hospital: Hospital, database: Database, tmp_path: Path, number: int
) -> None:
    room(hospital, at=LONG_AGO)
    messages = [message for visit in visits(8) for message in visit]
    with running(take_messages, database.app_url, str(tmp_path)) as listener:
        port = next(listener.messages())

        def flood(seed: int) -> list[str]:
            own = Random(seed).choices(messages, k=number)
            with Sender(port) as sender:
                for message in own:
                    sender.send(message)
                return [sender.answer() for _ in own]

        with ThreadPoolExecutor(8) as threads:
            floods = [threads.submit(flood, seed) for seed in range(8)]
            with Sender(port) as other:
                assert other.exchange(adt("A01", "other", facility="SOUTH", place="A")) == "AA"
            for each in floods:
                assert set(each.result()) == {"AA"}
        assert peak_memory(listener) < 400e6
    # Of each message, and of the other sender's, a movement and the details of the person.
    assert recorded(database)["source-visit.reported"] <= 2 * (len(messages) + 1)


def test_more_connections_than_are_taken_are_closed_and_the_others_served(
    database: Database, hospital: Hospital, tmp_path: Path
) -> None:
    room(hospital, at=LONG_AGO)
    with running(take_messages, database.app_url, str(tmp_path)) as listener:
        port = next(listener.messages())
        senders = [Sender(port) for _ in range(MAX_CONNECTIONS + 20)]
        taken = []
        for sender in senders:
            with suppress(OSError, EOFError):
                taken.append(sender.exchange(adt("A09", "1")))
        assert taken == ["AA"] * MAX_CONNECTIONS
        for sender in senders:
            sender.__exit__()

        def is_answered() -> bool:
            with suppress(OSError, EOFError), Sender(port) as sender:
                return sender.exchange(adt("A01", "1")) == "AA"
            return False

        wait_until(is_answered, 10, "connections are free again")


def test_a_message_of_a_hundred_megabytes_is_refused_and_not_held_in_memory(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    room(hospital, at=LONG_AGO)
    before = recorded(database)
    with running(take_messages, database.app_url, str(tmp_path)) as listener:
        port = next(listener.messages())
        with Sender(port) as sender:
            assert sender.exchange(adt("A09", "0")) == "AA"
            memory = peak_memory(listener)

            def send() -> None:
                sender.socket.sendall(START + adt("A01", "1") + b"\rNTE|1||")
                with suppress(OSError):  # closed, once it was refused
                    for _ in range(100):
                        sender.socket.sendall(b"x" * 1_000_000)
                    sender.socket.sendall(END)

            with ThreadPoolExecutor(1) as threads:
                sent = threads.submit(send)
                assert sender.answer() == "AR"
                sent.result()
        assert peak_memory(listener) - memory < 20 * MAX_BYTES
        with Sender(port) as sender:
            assert recorded(database) == before
            assert sender.exchange(adt("A01", "1")) == "AA"


def test_names_in_other_charsets_are_recorded_as_written_and_wrong_bytes_are_refused(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    room(hospital, at=LONG_AGO)
    names = {
        "": ("utf-8", "Łukasz 李"),
        "UNICODE UTF-8": ("utf-8", "Ἀθηνᾶ"),
        "8859/1": ("latin-1", "Müller-Großmann"),
        "8859/2": ("iso8859-2", "Wałęsa"),
        "8859/5": ("iso8859-5", "Иванова"),
        "8859/15": ("iso8859-15", "Bœuf €"),
    }
    with (
        running(take_messages, database.app_url, str(tmp_path)) as listener,
        Sender(next(listener.messages())) as sender,
    ):
        for number, (charset, (codec, name)) in enumerate(names.items()):
            message = adt("A01", f"{number}", place="A").decode().replace("Every", name)
            message = message.replace("4711", f"47{number}").replace("VNORTH", f"V{number}")
            message = message.replace("|P|2.5", f"|P|2.5||||||{charset}", 1)
            assert sender.exchange(message.encode(codec)) == "AA"
        for charset, data in (("8859/99", b"x"), ("ASCII", b"\xe4"), ("UNICODE UTF-8", b"\xe4")):
            wrong = adt("A01", charset).replace(b"|P|2.5", b"|P|2.5||||||" + charset.encode(), 1)
            assert sender.exchange(wrong.replace(b"Every", data)) == "AR"
    written = set()
    for (id,) in rows(
        database, "SELECT stream FROM record.events WHERE topic = 'patient.registered'"
    ):
        patient = Patient.empty(id)
        for event in hospital.record.streams({id: 0})[id]:
            event.mutate(patient)
        written.add(patient.details[-1][1].family_name)
    assert written == {name for _, name in names.values()}
