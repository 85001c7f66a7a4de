"""Evidence that this machine keeps outside of the database.

In the home folder: ``checkpoint.key``, which signs; ``checkpoint.former``, the public halves of keys
that it took the place of; and the newest checkpoint of each tree, by which a log is known to be cut off.
"""

import os
from pathlib import Path
from uuid import UUID

from domain.errors import ConfigurationError
from infrastructure.evidence.leaves import Tree
from infrastructure.evidence.signed_note import InvalidNote, SignedNote, SigningKey, VerifierKey
from infrastructure.private_file import (
    KEY_BYTES,
    check_private,
    read_key,
    read_or_make_key,
    write_private,
)


class KeyMissing(ConfigurationError):
    """The key of a log's checkpoints is not on this machine."""


class Keeper:
    """The keeper of the key, and of the newest checkpoints, in a home folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.key_file, self.former_file = home / "checkpoint.key", home / "checkpoint.former"

    def has_key(self) -> bool:
        return os.path.lexists(self.key_file)

    def key(self, log_id: UUID) -> SigningKey:
        """Return the key as it signs for a log. Raises KeyMissing and UnsafeKey."""
        if not self.has_key():
            raise KeyMissing(
                f"{self.key_file} is missing, the key that signs checkpoints: bring it back, or"
                " begin with another one by 'wardbook checkpoint --new-key'."
            )
        advice = "Bring back the file, or begin with another key: wardbook checkpoint --new-key."
        return SigningKey.from_seed(name_of(log_id), read_key(self.key_file, advice)[:KEY_BYTES])

    def create_key(self, log_id: UUID) -> SigningKey:
        """Make the key. Raises KeyMissing if the folder cannot be written."""
        try:
            read_or_make_key(self.key_file, "")
        except OSError as error:
            raise KeyMissing(f"{self.key_file} cannot be written: {error.strerror}.") from None
        return self.key(log_id)

    def replace_key(self, log_id: UUID) -> SigningKey:
        """Make another key in place of the present one, whose public half is kept.

        Raises UnsafeKey, KeyMissing.
        """
        if self.has_key():
            lines = [*map(str, self.former(log_id)), str(self.key(log_id).verifier)]
            write_private(self.former_file, "".join(f"{line}\n" for line in lines))
            self.key_file.unlink()
        return self.create_key(log_id)

    def former(self, log_id: UUID) -> list[VerifierKey]:
        """Return the keys that signed for a log before. Raises UnsafeKey and InvalidNote."""
        if not os.path.lexists(self.former_file):
            return []
        check_private(self.former_file, "Bring back the file.")
        lines = self.former_file.read_text().splitlines()
        keys = [VerifierKey.parse(line) for line in lines]
        return [key for key in keys if key.name == name_of(log_id)]

    def trusted_keys(self, log_id: UUID) -> list[VerifierKey]:
        """Return the keys that sign, or signed, for a log. Raises UnsafeKey and InvalidNote."""
        keys = [self.key(log_id).verifier] if self.has_key() else []
        return keys + self.former(log_id)

    def newest_note(self, tree: Tree) -> SignedNote | None:
        """Return the newest checkpoint that was kept here. Raises InvalidNote."""
        try:
            return SignedNote.parse(self._file(tree).read_text())
        except FileNotFoundError:
            return None
        except (OSError, UnicodeError):
            raise InvalidNote(f"{self._file(tree)} cannot be read.") from None

    def keep(self, tree: Tree, note: SignedNote) -> None:
        """Keep a checkpoint as the newest."""
        write_private(self._file(tree), str(note))

    def _file(self, tree: Tree) -> Path:
        return self.home / f"{tree.name}.checkpoint"


def name_of(log_id: UUID) -> str:
    """Return the name under which a log's key signs."""
    return f"wardbook/{log_id}"
