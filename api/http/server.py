"""The HTTP server: what it listens on, and for how long a connection may be silent."""

import asyncio
import signal
import socket
import sys
from http import HTTPStatus
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.http.middleware import MAX_BODY, SECURITY_HEADERS
from api.http.websocket_frames import PacedFrames
from api.work import SWITCH_SECONDS
from domain.errors import ConfigurationError

HEADER_SECONDS = 10.0
"""The time for the headers of a request, from the connection or the first byte on."""

MOST_HEADER_BYTES = 65_536
"""The bytes of a request's line and headers, but for those that one read takes more."""

PIECE_BYTES = 2_048
"""The bytes that are parsed at once: in as many there may be a hundred requests."""

MOST_SENT_AHEAD = 16
"""Requests of a connection that wait for the response to the one before; with more it ends."""

FREE_READS = 8
"""Reads that a request may come in without a rest; a body of 1 MB comes in about as many."""

REST_SECONDS = 0.02
"""The rest after each further read: what comes byte by byte is read many bytes at once."""


def _refusal(status: HTTPStatus, text: str = "") -> bytes:
    """Return the response to what is no request, which no application gets to see."""
    headers = {
        **SECURITY_HEADERS,
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(text)),
        "Connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n{text}".encode("ascii")


TOO_LONG = _refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

OPTIONS: dict[str, Any] = {
    "ws": PacedFrames,
    "ws_max_size": MAX_BODY,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    # a compressor for each socket takes more memory than all the rest of it
    "ws_per_message_deflate": False,
    "log_level": "warning",
    "access_log": False,
    "log_config": None,
    "server_header": False,
    "timeout_graceful_shutdown": 10,
}
"""Options by which requests and WebSockets are served: who does not answer a ping is gone."""


class CannotListen(ConfigurationError):
    """An address and port on which this process cannot listen."""


class TimedHttp(HttpToolsProtocol):
    """HTTP protocol that ends a connection whose request's headers come late, or do not end.

    Nor does it go on reading a body without end that is answered already.
    """

    header_seconds = HEADER_SECONDS
    _deadline: asyncio.TimerHandle | None = None
    """The end of the time for headers; None while there are none to come."""
    _header_bytes = 0
    _unread_bytes = 0
    """The bytes of the body that came after the response."""
    _reads = 0
    """The reads that the present request has come in."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless it is of headers that are too long, or of too many requests."""
        self._reads += 1
        for begin in range(0, len(data), PIECE_BYTES):
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                return
            if self._deadline is not None and self._header_bytes > MOST_HEADER_BYTES:
                self.transport.write(TOO_LONG)
                self.transport.close()
                return
            piece = data[begin : begin + PIECE_BYTES]
            self._header_bytes += len(piece)
            super().data_received(piece)
            if len(self.pipeline) > MOST_SENT_AHEAD:
                self.transport.close()
        is_incomplete = self._deadline is not None or (self.cycle and self.cycle.more_body)
        if is_incomplete and self._reads > FREE_READS:
            self.transport.pause_reading()
            self.loop.call_later(REST_SECONDS, self._read_on)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request of HTTP, with the headers of every response."""
        self.transport.write(_refusal(HTTPStatus.BAD_REQUEST, msg))
        self.transport.close()

    def _read_on(self) -> None:
        if not self.flow.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start()

    def on_headers_complete(self) -> None:
        self._stop()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if (
            self.cycle.response_complete
        ):  # not closed at once: the client would not see the response
            self._unread_bytes += len(body)
            if self._unread_bytes > MAX_BODY:
                self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _start(self) -> None:
        self._stop()
        self._header_bytes = self._unread_bytes = self._reads = 0
        self._deadline = self.loop.call_later(self.header_seconds, self.transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. ``port`` 0: any that is free. Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CannotListen(
            f"Nothing can listen on {host} port {port}: {reason}. Choose another by --port."
        ) from None


def run(application: Starlette, *listening: socket.socket) -> None:
    """Serve an application on some sockets until a signal ends it; one may come before it began."""
    sys.setswitchinterval(SWITCH_SECONDS)
    server = uvicorn.Server(uvicorn.Config(application, http=TimedHttp, **OPTIONS))
    # it raises the signal again for this handler once it has stopped: then the process ends, with code 0
    signal.signal(signal.SIGTERM, server.handle_exit)
    server.run(sockets=list(listening))
