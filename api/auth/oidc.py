"""Authentication by an OpenID provider: OpenID Connect Discovery 1.0, tokens as signed JWTs."""

import asyncio
import json
import logging
import time
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.concurrency import run_in_threadpool

from api.auth.authentication import NotLoggedIn, caller_of, is_loopback, verified_claims
from application.authorization.roles import Caller
from domain.errors import TransientError
from infrastructure.settings import Settings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures by a key that only the provider has. A shared secret, or none, is not taken."""

REFRESH_SECONDS = 10.0
"""A token signed by an unknown key makes us ask the provider for its keys, not more often."""

TRUST_SECONDS = 3600.0
"""A key that the provider no longer shows is no longer taken after that time."""

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
        self._fetched = self._attempted = float("-inf")
        self._lock = asyncio.Lock()

    async def authenticate(self, token: str | None) -> Caller:
        """Return the caller that a token of the provider names. Raises NotLoggedIn."""
        if not token:
            raise NotLoggedIn(f"Show a token of {self._issuer}: Authorization: Bearer TOKEN.")
        try:
            kid = jws.extract_compact(token.encode()).headers().get("kid")
        except (JoseError, ValueError, RecursionError):
            raise NotLoggedIn("This is no signed token.") from None
        await self._refresh_keys(kid)
        claims = verified_claims(token, self._keys, ALGORITHMS, self._claims)
        settings = self._settings
        return caller_of(
            claims,
            settings.oidc_role_claim,
            settings.oidc_wards_claim,
            settings.clock_tolerance_seconds,
        )

    async def _refresh_keys(self, kid: object) -> None:
        """Fetch the provider's keys if this one is unknown, or they are old."""
        if not self._needs_refresh(kid):
            return
        async with self._lock:
            if not self._needs_refresh(kid):
                return
            self._attempted = time.monotonic()
            try:
                self._keys = await run_in_threadpool(self._fetch_keys)
                self._fetched = time.monotonic()
            except ProviderUnavailable as error:
                log.warning("%s", error)
                if time.monotonic() - self._fetched > self._trust_seconds:
                    raise NotLoggedIn(f"{error} Try again later.") from None

    def _needs_refresh(self, kid: object) -> bool:
        now = time.monotonic()
        known = any(key.kid == kid for key in self._keys.keys)
        fresh = known and now - self._fetched <= self._trust_seconds
        return not fresh and now - self._attempted > self._refresh_seconds

    def _fetch_keys(self) -> KeySet:
        configuration = _fetch(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if configuration.get("issuer") != self._issuer:
            raise ProviderUnavailable("The login's provider says that it is another issuer.")
        try:
            return KeySet.import_key_set(_fetch(str(configuration.get("jwks_uri"))))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError):
            raise ProviderUnavailable(
                "The login's provider shows no keys that can be read."
            ) from None


def _fetch(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ProviderUnavailable("The login's provider has to be asked by https.")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            document = json.loads(response.read(MAX_BYTES))
    except (OSError, ValueError):
        raise ProviderUnavailable("The login's provider cannot be reached.") from None
    if not isinstance(document, dict):
        raise ProviderUnavailable("The login's provider does not answer as one.")
    return document
