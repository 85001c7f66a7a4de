"""Tests of caches: what they count is the memory that they take, so that their bound is one."""

import tracemalloc
from os import urandom
from uuid import uuid4

import pytest

from infrastructure.caching.response_cache import CachedResponse


@pytest.mark.parametrize(("ids", "length"), [(0, 60), (1, 150), (20, 8000)])
def test_a_kept_answer_takes_no_more_memory_than_is_counted(ids: int, length: int) -> None:
    tracemalloc.start()
    try:
        responses = {
            (urandom(32), ("nurse", (n,))): CachedResponse(
                bytes(length),
                uuid4().hex[:24],
                "stay",
                frozenset(uuid4() for _ in range(ids)),
                frozenset(uuid4() for _ in range(ids)),
            )
            for n in range(100)
        }
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    counted = sum(response.size for response in responses.values())
    assert taken <= 1.1 * counted
