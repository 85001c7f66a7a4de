"""Threads that compute beside the event loop, and the interpreter that both need."""

import asyncio
import sys
from collections.abc import Iterator

import pytest

from api.work import SWITCH_SECONDS, SWITCH_SECONDS_BESIDE, computing_beside, in_thread


@pytest.fixture(autouse=True)
def interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_the_event_loop_has_the_interpreter_sooner_while_any_thread_computes() -> None:
    with computing_beside():
        with computing_beside():
            assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS_BESIDE)
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS_BESIDE)
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)


def test_a_thread_that_waits_for_the_database_more_than_it_computes_keeps_it_longer() -> None:
    async def intervals() -> tuple[float, float]:
        long = await in_thread(sys.getswitchinterval)
        return long, await in_thread(sys.getswitchinterval, is_short=True)

    assert asyncio.run(intervals()) == pytest.approx((SWITCH_SECONDS_BESIDE, SWITCH_SECONDS))
