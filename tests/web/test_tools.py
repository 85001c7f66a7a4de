"""Tests of the page by tools of npm: types by tsc, and Lighthouse; said where node is not there."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from api.http.page import WEB
from application.authorization.roles import Role
from tests.clients.installing import node_modules
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward
from tests.support.server_process import Served

pytestmark = pytest.mark.browser

HERE = Path(__file__).resolve().parent
PLACE = HERE.parent.parent / ".venv" / "web"
CATEGORIES = ("performance", "accessibility", "best-practices")


@pytest.fixture(scope="module")
def tools() -> Path:
    packages = node_modules(HERE, PLACE)
    if packages is None:
        pytest.skip("node, or what npm has, is not there")
    return packages / ".bin"


def test_the_scripts_have_types(tools: Path, tmp_path: Path) -> None:
    """As `tsc --checkJs` reads them and their JSDoc, with the types of what is vendored."""
    (tmp_path / "vendor").mkdir()
    for script in WEB.glob("*.js"):
        shutil.copy(script, tmp_path)
    shutil.copy(HERE / "lit.d.ts", tmp_path / "vendor")
    shutil.copy(HERE / "tsconfig.json", tmp_path)
    answer = subprocess.run(
        [tools / "tsc", "-p", tmp_path], capture_output=True, text=True, check=False
    )
    assert answer.stdout == ""
    assert answer.returncode == 0


def test_lighthouse_finds_nothing_to_mend_on_the_board(
    tools: Path, running: Served, followed: Ward, tmp_path: Path
) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    room = followed.room("A", "B", ward=followed.name("W"))
    followed.stay(f"{room}/A")
    page = f"http://127.0.0.1:{running.port}/#token={LOGIN.make(Role.NURSE, 'Ada')}"
    command: list[str | Path] = [
        tools / "lighthouse",
        page,
        "--quiet",
        "--preset=desktop",
        "--output=json",
        f"--output-path={tmp_path / 'told.json'}",
        f"--only-categories={','.join(CATEGORIES)}",
        "--chrome-flags=--headless=new --no-sandbox",
    ]
    subprocess.run(
        command,
        env={**os.environ, "CHROME_PATH": chromium},
        check=True,
        timeout=240,
    )
    answer = json.loads((tmp_path / "told.json").read_text())
    lost = {
        name: audit["title"]
        for name, audit in answer["audits"].items()
        if audit["score"] is not None and audit["score"] < 0.9
    }
    assert {name: answer["categories"][name]["score"] for name in CATEGORIES} == dict.fromkeys(
        CATEGORIES, 1
    ), lost
