"""MLLP: messages over TCP, framed by VT and FS CR, many connections, each in order."""

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import SO_KEEPALIVE, SOL_SOCKET, socket
from typing import Any

from api.auth.authentication import is_loopback
from api.hl7.door import Door
from api.hl7.er7 import MAX_BYTES
from api.hl7.sending import SendingSystem
from application.hospital import Hospital
from domain.errors import ConfigurationError

log = logging.getLogger(__name__)

START, END = b"\x0b", b"\x1c\r"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""The first bytes of a message in UTF-16, in which those of START and END are parts of letters, too."""
BEGINNING = re.compile(rb"\x0b(?=(?:\xef\xbb\xbf)?[\r\n]*(?:MSH|FHS|BHS))")
"""START before the head of a message."""
BYTES_OF_HEAD = 16
"""Bytes of a frame within which its first letters stand."""
MAX_CONNECTIONS = 100
SECONDS_OF_MESSAGE = 60.0
"""The time within which a message that has begun has to be complete."""
SECONDS_OF_ANSWER = 30.0
"""The time within which a sender has to read an answer, once the buffers between are full."""
SECONDS_BETWEEN_RETRIES = 10.0
"""The time after which messages that wait for others, or for what staff enter, are taken again."""
SECONDS_OF_REST = 10.0
"""The time for which the rest of a message that is too long is read, and thrown away."""


def tls(certificate: Path | None, key: Path | None, clients: Path | None) -> ssl.SSLContext | None:
    """Return the TLS of a listener that takes clients with a certificate alone; None without files.

    Raises ConfigurationError where one of the three is absent or cannot be read.
    """
    if certificate is None and key is None and clients is None:
        return None
    if certificate is None or key is None or clients is None:
        raise ConfigurationError(
            "TLS needs three files: the certificate, its key, and the authority of the clients."
        )
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(clients))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise ConfigurationError(
            f"TLS of {certificate}, {key} and {clients}: {error.strerror or error}"
        ) from None
    return context


def check_address(host: str, context: ssl.SSLContext | None) -> None:
    """Refuse to listen where others could listen in. Raises ConfigurationError."""
    if context is None and not is_loopback(host):
        raise ConfigurationError(
            f"Without TLS messages are taken on this machine alone, and {host} can be reached from"
            " others: name certificate, key and the authority of the clients."
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The socket on which a server takes messages, its TLS, and the systems that send them."""

    listening: socket
    context: ssl.SSLContext | None
    senders: Sequence[SendingSystem]

    @asynccontextmanager
    async def served(self, hospital: Hospital, home: Path) -> AsyncIterator[None]:
        """Take messages for as long as the server runs."""
        listener = Listener(Door(hospital, self.senders, home))
        listener.retry_waiting()
        server = await asyncio.start_server(
            listener.serve_client, sock=self.listening, ssl=self.context, limit=MAX_BYTES
        )
        try:
            yield
        finally:
            server.close()
            await listener.stop()


class Listener:
    """Listens for messages, and hands them to the door one after the other of each connection."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._connections: set[asyncio.Task[None]] = set()
        self._retries: asyncio.Task[None] | None = None

    async def start(
        self, host: str, port: int, context: ssl.SSLContext | None = None
    ) -> asyncio.Server:
        """Listen. Raises ConfigurationError where others could listen in."""
        check_address(host, context)
        self.retry_waiting()
        return await asyncio.start_server(
            self.serve_client, host, port, ssl=context, limit=MAX_BYTES
        )

    def retry_waiting(self) -> None:
        """Begin to take messages again that wait, now and then."""
        self._retries = asyncio.create_task(self._retry_waiting())

    async def _retry_waiting(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._door.retry_waiting)
            except Exception as error:  # a file that cannot be read, say: the next time perhaps
                log.warning("Waiting HL7 messages were not taken again: %s", type(error).__name__)
            await asyncio.sleep(SECONDS_BETWEEN_RETRIES)

    async def stop(self) -> None:
        """End all connections; a message that is being carried out is answered no more, and resent."""
        tasks = [*self._connections, *([self._retries] if self._retries else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def serve_client(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take the messages of one connection, in order."""
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= MAX_CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        # a sender whose machine is gone leaves its place to another one
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
        try:
            await self._serve(reader, writer)
        except TimeoutError:
            writer.transport.abort()  # closed only, it would wait for who reads nothing
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # what has no answer is sent again
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _names_in(writer.get_extra_info("peercert") or {})
        while first := await reader.read(1):
            if first in (b"\r", b"\n", END[:1]):
                continue  # the rest of an end
            try:
                async with asyncio.timeout(SECONDS_OF_MESSAGE):
                    head = await _head(reader, first)
                    # In UTF-16 FS may be a letter's: there the whole END ends a message.
                    end = END if _text(head)[:2] in UTF_16 else END[:1]
                    frame = head if head.endswith(end) else head + await reader.readuntil(end)
            except asyncio.LimitOverrunError:
                beginning = (head + await reader.read(10_000)).lstrip(START)
                await _send(writer, self._door.too_long(beginning))
                # closed with something unread, the connection would take the answer with it
                async with asyncio.timeout(SECONDS_OF_REST):
                    while await reader.read(65_536):
                        pass
                return
            # what another message begins in was broken off, and is sent again
            frame = frame[: -len(END)] if frame.endswith(END) else frame[:-1]
            message = BEGINNING.split(frame)[-1].lstrip(b"\r\n").removeprefix(START)
            await _send(writer, await asyncio.to_thread(self._door.answers, message, client))


async def _head(reader: asyncio.StreamReader, first: bytes) -> bytes:
    """Return the first bytes of a frame, up to those that tell UTF-16, or all of a shorter one."""
    head = first
    while len(_text(head)) < 2 and len(head) < BYTES_OF_HEAD and not head.endswith(END[:1]):
        head += await reader.readexactly(1)
    return head


def _text(frame: bytes) -> bytes:
    return frame.removeprefix(START).lstrip(b"\r\n")


def _names_in(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Return the common names and the DNS names of a certificate."""
    subject = [pair for part in certificate.get("subject", ()) for pair in part]
    names = [*subject, *certificate.get("subjectAltName", ())]
    return frozenset(value for kind, value in names if kind in ("commonName", "DNS"))


async def _send(writer: asyncio.StreamWriter, answers: list[bytes]) -> None:
    for answer in answers:
        writer.write(START + answer + END)
    async with asyncio.timeout(SECONDS_OF_ANSWER):
        await writer.drain()
