"""Consults: asked for, answered by a visit, withdrawn; each step put right and taken back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from domain.aggregate import Event
from domain.envelope import Envelope
from domain.problems import Problem
from domain.refusals import ContradictsLaterFacts, InvalidInput, MovementNotFound, StayStateBroken
from domain.stay.events import StayEvents
from domain.stay.visits import StayVisits
from domain.things import Thing
from domain.time import Precision, corrected_time

SourceClock = tuple[datetime, int]
"""The time at which another system recorded something, and its number within one tick of its clock."""

DETAILS = ("specialty", "asked", "requested_by", "question")


@dataclass(frozen=True, slots=True)
class Consult:
    """A consult that was asked for, with the facts that ended it."""

    id: UUID
    answer: UUID | None = None
    """The visit that answers it."""
    withdrawal: UUID | None = None
    told: Mapping[str, SourceClock] = field(default_factory=dict)
    """The clock of what another system said last of each detail."""


Consults = Mapping[UUID, Consult]


class StayConsults(StayVisits):
    """The commands to the consults of a stay."""

    def __init__(self) -> None:
        super().__init__()
        self.consults: Consults = {}

    def apply(self, event: Event) -> None:
        super().apply(event)
        self.consults = _after(self.consults, event)

    def request_consult(
        self,
        specialty: str | None,
        asked: UUID | None,
        requested_by: UUID | None,
        question: str | None,
        envelope: Envelope,
        died_at: datetime | None,
    ) -> None:
        """Ask for a consult of a specialty or a doctor. Raises OutsideStay, PatientDied."""
        if specialty is None and asked is None:
            raise InvalidInput("specialty", "say who is asked: a specialty or a practitioner")
        self._record(
            StayEvents.ConsultRequested,
            envelope,
            died_at,
            consult=envelope.id_of("consult"),
            specialty=specialty,
            asked=asked,
            requested_by=requested_by,
            question=question,
        )

    def correct_consult(
        self,
        consult: UUID,
        at: datetime | None,
        precision: Precision | None,
        envelope: Envelope,
        died_at: datetime | None,
        source_recorded_at: datetime | None = None,
        source_sequence: int | None = None,
        **details: object,
    ) -> None:
        """Correct when a consult was asked for, of whom, by whom, or the question.

        Where another system corrects it, what it recorded last of a detail holds, whatever comes last.
        """
        request = self.consult(consult)
        fact = self.history.fact(consult)
        at = corrected_time(at, precision, fact.at) if fact else at
        if at is None and all(value is None for value in details.values()):
            raise InvalidInput("question", "say what was different")
        if at is not None:
            begins = self.span_of(at, precision or Precision.MINUTE)[0]
            ends = [self.history.fact(id) for id in (request.answer, request.withdrawal) if id]
            before = [fact for fact in ends if fact and self.latest(fact) < begins]
            if before:
                raise ContradictsLaterFacts(tuple(self.history.ref(fact) for fact in before))
        if source_recorded_at is not None:
            clock = _clock(source_recorded_at, source_sequence)
            details = {
                name: None if name in request.told and request.told[name] > clock else value
                for name, value in details.items()
            }
        self._record(
            StayEvents.ConsultCorrected,
            envelope,
            died_at,
            consult=consult,
            at=at,
            precision=precision,
            source_recorded_at=source_recorded_at,
            source_sequence=source_sequence,
            **details,
        )

    def cancel_consult(self, consult: UUID, envelope: Envelope) -> None:
        """Take a consult back that was never asked for, and its withdrawal."""
        request = self.consult(consult)
        if request.answer is not None and (visit := self.history.fact(request.answer)):
            raise ContradictsLaterFacts((self.history.ref(visit),))
        if request.withdrawal is not None:
            self.cancel_consult_withdrawal(consult, envelope)
        self.record(StayEvents.ConsultCancelled, envelope, consult=consult)

    def withdraw_consult(self, consult: UUID, envelope: Envelope, died_at: datetime | None) -> None:
        """Withdraw a consult that has not taken place. Raises StayStateBroken."""
        request = self.consult(consult)
        if request.answer is not None:
            raise StayStateBroken(Problem.CONSULT_ANSWERED)
        if request.withdrawal is not None:
            raise StayStateBroken(Problem.CONSULT_WITHDRAWN, "the consult was withdrawn before")
        self._check_after_request(request, envelope.occurred_at, envelope.precision)
        self._record(
            StayEvents.ConsultWithdrawn,
            envelope,
            died_at,
            withdrawal=uuid5(consult, f"withdrawal {envelope.command_id}"),
            consult=consult,
        )

    def correct_consult_withdrawal(
        self,
        consult: UUID,
        at: datetime | None,
        precision: Precision | None,
        envelope: Envelope,
        died_at: datetime | None,
    ) -> None:
        """Correct when a consult was withdrawn. Raises StayStateBroken."""
        request = self.consult(consult)
        fact = self.history.fact(_withdrawal(request))
        at = corrected_time(at, precision, fact.at) if fact else at
        if at is None:
            raise InvalidInput("occurred_at", "say when it was really withdrawn")
        self._check_after_request(request, at, precision or Precision.MINUTE)
        self._record(
            StayEvents.ConsultWithdrawalCorrected,
            envelope,
            died_at,
            withdrawal=_withdrawal(request),
            consult=consult,
            at=at,
            precision=precision or Precision.MINUTE,
        )

    def cancel_consult_withdrawal(self, consult: UUID, envelope: Envelope) -> None:
        """Take back the withdrawal of a consult. Raises StayStateBroken."""
        withdrawal = _withdrawal(self.consult(consult))
        self.record(
            StayEvents.ConsultWithdrawalCancelled, envelope, withdrawal=withdrawal, consult=consult
        )

    def retime(self, fact: UUID, at: datetime, precision: Precision, envelope: Envelope) -> None:
        requests = self.consults.values()
        consult = next((request.id for request in requests if request.withdrawal == fact), None)
        if fact in self.consults:
            details = dict.fromkeys(DETAILS)
            self.correct_consult(fact, at, precision, envelope, None, **details)
        elif consult:
            self.correct_consult_withdrawal(consult, at, precision, envelope, None)
        else:
            super().retime(fact, at, precision, envelope)

    def check_answer(
        self, consult: UUID, at: datetime, precision: Precision, visit: UUID | None = None
    ) -> None:
        """Refuse a visit as the answer of a consult that has another, was withdrawn, or came later."""
        request = self.consult(consult)
        if request.answer not in (None, visit):
            raise StayStateBroken(Problem.CONSULT_ANSWERED, "another visit answers that consult")
        if request.withdrawal is not None:
            raise StayStateBroken(Problem.CONSULT_WITHDRAWN)
        self._check_after_request(request, at, precision)

    def check_amended(
        self, visit: UUID, consult: UUID | None, at: datetime | None, precision: Precision | None
    ) -> None:
        """Refuse a visit that would not answer its consult any more."""
        if self.deferred is not None:
            return
        answered_requests = [
            request.id for request in self.consults.values() if request.answer == visit
        ]
        for id in [consult] if consult else answered_requests:
            moment = at or self.visit(visit).at
            self.check_answer(id, moment, precision or Precision.MINUTE, visit)

    def check_deferred(self, died_at: datetime | None) -> None:
        fact_ids = self.deferred or ()
        super().check_deferred(died_at)
        for request in self.consults.values():
            if request.answer is not None and request.answer in fact_ids:
                visit = self.visit(request.answer)
                self._check_after_request(request, visit.at, visit.precision)

    def consult(self, id: UUID) -> Consult:
        """Return a consult that is held to have been asked for. Raises MovementNotFound."""
        request = self.consults.get(id)
        if request is None or self.history.fact(id) is None:
            raise MovementNotFound(Thing.CONSULT, id, "consult_id", cancelled=True)
        return request

    def _check_after_request(self, consult: Consult, at: datetime, precision: Precision) -> None:
        request = self.history.fact(consult.id)
        if request and self.span_of(at, precision)[1] < self.earliest(request):
            raise InvalidInput("occurred_at", "the consult was asked for later than that")


def _withdrawal(consult: Consult) -> UUID:
    if consult.withdrawal is None:
        raise StayStateBroken(Problem.CONSULT_NOT_WITHDRAWN)
    return consult.withdrawal


def _after(consults: Consults, event: Event) -> Consults:
    """Return the consults after an event of their stay."""
    if not consults and not isinstance(event, StayEvents.ConsultRequested):
        return consults
    match event:
        case StayEvents.ConsultRequested():
            return {**consults, event.consult: Consult(event.consult)}
        case StayEvents.ConsultCorrected() if event.source_recorded_at is not None:
            clock = _clock(event.source_recorded_at, event.source_sequence)
            request = consults.get(event.consult)
            clocks = {name: clock for name in DETAILS if getattr(event, name) is not None}
            return _with(
                consults, event.consult, told={**(request.told if request else {}), **clocks}
            )
        case StayEvents.ConsultCancelled():
            return {id: request for id, request in consults.items() if id != event.consult}
        case StayEvents.ConsultWithdrawn():
            return _with(consults, event.consult, withdrawal=event.withdrawal)
        case StayEvents.ConsultWithdrawalCancelled():
            return _with(consults, event.consult, withdrawal=None)
        case StayEvents.VisitRecorded(consult=UUID() as id):
            return _with(consults, id, answer=event.visit)
        case StayEvents.VisitAmended(consult=UUID() as id):
            return _with(_without_answer(consults, event.visit), id, answer=event.visit)
        case StayEvents.VisitCancelled():
            return _without_answer(consults, event.visit)
        case StayEvents.AdmissionCancelled():
            return {id: request for id, request in consults.items() if id not in event.voided}
        case _:
            return consults


def _clock(recorded_at: datetime, sequence: int | None) -> SourceClock:
    return recorded_at, -1 if sequence is None else sequence


def _with(consults: Consults, id: UUID, **ending: Any) -> Consults:
    request = consults.get(id)
    return consults if request is None else {**consults, id: replace(request, **ending)}


def _without_answer(consults: Consults, visit: UUID) -> Consults:
    return {
        id: replace(request, answer=None) if request.answer == visit else request
        for id, request in consults.items()
    }
