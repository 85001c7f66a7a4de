"""Mistakes of tests: what a run that was killed leaves behind."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server_home import server_home

RUN = """
import sys
from pathlib import Path
from infrastructure.postgres.embedded_server import ensure_server
from tests.support.last_user import end_after_last_user
home = Path(sys.argv[1])
ensure_server(home)
end_after_last_user(home)
print("ready", flush=True)
sys.stdin.read()
"""
PATIENCE_MS = 60_000


@pytest.fixture
def home() -> Iterator[Path]:
    with server_home() as folder:
        yield folder


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process by its descriptor")
def test_mistake_661_a_run_of_tests_that_is_killed_leaves_its_server(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN, home],
        cwd=Path(__file__).parents[2],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as run:
        assert run.stdout
        assert run.stdout.readline() == "ready\n"
        server = os.pidfd_open(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))
        run.kill()
    try:
        poll = select.poll()
        poll.register(server, select.POLLIN)
        assert poll.poll(PATIENCE_MS), "the server goes on without anybody"
    finally:
        os.close(server)
