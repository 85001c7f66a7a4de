"""TLS with certificates of both sides: who may send, who is told, and what is said in plain."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from api.hl7.door import Door
from api.hl7.follower import Connection, NotAnswered
from api.hl7.mllp import END, START, Listener, check_address, tls
from api.hl7.outgoing import Outgoing
from api.hl7.receiving import ReceivingSystem
from api.hl7.sending import sending_systems
from application.hospital import Hospital
from domain.errors import ConfigurationError
from tests.hl7.test_inbound import SENDERS, adt, codes
from tests.support.certificates import Authority


@pytest.fixture
def house(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "house", "authority of the house")


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "stranger", "another authority")


def sending_context(authority: Authority, files: tuple[Path, Path] | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.file))
    if files:
        context.load_cert_chain(*files)
    return context


async def sent_by(port: int, context: ssl.SSLContext | None, message: bytes) -> str | None:
    """Send a message and return the code of its answer; None where the connection is refused."""
    try:
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            with closing(writer):
                writer.write(START + message + END)
                answer = await reader.readuntil(END)
    except (OSError, EOFError):
        return None
    return codes([answer[1:-2].decode()])[0]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_only_who_has_a_certificate_of_the_named_authority_is_heard(
    hospital: Hospital, tmp_path: Path, house: Authority, stranger: Authority
) -> None:
    context = tls(*house.certificate("server"), house.file)
    door = Door(hospital, SENDERS, tmp_path)
    old = ssl.create_default_context(cafile=str(house.file))
    old.load_cert_chain(*house.certificate("old client"))
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    senders = {
        "a certificate of the house": sending_context(house, house.certificate("client")),
        "none": sending_context(house, None),
        "one of a stranger": sending_context(house, stranger.certificate("client")),
        "one that is over": sending_context(house, house.certificate("late", days=-1)),
        "an old TLS": old,
        "plain": None,
    }

    async def run() -> dict[str, str | None]:
        server = await Listener(door).start("127.0.0.1", 0, context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return {
                name: await sent_by(port, client, adt("A09", "1"))
                for name, client in senders.items()
            }

    answers = asyncio.run(run())
    assert answers == {**dict.fromkeys(senders, None), "a certificate of the house": "AA"}
    assert door.counts["AA"] == 1
    assert sum(door.counts.values()) == 2  # AA, and what had no fact


def test_a_certificate_is_of_the_sender_that_a_message_names(
    hospital: Hospital, tmp_path: Path, house: Authority
) -> None:
    """Whatever MSH-3 says; and what was sent so is neither carried out nor kept."""
    context = tls(*house.certificate("server"), house.file)
    north = [replace(sender, certificate="north") for sender in SENDERS]
    door = Door(hospital, north, tmp_path)

    async def run() -> list[str | None]:
        server = await Listener(door).start("127.0.0.1", 0, context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return [
                await sent_by(
                    port, sending_context(house, house.certificate(name)), adt("A01", name)
                )
                for name in ("south", "north")
            ]

    assert asyncio.run(run()) == ["AR", "AA"]
    assert not (tmp_path / "hl7-refused").exists()
    (tmp_path / "x.toml").write_text('application = "X"\nzone = "UTC"\ncertificate = 5')
    with pytest.raises(ConfigurationError, match="certificate is a text"):
        sending_systems(tmp_path / "x.toml")


def test_a_receiver_is_told_if_its_certificate_is_of_the_named_authority(
    hospital: Hospital, tmp_path: Path, house: Authority, stranger: Authority
) -> None:
    certificate, key = house.certificate("client")
    message = Outgoing("7", uuid4(), "A09", adt("A09", "7"))

    def answer(port: int, authority: Path) -> str:
        receiver = ReceivingSystem(
            "second", "127.0.0.1", port, "X", authority=authority, certificate=certificate, key=key
        )
        with closing(Connection(receiver)) as connection:
            return connection.answer(message)

    async def run(server_files: tuple[Path, Path]) -> str:
        context = tls(*server_files, house.file)
        server = await Listener(Door(hospital, SENDERS, tmp_path)).start("127.0.0.1", 0, context)
        async with server:
            return await asyncio.to_thread(answer, server.sockets[0].getsockname()[1], house.file)

    assert asyncio.run(run(house.certificate("server"))) == "AA"
    with pytest.raises(NotAnswered):
        asyncio.run(run(stranger.certificate("server")))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "hl7.example"])
def test_plain_messages_are_taken_and_sent_on_this_machine_alone(host: str) -> None:
    check_address("127.0.0.1", None)
    with pytest.raises(ConfigurationError, match="this machine alone"):
        check_address(host, None)
    with pytest.raises(ConfigurationError, match="on this machine alone"):
        ReceivingSystem("second", host, 2575, "X").tls()


def cases(house: Authority) -> Iterator[tuple[Path | None, Path | None, Path | None]]:
    certificate, key = house.certificate("server")
    yield certificate, key, None
    yield None, key, house.file
    yield certificate, house.certificate("other")[1], house.file
    yield certificate, key, house.folder / "absent.pem"


def test_a_certificate_without_its_key_or_authority_is_told_as_the_listener_starts(
    house: Authority,
) -> None:
    for files in cases(house):
        with pytest.raises(ConfigurationError, match="TLS"):
            tls(*files)
