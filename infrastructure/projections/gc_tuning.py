"""Garbage collector settings of processes that project events, and of those that answer."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

NEVER = 1_000_000
"""Collections of the second generation before a full one begins by itself."""


@contextmanager
def reduced_garbage_collection() -> Iterator[None]:
    """Run the cyclic garbage collector rarely: events and rows make no cycles, and it costs a fifth.

    Of recording many commands it costs as much, with the aggregates that are kept between them.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(50_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


@contextmanager
def short_garbage_collection() -> Iterator[None]:
    """Keep each pause of the garbage collector short: who asks waits for it.

    What is there already, the program itself, is left out of it. A full collection walks all that a
    large response is made of while it is made: the server makes it between requests.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 1, NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
