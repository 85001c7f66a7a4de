"""Login by the house's own provider: OpenID Connect Discovery 1.0, tokens as signed JWTs."""

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

from api.auth.authentication import NotLoggedIn, caller_of, is_loopback, read
from application.authorization.roles import Caller
from domain.errors import TransientError
from infrastructure.settings import Settings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures by a key that only the provider has. A shared secret, or none, is not taken."""

LOOK_AGAIN_SECONDS = 10.0
"""A token signed by an unknown key makes us ask the provider for its keys, not more often."""

TRUST_SECONDS = 3600.0
"""A key that the provider no longer shows is no longer taken after that time."""

TIMEOUT_SECONDS = 5.0
LARGEST = 1_000_000

log = logging.getLogger(__name__)


class ProviderAway(TransientError):
    """The provider does not answer, or not as a provider does."""


class Provider:
    """Tells who shows a token of one issuer, made for one audience."""

    def __init__(self, settings: Settings) -> None:
        assert settings.oidc_issuer is not None
        assert settings.oidc_audience is not None
        self._settings = settings
        self._issuer = settings.oidc_issuer
        self._claims = jwt.JWTClaimsRegistry(
            leeway=settings.clock_tolerance_seconds,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": settings.oidc_audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        self._keys = KeySet([])
        self._fetched = self._tried = float("-inf")
        self._once = asyncio.Lock()

    async def caller(self, token: str | None) -> Caller:
        """Who shows a token of this provider. Raises NotLoggedIn."""
        if not token:
            raise NotLoggedIn(f"Show a token of {self._issuer}: Authorization: Bearer TOKEN.")
        try:
            kid = jws.extract_compact(token.encode()).headers().get("kid")
        except (JoseError, ValueError, RecursionError):
            raise NotLoggedIn("This is no signed token.") from None
        await self._keep_keys(kid)
        said = read(token, self._keys, ALGORITHMS, self._claims)
        chosen = self._settings
        return caller_of(
            said, chosen.oidc_role_claim, chosen.oidc_wards_claim, chosen.clock_tolerance_seconds
        )

    async def _keep_keys(self, kid: object) -> None:
        """Ask the provider for its keys if this one is unknown, or they are old."""
        if not self._wanting(kid):
            return
        async with self._once:
            if not self._wanting(kid):
                return
            self._tried = time.monotonic()
            try:
                self._keys = await run_in_threadpool(self._ask_keys)
                self._fetched = time.monotonic()
            except ProviderAway as away:
                log.warning("%s", away)
                if time.monotonic() - self._fetched > TRUST_SECONDS:
                    raise NotLoggedIn(f"{away} Try again later.") from None

    def _wanting(self, kid: object) -> bool:
        now = time.monotonic()
        known = any(key.kid == kid for key in self._keys.keys)
        fresh = known and now - self._fetched <= TRUST_SECONDS
        return not fresh and now - self._tried > LOOK_AGAIN_SECONDS

    def _ask_keys(self) -> KeySet:
        about = _fetch(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self._issuer:
            raise ProviderAway("The login's provider says that it is another issuer.")
        try:
            return KeySet.import_key_set(_fetch(str(about.get("jwks_uri"))))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError):
            raise ProviderAway("The login's provider shows no keys that can be read.") from None


def _fetch(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ProviderAway("The login's provider has to be asked by https.")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            told = json.loads(answer.read(LARGEST))
    except (OSError, ValueError):
        raise ProviderAway("The login's provider cannot be reached.") from None
    if not isinstance(told, dict):
        raise ProviderAway("The login's provider does not answer as one.")
    return told
