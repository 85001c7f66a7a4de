"""Mistakes of servers that stop for a moment, whatever they are at."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from api.http.full_collections import EVERY_SECONDS, OVERDUE_SECONDS, FullCollections
from infrastructure.projections.gc_tuning import short_garbage_collection


@contextmanager
def full_collections() -> Iterator[list[str]]:
    """List the full collections that begin meanwhile."""
    begun: list[str] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if (phase, info["generation"]) == ("start", 2):
            begun.append(phase)

    gc.callbacks.append(note)
    try:
        yield begun
    finally:
        gc.callbacks.remove(note)


def test_mistake_342_a_large_response_is_walked_by_the_garbage_collector_while_it_is_made() -> None:
    """Of 20,000 things, each awaited, it took half a second, in which nobody was answered."""
    with short_garbage_collection(), full_collections() as begun:
        response = [[n] for n in range(1_000_000)]
        assert begun == []
    assert len(response) == 1_000_000


def test_mistake_342_garbage_is_collected_between_requests() -> None:
    now = [0.0]
    with short_garbage_collection():
        collections = FullCollections(lambda: now[0])
        with full_collections() as begun:
            for seconds, is_under_way, count in (
                (EVERY_SECONDS - 1, False, 0),
                (EVERY_SECONDS, True, 0),
                (EVERY_SECONDS + 1, False, 1),
                (EVERY_SECONDS + 2, False, 1),
                (OVERDUE_SECONDS, True, 1),
                (EVERY_SECONDS + 1 + OVERDUE_SECONDS, True, 2),
            ):
                now[0] = seconds
                if is_under_way:
                    with collections.postponed():
                        collections.look()
                else:
                    collections.look()
                assert len(begun) == count, seconds
