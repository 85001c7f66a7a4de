"""Local tokens, for the machine that the server runs on.

`wardbook revoke` ends one, or those of a login; to revoke all of them, remove the key's file and start
the server again.
"""

from joserfc import jwt
from joserfc.jwk import OctKey

from api.auth.authentication import NotLoggedIn, VerifiedCallers, caller_of, verified_claims
from api.auth.local_issuer import ISSUER, LocalIssuer
from application.authorization.roles import Caller


class LocalTokens(LocalIssuer):
    """Issuer and authenticator of local tokens."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self._key = OctKey.import_key(key)
        self._callers = VerifiedCallers()
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def authenticate(self, token: str | None) -> Caller:
        """Return the caller that a local token names. Raises NotLoggedIn."""
        if not token:
            raise NotLoggedIn(
                "Show a token, Authorization: Bearer TOKEN; 'wardbook token' prints one."
            )
        if caller := self._callers.find(token):
            return caller
        claims = verified_claims(token, self._key, ["HS256"], self._claims)
        return self._callers.keep(token, caller_of(claims, "role", "wards"))
