"""PostgreSQL of each version that Wardbook promises to run on: ``make postgres``.

npm's package has the majors that are nowhere else here. Each is the server of a house of its own over
TLS, and then that of the tests of the record.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from time import monotonic

from tests.clients.installing import node_modules
from tests.support.own_server import FROM_NPM, installed

LOCKED = Path(__file__).parent / "support" / "postgres"
HOUSE = "tests/faults/test_own_postgres.py"
RECORD = (
    "tests/record",
    "tests/reports",
    "tests/api/test_queries.py",
    "tests/api/test_mutations.py",
)
PLANS = "tests/record/test_plans.py"
"""It asks for generic plans, which PostgreSQL explains from version 16 on."""


def main(arguments: list[str]) -> int:
    link(node_modules(LOCKED, FROM_NPM))
    pytest = [sys.executable, "-m", "pytest", "-q", *arguments]
    house = subprocess.run([*pytest, "-n", "0", "-s", "-m", "nightly", HOUSE])
    failed = ["a house of its own"] if house.returncode else []
    for version, programs in installed().items():
        start = monotonic()
        environment = {**os.environ, "WARDBOOK_TESTS_POSTGRES": str(programs)}
        answer = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, text=True
        )
        print(f"== {answer.stdout.strip()}: {programs}", flush=True)
        left_out = [f"--ignore={PLANS}"] if int(version) < 16 else []
        record = subprocess.run([*pytest, *RECORD, *left_out], env=environment)
        failed += [version] if record.returncode else []
        print(f"== {version}: {monotonic() - start:.0f} s", flush=True)
    print(f"failed: {', '.join(failed) or 'none'}, of {', '.join(installed())}")
    return len(failed)


def link(packages: Path | None) -> None:
    """Make the symbolic links of libraries, which npm cannot pack and lists in a file."""
    for package in packages.glob("postgres*") if packages else ():
        for each in json.loads((package / "native" / "pg-symlinks.json").read_text()):
            path = package / each["target"]
            if not path.is_symlink():
                path.symlink_to(Path(os.path.relpath(package / each["source"], path.parent)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
