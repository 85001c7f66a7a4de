"""Tokens made here: signed with a key that is kept in the home folder, for its owner only.

They are for the machine that the server runs on. Who removes the key's file and starts the server
again has made all of them worthless.
"""

import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey

from api.auth.authentication import NotLoggedIn, caller_of, read
from application.authorization.roles import Caller, Role

ISSUER = "local"
HOURS = 12
"""How long a token holds unless said otherwise."""


class LocalTokens:
    """Makes tokens, and knows its own again."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER},
            sub={"essential": True},
            exp={"essential": True},
        )

    @classmethod
    def of(cls, home: Path) -> "LocalTokens":
        """Those of this home; its key is made if there is none."""
        file = home / "token.key"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(file.read_bytes())
        key = secrets.token_bytes(32)
        with os.fdopen(descriptor, "wb") as made:
            made.write(key)
        return cls(key)

    def make(
        self,
        role: Role = Role.ADMIN,
        subject: str = ISSUER,
        wards: Sequence[str] = (),
        hours: float = HOURS,
    ) -> str:
        """A token for somebody; without wards: for the whole house."""
        ends = datetime.now(UTC) + timedelta(hours=hours)
        said: dict[str, Any] = {
            "iss": ISSUER,
            "sub": subject,
            "role": role.value,
            "exp": int(ends.timestamp()),
        }
        if wards:
            said["wards"] = list(wards)
        return jwt.encode({"alg": "HS256"}, said, self._key)

    async def caller(self, token: str | None) -> Caller:
        """Who shows one of these tokens. Raises NotLoggedIn."""
        if not token:
            raise NotLoggedIn(
                "Show a token, Authorization: Bearer TOKEN; 'wardbook token' prints one."
            )
        return caller_of(read(token, self._key, ["HS256"], self._claims), "role", "wards")
