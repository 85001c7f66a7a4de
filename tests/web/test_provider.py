"""Access tokens of an OpenID provider (npm's oidc-provider, in a process of its own) at a server."""

import os
import subprocess
import sys
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from json import loads
from pathlib import Path
from shutil import copy
from ssl import create_default_context

import httpx2
import pytest

from api.auth.oidc import OidcAuthenticator
from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.benchmarks.processes import listening
from tests.clients.installing import node_modules
from tests.conftest import empty
from tests.support.certificates import Authority
from tests.support.server_process import served
from tests.web.test_login import AUDIENCE, HERE, PLACE

pytestmark = pytest.mark.browser


@dataclass
class Provider:
    """A provider in a process of its own: gives tokens, and may change its key or end."""

    process: "subprocess.Popen[str]"
    issuer: str
    authority: Authority | None

    def token(self, audience: str = AUDIENCE) -> str:
        """Return the access token of a service, for an audience (RFC 8707)."""
        file = str(self.authority.file) if self.authority else None
        with httpx2.Client(verify=create_default_context(cafile=file)) as http:
            answer = http.post(
                f"{self.issuer}/token",
                data={"grant_type": "client_credentials", "resource": audience},
                auth=("service.beds", "of-tests"),
            ).json()
        return str(answer["access_token"])

    def rotate(self, line: str = "rotate") -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        for said in self.process.stdout:
            if said == "ready\n":
                return  # else it is a notice of the library
        raise EOFError

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()


@contextmanager
def provider(authority: Authority | None = None) -> Iterator[Provider]:
    if node_modules(HERE, PLACE) is None:
        pytest.skip("node, or what npm has, is not there")
    copy(HERE / "provider.mjs", PLACE)
    files = map(str, authority.certificate("provider")) if authority else ()
    with subprocess.Popen(
        ["node", "provider.mjs", "300", AUDIENCE, *files],
        cwd=PLACE,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout
            port = process.stdout.readline().strip()
            scheme = "https" if authority else "http"
            made = Provider(process, f"{scheme}://127.0.0.1:{port}", authority)
            made.rotate("http://127.0.0.1/page")
            yield made
        finally:
            process.terminate()


@pytest.fixture
def database(migrated: Database) -> Database:
    empty(migrated)
    migrated.open_log("real")
    return migrated


def status(server: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    body = {"query": "{ wards { name } }"}
    return httpx2.post(f"{server}/graphql", json=body, headers=headers).status_code


def test_a_program_takes_tokens_of_a_provider_that_it_finds_by_tls(
    database: Database, tmp_path: Path
) -> None:
    serve = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--no-worker"]
    with provider(Authority(tmp_path / "authority", "authority of the house")) as house:
        assert house.authority
        environment = {
            "WARDBOOK_DATABASE_URL": database.owner_url,
            "WARDBOOK_HOME": str(tmp_path),
            "OIDC_ISSUER": house.issuer,
            "OIDC_AUDIENCE": AUDIENCE,
            "SSL_CERT_FILE": str(house.authority.file),
        }
        with listening(lambda port: [*serve, "--port", str(port)], environment) as (server, _):
            token = house.token()
            head = loads(urlsafe_b64decode(token.partition(".")[0] + "=="))
            assert head["typ"] == "at+jwt"
            response = httpx2.post(
                f"{server}/graphql",
                json={"query": "{ wards { name } }"},
                headers={"Authorization": f"Bearer {token}"},
            )
            assert response.json()["data"] == {"wards": []}
            assert status(server, house.token("urn:other")) == 401
            assert status(server, token[:-9] + "tampered1") == 401
        environment |= {"SSL_CERT_FILE": os.devnull}  # a provider that nobody vouches for
        with listening(lambda port: [*serve, "--port", str(port)], environment) as (server, _):
            assert status(server, token) == 401


def test_keys_that_a_provider_changes_are_followed_and_hold_while_it_is_away(
    database: Database, tmp_path: Path
) -> None:
    with provider() as house:
        settings = Settings(home=tmp_path, oidc_issuer=house.issuer, oidc_audience=AUDIENCE)
        authenticator = OidcAuthenticator(settings, refresh_seconds=0)
        with served(app(settings, database, authenticator)) as running:
            server = f"http://127.0.0.1:{running.port}"
            before = house.token()
            assert status(server, before) == 200
            house.rotate()
            after = house.token()
            assert [status(server, token) for token in (after, before, after)] == [200, 401, 200]
            house.rotate()
            unseen = house.token()
            house.end()
            assert [status(server, token) for token in (after, unseen, after)] == [200, 401, 200]
