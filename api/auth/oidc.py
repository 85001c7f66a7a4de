"""Authentication by an OpenID provider: OpenID Connect Discovery 1.0, tokens as signed JWTs."""

import asyncio
import json
import logging
import time
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, RSAKey
from starlette.concurrency import run_in_threadpool

from api.auth.authentication import (
    NotLoggedIn,
    VerifiedCallers,
    caller_of,
    is_loopback,
    verified_claims,
)
from application.authorization.roles import Caller
from domain.errors import TransientError
from infrastructure.settings import Settings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures by a key that only the provider has. A shared secret, or none, is not taken."""

REFRESH_SECONDS = 10.0
"""A token signed by an unknown key makes us ask the provider for its keys, not more often."""

TRUST_SECONDS = 3600.0
"""A key that the provider no longer shows is no longer taken after that time; nor is any, if the
provider has not been reached for so long."""

ACCESS_TOKEN_TYPES = ("at+jwt", "application/at+jwt")
"""The types (``typ`` of the header) of access tokens: RFC 9068, section 4."""

UNTYPED = (None, "JWT")
"""The types that many providers give to every token: then `OTHER_TOKENS` tell what it is not."""

OTHER_TOKENS = ("nonce", "at_hash", "c_hash", "s_hash", "events")
"""Claims that only ID tokens (OpenID Connect Core 1.0) and security events (RFC 8417) have."""

OTHER_KINDS = ("ID", "Refresh", "Offline", "Logout")
"""Kinds that Keycloak tells by a claim ``typ``."""

RSA_BITS = 2048
"""The shortest RSA key that is taken: RFC 7518, section 3.3."""

TIMEOUT_SECONDS = 5.0
MAX_BYTES = 1_000_000

log = logging.getLogger(__name__)


class ProviderUnavailable(TransientError):
    """The provider does not respond, or not as a provider does."""


class OidcAuthenticator:
    """Authenticator of the tokens of one issuer for one audience."""

    def __init__(
        self,
        settings: Settings,
        *,
        refresh_seconds: float = REFRESH_SECONDS,
        trust_seconds: float = TRUST_SECONDS,
    ) -> None:
        assert settings.oidc_issuer is not None
        assert settings.oidc_audience is not None
        self._settings = settings
        self._refresh_seconds, self._trust_seconds = refresh_seconds, trust_seconds
        self._issuer = settings.oidc_issuer
        self._claims = jwt.JWTClaimsRegistry(
            leeway=settings.clock_tolerance_seconds,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": settings.oidc_audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        self._keys = KeySet([])
        self._callers = VerifiedCallers()
        self._configuration: dict[str, Any] = {}
        self._fetched = self._attempted = float("-inf")
        self._failure: ProviderUnavailable | None = None
        self._lock = asyncio.Lock()

    def check(self) -> None:
        """Ask the provider for its keys. Raises ProviderUnavailable."""
        self._fetch_keys()

    async def configuration(self) -> dict[str, Any]:
        """Return the provider's metadata. Raises ProviderUnavailable."""
        async with self._lock:
            if not self._configuration:
                await run_in_threadpool(self._fetch_keys)
        return self._configuration

    async def authenticate(self, token: str | None) -> Caller:
        """Return the caller that a token of the provider names. Raises NotLoggedIn."""
        if not token:
            raise NotLoggedIn(f"Show a token of {self._issuer}: Authorization: Bearer TOKEN.")
        try:
            headers = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError, RecursionError):
            raise NotLoggedIn("This is no signed token.") from None
        await self._refresh_keys(headers.get("kid"))
        if caller := self._callers.find(token):
            return caller
        claims = verified_claims(token, self._keys, ALGORITHMS, self._claims)
        _check_is_access_token(headers.get("typ"), claims)
        settings = self._settings
        caller = caller_of(
            claims,
            settings.oidc_role_claim,
            settings.oidc_wards_claim,
            settings.clock_tolerance_seconds,
        )
        return self._callers.keep(token, caller)

    async def _refresh_keys(self, kid: object) -> None:
        """Fetch the provider's keys if this one is unknown, or they are old. Raises NotLoggedIn."""
        if self._needs_refresh(kid):
            async with self._lock:
                if self._needs_refresh(kid):
                    await self._try_to_refresh()
        age = time.monotonic() - self._fetched
        if self._failure is not None and age > self._trust_seconds:
            raise NotLoggedIn(f"{self._failure} Try again later.")

    async def _try_to_refresh(self) -> None:
        self._attempted = time.monotonic()
        try:
            self._keys = await run_in_threadpool(self._fetch_keys)
            self._callers.forget_all()
            self._fetched, self._failure = time.monotonic(), None
        except ProviderUnavailable as error:
            log.warning("%s", error)
            self._failure = error

    def _needs_refresh(self, kid: object) -> bool:
        now = time.monotonic()
        has_key = any(key.kid == kid for key in self._keys.keys)
        has_valid_key = has_key and now - self._fetched <= self._trust_seconds
        return not has_valid_key and now - self._attempted > self._refresh_seconds

    def _fetch_keys(self) -> KeySet:
        configuration = _fetch(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if configuration.get("issuer") != self._issuer:
            raise ProviderUnavailable("The login's provider says that it is another issuer.")
        self._configuration = configuration
        try:
            keys = KeySet.import_key_set(_fetch(str(configuration.get("jwks_uri"))))  # type: ignore[arg-type]
            return KeySet([key for key in keys.keys if not _is_weak(key)])
        except (JoseError, ValueError, KeyError, TypeError):
            raise ProviderUnavailable(
                "The login's provider shows no keys that can be read."
            ) from None


def _check_is_access_token(type: object, claims: Mapping[str, Any]) -> None:
    """Refuse a token of the provider that is for something else. Raises NotLoggedIn."""
    is_other = any(claim in claims for claim in OTHER_TOKENS) or claims.get("typ") in OTHER_KINDS
    kind = type.lower() if isinstance(type, str) and type not in UNTYPED else type
    if kind not in (*ACCESS_TOKEN_TYPES, *UNTYPED) or (kind in UNTYPED and is_other):
        raise NotLoggedIn("The token is no access token (RFC 9068); log in for one.")


def _is_weak(key: Key) -> bool:
    return isinstance(key, RSAKey) and key.raw_value.key_size < RSA_BITS


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follow no redirect: it could lead from https to anywhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _fetch(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ProviderUnavailable("The login's provider has to be asked by https.")
    try:
        with _OPENER.open(url, timeout=TIMEOUT_SECONDS) as response:
            document = json.loads(response.read(MAX_BYTES))
    except (OSError, ValueError):
        raise ProviderUnavailable("The login's provider cannot be reached.") from None
    if not isinstance(document, dict):
        raise ProviderUnavailable("The login's provider does not answer as one.")
    return document
