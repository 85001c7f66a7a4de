"""A server in a process of its own, and a hostile login that floods it in many ways."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from api.http.app import app
from api.http.server import listen, run
from infrastructure.postgres.database import Database
from infrastructure.projections.gc_tuning import short_garbage_collection
from infrastructure.settings import Settings
from tests.conftest import LOGIN
from tests.support.hostile_documents import HOSTILE, hostile


def serve(say: Pipe, url: str, home: Path) -> None:
    """Serve as `wardbook serve` does; says the port."""
    listening = listen("127.0.0.1", 0)
    say.send(listening.getsockname()[1])
    with short_garbage_collection():
        run(app(Settings(home=home), Database(url), LOGIN), listening)


Target = tuple[int, str]
"""A server's port, and the hostile login's token."""


def flood(say: Pipe, target: Target, ways: list[str], connections: int) -> None:
    """Flood in some ways, over so many connections each; says now and then what was answered."""
    asyncio.run(_flood(say, target, ways, connections))


async def _flood(say: Pipe, target: Target, ways: list[str], connections: int) -> None:
    result: Counter[str] = Counter()
    tasks = [
        asyncio.create_task(_again(WAYS[way], target, way, result))
        for way in ways
        for _ in range(connections)
    ]
    while tasks:
        await asyncio.sleep(0.5)
        say.send(dict(result))


async def _again(
    act: Callable[[Target], Awaitable[str]], target: Target, way: str, told: Counter[str]
) -> None:
    for _ in count():
        try:
            told[f"{way} {await act(target)}"] += 1
        except (OSError, EOFError, WebSocketException, asyncio.IncompleteReadError) as ended:
            told[f"{way} {type(ended).__name__}"] += 1
            await asyncio.sleep(0.01)


async def _send(target: Target, path: str, body: bytes | None, token: bool = True) -> str:
    """Send a request over a connection of its own; return the status."""
    port, login = target
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        head += f"Authorization: Bearer {login}\r\n" if token else ""
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"\r\n" + (body or b""))
        answer = await reader.read()
        return answer[9:12].decode()
    finally:
        writer.close()


def _document(make: Callable[[], str]) -> Callable[[Target], Awaitable[str]]:
    async def send(target: Target) -> str:
        return await _send(target, "/graphql", json.dumps({"query": make()}).encode())

    return send


def _aliases() -> str:
    fields = "nodes { id mrn familyName stays { id status } }"
    return "{ " + " ".join(f"a{n}: patients(first: 100) {{ {fields} }}" for n in range(20)) + " }"


def _reports() -> str:
    report = 'report(name: "inpatient-census", period: {from: "2000-01-01", to: "2026-01-01"})'
    return "{ " + " ".join(f"a{n}: {report} {{ digest }}" for n in range(20)) + " }"


async def _batch(target: Target) -> str:
    commands = [
        {"mutation": "registerPatient", "input": {"commandId": str(uuid4()), "mrn": str(uuid4())}}
        for _ in range(200)
    ]
    return await _send(target, "/commands", json.dumps({"commands": commands}).encode())


async def _large(target: Target) -> str:
    return await _send(
        target, "/graphql", b'{"query": "{ a }", "variables": {"x": ' + b"[" * 900_000
    )


async def _health(target: Target) -> str:
    return await _send(target, "/metrics", None, token=False)


async def _unknown_login(target: Target) -> str:
    return await _send((target[0], "x" * 2_000), "/graphql", b"{}")


async def _silent(target: Target) -> str:
    """Open connections that say half of a request, and leave them."""
    opened = [await asyncio.open_connection("127.0.0.1", target[0]) for _ in range(50)]
    for _, writer in opened:
        writer.write(b"POST /graphql HTTP/1.1\r\nX: ")
    await asyncio.gather(*(reader.read() for reader, _ in opened), return_exceptions=True)
    for _, writer in opened:
        writer.close()
    return "ended"


async def _slow(target: Target) -> str:
    """Send a body byte by byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target[0])
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {target[1]}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    writer.write(head.encode())
    with suppress(OSError):
        for _ in range(100_000):
            writer.write(b"x")
            await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer[9:12].decode()


async def _sockets(target: Target) -> str:
    """Open a WebSocket with as many subscriptions as it may have, and leave."""
    url = f"ws://127.0.0.1:{target[0]}/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        login = {"Authorization": f"Bearer {target[1]}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": login}))
        follow = {"query": "subscription { roomOccupancyChanged { rooms { beds { code } } } }"}
        for n in range(25):
            message = {"id": str(n), "type": "subscribe", "payload": follow}
            await socket.send(json.dumps(message))
        await socket.recv()
        await socket.recv()
    return "opened"


WAYS: dict[str, Callable[[Target], Awaitable[str]]] = {
    **{f"document: {kind}": _document(lambda kind=kind: hostile(kind)) for kind in HOSTILE},  # type: ignore[misc]
    "aliases": _document(_aliases),
    "reports": _document(_reports),
    "batches": _batch,
    "large bodies": _large,
    "health": _health,
    "unknown logins": _unknown_login,
    "silent connections": _silent,
    "slow bodies": _slow,
    "sockets": _sockets,
}
"""The ways of a flood, by what is sent."""
