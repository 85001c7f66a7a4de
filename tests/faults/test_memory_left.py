"""Memory of running processes, before an erasure and after it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import httpx2
import pytest
from starlette.testclient import TestClient

from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from tests.conftest import LOGIN, TOKEN, empty
from tests.mistakes.test_erasure import Person, erase
from tests.support.api_dsl import Ward
from tests.support.checker import wait_until
from tests.support.graphql_client import GraphQLClient
from tests.support.memory import searched, serve, work

pytestmark = pytest.mark.slow

NAMES = (
    "query($mrn: String!) { patient(mrn: $mrn) { familyName givenName stays { visits { note } } } }"
)
FOUND = "query($search: String!) { patients(search: $search) { nodes { familyName } } }"


@contextmanager
def connected(port: int) -> Iterator[TestClient]:
    """Connect to a server of another process, as to one of this."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        yield cast(TestClient, http)


def test_nothing_in_a_running_process_refers_to_who_was_erased(
    migrated: Database, tmp_path: Path
) -> None:
    """Every object of two servers and a worker is looked at, whichever cache or buffer has it."""
    empty(migrated)
    migrated.open_log("real")
    with (
        searched(work, migrated) as worker,
        searched(serve, migrated, tmp_path) as one,
        searched(serve, migrated, tmp_path) as other,
        connected(one.said) as http,
        connected(other.said) as elsewhere,
    ):
        ward = Ward(GraphQLClient(http, TOKEN))
        person = Person(ward)
        document = f'{{ patient(mrn: "{person.mrn}") {{ familyName }} }}'
        for client in (ward.client, GraphQLClient(elsewhere, TOKEN)):
            for _ in range(3):  # kept as an answer, and as a document
                assert person.sign in str(client.ask(NAMES, mrn=person.mrn))
                assert person.sign in str(client.ask(FOUND, search=person.sign))
                assert person.sign in str(client.ask(document))
            client.raw(f'{{ nothing(of: "{person.sign}") }}', {})
        for process in (worker, one, other):
            assert process.has(person.sign)

        officer = GraphQLClient(http, LOGIN.make(subject="officer", role=Role.PRIVACY_OFFICER))
        erase(ward, officer, person.mrn)

        for process in (worker, one, other):
            wait_until(lambda p=process: not p.has(person.sign), 60, "it forgets")  # type: ignore[misc]
