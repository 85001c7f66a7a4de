"""Ends the server of a test run that was killed, and removes its folders: a process of its own."""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path


def end_after_last_user(home: Path, *folders: Path) -> None:
    """Start the process that ends a home's server once nobody uses it any more, killed or not."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.last_user", home, *folders],
        cwd=Path(__file__).parents[2],
        start_new_session=True,  # what ends the run by its group leaves this one
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    process.returncode = 0  # nobody waits for it, and nobody is warned that it goes on


def main(home: Path, *folders: Path) -> None:
    users = home / "postgres.users"
    while users.exists():
        with users.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # each user holds it shared, until its process ends
        from infrastructure.postgres.embedded_server import stop_server  # not in memory before

        if not home.exists() or stop_server(home):
            break
    for folder in (home, *folders):
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
