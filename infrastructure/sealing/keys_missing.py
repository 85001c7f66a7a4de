"""Errors of what cannot be sealed or opened; apart from the keys, whose libraries import slowly."""

from domain.errors import ConfigurationError, IntegrityError, TransientError


class KeysMissing(ConfigurationError):
    """The keys of this log cannot be used, and what is to be stored has to be sealed."""


class KeyStoreBusy(TransientError):
    """A key is to be made or destroyed, and another process held the key store for too long."""

    def __init__(self) -> None:
        super().__init__("Another process is writing keys; try again.")


class TextAltered(IntegrityError):
    """A sealed text that the key of its subject does not open in its place: it was altered, or moved."""
