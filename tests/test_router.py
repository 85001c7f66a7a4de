"""Many hospitals behind one address: HAProxy with the recipe of deploy/router; skipped without it."""

import base64
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from tests.support.checker import wait_until
from tests.support.jetstream import free_port
from tests.support.server_process import served

RECIPE = Path(__file__).parents[1] / "deploy" / "router"
PROGRAM = shutil.which("haproxy", path=f"/usr/sbin:{os.environ['PATH']}")

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs apt-get install haproxy")


def server(hospital: str) -> Starlette:
    """A server that says whose it is, over HTTP and WebSockets."""

    async def answer(request: Request) -> JSONResponse:
        return JSONResponse({"hospital": hospital, "sent": (await request.body()).decode()})

    async def follow(client: WebSocket) -> None:
        await client.accept()
        await client.send_text(f"{hospital}: {await client.receive_text()}")
        await client.close()

    async def ready(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ready")

    return Starlette(
        routes=[
            Route("/graphql", answer, methods=["POST"]),
            WebSocketRoute("/graphql", follow),
            Route("/readyz", ready),
        ]
    )


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of the router, behind which are two hospitals."""
    assert PROGRAM is not None
    with ExitStack() as stack:
        north, south = (stack.enter_context(served(server(n))) for n in ("north", "south"))
        port = free_port()
        environment = {
            **os.environ,
            "ROUTER": f"127.0.0.1:{port}",
            "HOSPITALS": str(RECIPE / "hospitals.map"),
            "NORTH_1": f"127.0.0.1:{north.port}",
            "SOUTH_1": f"127.0.0.1:{south.port}",
        }
        recipe = str(RECIPE / "haproxy.cfg")
        router = subprocess.Popen([PROGRAM, "-db", "-f", recipe], env=environment)
        try:
            wait_until(lambda: status(port, token("north")) == 200, 20, "the router answers")
            yield port
        finally:
            router.terminate()
            router.wait()


def token(hospital: str) -> str:
    """A token that names a hospital. Its signature is for the servers to check."""
    header, claims = ({"alg": "none"}, {"sub": "ada", "hospital": hospital})
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join([*(base64.urlsafe_b64encode(p).decode().rstrip("=") for p in parts), "x"])


def ask(port: int, bearer: str | None = None, host: str = "wardbook.example.org") -> Any:
    headers = {"Host": host} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    return httpx2.post(f"http://127.0.0.1:{port}/graphql", content=b"{ me }", headers=headers)


def status(port: int, bearer: str | None = None, host: str = "wardbook.example.org") -> int:
    try:
        return int(ask(port, bearer, host).status_code)
    except httpx2.HTTPError:
        return 0


@pytest.mark.parametrize("hospital", ["north", "south"])
def test_a_request_goes_to_the_hospital_that_its_token_names(port: int, hospital: str) -> None:
    assert ask(port, token(hospital)).json() == {"hospital": hospital, "sent": "{ me }"}


@pytest.mark.parametrize("host", ["north.example.org", "NORTH.example.org:8443"])
def test_a_request_without_a_token_goes_to_the_hospital_of_its_host(port: int, host: str) -> None:
    assert ask(port, host=host).json()["hospital"] == "north"


def test_a_token_of_another_hospital_than_the_hosts_is_refused(port: int) -> None:
    refusal = ask(port, token("south"), "north.example.org")
    assert refusal.status_code == 403
    assert refusal.json()["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"


@pytest.mark.parametrize(
    ("bearer", "host"),
    [
        (token("elsewhere"), "wardbook.example.org"),
        (token("elsewhere"), "north.example.org"),
        (None, "wardbook.example.org"),
        ("no.token", "wardbook.example.org"),
        ("", "elsewhere.example.org"),
    ],
)
def test_a_hospital_that_nobody_knows_is_answered_in_json(
    port: int, bearer: str | None, host: str
) -> None:
    refusal = ask(port, bearer, host)
    assert refusal.status_code == 404
    assert refusal.json()["errors"][0]["extensions"]["code"] == "NO_SUCH_HOSPITAL"


def test_a_websocket_goes_by_its_host_or_by_the_token_of_its_handshake(port: int) -> None:
    for headers in ({"Authorization": f"Bearer {token('south')}"}, {"Host": "south.example.org"}):
        url = f"ws://{headers.get('Host', 'wardbook.example.org')}:{port}/graphql"
        bearer = {k: v for k, v in headers.items() if k == "Authorization"}
        own = socket.create_connection(("127.0.0.1", port))
        with connect(url, sock=own, additional_headers=bearer) as client:
            client.send("anybody there?")
            assert client.recv() == "south: anybody there?"
