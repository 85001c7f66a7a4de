"""Allowances of a login: its requests and what they ask for, its processor time, its WebSockets.

Whichever door it comes by: HTTP, batches of commands, WebSockets. The command line has none.
"""

from asyncio import Semaphore
from collections import Counter
from functools import partial
from weakref import WeakValueDictionary

from api.errors import TooManyRequests
from api.http.anonymous import Pace
from api.http.full_collections import FullCollections
from api.http.processor_share import LEAST_SECONDS, ProcessorShare
from api.http.rate_limit import TokenBucket
from api.work import Work
from domain.envelope import Actor
from infrastructure.settings import Settings

REFUSALS_PER_SECOND = 50
"""Requests beyond an allowance that are refused at once, a second; others are held back before."""


class Allowances:
    """All that is counted for each login."""

    def __init__(self, settings: Settings) -> None:
        self.requests = TokenBucket(settings.requests_per_second)
        self.anonymous = Pace(settings.anonymous_per_second)
        self.processor = ProcessorShare(settings.processor_share)
        self.sockets = Concurrency(settings.sockets_per_login)
        self.operations = Concurrency(settings.subscriptions_per_login)
        self.collections = FullCollections()
        self.slots = settings.statements_per_login
        """Statements and commands of one login at once, whose connections and threads others want."""
        self._refusals = Pace(REFUSALS_PER_SECOND)
        self._slots: WeakValueDictionary[tuple[str, str], Semaphore] = WeakValueDictionary()

    async def admit(self, by: Actor) -> Work:
        """Count a request, once it is its turn; return the work to count. Raises TooManyRequests.

        A refusal is held back: who asks again at once is to be slowed down, too.
        """
        try:
            turn = await self.processor.turn(by)
            self.processor.use(by, LEAST_SECONDS)
            self.requests.spend(by)
        except TooManyRequests:
            await self._refusals.turn()
            raise
        return Work(
            partial(self.requests.spend_units, by),
            partial(self.requests.owe, by),
            partial(self.processor.use, by),
            partial(self.processor.finish, by, turn),
            partial(self.processor.go_on, by),
            self._slots.setdefault((by.issuer, by.subject), Semaphore(self.slots)),
        )


class Concurrency:
    """Limit of what each login has of a kind at the same time."""

    def __init__(self, limit: int) -> None:
        """``limit``: of one login; 0 for no limit."""
        self._limit = limit
        self._counts: Counter[tuple[str, str]] = Counter()

    def take(self, by: Actor, name: str) -> None:
        """Count one more. Raises TooManyRequests if the login has as many as it may."""
        login = by.issuer, by.subject
        if self._limit and self._counts[login] >= self._limit:
            raise TooManyRequests(f"A login has {self._limit} {name} at once at most: end some.")
        self._counts[login] += 1

    def give_back(self, by: Actor) -> None:
        """Count one less."""
        login = by.issuer, by.subject
        self._counts[login] -= 1
        if self._counts[login] <= 0:
            del self._counts[login]
