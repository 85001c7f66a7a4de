"""The door for messages: what becomes of one, what was refused, what was counted."""

import logging
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from api.errors import response_to
from api.hl7.ack import Verdict, acknowledgements
from api.hl7.act import BY_HAND, MOVEMENT, Act
from api.hl7.acts import acts_of
from api.hl7.batch import answer_to, is_batch, is_complete
from api.hl7.er7 import Message, Unreadable, parse, parsed_head
from api.hl7.holds import NEXT, content_as_recorded, is_recorded, may_fit_later, waiting_end
from api.hl7.kept_files import room_of
from api.hl7.known import allergies_alike
from api.hl7.refused import UNREADABLE, RefusedMessages, client_of
from api.hl7.sending import SendingSystem
from api.hl7.things import MESSAGES, named_by, needed_by, thing_id, told_by
from application.aggregate_cache import current
from application.command import Recorded, Request
from application.hospital import Hospital
from application.ports import RecordedCommand
from domain.aggregate import Event
from domain.clinical_refusals import AllergyKnown
from domain.envelope import Actor
from domain.errors import WardbookError
from domain.names import folded_name
from domain.prescription.aggregate import Prescription
from domain.refusals import (
    CommandIdReused,
    ContradictsLaterFacts,
    MovementNotFound,
    NotFound,
    PrescriptionStateBroken,
    Refusal,
    VersionConflict,
)
from domain.source_visit import SourceVisit
from domain.things import Thing
from domain.time import Precision
from infrastructure.sealing.keys_missing import KeysMissing, KeyStoreBusy

KEPT = Verdict("A")
PENDING = Verdict("A", "pending, until it fits what is known")
OTHERWISE_KNOWN = Verdict("A", "kept, to be entered by hand: it is known here with other content")
NO_COMMAND = Verdict("A", "kept, to be entered by hand: no fact here for this code")
WAITS = Verdict("A", "kept, until what it is about is known")
NO_FACT = Verdict("A", "no fact here")
IMPOSTOR = Verdict("R", "the certificate is not of the sender that MSH-3 names", 207, "MSH^1^3")
CARRIED_OUT = (KEPT, PENDING)
LATER = (OTHERWISE_KNOWN, NO_COMMAND, WAITS)
COME_AGAIN = Verdict("E", "come again", 207)
NOT_OPENED = Verdict("E", "the key that sealed it is not there", 207)
BROKEN = Verdict("E", UNREADABLE, 207)

MAX_TRIED = 12
"""The number of waiting messages that are tried again before a message is answered."""

MAX_RETRIED = 50
"""The number of waiting messages that are tried again in one turn."""

NOTHING_NAMED = UUID(int=0)
"""Subject of a waiting message that is about no visit and no order."""

BEFORE_REPORTS = frozenset(
    {
        *("record_allergy", "correct_allergy", "cancel_allergy"),
        *("reserve_bed", "release_reservation"),
    }
)
"""The commands that messages gave that report now: one that is sent again was answered."""

log = logging.getLogger(__name__)


class NotTheSender(WardbookError):
    """A message in the name of a system whose certificate the client does not have."""


class Door:
    """Takes messages of the sending systems it knows, and answers each."""

    def __init__(self, hospital: Hospital, senders: Sequence[SendingSystem], home: Path) -> None:
        self.hospital = hospital
        self.senders = senders
        self.refused = RefusedMessages(home)
        self.counts: Counter[str] = Counter()
        self._last_tried = defaultdict[str, str](str)

    def answers(self, data: bytes, client: Set[str] = frozenset()) -> list[bytes]:
        """Carry out a message and return its acknowledgements: kept means that it is durable.

        ``client``: the names in the certificate of who sends it. What an impostor sends is not kept.
        What waited for what the message says is carried out, too.
        """
        if is_batch(data) and is_complete(data):
            return [answer_to(data, partial(self.answers, client=client))]
        message, verdict, subjects = self._verdict(data, client)
        if verdict != IMPOSTOR and (verdict.kind == "R" or verdict in LATER):
            waits_for = next(iter(subjects), NOTHING_NAMED) if verdict == WAITS else None
            sender = self._sender(message or parsed_head(data))
            name = sender.name if sender else ""
            verdict = self._kept_for_later(data, verdict, waits_for, client, name)
        if verdict in (*CARRIED_OUT, WAITS):
            try:
                self._retry_waiting_for(subjects)
            except Exception as error:  # what was asked is done: the rest has its turn later
                log.warning("Waiting HL7 messages were not taken again: %s", type(error).__name__)
        self.counts[f"A{verdict.kind}"] += 1
        return acknowledgements(message or parsed_head(data), verdict)

    def replay(self) -> Iterator[tuple[dict[str, Any], Verdict]]:
        """Take what was kept again, the oldest first, and remove what is carried out now.

        The command of a message has the id it always had, so that one kept twice is recorded once.
        What is not carried out stays as it was kept.
        """
        messages = list(self.refused)
        verdicts: dict[str, Verdict] = {}
        is_anything_new = True
        while is_anything_new:  # a change may have been kept before the order that it is of
            is_anything_new = False
            for message in messages:
                if verdicts.get(message["file"], WAITS) == WAITS:
                    verdict = verdicts[message["file"]] = self._again(message)[0]
                    is_anything_new |= verdict in CARRIED_OUT
        for message in messages:
            yield message, verdicts[message["file"]]

    def retry_waiting(self) -> None:
        """Take some of those again that wait until what they are about is known, of each client."""
        rooms = defaultdict[str, list[Path]](list)
        for file in self.refused.waiting_files():
            rooms[room_of(file.name)].append(file)
        for room, files in rooms.items():
            rest = [file for file in files if str(file) > self._last_tried[room]]
            for message in self.refused.read((rest or files)[: max(1, MAX_RETRIED // len(rooms))]):
                self._last_tried[room] = message["file"]
                self._retry(message)

    def _retry_waiting_for(self, subjects: Collection[UUID]) -> None:
        """Take those again that wait for some subjects, and what these set free.

        `MAX_TRIED` of them, so that no message takes longer the more there are; the rest in their turn.
        """
        subjects_to_try, attempts = deque(subjects), MAX_TRIED
        while subjects_to_try:
            for message in self.refused.waiting(subjects_to_try.popleft()):
                if not attempts:
                    return
                attempts -= 1
                subjects_to_try.extend(self._retry(message))

    def _retry(self, waiting: Mapping[str, Any]) -> Collection[UUID]:
        """Take a message again that waits; return what it tells of, if it is carried out now."""
        verdict, subjects = self._again(waiting)
        if verdict in CARRIED_OUT:
            return subjects
        if verdict.kind == "R" or verdict in (OTHERWISE_KNOWN, NO_COMMAND):
            with suppress(OSError, KeysMissing, KeyStoreBusy):  # else it waits on
                self.refused.wait_no_longer(waiting, verdict)
        return ()

    def _again(self, kept: Mapping[str, Any]) -> tuple[Verdict, Collection[UUID]]:
        """Take a message again that was kept, and remove it if it is carried out now."""
        data = self.refused.message_of(kept)
        if data is None:
            return BROKEN if kept["message"] is None else NOT_OPENED, ()
        _, verdict, subjects = self._verdict(data, client_of(kept))
        if verdict in CARRIED_OUT:
            self.refused.remove(kept)
        return verdict, subjects

    def too_long(self, beginning: bytes) -> list[bytes]:
        """Return the answer to a message that is longer than is read, from its beginning."""
        self.counts["AR"] += 1
        return acknowledgements(
            parsed_head(beginning), Verdict("R", "the message is too long", 207)
        )

    def _kept_for_later(
        self, data: bytes, verdict: Verdict, waits_for: UUID | None, client: Set[str], sender: str
    ) -> Verdict:
        try:
            is_kept = self.refused.keep(data, verdict, waits_for, client, sender)
            return verdict if is_kept else COME_AGAIN
        except (OSError, KeysMissing, KeyStoreBusy) as error:
            log.warning("A refused HL7 message could not be kept: %s", type(error).__name__)
            return COME_AGAIN

    def _verdict(
        self, data: bytes, client: Set[str] | None
    ) -> tuple[Message | None, Verdict, Collection[UUID]]:
        """Carry out a message; return it, its verdict, and what it tells of, or waits for.

        ``client``: None where nobody knows who sent it.
        """
        message = None
        try:
            message = parse(data)
            return message, *self._carried_out(message, client)
        except NotTheSender:
            verdict = IMPOSTOR
        except Unreadable as error:
            verdict = Verdict("R", error.text, error.code, error.where)
        except CommandIdReused:
            verdict = Verdict("R", "another message had this id", 205, "MSH^1^10")
        except VersionConflict:
            verdict = COME_AGAIN  # others were quicker, again and again
        except Refusal as error:
            # the code alone: the text of a refusal may name a value
            verdict = Verdict("R", response_to(error).code or "Refused", 207)
        except Exception as error:
            log.warning("An HL7 message was not carried out: %s", type(error).__name__)
            verdict = COME_AGAIN
        return message, verdict, ()

    def _carried_out(
        self, message: Message, client: Set[str] | None
    ) -> tuple[Verdict, Collection[UUID]]:
        sender = self._sender(message)
        if sender is None:
            raise Unreadable(207, "MSH^1^3", "no sending system of that name is set up")
        if client is not None and sender.certificate not in (None, *client):
            raise NotTheSender
        if (message.value("MSH", 11) or "P") not in sender.processing_ids:
            raise Unreadable(202, "MSH^1^11", "a message that is not of production")
        control_id = message.value("MSH", 10)
        if control_id is None:
            raise Unreadable(101, "MSH^1^10", "the message has no control id")
        event = message.value("MSH", 9, 1)
        acts = acts_of(message, sender)
        if not acts:
            trigger = message.value("MSH", 9, 2) or ""
            is_plain = f"{event} {trigger}".isascii() and len(f"{event}{trigger}") <= 8
            self.counts[f"no fact: {event}^{trigger}" if is_plain else "no fact: other"] += 1
            return NO_FACT, ()
        head = (message.raw("MSH", 3), message.raw("MSH", 4), control_id)
        message_id = uuid5(MESSAGES, "\0".join(head))
        verdicts, waiting = {KEPT}, set[tuple[UUID, str]]()
        for number, act in enumerate(acts):
            if act is BY_HAND:
                verdicts.add(NO_COMMAND)
                continue
            own_id = uuid5(message_id, str(number)) if number else message_id
            command_id = thing_id(sender, act.thing) if act.thing else own_id
            try:
                verdicts.add(self._give(act, sender, command_id, waiting))
            except (NotFound, MovementNotFound):
                return WAITS, needed_by(act, sender)
            except (PrescriptionStateBroken, ContradictsLaterFacts) as error:
                order = named_by(act, sender).get("prescription_id")
                if order is None or not may_fit_later(self.hospital, order, act, error):
                    raise
                if not self._is_with_end(act, order, sender, command_id, waiting):
                    return WAITS, needed_by(act, sender)
        if any(self._is_pending(visit, source_id) for visit, source_id in waiting):
            verdicts.add(PENDING)
        verdict = next(v for v in (OTHERWISE_KNOWN, NO_COMMAND, PENDING, KEPT) if v in verdicts)
        return verdict, {subject for act in acts for subject in told_by(act, sender)}

    def _is_with_end(
        self,
        act: Act,
        prescription: UUID,
        sender: SendingSystem,
        command_id: UUID,
        waiting: set[tuple[UUID, str]],
    ) -> bool:
        """Return whether a hold or a release is known, or fits with what ends it and waits itself."""
        if is_recorded(self.hospital, prescription, act):
            return True
        if act.command not in NEXT:
            return False  # a dose may have been told before the end of the hold
        end = waiting_end(self.refused, sender, needed_by(act, sender), act)
        if end is None:
            return False
        try:
            self._give(replace(act, content={"until": end}), sender, command_id, waiting)
        except (PrescriptionStateBroken, ContradictsLaterFacts):
            return False
        return True

    def _is_pending(self, visit: UUID, source_id: str) -> bool:
        """Return whether a movement that was reported waits still: another may have come after it."""
        pending = current(self.hospital.record, SourceVisit.empty(visit)).pending
        return any(report.version.source_id == source_id for report in pending)

    def _give(
        self, act: Act, sender: SendingSystem, command_id: UUID, waiting: set[tuple[UUID, str]]
    ) -> Verdict:
        """Give the command of an act, and return what became of it.

        ``waiting``: movements that do not fit yet are added, by visit and id. Raises NotFound where
        the stay is not known yet.
        """
        content = dict(act.content)
        if act.visit is not None:
            stay = self.hospital.source_movements.stay_of(sender.name, act.visit)
            if stay is None:
                raise NotFound(Thing.STAY_OF_VISIT, act.visit, "stay_id")
            content["stay_id"] = stay
        content |= named_by(act, sender)
        if (act.medication or act.start) and not self._is_as_known(act, content["prescription_id"]):
            return OTHERWISE_KNOWN
        at, precision = act.occurred or (None, None)
        request = Request(
            command_id=command_id,
            by=Actor(issuer="hl7", subject=sender.name, role="service"),
            occurred_at=at,
            precision=precision,
            performed_by=act.performed_by,
            # a movement says so itself: reports of before this reason stay repeats
            reason=None if act.command == MOVEMENT else f"as reported by {sender.name}",
        )
        give = self.hospital.command(act.command)
        try:
            waiting |= _pending_in(give(request, **content))
        except CommandIdReused:
            if content.pop("derived_id", None):
                earlier = self._command_of(command_id)
                if earlier is None or earlier.operation not in BEFORE_REPORTS:
                    give(request, **content)  # answered before that was said of an id
                return KEPT
            if not act.thing:
                otherwise = content_as_recorded(act, self._events_of(command_id))
                if otherwise is None:
                    raise
                give(request, **{**content, **otherwise})
                return KEPT
            self.counts[f"known already: {act.command}"] += 1
            try:
                give(self._as_first(request), **content)
            except CommandIdReused:
                return OTHERWISE_KNOWN
        except AllergyKnown:
            self.counts["known already: an allergy"] += 1
            if not allergies_alike(self.hospital, content["movement"]):
                return OTHERWISE_KNOWN
        return KEPT

    def _is_as_known(self, act: Act, prescription_id: UUID) -> bool:
        """Return whether a prescription is of the medicine and the start that a message says.

        Of what it does not say, and of a prescription that is not known, it is.
        """
        prescription = current(self.hospital.record, Prescription.empty(prescription_id))
        if not prescription.exists:
            return True
        known_starts = (None, prescription.course.regimen.start, act.occurred and act.occurred[0])
        if act.start not in known_starts:
            return False
        medicine, medication = prescription.medication, act.medication
        if medication is None or (
            medicine.code
            and (medicine.code, medicine.system) == (medication.code, medication.system)
        ):
            return True
        return folded_name(medicine.name or "") == folded_name(medication.name)

    def _as_first(self, request: Request) -> Request:
        """Return a request at the time of the command of its id: messages of a thing have their own."""
        first, *_ = self._events_of(request.command_id)
        precision = None if first.entry.precision is Precision.MINUTE else first.entry.precision
        return replace(request, occurred_at=first.entry.occurred_at, precision=precision)

    def _events_of(self, command_id: UUID) -> Sequence[Event]:
        earlier = self._command_of(command_id)
        assert earlier is not None
        return self.hospital.record.events_between(earlier.first_position, earlier.position)

    def _command_of(self, command_id: UUID) -> RecordedCommand | None:
        """Return the command of an id, if it was recorded."""
        return self.hospital.record.still_current(command_id, {}, None)[1]

    def _sender(self, message: Message | None) -> SendingSystem | None:
        """Return the sender that a message names; None if it is not set up."""
        if message is not None:
            application, facility = message.value("MSH", 3), message.value("MSH", 4)
            for sender in self.senders:
                if sender.application == application and sender.facility in (None, facility):
                    return sender
        return None


def _pending_in(result: Recorded) -> set[tuple[UUID, str]]:
    """Return the movements that are pending after a command, by visit and id."""
    return {
        (event.originator_id, pending.version.source_id)
        for event in result.events
        if isinstance(event, SourceVisit.Settled)
        for pending in event.pending
    }
