"""Mistakes in ending: what a process that was killed or interrupted leaves behind."""

import fcntl
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
INTERRUPTED = """
import os, signal, sys, threading
from pathlib import Path
from infrastructure.postgres import embedded_server

def interrupt_the_end():
    while not embedded_server._threads.locked():
        pass
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    print("interrupted", flush=True)

embedded_server.ensure_server(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
threading.Thread(target=interrupt_the_end, daemon=True).start()
"""
"""A program that is interrupted while it stops its server."""

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


def test_mistake_810_ctrl_c_while_the_server_stops_is_a_traceback(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, home],
        cwd=Path(__file__).parents[2],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        assert run.stdout
        assert run.stdin
        assert run.stdout.readline() == "ready\n"
        with (home / "postgres.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # under which the server is stopped
            run.stdin.write("end\n")
            run.stdin.close()
            assert run.stdout.readline() == "interrupted\n"
        run.wait(PATIENCE_MS / 1000)
        assert run.stderr
        assert "Traceback" not in run.stderr.read()
        assert run.returncode == 0
    assert not (home / "postgres" / "postmaster.pid").exists()
