"""Local tokens: signed with a key in the home folder, which only its owner can read.

They are for the machine that the server runs on. To revoke all of them, remove the key's file and start
the server again.
"""

import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey

from api.auth.authentication import NotLoggedIn, caller_of, verified_claims
from application.authorization.roles import Caller, Role

ISSUER = "local"
HOURS = 12
"""Hours for which a token is valid by default."""


class LocalTokens:
    """Issuer and authenticator of local tokens."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER},
            sub={"essential": True},
            exp={"essential": True},
        )

    @classmethod
    def of(cls, home: Path) -> "LocalTokens":
        """Return the local tokens of a home folder; make its key if there is none."""
        file = home / "token.key"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(file.read_bytes())
        key = secrets.token_bytes(32)
        with os.fdopen(descriptor, "wb") as key_file:
            key_file.write(key)
        return cls(key)

    def make(
        self,
        role: Role = Role.ADMIN,
        subject: str = ISSUER,
        wards: Sequence[str] = (),
        hours: float = HOURS,
    ) -> str:
        """Return a new token; without wards: for the whole house."""
        ends = datetime.now(UTC) + timedelta(hours=hours)
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": subject,
            "role": role.value,
            "exp": int(ends.timestamp()),
        }
        if wards:
            claims["wards"] = list(wards)
        return jwt.encode({"alg": "HS256"}, claims, self._key)

    async def authenticate(self, token: str | None) -> Caller:
        """Return the caller that a local token names. Raises NotLoggedIn."""
        if not token:
            raise NotLoggedIn(
                "Show a token, Authorization: Bearer TOKEN; 'wardbook token' prints one."
            )
        return caller_of(
            verified_claims(token, self._key, ["HS256"], self._claims), "role", "wards"
        )
