"""Frames of a WebSocket: many that say little are read with rests, so that none holds the loop."""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Response

from api.http.middleware import SECURITY_HEADERS

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent

PIECE_BYTES = 2_048
"""The bytes that are parsed at once: frames of no content are of six bytes each."""

FREE_FRAMES = 64
"""Frames of one read that are parsed without a rest; a message of 1 MB may be one."""

FRAME_SECONDS = 0.001
"""The rest for each frame, once there were more."""


class PacedFrames(WebSocketsSansIOProtocol):
    """WebSocket protocol that reads a thousand frames a second of who sends many at once.

    Pings are answered, and frames without content thrown away, before anybody has logged in.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._unread = bytearray()
        self._rest: asyncio.TimerHandle | None = None
        self._reject = self.conn.reject
        self.conn.reject = self._reject_with_headers  # type: ignore[method-assign]

    def _reject_with_headers(self, status: HTTPStatus | int, text: str) -> Response:
        """Refuse a handshake that no application gets to see, with the headers of every response."""
        response = self._reject(status, text)
        for name, value in SECURITY_HEADERS.items():
            response.headers[name] = value
        return response

    def data_received(self, data: bytes) -> None:
        """Parse what came, now or after the rest."""
        self._unread += data
        if self._rest is None:
            self._parse()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._rest is not None:
            self._rest.cancel()
        super().connection_lost(exc)

    async def receive(self) -> "ASGIReceiveEvent":
        """Return the next message; what is read on for that waits for the end of the rest."""
        message = await super().receive()
        if self._rest is not None:
            self.transport.pause_reading()
        return message

    def _parse(self) -> None:
        frames = 0
        while self._unread and frames <= FREE_FRAMES:
            piece = bytes(self._unread[:PIECE_BYTES])
            del self._unread[:PIECE_BYTES]
            self.conn.receive_data(piece)
            frames += len(self.conn.events)
            super().data_received(b"")
        if frames > FREE_FRAMES:
            self.transport.pause_reading()
            self._rest = self.loop.call_later(frames * FRAME_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._rest = None
        self._parse()
        if self._rest is None and not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()
