"""Each of the mistakes that other systems make is kept out by a test here.

Each was found by reading the code, or the threads, of open hospital systems. The test is named for
the mistake that it keeps out, and goes through the public API.
"""

import re
from pathlib import Path

MISTAKES = (
    set(range(1, 29))
    | {29, 30, 31, 32, 33, 34, 35, 36, 52, 53, 54, 55, 67, 68, 74, 75}
    | {37, 38, 39, 43}
    | {29, 30, 31, 32, 33, 34, 35, 36, 52, 53, 54, 55, 67, 68, 69, 70, 74, 75}
    | {37, 38, 43}
    | {44, 45, 46, 47}
    | {60, 61, 63, 64, 65, 66}
    | {81, 82, 83, 84, 85}
    | {76, 77, 78, 79}
)


def test_every_mistake_has_a_test() -> None:
    files = Path(__file__).parent.glob("test_*.py")
    found = {
        int(number)
        for file in files
        for number in re.findall(r"^def test_mistake_(\d\d)_", file.read_text(), re.MULTILINE)
    }
    assert sorted(found) == sorted(MISTAKES)
