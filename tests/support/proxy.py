"""A wire between the hospital and its database that can be cut at the worst moment.

A real one: it listens on a Unix socket of its own and passes on what comes, both ways.
"""

import contextlib
import socket
import tempfile
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

APPEND = b"record.append"


class Wire:
    """``cuts`` says how many appends will be carried out whose answer never arrives."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        parameters = parse_qs(parts.query)
        self._server = f"{parameters['host'][0]}/.s.PGSQL.{parameters['port'][0]}"
        self._folder = tempfile.TemporaryDirectory(prefix="wire")
        self.url = parts._replace(query=f"host={self._folder.name}&port=5432").geturl()
        self.cuts = 0
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(Path(self._folder.name) / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for end in (self._listener, *self._open):
            _cut(end)
        self._folder.cleanup()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._open += [client, server]
            appends = threading.Event()  # the answer on its way is that of an append
            threading.Thread(target=self._ask, args=(client, server, appends), daemon=True).start()
            threading.Thread(
                target=self._answer, args=(server, client, appends), daemon=True
            ).start()

    def _ask(self, client: socket.socket, server: socket.socket, appends: threading.Event) -> None:
        while data := _read(client):
            if APPEND in data:
                appends.set()
            if not _send(server, data):
                break
        _cut(server)

    def _answer(
        self, server: socket.socket, client: socket.socket, appends: threading.Event
    ) -> None:
        while data := _read(server):
            # PostgreSQL commits before it sends the answer.
            if appends.is_set() and self.cuts > 0:
                self.cuts -= 1
                break
            appends.clear()
            if not _send(client, data):
                break
        _cut(client)
        _cut(server)


def _read(end: socket.socket) -> bytes:
    try:
        return end.recv(1 << 20)
    except OSError:
        return b""


def _send(end: socket.socket, data: bytes) -> bool:
    try:
        end.sendall(data)
    except OSError:
        return False
    return True


def _cut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
