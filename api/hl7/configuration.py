"""Errors of the files that name other systems, in a sentence."""

from pathlib import Path

from domain.errors import ConfigurationError


def unreadable(file: Path, error: Exception) -> ConfigurationError:
    """Return the error of a file that is missing, no text, or lacks something."""
    match error:
        case OSError(strerror=str(reason)):
            problem = reason
        case UnicodeDecodeError():
            problem = "it is no text in UTF-8"
        case KeyError():
            problem = f"{error.args[0]} is absent, or not known"
        case _:
            problem = str(error)
    return ConfigurationError(f"{file}: {problem}.")
