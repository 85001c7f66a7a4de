"""README, followed line by line: each block in the order of the page, twice, in each shell."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from infrastructure.postgres.embedded_server import stop_server
from tests.cli.test_serving import WARDBOOK, await_ready, free_port
from tests.test_docs import ASK, README, ROOT

pytestmark = pytest.mark.slow

BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SHELLS = [shell for shell in ("sh", "bash", "zsh") if shutil.which(shell)]


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home outside of pytest's own folder, which every run that begins closes to others."""
    with TemporaryDirectory(prefix="wardbook-readme-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the embedded server may run as another user
        monkeypatch.setenv("WARDBOOK_HOME", name)
        for variable in ("WARDBOOK_DATABASE_URL", "WARDBOOK_KEYS"):
            monkeypatch.delenv(variable, raising=False)
        yield folder
        stop_server(folder / "demo")
        stop_server(folder)


def test_every_block_runs_in_the_order_of_the_page_twice_and_in_another_shell(home: Path) -> None:
    made, *blocks = BLOCKS
    assert made.startswith("make demo")
    port = free_port()
    demo_here = ["demo", "--port", str(port)]
    demo = subprocess.Popen(
        [*WARDBOOK, *demo_here], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert demo.stdout is not None
        assert "Wardbook at" in demo.stdout.readline()
        await_ready(demo, f"http://127.0.0.1:{port}")
        answers = [followed(shell, blocks, port) for shell in (*SHELLS, *SHELLS)]
    finally:
        demo.terminate()
        demo.communicate(timeout=60)
    registered = [answer[0] for answer in answers]
    assert registered[1:] == registered[:-1]  # each command had one effect
    before, after = (answers[-1][2]["data"][when] for when in ("before", "after"))
    assert before != after
    assert answers[-1][3]["data"]["stayDifference"]["facts"]


def followed(shell: str, blocks: list[str], port: int) -> list[Any]:
    """The answers to GraphQL of all blocks, pasted into a new shell."""
    text = "\n".join([blocks[0], *([] if shutil.which("curl") else [ASK]), *blocks[1:]])
    changes = {
        ":8000": f":{port}",
        ".venv/bin/wardbook": f"{sys.prefix}/bin/wardbook",
        "--beds 60 --days 30": "--beds 4 --days 1",
        f"{sys.prefix}/bin/wardbook serve --port 8001": "true",  # it would not end
    }
    for was, now in changes.items():
        assert was in text
        text = text.replace(was, now)
    done = subprocess.run(
        [shell, "-eu"], input=text, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "No server was started" not in done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [answer.get("errors") for answer in answers] == [None] * len(answers)
    assert "R-1001" in done.stdout
    return answers
