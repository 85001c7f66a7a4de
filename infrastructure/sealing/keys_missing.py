"""Error of what cannot be sealed; apart from the keys, whose libraries take time to import."""

from domain.errors import ConfigurationError


class KeysMissing(ConfigurationError):
    """What is to be stored has to be sealed, and the keys of this log cannot be used."""
