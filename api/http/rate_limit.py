"""Rate limit of a login: so many requests a second on average, some seconds' worth at once.

One that sends without end must not keep the others from being answered. Each process counts by itself.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from api.errors import TooManyRequests
from domain.envelope import Actor

AT_ONCE_SECONDS = 10.0
"""Seconds' worth of requests that may be sent at once."""

REMEMBERED = 10_000
"""Logins that are remembered before those are forgotten who have sent nothing for a while."""


@dataclass(slots=True)
class _Allowance:
    left: float
    at: float


class TokenBucket:
    """A token bucket for each login. A person's second token gives no second bucket."""

    def __init__(self, per_second: float, clock: Callable[[], float] = monotonic) -> None:
        """``per_second``: 0 for no limit. ``clock``: seconds, never going back."""
        self._per_second, self._clock = per_second, clock
        self._limit = per_second * AT_ONCE_SECONDS
        self._allowances: dict[tuple[str, str], _Allowance] = {}

    def spend(self, by: Actor, requests: int = 1) -> None:
        """Count some requests. Raises TooManyRequests if they may not go on."""
        if seconds := self.take(by, requests):
            raise TooManyRequests(f"Too many requests: ask again in {seconds} s.", seconds)

    def spend_units(self, by: Actor, units: int) -> None:
        """Count the work that an operation asks for. Raises TooManyRequests if it may not begin."""
        if self._per_second and units >= max(self._limit, 1):
            raise TooManyRequests(
                f"This asks for {units + 1} things at once, {int(self._limit)} are allowed: send it in"
                " parts, one after the other."
            )
        if seconds := self.take(by, units):
            raise TooManyRequests(f"Too much is asked for: ask again in {seconds} s.", seconds)

    def owe(self, by: Actor, units: int) -> None:
        """Count work that is done already, of which the login may come to owe some."""
        if self._per_second:
            self.take(by, 0)
            allowance = self._of(by, self._clock())
            allowance.left = max(allowance.left - units, -self._limit)

    def take(self, by: Actor, requests: int = 1) -> int:
        """Count some requests; return 0 if they may go on, else the seconds after which to retry.

        Of a batch that is larger than what may ever be sent at once only so much is counted.
        """
        if not self._per_second:
            return 0
        now, requests = self._clock(), min(requests, int(self._limit) or 1)
        allowance = self._of(by, now)
        allowance.left = min(self._limit, allowance.left + (now - allowance.at) * self._per_second)
        allowance.at = now
        if requests and allowance.left < requests:
            return max(1, math.ceil((requests - allowance.left) / self._per_second))
        allowance.left -= requests
        return 0

    def _of(self, by: Actor, now: float) -> _Allowance:
        login = by.issuer, by.subject
        if login not in self._allowances:
            if len(self._allowances) >= REMEMBERED:
                self._allowances = {
                    key: allowance
                    for key, allowance in self._allowances.items()
                    if now - allowance.at < AT_ONCE_SECONDS
                }
            self._allowances[login] = _Allowance(self._limit, now)
        return self._allowances[login]
