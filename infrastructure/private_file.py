"""Files with a secret that only their owner can read."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from domain.errors import ConfigurationError

KEY_BYTES = 32
"""The length of a key, as long as the hash of tokens (RFC 7518, section 3.2) and AES-256."""


class UnsafeKey(ConfigurationError):
    """A key's file that others may read, replace or guess."""


def read_or_make_key(file: Path, advice: str) -> bytes:
    """Return the key in a file; make both if there is none. Raises UnsafeKey, with the advice."""
    if not os.path.lexists(file):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # whole or not at all, since another program may read it at once
        with _draft(file, secrets.token_bytes(KEY_BYTES)) as draft, suppress(FileExistsError):
            os.link(draft, file)
    return read_key(file, advice)


def read_key(file: Path, advice: str) -> bytes:
    """Return the key in a file that only its owner can read. Raises UnsafeKey, with the advice."""
    check_private(file, advice)
    key = file.read_bytes()
    if len(key) < KEY_BYTES:
        raise UnsafeKey(f"{file} holds {len(key)} bytes, {KEY_BYTES} are needed. {advice}")
    return key


def check_private(file: Path, advice: str) -> None:
    """Raise UnsafeKey if a file is a link, of another owner, or open to others."""
    # Looked at, not opened: to close any descriptor of a file gives up SQLite's locks on it (POSIX).
    try:
        status = os.lstat(file)
    except OSError as error:
        raise UnsafeKey(f"{file} cannot be read ({error.strerror}). {advice}") from None
    if stat.S_ISLNK(status.st_mode):
        raise UnsafeKey(f"{file} is a link. {advice}")
    if not stat.S_ISREG(status.st_mode) or status.st_uid not in (os.geteuid(), 0):
        raise UnsafeKey(f"{file} is not a file of yours. {advice}")
    if status.st_mode & 0o077:
        raise UnsafeKey(f"{file} is open to other users (chmod 600 {file}), or: {advice}")
    if not os.access(file, os.R_OK):
        raise UnsafeKey(f"{file} cannot be read (Permission denied). {advice}")


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    with _draft(file, text.encode()) as draft:
        draft.replace(file)


@contextmanager
def _draft(file: Path, content: bytes) -> Iterator[Path]:
    """Write a file beside another one; what is done with it is on the disk afterwards, it is gone."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        yield draft
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name too: what the key seals may be on another disk already
    finally:
        os.close(folder)
