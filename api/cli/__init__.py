"""The command line: ``wardbook``."""

from api.cli.main import main

__all__ = ["main"]
