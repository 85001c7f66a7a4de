"""Issuer of local tokens: signed with a key in the home folder, which only its owner can read.

Apart from who reads them, since a token is made without any library.
"""

import hmac
import json
import os
import secrets
import stat
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from application.authorization.role import Role
from domain.errors import ConfigurationError

ISSUER = "local"
HOURS = 12
"""Hours for which a token is valid by default."""

KEY_BYTES = 32
"""The length of the key, as long as the hash (RFC 7518, section 3.2)."""


class UnsafeKey(ConfigurationError):
    """A key's file that others may read, replace or guess."""


class LocalIssuer:
    """Issuer of local tokens, with its key."""

    def __init__(self, key: bytes) -> None:
        self._secret = key

    @classmethod
    def of(cls, home: Path) -> Self:
        """Return the issuer of a home folder; make its key if there is none.

        Raises UnsafeKey if the key's file is a link, open to others, of another owner, or short.
        """
        file = home / "token.key"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(_read_key(file))
        key = secrets.token_bytes(KEY_BYTES)
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
        parts = [_encoded({"alg": "HS256", "typ": "JWT"}), _encoded(claims)]
        signature = hmac.digest(self._secret, b".".join(parts), "sha256")
        return b".".join([*parts, _base64(signature)]).decode()


def _encoded(part: dict[str, Any]) -> bytes:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(octets: bytes) -> bytes:
    """Return octets in base64url without padding (RFC 7515, appendix C)."""
    return urlsafe_b64encode(octets).rstrip(b"=")


def _read_key(file: Path) -> bytes:
    """Return the key in a file that only its owner can read. Raises UnsafeKey."""
    mend = f"Remove {file}: the next start makes another key, and tokens signed with this one end."
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise UnsafeKey(f"{file} is a link, or cannot be read ({error.strerror}). {mend}") from None
    with os.fdopen(descriptor, "rb") as key_file:
        status = os.fstat(key_file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid not in (os.geteuid(), 0):
            raise UnsafeKey(f"{file} is not a file of yours. {mend}")
        if status.st_mode & 0o077:
            raise UnsafeKey(f"{file} is open to other users (chmod 600 {file}), or: {mend}")
        key = key_file.read()
    if len(key) < KEY_BYTES:
        raise UnsafeKey(f"{file} holds {len(key)} bytes, {KEY_BYTES} are needed. {mend}")
    return key
