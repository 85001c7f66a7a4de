"""The one local token: made once, kept in the home folder, readable by its owner only."""

import os
import secrets
from pathlib import Path

from domain.entry import Actor


def local_token(home: Path) -> str:
    """The token of this home, made if there is none."""
    file = home / "token"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(descriptor, "w") as made:
        made.write(secrets.token_urlsafe(32) + "\n")
    return file.read_text().strip()


def actor_of(given: str | None, token: str) -> Actor | None:
    """Who shows the token; None for any other."""
    if given is None or not secrets.compare_digest(given.encode(), token.encode()):
        return None
    return Actor(issuer="local", subject="local", role="admin")
