"""Mistakes about a program that is stopped while it starts."""

import os
import subprocess
import sys
from pathlib import Path

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


HOMELESS = """import pwd
def unknown(uid):
    raise KeyError(uid)
pwd.getpwuid = unknown
from api.cli import main
main()
"""
"""The command line as a service's user of whom the system knows no name."""


def test_mistake_662_a_program_that_is_told_its_home_needs_one_of_its_user(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "HOME" and "XDG" not in k}
    command = [sys.executable, "-c", HOMELESS, "token"]
    result = {**environment, "WARDBOOK_HOME": str(tmp_path)}
    ended = subprocess.run(command, env=result, capture_output=True, text=True, timeout=60)
    assert ended.returncode == ExitCode.DONE, ended.stderr
    environment.pop("WARDBOOK_HOME", None)
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    sentence = "This login has no home folder: set WARDBOOK_HOME.\n"
    assert (ended.returncode, ended.stderr) == (ExitCode.USAGE, sentence)
