"""Mistakes about a program that is stopped while it starts."""

import subprocess
import sys

import pytest

from api.exit_codes import ExitCode

STARTED = """import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
left = int(sys.argv.pop(1))
begun = False
def hook(event, given):
    global begun, left
    if event != "import":
        return
    begun = begun or given[0] == "api.cli.main"
    left -= begun
    if left == 0:
        signal.raise_signal(signal.SIGINT)
sys.addaudithook(hook)
from api.cli import main
main()
"""
"""The command line, interrupted at so many imports after its first one."""


@pytest.mark.parametrize("moment", [1, 2, 20, 100, 200])
def test_mistake_570_an_interruption_while_modules_load_says_so_in_one_sentence(
    moment: int,
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STARTED, str(moment), "token", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (ExitCode.INTERRUPTED, "Interrupted.\n")
    assert ended.stdout == ""
