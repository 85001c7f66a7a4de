"""A home of an embedded server of its own, which a test may kill."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infrastructure.postgres.embedded_server import stop_server


@contextmanager
def server_home() -> Iterator[Path]:
    """Make a folder for a server; at exit the server is stopped and the folder removed."""
    home = Path(tempfile.mkdtemp(prefix="wardbook-home-"))
    yield home
    stop_server(home)
    shutil.rmtree(home, ignore_errors=True)
