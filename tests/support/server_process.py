"""A real server in a thread, and a client of its WebSockets: what a browser's own client would do."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from time import monotonic
from types import TracebackType
from typing import Any, Self

import httpx2
import uvicorn
from starlette.applications import Starlette
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from api.http.server import OPTIONS, TimedHttp
from tests.conftest import TOKEN

LOGIN = {"Authorization": f"Bearer {TOKEN}"}
PATIENCE = 20.0


@dataclass(frozen=True)
class Served:
    """A server at a port."""

    port: int
    server: uvicorn.Server
    thread: threading.Thread

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"

    def http(self) -> httpx2.Client:
        return httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)

    def await_followers(self, wanted: int) -> None:
        """Wait until so many subscriptions follow: what is recorded now, they are all told."""
        until, finding = monotonic() + PATIENCE, -1
        with self.http() as http:
            while finding != wanted and monotonic() < until:
                result = http.get("/metrics").text
                finding = int(float(result.partition("\nwardbook_followers ")[2].split()[0]))
        assert finding == wanted

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=PATIENCE)
        assert not self.thread.is_alive()


@contextmanager
def served(
    app: Starlette,
    port: int = 0,
    send_buffer: int | None = None,
    protocol: type[TimedHttp] = TimedHttp,
) -> Iterator[Served]:
    """Serve as `wardbook serve` does. ``send_buffer``: bytes on the way to a slow client."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if send_buffer:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    listening.bind(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(app, http=protocol, **OPTIONS))
    began = threading.Event()
    startup = server.startup

    async def tell(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets=sockets)
        began.set()

    server.startup = tell  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    assert began.wait(PATIENCE)
    running = Served(listening.getsockname()[1], server, thread)
    try:
        yield running
    finally:
        running.stop()
        listening.close()


class Client:
    """One WebSocket. Its messages are read when they are asked for."""

    def __init__(
        self,
        url: str,
        login: dict[str, Any] | None = LOGIN,
        headers: dict[str, str] | None = None,
        protocol: str = "graphql-transport-ws",
        receive_buffer: int | None = None,
        origin: str | None = None,
    ) -> None:
        ours = socket.socket()
        if receive_buffer:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        ours.connect(("127.0.0.1", int(url.split(":")[2].split("/")[0])))
        self.url, self._ids = url, count(1)
        self._open = connect(
            url,
            sock=ours,
            subprotocols=[Subprotocol(protocol)],
            additional_headers=headers,
            origin=origin,  # type: ignore[arg-type]
            max_size=None,
            max_queue=1 if receive_buffer else None,
            open_timeout=PATIENCE,
            close_timeout=1,
        )
        self._socket = self._open.__enter__()
        if login is not None:
            self.send(type="connection_init", payload=login)
            answer = self.receive()
            assert answer == {"type": "connection_ack"}, answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, raised, at)

    def send(self, **message: Any) -> None:
        self._socket.send(json.dumps(message))

    def send_text(self, text: str) -> None:
        self._socket.send(text)

    def receive(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """The next message. Raises TimeoutError, or ConnectionClosed."""
        answer: dict[str, Any] = json.loads(self._socket.recv(timeout=timeout))
        return answer

    def subscribe(self, query: str, **variables: Any) -> str:
        """The id of the subscription."""
        id = str(next(self._ids))
        payload = {"query": query, "variables": variables}
        self.send(id=id, type="subscribe", payload=payload)
        return id

    def next(self, timeout: float = PATIENCE) -> Any:
        """The data of the next item; it must have no errors."""
        answer = self.receive(timeout)
        assert answer["type"] == "next", answer
        assert "errors" not in answer["payload"], answer
        ((_, item),) = answer["payload"]["data"].items()
        return item

    def closed(self, told: list[dict[str, Any]] | None = None) -> tuple[int, str]:
        """Code and reason with which the server closes; what it said before goes into ``told``."""
        said = [] if told is None else told
        try:
            while True:
                said.append(self.receive())
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "lost")
