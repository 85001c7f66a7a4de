"""Each test that docs/security.md names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_each_test_that_shows_a_point_is_there() -> None:
    named = NAMED.findall((ROOT / "docs/security.md").read_text())
    assert len(named) > 30
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(), f"{file}::{test}"


def test_each_file_of_tests_that_is_named_is_there() -> None:
    text = (ROOT / "docs/security.md").read_text()
    for file in set(re.findall(r"tests/[\w/]+\.py", text)):
        assert (ROOT / file).exists(), file
