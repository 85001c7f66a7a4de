"""A flood of one login: what it is let do while others ask, counted and not timed."""

import asyncio

import pytest

from api.errors import TooManyRequests
from api.http.processor_share import (
    AT_ONCE_SECONDS,
    MOST_WAITING,
    OTHERS_SECONDS,
    ProcessorShare,
)
from domain.envelope import Actor

ADA, EVE = (Actor(issuer="x", subject=who, role="nurse") for who in ("Ada", "Eve"))


def test_who_asks_much_waits_while_others_ask() -> None:
    asyncio.run(_waits_while_others_ask())


async def _waits_while_others_ask() -> None:
    now = [100.0]
    share = ProcessorShare(0.3, clock=lambda: now[0])
    await share.turn(EVE)
    share.use(EVE, 5.0)
    account = share._accounts["x", "Eve"]
    assert share._wait_of(("x", "Eve"), account) == 0  # alone
    await share.turn(ADA)
    assert share._wait_of(("x", "Eve"), account) == pytest.approx(
        10, abs=0.1
    )  # what it owes at most
    now[0] += OTHERS_SECONDS + 0.1
    assert share._wait_of(("x", "Eve"), account) == 0  # alone again


def test_a_share_lets_through_no_more_than_it_is() -> None:
    """However many are sent: a second's share at once, then three tenths of each second."""
    asyncio.run(_lets_through_a_share())


async def _lets_through_a_share() -> None:
    now = [100.0]
    share = ProcessorShare(0.3, clock=lambda: now[0])
    used = 0.0
    for _ in range(1000):  # of ten milliseconds each: ten seconds
        now[0] += 0.01
        await share.turn(ADA)
        share.use(ADA, 0.001)
        share._note(("x", "Eve"))
        account = share._accounts.get(("x", "Eve"))
        if account is None or share._wait_of(("x", "Eve"), account) == 0:
            share.use(EVE, 0.05)
            used += 0.05
    assert used <= 0.3 * (10 + AT_ONCE_SECONDS) + 0.05


def test_of_one_login_only_so_many_wait() -> None:
    asyncio.run(_only_so_many_wait())


async def _only_so_many_wait() -> None:
    now = [100.0]
    share = ProcessorShare(0.3, clock=lambda: now[0])
    share.use(EVE, 5.0)
    await share.turn(ADA)
    waiting = [asyncio.create_task(share.turn(EVE)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyRequests, match="ask again in") as refusal:
        await share.turn(EVE)
    assert refusal.value.retry_after
    await share.turn(ADA)  # is not kept waiting
    now[0] += OTHERS_SECONDS + 0.1  # and nobody else asks any more
    await asyncio.gather(*waiting)


def test_of_what_takes_long_no_more_runs_at_once_than_the_share_is_enough_for() -> None:
    asyncio.run(_reserves_for_what_runs())


async def _reserves_for_what_runs() -> None:
    now = [100.0]
    share = ProcessorShare(0.3, clock=lambda: now[0])
    share.use(EVE, 0.0)
    for _ in range(30):  # each takes a tenth of a second
        share.finish(EVE, 0.0, 0.1)
    now[0] += 10
    running = []
    while not share._wait_of(("x", "Eve"), share._accounts["x", "Eve"]):
        await share.turn(ADA)
        running.append(await share.turn(EVE))
        share._note(("x", "Ada"))
    assert 2 < len(running) < 6
    for reserved in running:
        share.finish(EVE, reserved, 0.1)
    share._note(("x", "Ada"))
    assert share._wait_of(("x", "Eve"), share._accounts["x", "Eve"]) == 0
