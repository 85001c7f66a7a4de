"""The folder of a login's data, where the settings name none."""

from pathlib import Path

from platformdirs import user_data_path

from domain.errors import ConfigurationError


def own_folder() -> Path:
    """Return the folder of this login's data. Raises ConfigurationError where it has no home."""
    try:
        return user_data_path("wardbook")
    except RuntimeError:  # a service's, of a system that does not resolve its user's name
        raise ConfigurationError("This login has no home folder: set WARDBOOK_HOME.") from None
