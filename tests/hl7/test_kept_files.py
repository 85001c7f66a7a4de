"""The index of kept messages, beside the folder itself and another process that changes it."""

import os
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from api.hl7.kept_files import ROOM, WAITING, KeptFiles

NUMBERS = range(4)
CLIENTS = "ab"


def name_of(number: int, client: str, waits: bool) -> str:
    ending = f"{WAITING}{number:032x}" if waits else ""
    return f"20260302T{number:012}-{number:032x}{ROOM}{client * 16}{ending}.json"


changes = st.tuples(
    st.booleans(),  # by this process
    st.sampled_from(["keep", "keep", "remove", "wait no longer"]),
    st.sampled_from(NUMBERS),
    st.sampled_from(CLIENTS),
    st.booleans(),
)


@given(st.lists(changes, max_size=12))
def test_the_index_says_what_is_in_the_folder_whoever_changes_it(
    steps: list[tuple[bool, str, int, str, bool]],
) -> None:
    with TemporaryDirectory() as home:
        folder, ticks = Path(home) / "kept", count(10**18, 10**9)
        index = KeptFiles(folder)
        assert (index.count("a" * 16), index.waiting()) == (0, [])
        folder.mkdir()
        for is_own, act, number, client, waits in steps:
            files = [file for file in folder.iterdir() if f"-{number:032x}" in file.name]
            written = folder / name_of(number, client, waits and act == "keep")
            is_new = not files if act == "keep" else files and files[0] != written
            if act != "remove" and is_new:
                written.touch()
                if is_own:
                    index.add(written)
            if act != "keep":
                for file in files:
                    if file != written or act == "remove":
                        index.remove(file) if is_own else file.unlink()
            if not is_own:  # its time of change is another one then
                tick = next(ticks)
                os.utime(folder, ns=(tick, tick))
            names = [file.name for file in folder.iterdir()]
            for each in NUMBERS:
                assert index.has(f"{each:032x}") == any(f"-{each:032x}" in n for n in names)
            for room in CLIENTS:
                assert index.count(room * 16) == sum(f"{ROOM}{room}" in n for n in names)
            assert [file.name for file in index.waiting()] == sorted(
                name for name in names if WAITING in name
            )
