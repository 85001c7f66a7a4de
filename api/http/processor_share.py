"""Share of a login in the processor's time: who asks much waits, while others ask too.

A login that is alone may use all of it. One that has used up its share is not refused at once, but
served as fast as the share comes in again, one request after the other; so others' requests pass it by.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from api.errors import TooManyRequests
from domain.envelope import Actor

AT_ONCE_SECONDS = 1.0
"""Seconds' worth of the share that may be used at once."""

MOST_OWED_SECONDS = 10.0
"""Most seconds of a share that a login may owe, after one long request."""

OTHERS_SECONDS = 1.0
"""For how long a login counts as one that asks, after a request of it."""

PATIENCE_SECONDS = 5.0
"""Seconds for which a request waits for its turn before it is refused."""

MOST_WAITING = 50
"""Requests of one login that wait for their turn; others are refused at once."""

LEAST_SECONDS = 0.001
"""Cost of a request before and after it is measured: reading it, and its login."""

REMEMBERED = 10_000
"""Logins that are remembered before those are forgotten who have nothing to wait for."""

RECENT = 0.2
"""The weight of the latest request in what is expected of the next."""

MOST_RESERVED_SECONDS = 0.1
"""Most that is reserved for a request: a batch takes long, and the login may ask meanwhile."""

STEP_SECONDS = 0.0005
"""Cost of a message or an item of a subscription before and after it is measured."""

LOOK_SECONDS = 0.05
"""Seconds after which a waiting request looks whether others still ask."""

Login = tuple[str, str]


@dataclass(slots=True)
class _Account:
    left: float
    at: float
    waiting: int = 0
    average: float = 0.0
    """Recent cost of a request of the login."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_step: asyncio.Lock = field(default_factory=asyncio.Lock)
    """The turn of what has begun: however much of it waits, requests are not refused for that."""


class ProcessorShare:
    """The shares of all logins in the processor's time. Each process counts by itself."""

    def __init__(self, share: float, clock: Callable[[], float] = monotonic) -> None:
        """``share``: of one login, of each second; 0 for no limit. ``clock``: never goes back."""
        self._share, self._clock = share, clock
        self._accounts: dict[Login, _Account] = {}
        self._latest: tuple[Login, float] | None = None
        self._latest_other: tuple[Login, float] | None = None

    async def turn(self, by: Actor, patience: float | None = PATIENCE_SECONDS) -> float:
        """Wait until a login's share allows another request. Raises TooManyRequests.

        Return what is reserved for it, as much as its requests took lately, so that no more of them
        run at once than the share is enough for; `finish` gives it back. ``patience``: None for
        what has begun, and waits as long as it takes.
        """
        login = by.issuer, by.subject
        self._note(login)
        if not self._share or (login not in self._accounts):
            return 0.0
        account = self._accounts[login]
        if not account.waiting and not self._wait_of(login, account):
            account.left -= account.average
            return account.average
        if patience is not None and account.waiting >= MOST_WAITING:
            raise self._refusal(account)
        account.waiting += 1
        try:
            async with asyncio.timeout(patience), account.turn:
                while wait := self._wait_of(login, account):
                    await asyncio.sleep(min(wait, LOOK_SECONDS))
                account.left -= LEAST_SECONDS + account.average
                return account.average
        except TimeoutError:
            raise self._refusal(account) from None
        finally:
            account.waiting -= 1

    async def go_on(self, by: Actor) -> None:
        """Wait until a login's share allows another step of what has begun, as an item that follows."""
        login = by.issuer, by.subject
        self._note(login)
        if (account := self._accounts.get(login)) is None:
            return
        async with account.next_step:
            while wait := self._wait_of(login, account):
                await asyncio.sleep(min(wait, LOOK_SECONDS))
            account.left -= STEP_SECONDS

    def finish(self, by: Actor, reserved: float, used: float) -> None:
        """End a request: give back what was reserved, and note what it took."""
        account = self._accounts.get((by.issuer, by.subject))
        if account is not None:
            account.left += reserved
            account.average += RECENT * (min(used, MOST_RESERVED_SECONDS) - account.average)

    def use(self, by: Actor, seconds: float) -> None:
        """Count processor time that a login used."""
        if not self._share:
            return
        login, now = (by.issuer, by.subject), self._clock()
        account = self._accounts.get(login)
        if account is None:
            self._forget(now)
            account = self._accounts[login] = _Account(self._share * AT_ONCE_SECONDS, now)
        self._refill(account, now)
        account.left = max(account.left - seconds, -self._share * MOST_OWED_SECONDS)

    def _note(self, login: Login) -> None:
        """Note that a login asks, and which other one asked before it."""
        if self._latest is not None and self._latest[0] != login:
            self._latest_other = self._latest
        self._latest = login, self._clock()

    def _wait_of(self, login: Login, account: _Account) -> float:
        """Return the seconds until a login may go on; 0 if it may."""
        now = self._clock()
        self._refill(account, now)
        if account.left > 0:
            return 0.0
        others = (self._latest, self._latest_other)
        if not any(o and o[0] != login and now - o[1] < OTHERS_SECONDS for o in others):
            return 0.0
        return max(-account.left / self._share, 0.001)

    def _refill(self, account: _Account, now: float) -> None:
        limit = self._share * AT_ONCE_SECONDS
        account.left = min(limit, account.left + (now - account.at) * self._share)
        account.at = now

    def _refusal(self, account: _Account) -> TooManyRequests:
        seconds = max(1, math.ceil(-account.left / self._share))
        return TooManyRequests(
            f"Too much work is asked for at once: ask again in {seconds} s, or for less.", seconds
        )

    def _forget(self, now: float) -> None:
        if len(self._accounts) < REMEMBERED:
            return
        for login, account in list(self._accounts.items()):
            self._refill(account, now)
            if account.left >= self._share * AT_ONCE_SECONDS and not account.waiting:
                del self._accounts[login]
