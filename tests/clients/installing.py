"""Installs what `make clients` and `make web` need, as locked, below .venv; says so where it cannot."""

import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE.parent.parent / ".venv" / "clients"

AWAY = re.compile(
    r"E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|SOCKETTIMEOUT|HOSTUNREACH|NETUNREACH|BADPLATFORM|404|5\d\d)\b"
    r"|ETARGET|network|Connection(Error| aborted)|NewConnectionError|No matching distribution"
)
"""What npm and pip say when the registry cannot be reached, or has not what is locked."""


def node_modules(here: Path = HERE, place: Path = PLACE) -> Path | None:
    """The folder with the packages of package-lock.json; None where they can't be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("left out, since node or npm is not there: the packages of npm")
        return None
    place.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(here / name, place)
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    there = _installed("npm", here / "package-lock.json", npm, place)
    return place / "node_modules" if there else None


def environment() -> Path | None:
    """The folder with the commands of requirements.lock; None where they can't be had."""
    PLACE.mkdir(exist_ok=True)
    home = PLACE / "python"
    if not home.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    lock = HERE / "requirements.lock"
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--require-hashes"]
    there = _installed("pip", lock, [*pip, "--disable-pip-version-check", "-r", str(lock)], PLACE)
    return home / "bin" if there else None


def _installed(tool: str, lock: Path, command: list[str], place: Path) -> bool:
    """Once for each lock file. Raises SystemExit for what no network is to blame for."""
    stamp = place / f"{tool}-{sha256(lock.read_bytes()).hexdigest()[:16]}"
    if stamp.exists():
        return True
    answer = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        stamp.touch()
        return True
    if AWAY.search(answer.stderr):
        print(f"left out, since {tool}'s registry cannot be reached or has not all of {lock.name}")
        return False
    raise SystemExit(f"{tool} cannot install {lock.name}:\n{answer.stderr[-2000:]}")
