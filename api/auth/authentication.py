"""Authentication: the caller that a bearer token names, whoever has issued it."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeyFlexible

from application.authorization.roles import Caller, Purpose, Role
from domain.envelope import Actor
from domain.errors import WardbookError

if TYPE_CHECKING:  # a token is made without a database
    from infrastructure.tokens.revocations import Revocations
    from infrastructure.tokens.uses import TokenUses

log = logging.getLogger(__name__)

_SMART = re.compile(r"(patient|user|system)/")
"""Beginning of the scopes of SMART App Launch."""

MAX_LENGTH = 200
"""Characters of an issuer, a subject or a ward, as the envelope of an event takes them."""

KEPT_CALLERS = 10_000
"""Callers of verified tokens that are kept, of some 500 bytes each."""


class NotLoggedIn(WardbookError):
    """No token, or one that is not accepted; the text says why, and nothing of the token itself."""


class UnknownPurpose(WardbookError):
    """A purpose for which nobody reads patients' data."""


def log_failed_login(error: NotLoggedIn, address: str | None) -> None:
    """Log a login that failed: why, and from where; nothing of the token."""
    log.warning("login failed from %s: %s", address or "an unknown address", error)


class Authenticator(Protocol):
    """Port of authentication: `LocalTokens` or `OidcAuthenticator`."""

    async def authenticate(self, token: str | None) -> Caller:
        """Return the caller that a token names, until ``Caller.ends``. Raises NotLoggedIn."""


class VerifiedCallers:
    """The callers of tokens that were verified, each until its end: a signature is checked once.

    Tokens are known by their digest. Whoever keeps callers forgets them all when the keys change.
    """

    def __init__(self) -> None:
        self._callers: dict[bytes, Caller] = {}

    def find(self, token: str) -> Caller | None:
        """Return the caller of a token that was verified and has not ended."""
        caller = self._callers.get(_digest(token))
        return caller if caller is not None and caller.seconds_left > 0 else None

    def keep(self, token: str, caller: Caller) -> Caller:
        """Keep and return the caller of a verified token."""
        while len(self._callers) >= KEPT_CALLERS:
            del self._callers[next(iter(self._callers))]
        self._callers[_digest(token)] = caller
        return caller

    def forget_all(self) -> None:
        """Forget all, since the keys changed."""
        self._callers.clear()


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()


def verified_claims(
    token: str, key: KeyFlexible, algorithms: Sequence[str], registry: jwt.JWTClaimsRegistry
) -> dict[str, Any]:
    """Return the claims of a signed token, verified. Raises NotLoggedIn."""
    try:
        claims = jwt.decode(token, key, algorithms=algorithms).claims
        registry.validate(claims)
    except ExpiredTokenError:
        raise NotLoggedIn("The token has expired; get another one.") from None
    except (JoseError, ValueError, TypeError, RecursionError):
        raise NotLoggedIn("The token is not one that is taken here; get another one.") from None
    return claims


def caller_of(
    claims: Mapping[str, Any], role_claim: str, wards_claim: str, leeway: int = 0
) -> Caller:
    """Return the caller that claims name. Raises NotLoggedIn if role or wards make no sense.

    ``leeway``: seconds that clocks may differ, for which it holds longer.
    """
    role = _role(claims.get(role_claim), role_claim)
    wards = claims.get(wards_claim)
    # Only a claim that is absent is the whole house: an empty one may be a provider's mistake.
    if wards_claim in claims and not (
        isinstance(wards, list) and all(map(_is_text, wards)) and wards
    ):
        raise NotLoggedIn(
            f"The token's claim {wards_claim!r} has to be a list of wards, or absent."
        )
    if not _is_text(claims["iss"]) or not _is_text(claims["sub"]):
        raise NotLoggedIn(
            f"The token's issuer and subject have 1 to {MAX_LENGTH} printable characters."
        )
    try:
        ends = datetime.fromtimestamp(claims["exp"] + leeway, UTC)
    except (OverflowError, ValueError, OSError):
        raise NotLoggedIn("The token's end, 'exp', is no time of this calendar.") from None
    return Caller(
        Actor(issuer=claims["iss"], subject=claims["sub"], role=role),
        frozenset(wards) if wards is not None else None,
        ends,
        token_id=claims["jti"] if _is_text(claims.get("jti")) else None,
        issued_at=_issued_at(claims.get("iat")),
        scopes=_scopes(claims.get("scope")),
    )


def _scopes(value: object) -> frozenset[str]:
    """Return the scopes of a token: RFC 8693 has them in one text, some providers in a list."""
    if isinstance(value, str):
        return frozenset(value.split())
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def check_not_for_fhir(caller: Caller) -> None:
    """Refuse a token whose scopes are of FHIR, wherever else it is shown. Raises NotLoggedIn."""
    if any(_SMART.match(scope) for scope in caller.scopes):
        raise NotLoggedIn("The token's scopes are for /fhir alone; log in without them.")


def _issued_at(seconds: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)  # type: ignore[arg-type]
    except (TypeError, OverflowError, ValueError, OSError):
        return None


async def check_not_revoked(caller: Caller, revocations: "Revocations") -> None:
    """Refuse a token that was revoked, by its id or with its login. Raises NotLoggedIn."""
    await revocations.refresh()
    check_not_listed(caller, revocations)


def check_not_listed(caller: Caller, revocations: "Revocations") -> None:
    """Refuse a token that is in the list of revoked ones as it was read last. Raises NotLoggedIn."""
    by = caller.actor
    if revocations.covers(by.issuer, by.subject, caller.token_id, caller.issued_at):
        raise NotLoggedIn("The token was revoked; log in again.")


async def check_not_idle(caller: Caller, uses: "TokenUses") -> None:
    """Refuse a token that was not used for longer than the house allows. Raises NotLoggedIn."""
    by = caller.actor
    token = caller.token_id or f"{by.subject} {caller.issued_at or caller.ends:%Y-%m-%dT%H:%M:%S}"
    if not await uses.take(by.issuer, token, caller.ends):
        raise NotLoggedIn("The token was not used for too long; log in again.")


def _role(value: object, claim: str) -> str:
    names = value if isinstance(value, list) else [value]
    known_roles = ", ".join(sorted(Role))
    if not all(isinstance(name, str) for name in names):
        raise NotLoggedIn(
            f"The token's claim {claim!r} has no role: it has to be a text, or a list of texts,"
            f" and name one of {known_roles}."
        )
    roles = [str(name) for name in names if name in set(Role)]
    if len(roles) != 1:
        raise NotLoggedIn(f"The token's claim {claim!r} has to name one role: {known_roles}.")
    return roles[0]


def with_purpose(caller: Caller, header: str | None) -> Caller:
    """Return a caller with the purpose of reading (``X-Purpose``). Raises UnknownPurpose.

    In small letters, or in capitals as the schema names it.
    """
    if header is None:
        return caller
    try:
        return replace(caller, purpose=Purpose(header.lower()))
    except ValueError:
        names = ", ".join(Purpose)
        raise UnknownPurpose(f"X-Purpose says what data are read for: {names}.") from None


def bearer_token(authorization: str | None) -> str | None:
    """Return the bearer token of an Authorization header; None for any other scheme."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def is_loopback(host: str | None) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_LENGTH and value.isprintable()
