"""The Python client `gql` at the same points as the clients in src; run in the tools' environment.

Its arguments: the schema's file, the address, a token.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from gql import Client, GraphQLRequest  # type: ignore[import-not-found]
from gql.transport.exceptions import TransportQueryError  # type: ignore[import-not-found]
from gql.transport.httpx import HTTPXAsyncTransport  # type: ignore[import-not-found]
from gql.transport.websockets import WebsocketsTransport  # type: ignore[import-not-found]
from graphql import DocumentNode, OperationDefinitionNode, parse

FAMILY = "Python"
MRNS = [f"{FAMILY}-{n}" for n in (1, 2, 3)]


def documents() -> dict[str, DocumentNode]:
    """Return what is asked, by name: the same as the other clients ask."""
    source = parse((Path(__file__).parent / "documents.graphql").read_text())
    result = {}
    for operation in source.definitions:
        assert isinstance(operation, OperationDefinitionNode)
        assert operation.name is not None
        result[operation.name.value] = DocumentNode(definitions=(operation,))
    return result


DOCUMENTS = documents()


class Points:
    """Each method is a point; they are gone through in this order."""

    def __init__(self, http: Any, socket: Any) -> None:
        self._http, self._socket = http, socket
        self._id = self._before = ""

    async def query(self) -> None:
        assert isinstance((await self._ask("Wards"))["wards"], list)

    async def mutation(self) -> None:
        for mrn in MRNS:
            answer = await self._register(mrn)
            assert answer["__typename"] == "PatientRecorded", answer
            self._id = answer["patient"]["id"]
            self._before = self._before or answer["position"]

    async def refusal(self) -> None:
        answer = await self._register(MRNS[0])
        assert (answer["__typename"], answer["path"]) == ("AlreadyExists", ["mrn"]), answer

    async def variables(self) -> None:
        answer = (await self._ask("PatientByMrn", mrn=MRNS[2]))["patient"]
        assert answer == {"id": self._id, "mrn": MRNS[2], "familyName": FAMILY}

    async def paging(self) -> None:
        result: list[str] = []
        page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"]:
            answer = await self._ask("Patients", search=FAMILY, first=2, after=page["endCursor"])
            result += [edge["node"]["mrn"] for edge in answer["patients"]["edges"]]
            page = answer["patients"]["pageInfo"]
        assert result == MRNS, result

    async def node(self) -> None:
        answer = (await self._ask("ById", id=self._id))["node"]
        assert answer == {"__typename": "Patient", "id": self._id, "mrn": MRNS[2]}

    async def subscription(self) -> None:
        request = GraphQLRequest(DOCUMENTS["Registered"], variable_values={"after": self._before})
        async for result in self._socket.subscribe(request):
            assert result["events"]["data"]["mrn"] == MRNS[1], result
            return

    async def error(self) -> None:
        result: list[Any] = []
        try:
            await self._ask("PatientByNothing")
        except TransportQueryError as refused:
            result = refused.errors
        assert [fault["extensions"]["code"] for fault in result] == ["InvalidInput"], result

    async def _ask(self, name: str, **variables: Any) -> Any:
        return await self._http.execute(GraphQLRequest(DOCUMENTS[name], variable_values=variables))

    async def _register(self, mrn: str) -> Any:
        input = {"commandId": str(uuid4()), "mrn": mrn, "familyName": FAMILY, "givenName": mrn}
        return (await self._ask("Register", input=input))["registerPatient"]


async def main(schema: str, url: str, token: str) -> int:
    login = {"Authorization": f"Bearer {token}"}
    over_http = HTTPXAsyncTransport(url=url, headers=login)
    over_socket = WebsocketsTransport(
        url=url.replace("http", "ws", 1), init_payload=login, subprotocols=["graphql-transport-ws"]
    )
    sdl = Path(schema).read_text()  # each document is held against it before it is sent
    async with (
        Client(transport=over_http, schema=sdl) as http,
        Client(transport=over_socket, schema=sdl) as socket,
    ):
        points = Points(http, socket)
        todo: dict[str, Callable[[], Awaitable[None]]] = {
            name: getattr(points, name) for name in vars(Points) if not name.startswith("_")
        }
        done = [name for name, point in todo.items() if await _did(name, point)]
    print(f"gql: {len(done)} of {len(todo)} ({', '.join(done)})")
    return len(todo) - len(done)


async def _did(name: str, point: Callable[[], Awaitable[None]]) -> bool:
    try:
        await asyncio.wait_for(point(), 20)
    except Exception as failure:
        print(f"gql fails at {name}: {type(failure).__name__}: {failure}")
        return False
    return True


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:4])))
