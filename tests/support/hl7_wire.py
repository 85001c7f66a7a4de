"""A listener for HL7 messages in a process of its own, and a sender over a real socket."""

import asyncio
import socket
from collections.abc import Set
from contextlib import closing
from itertools import count
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from api.hl7.door import Door
from api.hl7.mllp import END, START, Listener
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.hl7.test_inbound import SENDERS, codes
from tests.support.program import Steps, When, die

PATIENCE = 60.0


class DyingDoor(Door):
    """A door whose process ends once its n-th message is durable, before it is answered."""

    last = 0

    def __init__(self, hospital: object, home: Path, last: int) -> None:
        super().__init__(hospital, SENDERS, home)  # type: ignore[arg-type]
        self.last, self._numbers = last, count(1)

    def answers(self, data: bytes, client: Set[str] = frozenset()) -> list[bytes]:
        answers = super().answers(data, client)
        if next(self._numbers) == self.last:
            die()
        return answers


def take_messages(
    say: Pipe, url: str, home: str, last: int = 0, step: int = 0, when: When = "before"
) -> None:
    """Listen; die once the ``last``-th message is durable, or at a step. Says the port."""

    async def run(door: Door) -> None:
        server = await Listener(door).start("127.0.0.1", 0)
        if step:
            Steps(step, when, die, of_all_threads=True)
        say.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    with closing(wired(Settings(home=Path(home)), Database(url))) as house:
        asyncio.run(run(DyingDoor(house, Path(home), last)))


class Sender:
    """A sender on one connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._stream = self.socket.makefile("rb")

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self.socket.close()

    def send(self, message: bytes) -> None:
        self.socket.sendall(START + message + END)

    def answer(self) -> str:
        """Return the code of the next answer. Raises EOFError where the connection ends before."""
        answer = bytearray()
        while not answer.endswith(END):
            byte = self._stream.read(1)
            if not byte:
                raise EOFError
            answer += byte
        (code,) = codes([bytes(answer).strip(START + END).decode("utf-8", "replace")])
        return code

    def exchange(self, message: bytes) -> str:
        self.send(message)
        return self.answer()
