"""The pipeline of a command: idempotency, authorization, decision, consistency, append, retry."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from random import random
from time import monotonic, sleep
from typing import Any, Protocol, cast
from uuid import UUID

import msgspec
from eventsourcing.application import Application

from application import lookups
from application.aggregate_cache import AggregateCache, current
from application.append import append_of, pending_events, with_next_versions
from application.authorization.disclosure import redact_refusal
from application.authorization.roles import check_command
from application.bed_consistency import check_bed_consistency
from application.bounds import check_bounds, parameter_of
from application.command import Recorded, Request, Rules, reason_needed
from application.fact_times import FactTimes
from application.life_consistency import check_life_consistency
from application.placements import placements
from application.ports import (
    AlreadyRecorded,
    Append,
    Behind,
    CommandPreload,
    DuplicateSearch,
    EventDoesNotFit,
    EventStore,
    RecordedCommand,
    Stale,
)
from application.unit_of_work import UnitOfWork
from domain.aggregate import Event
from domain.envelope import Envelope
from domain.hospital_calendar import HospitalCalendar
from domain.patient import Patient
from domain.problems import Problem
from domain.refusals import (
    CommandIdReused,
    InFuture,
    InvalidInput,
    ReasonNeeded,
    Refusal,
    VersionConflict,
)
from domain.text import clean_texts
from domain.time import Precision, in_utc

ATTEMPTS = 24
"""Attempts at a command that lost a race, before it is refused."""

MAX_BACK_OFF_SECONDS = 0.5

MOST_BEHIND = 100
"""The times that a command comes after others in its rooms, before it is decided anew."""

Digests = tuple[str, str]
"""The digest of a command as it is stored, and as an older log has it."""

Watch = Callable[[str], AbstractContextManager[None]]
"""Measures a part of a command by its name, as a span of a trace."""


def no_span(part: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command with its request and input: what the pipeline executes."""

    request: Request
    name: str
    content: Mapping[str, Any]
    """The input by parameter, as sent."""
    decide: Callable[[UnitOfWork], None]
    """Runs once per attempt, each time with a new unit of work."""
    corrects: bool = False
    """True if ``request.occurred_at`` is the corrected time of a fact."""
    own_times: tuple[str, ...] | None = None
    """The fields that say that time instead; none where the fact never was."""


class AfterCommit(Protocol):
    """A hook that gives further commands once a command is recorded."""

    def claims_to_notify(self, uow: UnitOfWork) -> Sequence[str]:
        """Return the kinds of claims whose owners `run` has to know, before the append."""

    def run(self, request: Request, result: Recorded) -> None:
        """Give the commands that follow from a recorded one. Raises no refusal."""


class CommandPipeline(Application[UUID]):
    """The eventsourcing application through which every command goes.

    Authorization, idempotency by command id, decision, bed consistency, append; decided anew when
    another command has changed what was read (optimistic concurrency).
    """

    name = "hospital"

    def __init__(self, env: dict[str, str], rules: Rules) -> None:
        super().__init__(env)
        self.rules = rules
        self.cache = AggregateCache()
        self.after_commit: AfterCommit | None = None
        self.watch: Watch = no_span
        self.find_duplicates: DuplicateSearch | None = None

    @property
    def record(self) -> EventStore:
        return cast(EventStore, self.recorder)

    def execute(self, call: Invocation) -> Recorded:
        """Record a command once and whole, then run the hook of what follows from it.

        A repeat runs the hook too, so that nothing is left undone where a response was lost. Raises a
        `Refusal`; nothing is recorded then.
        """
        with self.watch(f"command {call.name}"):
            check_command(call.request.by, call.name)
            result = self.execute_once(call)
            self.follow_up(call.request, result)
            return result

    def execute_once(self, call: Invocation) -> Recorded:
        """Record a command without the hook. Raises a `Refusal`."""
        digests = self.digests(call)
        for attempt in range(ATTEMPTS):
            start = monotonic()
            preload = self.preload(call)
            if preload.earlier is not None:
                return self._replay_result(preload.earlier, digests)
            uow = self.begin(call, digests[0], preload, refresh=attempt > 0)
            try:
                try:
                    self.decide(call, uow)
                except Refusal as refusal:
                    is_clock_read = attempt == 0 and call.request.occurred_at is None
                    if uow.used_cache or uow.is_shortcut or is_clock_read:
                        continue  # the cache or the clock may be behind: refresh, decide anew
                    placement = self._decide_elsewhere(call, uow, digests, preload, refusal)
                    if placement is None:
                        confirmation = self._confirm_refusal(call, uow, digests)
                        if confirmation is not None:
                            return confirmation
                        raise redact_refusal(refusal, uow, call.content) from None
                    uow = placement
                return self._append(call, uow)
            except Stale:
                self.cache.forget(uow.loaded)
                _back_off(attempt, start)
        raise VersionConflict(None, None)

    def follow_up(self, request: Request, result: Recorded) -> None:
        """Do what follows from a recorded command: the hook, and that keys of who was erased go.

        Repeated, or the keys destroyed by whoever projects it, after a crash.
        """
        for event in result.events:
            if isinstance(event, Patient.Erased):
                self.record.destroy_keys(event)
                self.cache.forget_all()
        if self.after_commit is not None:
            self.after_commit.run(request, result)

    # -- the steps of an attempt --

    def digests(self, call: Invocation) -> Digests:
        """Return the digests of a command."""
        digest = digest_of(call)
        return self.record.salt_digest(digest), digest

    def preload(self, call: Invocation, *others: Invocation) -> CommandPreload:
        """Read the clock, an earlier recording, and what the input names, in one round trip.

        Of ``others`` what their input names is read as well, and not whether they were recorded.
        """
        inputs = [c.content for c in (call, *others)]
        ids = list(dict.fromkeys(id for input in inputs for id in lookups.streams_in(input)))
        keys = [key for input in inputs for key in lookups.unique_keys_in(input, self.rules)]
        lacking = self.cache.lacks(ids)
        return self.record.preload(call.request.command_id, lacking, list(dict.fromkeys(keys)), ids)

    def begin(
        self,
        call: Invocation,
        digest: str,
        preload: CommandPreload,
        *,
        refresh: bool,
        cache: AggregateCache | None = None,
    ) -> UnitOfWork:
        """Begin the unit of work. Raises InvalidInput, InFuture, ReasonNeeded for a late entry."""
        request = call.request
        now = request.now or preload.now
        check_bounds(call.content, self.rules.last_day(now))
        check_bounds(request.common_input, self.rules.last_day(now))
        entry = self._envelope(call, digest, now)
        times = FactTimes()
        if call.corrects:
            is_retimed = request.occurred_at is not None
            times = FactTimes(
                entry.occurred_at if is_retimed else None,
                entry.precision if is_retimed else request.precision,
            )
            entry = msgspec.structs.replace(entry, occurred_at=now, precision=Precision.MINUTE)
        return UnitOfWork(
            self.record,
            cache or self.cache,
            self.rules,
            entry,
            now,
            request.wards,
            refresh=refresh,
            preload=preload,
            times=times,
            sent_at=request.occurred_at,
        )

    def decide(self, call: Invocation, uow: UnitOfWork) -> None:
        """Run the command's method and check the whole. Raises a `Refusal`."""
        if call.corrects:
            reason_needed(uow.entry, Problem.CORRECTION)
        if call.own_times is not None and call.request.occurred_at is not None:
            times = " or ".join(f"`{name}`" for name in call.own_times)
            raise InvalidInput(
                "occurred_at",
                f"it is no time of this fact: leave it out, and give {times}"
                if times
                else "the fact is taken back now, as if it never was: leave it out",
            )
        with self.watch("decide"):
            call.decide(uow)
            uow.expect(call.request.expected_version)
            check_life_consistency(uow)
            check_bed_consistency(uow)

    def _decide_elsewhere(
        self,
        call: Invocation,
        uow: UnitOfWork,
        digests: Digests,
        preload: CommandPreload,
        refusal: Refusal,
    ) -> UnitOfWork | None:
        """Decide a refused command with facts known to the day held at other moments of it.

        Returns the unit of work in which all fits; None if there is none.
        """
        for placement in placements(uow, refusal):
            other = self.begin(call, digests[0], preload, refresh=True)
            try:
                placement.apply(other)
                self.decide(call, other)
                placement.check(other)
            except Refusal:
                continue
            return other
        return None

    def _confirm_refusal(
        self, call: Invocation, uow: UnitOfWork, digests: Digests
    ) -> Recorded | None:
        """Check that a refusal rests on one state of the log.

        Returns the recording if the same command was recorded meanwhile: it may have been sent twice
        at once, and been refused for its own effect. Raises Stale if others wrote what was read.
        """
        request = call.request
        until = uow.now if request.occurred_at is None and request.now is None else None
        is_current, earlier = self.record.still_current(
            request.command_id, uow.versions_read(), until
        )
        if earlier is not None:
            return self._replay_result(earlier, digests)
        if not is_current:
            raise Stale
        return None

    def _append(self, call: Invocation, uow: UnitOfWork) -> Recorded:
        """Append all pending events or nothing. Raises Stale, InvalidInput."""
        append = self.append_of(call, uow)
        try:
            with self.watch("append"):
                events = self._save(append, pending_events(uow))
        except AlreadyRecorded as before:
            return self._replay_result(before.remembered, self.digests(call))
        except EventDoesNotFit as misfit:
            raise InvalidInput(parameter_of(misfit.field, call.content), misfit.why) from misfit
        for aggregate in uow.loaded.values():
            self.cache.keep(aggregate, uow.erasures)
        assert append.remembered is not None
        return result_of(append.remembered, tuple(events), waiting=append.owners)

    def append_of(self, call: Invocation, uow: UnitOfWork) -> Append:
        """Return the append of a command that is decided."""
        append = append_of(uow, call.name, call.request.now)
        if self.after_commit is not None:
            append.asks = self.after_commit.claims_to_notify(uow)
        return append

    def _save(self, append: Append, events: list[Event]) -> list[Event]:
        """Append events, anew while others take other beds of the rooms; return them as appended."""
        for _ in range(MOST_BEHIND):
            try:
                self.events.put(events, append=append)
            except Behind as behind:
                append.reads = {**append.reads, **behind.versions}
                events = with_next_versions(events, append.reads)
            else:
                return with_next_versions(events, append.reads)
        raise Stale

    def _replay_result(self, earlier: RecordedCommand, digests: Digests) -> Recorded:
        """Return the first result again. Raises CommandIdReused for another content."""
        if earlier.digest not in digests:
            raise CommandIdReused(earlier.command_id)
        events = self.record.events_between(earlier.first_position, earlier.position)
        return result_of(earlier, tuple(events), repeated=True)

    def _envelope(self, call: Invocation, digest: str, now: datetime) -> Envelope:
        request, occurred_at = call.request, now
        if request.occurred_at is not None:
            occurred_at = in_utc(request.occurred_at, "occurred_at")
        try:
            occurred_at = self.rules.check_time(occurred_at, now)
        except InFuture as refusal:
            calendar = HospitalCalendar.empty(HospitalCalendar.id_for(self.rules.hospital))
            refusal.rewrite(current(self.record, calendar).days.with_local_times)
            raise
        if now - occurred_at > self.rules.late_after and not (request.reason or "").strip():
            minutes = int(self.rules.late_after.total_seconds() // 60)
            raise ReasonNeeded(Problem.LATE_ENTRY, f"the entry is more than {minutes} minutes late")
        envelope = Envelope(
            command_id=request.command_id,
            operation=call.name,
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
        return clean_texts(envelope)


def _back_off(attempt: int, start: float) -> None:
    """Sleep for up to as long as this attempt took, times the attempts so far.

    On a busy machine all attempts take longer: a fixed time would meet the same rivals again.
    """
    sleep(random() * min(attempt * (monotonic() - start), MAX_BACK_OFF_SECONDS))


def result_of(
    command: RecordedCommand,
    events: tuple[Event, ...],
    repeated: bool = False,
    waiting: Sequence[UUID] | None = None,
) -> Recorded:
    """Return the result of a recorded command."""
    return Recorded(
        command.command_id, command.position, command.recorded_at, events, repeated, waiting
    )


def digest_of(call: Invocation) -> str:
    """Return the digest of a command: name, input as sent without defaults, and actor.

    Raises InvalidInput for text that can't be stored (a NUL, half of a surrogate pair).
    """
    request = call.request
    content = {name: value for name, value in call.content.items() if value is not None}
    for name in ("precision", "performed_by", "witnessed_by", "reason", "source"):
        if getattr(request, name) is not None:
            content[name] = getattr(request, name)
    if request.occurred_at is not None:
        content["occurred_at"] = in_utc(request.occurred_at, "occurred_at")
    for name, value in content.items():
        try:
            body = msgspec.json.encode(value)
        except UnicodeEncodeError:
            raise InvalidInput(name, "the text is not valid Unicode") from None
        if b"\\u0000" in body:
            raise InvalidInput(name, "the text contains a NUL character")
    body_and_name = msgspec.json.encode([call.name, content, request.by], order="deterministic")
    return blake2b(body_and_name, digest_size=16).hexdigest()
