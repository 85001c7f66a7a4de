"""MLLP: messages over TCP, framed by VT and FS CR, many connections, each in order."""

import asyncio
import ssl
from pathlib import Path

from api.auth.authentication import is_loopback
from api.hl7.door import Door
from api.hl7.er7 import MAX_BYTES
from domain.errors import ConfigurationError

START, END = b"\x0b", b"\x1c\r"
MAX_CONNECTIONS = 100
SECONDS_OF_MESSAGE = 60.0
"""The time within which a message that has begun has to be complete."""
SECONDS_OF_REST = 10.0
"""The time for which the rest of a message that is too long is read, and thrown away."""


def tls(certificate: Path, key: Path, clients: Path) -> ssl.SSLContext:
    """Return the TLS of a listener that takes clients with a certificate alone."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(clients))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate, key)
    return context


class Listener:
    """Listens for messages, and hands them to the door one after the other of each connection."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._connections: set[asyncio.Task[None]] = set()

    async def start(
        self, host: str, port: int, context: ssl.SSLContext | None = None
    ) -> asyncio.Server:
        """Listen. Raises ConfigurationError where others could listen in."""
        if context is None and not is_loopback(host):
            raise ConfigurationError("Without TLS messages are taken on this machine alone.")
        return await asyncio.start_server(
            self._serve_client, host, port, ssl=context, limit=MAX_BYTES
        )

    async def _serve_client(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= MAX_CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, TimeoutError, asyncio.CancelledError):
            pass  # what has no answer is sent again
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while first := await reader.read(1):
            try:
                async with asyncio.timeout(SECONDS_OF_MESSAGE):
                    rest = await reader.readuntil(END)
            except asyncio.LimitOverrunError:
                beginning = (first + await reader.read(10_000)).lstrip(START)
                await _send(writer, self._door.too_long(beginning))
                # closed with something unread, the connection would take the answer with it
                async with asyncio.timeout(SECONDS_OF_REST):
                    while await reader.read(65_536):
                        pass
                return
            message = (first + rest[: -len(END)]).lstrip(b"\r\n").removeprefix(START)
            await _send(writer, await asyncio.to_thread(self._door.answers, message))


async def _send(writer: asyncio.StreamWriter, answers: list[bytes]) -> None:
    for answer in answers:
        writer.write(START + answer + END)
    await writer.drain()
