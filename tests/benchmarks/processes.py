"""Servers in processes of their own, and the processor time that they use."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import sleep


@contextmanager
def listening(
    command: Callable[[int], list[str]], environment: Mapping[str, str]
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A server, once it listens: its address and its process. ``command``: for a port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        command(port), env={**os.environ, **environment}, stdout=subprocess.DEVNULL
    )
    try:
        for _ in range(900):
            if process.poll() is not None:
                raise RuntimeError("the server did not start")
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            sleep(0.1)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait()


def processor(pid: int) -> float:
    """Milliseconds of processor time that a process has used; 0 where /proc is not there."""
    status = Path(f"/proc/{pid}/stat")
    if not status.exists():
        return 0.0
    used = status.read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, used)) * 1000 / os.sysconf("SC_CLK_TCK")
