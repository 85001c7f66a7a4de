"""Who is it: what the token that somebody shows says, whoever made it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeyFlexible

from application.authorization.roles import Caller, Purpose, Role
from domain.envelope import Actor
from domain.errors import WardbookError

LONGEST = 200
"""Characters of an issuer, a subject or a ward, as the envelope of an event takes them."""


class NotLoggedIn(WardbookError):
    """Why a token is not taken. Says nothing of the token itself."""


class UnknownPurpose(WardbookError):
    """A purpose that nobody reads patients' data for."""


class Login(Protocol):
    """Tells who shows a token. Ask again when the caller's time ends."""

    async def caller(self, token: str | None) -> Caller:
        """Raises NotLoggedIn, saying what to do."""


def read(
    token: str, key: KeyFlexible, algorithms: Sequence[str], claims: jwt.JWTClaimsRegistry
) -> dict[str, Any]:
    """What a signed token says, checked. Raises NotLoggedIn."""
    try:
        said = jwt.decode(token, key, algorithms=algorithms).claims
        claims.validate(said)
    except ExpiredTokenError:
        raise NotLoggedIn("The token has expired; get another one.") from None
    except (JoseError, ValueError, TypeError, RecursionError):
        raise NotLoggedIn("The token is not one that is taken here; get another one.") from None
    return said


def caller_of(
    said: Mapping[str, Any], role_claim: str, wards_claim: str, leeway: int = 0
) -> Caller:
    """Whom a token names. Raises NotLoggedIn if its role or wards make no sense.

    ``leeway``: seconds that clocks may differ, for which it holds longer.
    """
    role = _role(said.get(role_claim), role_claim)
    wards = said.get(wards_claim)
    # Only a claim that is absent is the whole house: an empty one may be a provider's mistake.
    if wards_claim in said and not (
        isinstance(wards, list) and all(map(_is_text, wards)) and wards
    ):
        raise NotLoggedIn(
            f"The token's claim {wards_claim!r} has to be a list of wards, or absent."
        )
    if not _is_text(said["iss"]) or not _is_text(said["sub"]):
        raise NotLoggedIn(
            f"The token's issuer and subject have 1 to {LONGEST} printable characters."
        )
    try:
        ends = datetime.fromtimestamp(said["exp"] + leeway, UTC)
    except (OverflowError, ValueError, OSError):
        raise NotLoggedIn("The token's end, 'exp', is no time of this calendar.") from None
    return Caller(
        Actor(issuer=said["iss"], subject=said["sub"], role=role),
        frozenset(wards) if wards is not None else None,
        ends,
    )


def _role(given: object, claim: str) -> str:
    names = given if isinstance(given, list) else [given]
    known = ", ".join(sorted(Role))
    if not all(isinstance(name, str) for name in names):
        raise NotLoggedIn(
            f"The token's claim {claim!r} has no role: it has to be a text, or a list of texts,"
            f" and name one of {known}."
        )
    roles = [str(name) for name in names if name in set(Role)]
    if len(roles) != 1:
        raise NotLoggedIn(f"The token's claim {claim!r} has to name one role: {known}.")
    return roles[0]


def with_purpose(caller: Caller, given: str | None) -> Caller:
    """The same caller with what is read for (`X-Purpose`). Raises UnknownPurpose."""
    if given is None:
        return caller
    try:
        return replace(caller, purpose=Purpose(given))
    except ValueError:
        known = ", ".join(Purpose)
        raise UnknownPurpose(f"X-Purpose says what data are read for: {known}.") from None


def bearer_token(authorization: str | None) -> str | None:
    """Return the bearer token of an Authorization header; None for any other scheme."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def is_loopback(host: str | None) -> bool:
    """Whether nobody but this machine reaches that address."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()
