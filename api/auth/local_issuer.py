"""Issuer of local tokens: signed with a key in the home folder, which only its owner can read.

Apart from who reads them, since a token is made without any library.
"""

import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from application.authorization.role import Role
from infrastructure.private_file import read_or_make_key

ISSUER = "local"
KEY_FILE = "token.key"
HOURS = 12
"""Hours for which a token is valid by default."""


class LocalIssuer:
    """Issuer of local tokens, with its key."""

    def __init__(self, key: bytes) -> None:
        self._secret = key

    @classmethod
    def of(cls, home: Path) -> Self:
        """Return the issuer of a home folder; make its key if there is none.

        Raises UnsafeKey if the key's file is a link, open to others, of another owner, or short.
        """
        file = home / KEY_FILE
        advice = (
            f"Remove {file}: the next start makes another key, and tokens signed with this one end."
        )
        return cls(read_or_make_key(file, advice))

    def make(
        self,
        role: Role = Role.ADMIN,
        subject: str = ISSUER,
        wards: Sequence[str] = (),
        hours: float = HOURS,
    ) -> str:
        """Return a new token; without wards: for the whole house."""
        now = datetime.now(UTC)
        ends = now + timedelta(hours=hours)
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": subject,
            "role": role.value,
            "iat": int(now.timestamp()),
            "exp": int(ends.timestamp()),
            "jti": secrets.token_hex(16),
        }
        if wards:
            claims["wards"] = list(wards)
        parts = [_encode_part({"alg": "HS256", "typ": "JWT"}), _encode_part(claims)]
        signature = hmac.digest(self._secret, b".".join(parts), "sha256")
        return b".".join([*parts, _base64(signature)]).decode()


def _encode_part(part: dict[str, Any]) -> bytes:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(octets: bytes) -> bytes:
    """Return octets in base64url without padding (RFC 7515, appendix C)."""
    return urlsafe_b64encode(octets).rstrip(b"=")
