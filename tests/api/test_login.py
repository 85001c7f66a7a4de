"""Tests of tokens, made here and by a provider, and of those that are not taken."""

import asyncio
import hmac
import json
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from starlette.testclient import TestClient

from api.auth import authentication
from api.auth.authentication import NotLoggedIn
from api.auth.local_tokens import LocalTokens
from api.auth.oidc import OidcAuthenticator
from api.http.app import app
from application.authorization.roles import Caller, Role
from infrastructure.postgres.database import Database
from infrastructure.private_file import UnsafeKey
from infrastructure.settings import Settings, from_environment

HERE = LocalTokens(b"a key of this house, and no other")


def caller(login: LocalTokens | OidcAuthenticator, token: str | None) -> Caller:
    return asyncio.run(login.authenticate(token))


def why_not(login: LocalTokens | OidcAuthenticator, token: str | None) -> str:
    with pytest.raises(NotLoggedIn) as result:
        caller(login, token)
    assert not token or token not in str(result.value)
    return str(result.value)


# -- made here --


def test_a_token_says_who_for_which_wards_and_until_when() -> None:
    result = caller(HERE, HERE.make(Role.NURSE, "Ada", ["Surgery"], hours=1))
    assert (result.actor.issuer, result.actor.subject, result.role) == ("local", "Ada", Role.NURSE)
    assert result.wards == frozenset({"Surgery"})
    assert result.ends.timestamp() == pytest.approx(time.time() + 3600, abs=5)
    assert caller(HERE, HERE.make()).wards is None


def test_a_token_ends() -> None:
    assert "expired" in why_not(HERE, HERE.make(hours=-0.01))


def test_a_verified_token_is_not_verified_again_until_it_ends() -> None:
    login = LocalTokens(b"a key of this house, and no other")
    tokens = [HERE.make(Role.NURSE, name) for name in ("Ada", "Bea")]
    callers = [caller(login, token) for token in tokens]

    assert [caller(login, token) for token in tokens] == callers
    assert all(caller(login, t) is c for t, c in zip(tokens, callers, strict=True))
    login._callers.keep(tokens[0], replace(callers[0], ends=datetime.now(UTC)))
    login._key = OctKey.import_key(b"another key, by which nothing was signed")
    assert why_not(login, tokens[0])
    assert caller(login, tokens[1]) == callers[1]


def test_the_callers_of_verified_tokens_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "KEPT_CALLERS", 2)
    login = LocalTokens(b"a key of this house, and no other")
    tokens = [HERE.make(Role.NURSE, name) for name in ("Ada", "Bea", "Cleo")]

    callers = [caller(login, token) for token in tokens]

    assert [login._callers.find(token) for token in tokens] == [None, *callers[1:]]


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_one_hears_how_to_get_one(token: str | None) -> None:
    assert "wardbook token" in why_not(HERE, token)


def forged(**changed: Any) -> str:
    """A token of this house whose claims somebody has changed."""
    head, body, signature = HERE.make(Role.NURSE).split(".")
    said = json.loads(urlsafe_b64decode(body + "=="))
    return f"{head}.{encoded({**said, **changed})}.{signature}"


def encoded(part: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def signed(
    key: bytes = b"a key of this house, and no other", alg: str = "HS256", **said: Any
) -> str:
    claims = {"iss": "local", "sub": "Ada", "role": "nurse", "exp": time.time() + 60, **said}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg}, claims, OctKey.import_key(key), algorithms=[alg])


ODD_ROLES: list[Any] = [{"roles": ["nurse"]}, {}, [{}], [["nurse"], "nurse"], [], 3, True]
ODD_ENDS = [10**18, 10**30, 10**400, 1e308, -1e308, float("nan"), float("inf"), -(10**18)]


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "é",
        "a.b.c",
        HERE.make()[:-2],
        HERE.make() + "x",
        LocalTokens(b"the key of another house entirely").make(),
        forged(role="admin"),
        forged(exp=2**40),
        signed(alg="HS512"),
        signed(iss="elsewhere"),
        signed(exp=None),
        signed(exp="tomorrow"),
        signed(sub=None),
        signed(sub=""),
        signed(sub="x" * 201),
        signed(sub=["Ada"]),
        signed(role=None),
        signed(role="matron"),
        signed(role=["nurse", "physician"]),
        signed(wards="Surgery"),
        signed(wards=[]),
        signed(wards=[3]),
        *(signed(role=role) for role in ODD_ROLES),
        *(signed(exp=end) for end in ODD_ENDS),
        "W1tb" * 10_000 + ".e30.e30",
        # {"alg":"none"} with the claims of an admin
        "eyJhbGciOiJub25lIn0." + HERE.make().split(".")[1] + ".",
    ],
)
def test_any_other_token_is_not_taken(token: str) -> None:
    why_not(HERE, token)


def test_a_claim_that_is_an_object_is_told_to_have_no_role() -> None:
    """As Keycloak's realm_access is; and nothing of what it says."""
    result = why_not(HERE, signed(role={"roles": ["offline_access"]}))
    assert "'role' has no role" in result
    assert "offline" not in result


def test_wards_that_are_null_are_not_the_whole_house() -> None:
    claims = {"iss": "local", "sub": "Ada", "role": "nurse", "exp": time.time() + 60}
    key = OctKey.import_key(b"a key of this house, and no other")
    token = jwt.encode({"alg": "HS256"}, {**claims, "wards": None}, key)
    assert "list of wards, or absent" in why_not(HERE, token)


def test_the_key_is_made_once(tmp_path: Path) -> None:
    token = LocalTokens.of(tmp_path / "home").make()
    assert caller(LocalTokens.of(tmp_path / "home"), token).role is Role.ADMIN


def test_a_key_that_others_may_read_or_guess_is_refused(tmp_path: Path) -> None:
    LocalTokens.of(tmp_path)
    file = tmp_path / "token.key"
    file.chmod(0o640)
    with pytest.raises(UnsafeKey, match="chmod 600"):
        LocalTokens.of(tmp_path)
    file.chmod(0o600)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeKey, match="link"):
        LocalTokens.of(tmp_path)
    file.unlink()
    file.write_bytes(b"short")
    file.chmod(0o600)
    with pytest.raises(UnsafeKey, match="5 bytes"):
        LocalTokens.of(tmp_path)


# -- by a provider --


class House:
    """A provider on this machine that a test can change."""

    def __init__(self) -> None:
        self.keys = [RSAKey.generate_key(2048, {"kid": "1"})]
        self.answers = True
        self.asked = 0
        self.issuer = ""
        self.says_issuer: str | None = None
        self.says: dict[str, Any] = {}
        """What its configuration says beside."""
        self.keys_at: str | None = None
        """The address to which a request for the keys is redirected."""

    def told(self, path: str) -> dict[str, Any] | None:
        if not self.answers:
            return None
        if path == "/.well-known/openid-configuration":
            own = {"issuer": self.says_issuer or self.issuer, "jwks_uri": f"{self.issuer}/keys"}
            return own | self.says
        self.asked += 1
        return dict(KeySet(list(self.keys)).as_dict(private=False))

    def token(self, key: RSAKey | None = None, of_type: str | None = None, **said: Any) -> str:
        key = key or self.keys[-1]
        claims = {
            "iss": self.issuer,
            "aud": "wardbook",
            "sub": "ada@house",
            "role": "physician",
            "exp": int(time.time()) + 60,
            **said,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": str(key.kid), **({"typ": of_type} if of_type else {})}
        return jwt.encode(header, claims, key)


@contextmanager
def served(house: House) -> Iterator[None]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = house.told(self.path)
            if house.keys_at and self.path == "/keys":
                self.send_response(302)
                self.send_header("Location", house.keys_at)
            else:
                self.send_response(200 if told else 503)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *told: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    house.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    with served(made):
        yield made


def provider(
    house: House, *, refresh_seconds: float = 10.0, trust_seconds: float = 3600.0, **settings: Any
) -> OidcAuthenticator:
    return OidcAuthenticator(
        Settings(oidc_issuer=house.issuer, oidc_audience="wardbook", **settings),
        refresh_seconds=refresh_seconds,
        trust_seconds=trust_seconds,
    )


def test_a_provider_says_who(house: House) -> None:
    login = provider(house)
    result = caller(login, house.token(wards=["Surgery"]))
    assert result.actor.issuer == house.issuer
    assert (result.actor.subject, result.role) == ("ada@house", Role.PHYSICIAN)
    assert result.wards == frozenset({"Surgery"})
    caller(login, house.token(aud=["other", "wardbook"]))
    assert house.asked == 1


def test_the_claims_of_a_provider_have_names_of_its_own(house: House) -> None:
    login = provider(house, oidc_role_claim="groups", oidc_wards_claim="units")
    result = caller(login, house.token(role=None, groups=["staff", "nurse"], units=["A"]))
    assert (result.role, result.wards) == (Role.NURSE, frozenset({"A"}))


SHAPES: dict[str, dict[str, Any]] = {
    "keycloak": {
        "aud": ["wardbook", "account"],
        "typ": "Bearer",
        "azp": "wardbook-page",
        "role": ["default-roles-hospital", "offline_access", "nurse"],
        "wards": ["Surgery"],
    },
    "entra": {"aud": "API_CLIENT_ID", "ver": "2.0", "azp": "PAGE_CLIENT_ID", "roles": ["nurse"]},
}
"""What the access tokens of providers say, and `docs/production.md` has settings for."""


@pytest.mark.parametrize("name", SHAPES)
def test_the_recipe_of_a_provider_takes_its_tokens(house: House, name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "production.md").read_text()
    (recipe,) = re.findall(rf"^```ini {name}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    environment = dict(line.split("=", 1) for line in recipe.splitlines())
    settings = replace(from_environment(environment), oidc_issuer=house.issuer)
    shape = {"role": None, **SHAPES[name]}
    result = caller(OidcAuthenticator(settings), house.token(of_type="JWT", **shape))
    wards = frozenset(shape["wards"]) if "wards" in shape else None
    assert (result.role, result.wards) == (Role.NURSE, wards)


def test_apps_of_smart_are_told_where_to_log_in(house: House, migrated: Database) -> None:
    house.says = {
        "authorization_endpoint": f"{house.issuer}/auth",
        "token_endpoint": f"{house.issuer}/token",
        "code_challenge_methods_supported": ["plain", "S256"],
        "userinfo_endpoint": f"{house.issuer}/who",
    }
    settings = Settings(oidc_issuer=house.issuer, oidc_audience="wardbook", health_seconds=0)
    path = "/fhir/.well-known/smart-configuration"
    with TestClient(app(settings, migrated, provider(house))) as http:
        response = http.get(path, headers={"Accept": "application/json"})
        assert response.headers["content-type"].startswith("application/json")
        assert response.json() == {
            "issuer": house.issuer,
            "jwks_uri": f"{house.issuer}/keys",
            "authorization_endpoint": f"{house.issuer}/auth",
            "token_endpoint": f"{house.issuer}/token",
            "grant_types_supported": ["authorization_code", "implicit"],
            "code_challenge_methods_supported": ["S256"],
            "capabilities": ["permission-user", "permission-v1", "permission-v2"],
        }
        (rest,) = http.get("/fhir/metadata").json()["rest"]
        assert rest["security"]["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
        assert path in rest["security"]["description"]
        scoped = house.token(role="physician", scope="user/Encounter.rs openid")
        for type, status in (("Encounter", 200), ("Location", 403)):
            response = http.get(f"/fhir/{type}", headers={"Authorization": f"Bearer {scoped}"})
            assert response.status_code == status, response.text
    house.answers = False
    with TestClient(app(settings, migrated, provider(house))) as http:
        response = http.get(path)
        assert (response.status_code, response.json()["resourceType"]) == (503, "OperationOutcome")


def test_a_key_that_the_provider_changed_is_found(house: House) -> None:
    login = provider(house, refresh_seconds=0)
    caller(login, house.token())
    house.keys = [RSAKey.generate_key(2048, {"kid": "2"})]
    caller(login, house.token())
    assert house.asked == 2


def test_a_key_that_was_withdrawn_is_not_trusted_for_ever(house: House) -> None:
    login = provider(house, refresh_seconds=0, trust_seconds=0)
    (old,) = house.keys
    token = house.token()
    caller(login, token)
    house.keys = [RSAKey.generate_key(2048, {"kid": "2"})]
    why_not(login, house.token(old))
    why_not(login, token)


def test_unknown_keys_do_not_make_us_ask_without_end(house: House) -> None:
    login = provider(house)
    stranger = RSAKey.generate_key(2048, {"kid": "stranger"})
    for _ in range(3):
        why_not(login, house.token(stranger))
    assert house.asked == 1


def test_a_provider_may_be_away_for_a_while(house: House) -> None:
    house.answers = False
    login = provider(house, refresh_seconds=0)
    assert "cannot be reached" in why_not(login, house.token())
    house.answers = True
    caller(login, house.token())
    house.answers = False
    caller(login, house.token())


def test_keys_of_long_ago_are_refused_at_every_request_while_the_provider_is_away(
    house: House,
) -> None:
    login = provider(house, trust_seconds=0, refresh_seconds=3600)
    caller(login, house.token())
    login._attempted = float("-inf")
    house.answers = False
    for _ in range(3):  # only the first of them asks the provider
        assert "cannot be reached" in why_not(login, house.token())


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT", "JWT", None])
def test_an_access_token_is_taken_by_its_type(house: House, typ: str | None) -> None:
    caller(provider(house), house.token(of_type=typ))


@pytest.mark.parametrize(
    ("typ", "claims"),
    [
        ("logout+jwt", {}),
        ("secevent+jwt", {}),
        ("dpop+jwt", {}),
        ("JWT", {"nonce": "n"}),
        ("JWT", {"at_hash": "h"}),
        (None, {"at_hash": "h"}),
        (None, {"events": {}}),
        ("JWT", {"typ": "ID"}),
        ("JWT", {"typ": "Refresh"}),
    ],
)
def test_a_token_for_something_else_is_not_taken(
    house: House, typ: str | None, claims: dict[str, Any]
) -> None:
    assert "access token" in why_not(provider(house), house.token(of_type=typ, **claims))


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_short_rsa_key_is_not_taken(house: House) -> None:
    weak = RSAKey.generate_key(1024, {"kid": "weak"})
    house.keys = [weak, *house.keys]
    login = provider(house)
    why_not(login, house.token(weak))
    caller(login, house.token())


def test_a_redirect_to_keys_elsewhere_is_not_followed(house: House) -> None:
    other = House()
    with served(other):
        house.keys_at = f"{other.issuer}/keys"
        other.keys = house.keys
        assert "cannot be reached" in why_not(provider(house), house.token())
    assert other.asked == 0


def test_a_provider_that_is_somebody_else_is_not_trusted(house: House) -> None:
    house.says_issuer = "https://elsewhere.example"
    assert "another issuer" in why_not(provider(house), house.token())


def test_clocks_may_differ_a_little(house: House) -> None:
    login = provider(house, clock_tolerance_seconds=60)
    caller(login, house.token(exp=int(time.time()) - 30))
    assert "expired" in why_not(login, house.token(exp=int(time.time()) - 90))


def test_a_token_that_the_provider_did_not_make_for_us_is_not_taken(house: House) -> None:
    login = provider(house)
    public = house.keys[0].as_pem(private=False)
    body = house.token(role="admin").split(".")[1]
    text = f"{encoded({'alg': 'HS256', 'kid': '1'})}.{body}"
    digest = hmac.digest(public, text.encode(), "sha256")
    by_public_key = f"{text}.{urlsafe_b64encode(digest).decode().rstrip('=')}"
    for token in (
        None,
        "x",
        HERE.make(),
        by_public_key,
        house.token(RSAKey.generate_key(2048, {"kid": "1"})),
        house.token(iss="https://elsewhere.example"),
        house.token(aud="another"),
        house.token(aud=None),
        *(house.token(sub=sub) for sub in (None, "", ["Ada"])),
        house.token(exp=None),
        house.token(nbf=int(time.time()) + 600),
        house.token(role="matron"),
        *(house.token(role=role) for role in ODD_ROLES),
        *(house.token(exp=end) for end in ODD_ENDS),
        house.token(aud={"wardbook": 1}),
        house.token(aud=[{}]),
        f"{encoded({'alg': 'RS256', 'kid': {'1': 1}})}.{body}.x",
        "W1tb" * 10_000 + ".e30.e30",
        house.token()[:-2],
    ):
        why_not(login, token)


def test_a_provider_elsewhere_is_asked_by_https(house: House) -> None:
    login = OidcAuthenticator(
        Settings(oidc_issuer="http://login.example", oidc_audience="wardbook")
    )
    house.issuer = "http://login.example"
    assert "https" in why_not(login, house.token())
