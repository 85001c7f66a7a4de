"""Series of commands: decided one after the other, made durable together, each recorded by itself.

A command of a series sees what those before it decided, as if they were recorded. They are appended
under one lock, in their order, all or nothing; where that cannot be, each is executed alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from application.aggregate_cache import ProvisionalCache
from application.append import pending_events
from application.authorization.roles import check_command
from application.command import Recorded
from application.command_pipeline import CommandPipeline, Invocation, result_of
from application.ports import Append, CommandPreload, EventDoesNotFit
from application.unit_of_work import UnitOfWork
from domain.aggregate import Event
from domain.errors import TransientError
from domain.refusals import Refusal, VersionConflict
from domain.unique_keys import Unique

MOST = 50
"""Commands that are appended together: others who record wait for as long as that takes."""


@dataclass(frozen=True, slots=True)
class _Decided:
    """A command that is accepted, and not appended yet."""

    call: Invocation
    uow: UnitOfWork
    append: Append
    events: tuple[Event, ...]
    stored_events: Sequence[StoredEvent]

    @property
    def frees_names(self) -> bool:
        """Return whether names may belong to nobody after it."""
        return bool(self.append.released) or any(c.replaces for c in self.append.unique)


def execute_series(
    pipeline: CommandPipeline, calls: Sequence[Invocation]
) -> list[Recorded | Refusal]:
    """Execute commands in order; return the answer to each. Raises VersionConflict."""
    answers: list[Recorded | Refusal] = []
    for first in range(0, len(calls), MOST):
        answers += _Series(pipeline).execute(calls[first : first + MOST])
    return answers


class _Series:
    """The commands of one append."""

    def __init__(self, pipeline: CommandPipeline) -> None:
        self._pipeline = pipeline
        self._answers: list[Recorded | Refusal] = []
        self._pending: list[_Decided] = []
        self._cache = ProvisionalCache(pipeline.cache)
        self._owners: dict[Unique, UUID | None] = {}
        """Whom names belong to that are claimed, and not appended yet."""

    def execute(self, calls: Sequence[Invocation]) -> list[Recorded | Refusal]:
        earlier_ids = self._pipeline.record.recorded_ids(
            [call.request.command_id for call in calls]
        )
        preload: CommandPreload | None = None
        for number, call in enumerate(calls):
            if call.request.command_id not in earlier_ids:
                preload = preload or self._pipeline.preload(*calls[number:])
                if command := self._decide(call, preload):
                    self._pending.append(command)
                    if command.frees_names:
                        self._append()
                    continue
                preload = None  # a refusal rests on what is recorded, and so does what comes after
            self._append()
            self._answers.append(self._execute_alone(call))
        self._append()
        return self._answers

    def _decide(self, call: Invocation, preload: CommandPreload) -> _Decided | None:
        """Decide a command after those before it; None if it is refused."""
        pipeline = self._pipeline
        try:
            check_command(call.request.by, call.name)
            digest, _ = pipeline.digests(call)
            uow = pipeline.begin(call, digest, preload, refresh=False, cache=self._cache)
            uow.owners |= self._owners
            pipeline.decide(call, uow)
            append, events = pipeline.append_of(call, uow), pending_events(uow)
            stored_events = list(map(pipeline.events.mapper.to_stored_event, events))
        except (Refusal, EventDoesNotFit):
            return None
        for aggregate in uow.loaded.values():
            self._cache.keep(aggregate, uow.erasures)
        self._owners |= {Unique(claim.kind, claim.key): claim.owner for claim in append.unique}
        return _Decided(call, uow, append, tuple(events), stored_events)

    def _append(self) -> None:
        """Append what is decided, or execute each alone where they cannot be appended together."""
        commands, self._pending = self._pending, []
        self._cache, self._owners = ProvisionalCache(self._pipeline.cache), {}
        if not commands:
            return
        try:
            self._pipeline.record.insert_together([(c.append, c.stored_events) for c in commands])
        except TransientError:  # others changed what was read; or the connection broke: told by ids
            self._pipeline.cache.forget({id for c in commands for id in c.uow.loaded})
            self._answers += [self._execute_alone(c.call) for c in commands]
            return
        for command in commands:
            for aggregate in command.uow.loaded.values():
                self._pipeline.cache.keep(aggregate, command.uow.erasures)
        for command in commands:
            assert command.append.remembered is not None
            result = result_of(
                command.append.remembered, command.events, waiting=command.append.owners
            )
            self._pipeline.follow_up(command.call.request, result)
            self._answers.append(result)

    def _execute_alone(self, call: Invocation) -> Recorded | Refusal:
        """Execute a command by itself; a refusal is an answer too. Raises VersionConflict."""
        try:
            return self._pipeline.execute(call)
        except VersionConflict:
            raise
        except Refusal as refusal:
            return refusal
