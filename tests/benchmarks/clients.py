"""Clients that ask over HTTP/1.1 as fast as they are answered; by themselves they cost little.

A client of a library takes longer than the servers that are measured, on the same processors.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, repeat
from statistics import median, quantiles
from time import perf_counter
from urllib.parse import urlsplit

import msgspec

from tests.benchmarks.processes import processor

CLIENTS = 16
SECONDS = 4.0
WARM_UP = 0.7


@dataclass(frozen=True, slots=True)
class Load:
    """Answers a second that some clients at once got, and how long each waited, in ms."""

    rate: float
    median: float
    p99: float
    processor: float = 0.0
    """Milliseconds of the server's processor time an answer; 0 where that is not known."""

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s, {self.median:.1f} / {self.p99:.1f} ms"


def post(url: str, headers: dict[str, str], body: object) -> bytes:
    """A whole request, as it goes over the wire."""
    parts = urlsplit(url)
    sent = msgspec.json.encode(body)
    result = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(sent)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in result.items())
    return f"POST {parts.path} HTTP/1.1\r\n{head}\r\n".encode() + sent


def asked(
    urls: str | Sequence[str],
    requests: Callable[[int], Iterator[bytes]] | bytes,
    *,
    check: Callable[[bytes], bool],
    pids: tuple[int, ...] = (),
    clients: int = CLIENTS,
    seconds: float = SECONDS,
) -> Load:
    """Ask for some seconds. ``requests``: those of each client, or one for all of them. Clients take
    the servers in turn.

    Raises RuntimeError at the first answer that ``check`` does not take.
    """
    return asyncio.run(_asked(urls, requests, check, pids, clients, seconds))


async def _asked(
    urls: str | Sequence[str],
    requests: Callable[[int], Iterator[bytes]] | bytes,
    check: Callable[[bytes], bool],
    pids: tuple[int, ...],
    clients: int,
    seconds: float,
) -> Load:
    loop = asyncio.get_running_loop()
    parts = [urlsplit(url) for url in ([urls] if isinstance(urls, str) else urls)]
    waits: list[float] = []
    ends = asyncio.Event()

    def of(client: int) -> Iterator[bytes]:
        return repeat(requests) if isinstance(requests, bytes) else requests(client)

    one = [_Client(of(n), check, waits, ends) for n in range(clients)]
    for client, part in zip(one, cycle(parts), strict=False):
        await loop.create_connection(partial(_same, client), part.hostname or "", part.port or 80)
    await asyncio.sleep(WARM_UP)
    while len(waits) < clients and not any(client.ended.done() for client in one):
        await asyncio.sleep(0.05)  # until each has got one, however slow that is
    waits.clear()
    begun, used = perf_counter(), sum(map(processor, pids))
    await asyncio.sleep(seconds)
    while len(waits) < clients and not any(client.ended.done() for client in one):
        await asyncio.sleep(0.05)
    took, busy = perf_counter() - begun, sum(map(processor, pids)) - used
    result = list(waits)
    ends.set()
    await asyncio.gather(*(client.ended for client in one))
    if len(result) < 2:
        raise RuntimeError("no answers")
    p99 = quantiles(result, n=100)[98]
    return Load(len(result) / took, median(result) * 1000, p99 * 1000, busy / len(result))


def _same(client: "_Client") -> "_Client":
    return client


class _Client(asyncio.Protocol):
    """One connection: the next request as soon as the last one is answered."""

    def __init__(
        self,
        requests: Iterator[bytes],
        check: Callable[[bytes], bool],
        waits: list[float],
        ends: asyncio.Event,
    ) -> None:
        self._requests, self._check, self._waits, self._ends = requests, check, waits, ends
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._got = b""
        self._whole = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._got += data
        if self._whole < 0:
            head, result, _ = self._got.partition(b"\r\n\r\n")
            if not result:
                return
            self._whole = len(head) + 4 + _length(head)
        if len(self._got) < self._whole:
            return
        self._waits.append(perf_counter() - self._begun)
        if not self._got.startswith(b"HTTP/1.1 200") or not self._check(self._got):
            self._end(RuntimeError(f"not the answer that was meant: {self._got[:600]!r}"))
        elif self._ends.is_set():
            self._end()
        else:
            self._ask()

    def connection_lost(self, reason: Exception | None) -> None:
        self._end(reason or ConnectionError("the server closed a connection"))

    def _ask(self) -> None:
        self._got, self._whole = b"", -1
        self._begun = perf_counter()
        self._transport.write(next(self._requests))

    def _end(self, why: Exception | None = None) -> None:
        if not self.ended.done():
            if why is None:
                self.ended.set_result(None)
            else:
                self.ended.set_exception(why)
        self._transport.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise RuntimeError(f"an answer without a length: {head!r}")
