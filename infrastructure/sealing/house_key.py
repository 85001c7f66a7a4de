"""The key of the house, by which all others are wrapped: from a file, or from a command (a KMS)."""

import shlex
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from domain.errors import ConfigurationError
from infrastructure.private_file import KEY_BYTES, read_key, read_or_make_key

COMMAND_SECONDS = 30.0
"""The longest time that the command for the key of the house may take."""

_ADVICE = "Restore it from where the house keeps it: without it nothing sealed can be read."


class HouseKeyUnavailable(ConfigurationError):
    """The key of the house cannot be had."""


@dataclass(frozen=True, slots=True)
class HouseKey:
    """Source of the key of the house: the output of a command, or else a file."""

    file: Path
    command: str | None = None

    def make(self) -> None:
        """Make the file if there is none, for a house that begins; a command makes nothing."""
        if self.command is None:
            read_or_make_key(self.file, _ADVICE)

    @property
    def successor(self) -> "HouseKey":
        """Return the key in the file that is about to take this one's place."""
        return HouseKey(self.file.with_name(f"{self.file.name}.new"))

    def key(self) -> bytes:
        """Return the key of 32 bytes. Raises UnsafeKey, HouseKeyUnavailable."""
        secret = read_key(self.file, _ADVICE) if self.command is None else self._from_command()
        return sha256(b"wardbook house key\0" + secret).digest()

    def _from_command(self) -> bytes:
        assert self.command is not None
        if not self.command.strip():
            raise HouseKeyUnavailable("The command for the key of the house is empty: name one.")
        try:
            process = subprocess.run(
                shlex.split(self.command), capture_output=True, timeout=COMMAND_SECONDS, check=True
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            kind = type(error).__name__
            raise HouseKeyUnavailable(
                f"The command for the key of the house failed: {kind}."
            ) from None
        secret = process.stdout.strip()
        if len(secret) < KEY_BYTES:
            raise HouseKeyUnavailable(
                f"The command for the key of the house printed {len(secret)} bytes,"
                f" {KEY_BYTES} are needed."
            )
        return secret
