"""Peers from npm, installed into the run's temporary folder."""

import shutil
import subprocess
from pathlib import Path

from tests.benchmarks.results import say


def install(place: Path, *packages: str) -> bool:
    """Install packages; False, with a word about it, where that cannot be done."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        say(f"left out, since node or npm is not there: {packages[0]}")
        return False
    place.mkdir()
    (place / "package.json").write_text('{"private": true}')
    command = [npm, "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        subprocess.run(
            [*command, *packages], cwd=place, check=True, capture_output=True, timeout=90
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        say(f"left out, since npm could not install it: {packages[0]}")
        return False
    return True
