"""How often Python looks for cycles in a process that fills read models."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reduced_garbage_collection() -> Iterator[None]:
    """Events, rows and marks make no cycles; looking for cycles among so many costs a fifth."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
