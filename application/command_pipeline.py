"""How every command goes: asked before? decide, append all or nothing, on a conflict decide anew."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from hashlib import blake2b
from random import random
from time import monotonic, sleep
from typing import Any, Protocol, cast
from uuid import UUID

import msgspec
from eventsourcing.application import Application

from application.aggregate_cache import AggregateCache
from application.authorization.roles import check_command
from application.authorization.scope import Scope
from application.command import Recorded, Request, Rules, reason_needed
from application.ports import (
    AlreadyRecorded,
    CommandPreload,
    EventDoesNotFit,
    EventStore,
    RecordedCommand,
    Stale,
)
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.aggregate import Event
from domain.envelope import Envelope
from domain.refusals import (
    CommandIdReused,
    InvalidInput,
    ReasonNeeded,
    Refusal,
    VersionConflict,
)
from domain.time import Precision, in_utc

ATTEMPTS = 24
"""How often a command that lost a race is decided anew before its caller is asked to come again."""

ASIDE_SECONDS = 0.5
"""How long it steps aside at most, each time, to let the others finish."""


Watch = Callable[[str], AbstractContextManager[None]]
"""Watches a part of a command by its name: for who measures. The application knows nothing of it."""


def unwatched(part: str) -> AbstractContextManager[None]:
    return nullcontext()


class AfterCommit(Protocol):
    """A hook that gives further commands once a command is recorded."""

    def claims_to_notify(self, uow: UnitOfWork) -> Sequence[str]:
        """Return the kinds of claims whose owners `run` has to know, before the append."""

    def run(self, request: Request, recorded: Recorded) -> None:
        """Give the commands that follow from a recorded one. Raises no refusal."""


class CommandPipeline(Application[UUID]):
    """The eventsourcing application through which every command goes."""

    name = "hospital"

    def __init__(self, env: dict[str, str], rules: Rules) -> None:
        super().__init__(env)
        self.rules = rules
        self.recent = AggregateCache()
        self.after_commit: AfterCommit | None = None
        self.watch: Watch = unwatched

    @property
    def record(self) -> EventStore:
        return cast(EventStore, self.recorder)

    def execute(
        self,
        request: Request,
        operation: str,
        content: dict[str, Any],
        decide: Callable[[UnitOfWork], None],
        corrects: bool = False,
    ) -> Recorded:
        """Record a command, once and whole; then whatever waited for it.

        A repeat does the second too: so nothing is left behind where an answer was lost.
        """
        with self.watch(f"command {operation}"):
            check_command(request.by, operation)
            recorded = self.execute_once(request, operation, content, decide, corrects)
            if self.after_commit is not None:
                self.after_commit.run(request, recorded)
            return recorded

    def execute_once(
        self,
        request: Request,
        operation: str,
        content: dict[str, Any],
        decide: Callable[[UnitOfWork], None],
        corrects: bool = False,
    ) -> Recorded:
        """Record a command, and nothing that follows from it."""
        digest = digest_of(request, operation, content)
        for attempt in range(ATTEMPTS):
            begun = monotonic()
            preload = self._preload(request.command_id, content)
            if preload.earlier is not None:
                return self._replay_result(preload.earlier, digest)
            now = request.now or preload.now
            entry = self._entry(request, operation, digest, now)
            told_at, precision = entry.occurred_at, entry.precision
            if corrects:
                entry = msgspec.structs.replace(entry, occurred_at=now, precision=Precision.MINUTE)
            scope = Scope(request.by, request.wards)
            decision = UnitOfWork(
                self.record,
                self.recent,
                self.rules,
                entry,
                now,
                scope,
                look=attempt > 0,
                preload=preload,
            )
            if corrects and request.occurred_at is not None:
                decision.corrected_at, decision.corrected_precision = told_at, precision
            try:
                if corrects:
                    reason_needed(entry, "a correction says why")
                with self.watch("decide"):
                    decide(decision)
                    decision.expect(request.expected_version)
                    decision.settle()
            except Refusal:
                is_of_now = request.occurred_at is None
                if decision.from_memory or (attempt == 0 and is_of_now):
                    continue  # what was remembered, or the clock, may be old: look, decide anew
                until = now if is_of_now and request.now is None else None
                still, meanwhile = self.record.still_current(
                    request.command_id, decision.reads(), until
                )
                # Perhaps by its own effect: the same command may have been sent twice at once.
                if meanwhile is not None:
                    return self._replay_result(meanwhile, digest)
                if still:
                    raise
                # It was read while others wrote, some of it before and some after.
                _back_off(attempt, begun)
                continue
            append = decision.append(operation, request.now)
            if self.after_commit is not None:
                append.asks = self.after_commit.claims_to_notify(decision)
            try:
                with self.watch("append"):
                    recordings = self.save(*decision.loaded.values(), append=append)
            except Stale:
                self.recent.forget(decision.loaded)
                _back_off(attempt, begun)
                continue
            except AlreadyRecorded as before:
                return self._replay_result(before.remembered, digest)
            except EventDoesNotFit as misfit:
                raise InvalidInput(misfit.field, misfit.why) from misfit
            for aggregate in decision.loaded.values():
                self.recent.keep(aggregate)
            assert append.remembered is not None
            events = tuple(cast(Event, r.domain_event) for r in recordings)
            return _recorded(append.remembered, events, waiting=append.owners)
        raise VersionConflict(None, None)

    def _preload(self, command_id: UUID, content: dict[str, Any]) -> CommandPreload:
        """What is known as a command begins, with what it will ask for by all that it names."""
        ids = [value for value in content.values() if isinstance(value, UUID)]
        numbers = (content.get("practitioner"), content.get("attending"))
        names = [unique_keys.staff_number(number) for number in numbers if isinstance(number, str)]
        mrn, authority = content.get("patient_mrn"), content.get("mrn_authority")
        if isinstance(mrn, str):
            names.append(unique_keys.mrn(authority or self.rules.mrn_authority, mrn))
        ward, room = content.get("ward"), content.get("room")
        if isinstance(ward, str) and isinstance(room, str):
            names.append(unique_keys.room_number(ward, room))
        return self.record.preload(command_id, self.recent.lacks(ids), names)

    def _replay_result(self, earlier: RecordedCommand, digest: str) -> Recorded:
        """The first answer again, if the content is the same."""
        if earlier.digest != digest:
            raise CommandIdReused(earlier.command_id)
        events = self.record.events_between(earlier.first_position, earlier.position)
        return _recorded(earlier, tuple(events), repeated=True)

    def _entry(self, request: Request, operation: str, digest: str, now: datetime) -> Envelope:
        occurred_at = now
        if request.occurred_at is not None:
            occurred_at = in_utc(request.occurred_at, "occurredAt")
        self.rules.check_time(occurred_at, now)
        if now - occurred_at > self.rules.late_after and not (request.reason or "").strip():
            minutes = int(self.rules.late_after.total_seconds() // 60)
            raise ReasonNeeded(f"the entry is more than {minutes} minutes late")
        return Envelope(
            command_id=request.command_id,
            operation=operation,
            digest=digest,
            occurred_at=occurred_at,
            precision=request.precision or Precision.MINUTE,
            recorded_by=request.by,
            performed_by=request.performed_by,
            witnessed_by=request.witnessed_by,
            reason=request.reason,
            source=request.source,
            hospital=self.rules.hospital,
        )


def _back_off(attempt: int, begun: float) -> None:
    """Let the others finish: for as long as this attempt took, and longer each time.

    On a busy machine all take longer; who waits a fixed time there meets the same others again.
    """
    sleep(random() * min(attempt * (monotonic() - begun), ASIDE_SECONDS))


def _recorded(
    command: RecordedCommand,
    events: tuple[Event, ...],
    repeated: bool = False,
    waiting: Sequence[UUID] | None = None,
) -> Recorded:
    return Recorded(
        command.command_id, command.position, command.recorded_at, events, repeated, waiting
    )


def digest_of(request: Request, operation: str, content: dict[str, Any]) -> str:
    """A digest of what was asked: operation, input as sent without defaults, and actor.

    Refuses text that cannot be kept (a NUL, half of a surrogate pair), naming its field.
    """
    sent = {name: value for name, value in content.items() if value is not None}
    for name in ("precision", "performed_by", "witnessed_by", "reason", "source"):
        if getattr(request, name) is not None:
            sent[name] = getattr(request, name)
    if request.occurred_at is not None:
        sent["occurred_at"] = in_utc(request.occurred_at, "occurredAt")
    for name, value in sent.items():
        try:
            told = msgspec.json.encode(value)
        except UnicodeEncodeError:
            raise InvalidInput(name, "the text is not valid Unicode") from None
        if b"\\u0000" in told:
            raise InvalidInput(name, "the text contains a NUL character")
    said = msgspec.json.encode([operation, sent, request.by], order="deterministic")
    return blake2b(said, digest_size=16).hexdigest()
