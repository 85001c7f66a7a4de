"""The door for messages: what becomes of one, what was refused, what was counted."""

import json
import logging
import os
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from api.errors import response_to
from api.hl7.ack import Verdict, acknowledgements
from api.hl7.act import BY_HAND, MOVEMENT, Act
from api.hl7.acts import acts_of
from api.hl7.batch import answer_to, is_batch, is_complete
from api.hl7.er7 import Message, Unreadable, head_of, parse
from api.hl7.known import allergies_alike
from api.hl7.sending import SendingSystem
from application.aggregate_cache import current
from application.command import Recorded, Request
from application.hospital import Hospital
from application.ports import RecordedCommand
from domain.clinical_refusals import AllergyKnown
from domain.envelope import Actor
from domain.errors import WardbookError
from domain.names import folded_name
from domain.prescription.aggregate import Prescription
from domain.refusals import (
    CommandIdReused,
    MovementNotFound,
    NotFound,
    Refusal,
    VersionConflict,
)
from domain.source_visit import SourceVisit
from domain.time import Precision
from infrastructure.sealing.key_ring import SEAL, key_ring
from infrastructure.sealing.keys_missing import KeysMissing, KeyStoreBusy, TextAltered

MESSAGES = UUID("6d4b3a64-5a3a-4be7-9f4e-0d2a5f2f3c55")
"""The namespace of command ids that are derived from messages."""

MAX_REFUSED = 10_000
"""The messages that are kept apart; beyond them the sender is told to come again."""

KEPT = Verdict("A")
PENDING = Verdict("A", "pending, until it fits what is known")
OTHERWISE_KNOWN = Verdict("A", "kept, to be entered by hand: it is known here with other content")
NO_COMMAND = Verdict("A", "kept, to be entered by hand: no fact here for this code")
WAITS = Verdict("A", "kept, until what it is about is known: replay it then")
IMPOSTOR = Verdict("R", "the certificate is not of the sender that MSH-3 names", 207, "MSH^1^3")
CARRIED_OUT = (KEPT, PENDING)
LATER = (OTHERWISE_KNOWN, NO_COMMAND, WAITS)
COME_AGAIN = Verdict("E", "come again", 207)
NOT_OPENED = Verdict("E", "the key that sealed it is not there", 207)

BEFORE_REPORTS = frozenset(
    {
        *("record_allergy", "correct_allergy", "cancel_allergy"),
        *("reserve_bed", "release_reservation"),
    }
)
"""The commands that messages gave that report now: one that is sent again was answered."""

SUBJECT = "hl7-refused"
"""The subject of the key by which messages are sealed that were refused."""

log = logging.getLogger(__name__)


class RefusedMessages:
    """Messages that were refused, or set aside to be entered by hand.

    One file each, which its owner alone can read, and the message in it sealed: it tells of a person
    whom nobody may have registered, so it has a key of the house's own.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / "hl7-refused"
        self._keys = key_ring()

    def keep(self, data: bytes, verdict: Verdict) -> bool:
        """Keep a message durably, once; return False if there is no room for it. Raises KeysMissing."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ending = f"-{self._keys.hash_text(_content_of(data))[:32]}.json"
        if next(self._folder.glob(f"*{ending}"), None):
            return True
        if sum(1 for _ in self._folder.iterdir()) >= MAX_REFUSED:
            return False
        now = datetime.now(UTC)
        file = self._folder / f"{now:%Y%m%dT%H%M%S%f}{ending}"
        record = {
            "refusedAt": now.isoformat(timespec="seconds"),
            **{name: value for name, value in asdict(verdict).items() if name != "kind"},
            "message": self._keys.seal(SUBJECT, file.name, b64encode(data).decode()),
        }
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            json.dump(record, stream)
            stream.flush()
            os.fsync(stream.fileno())
        return True

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Return what was refused, the oldest first."""
        for file in sorted(self._folder.glob("*.json")):
            with suppress(FileNotFoundError):  # deleted since
                yield {"file": str(file), **json.loads(file.read_text())}

    def message_of(self, kept: Mapping[str, Any]) -> bytes | None:
        """Return the message in a record of one; None if the key that sealed it is not there."""
        text = kept["message"]
        if text.startswith(SEAL):
            try:
                text = self._keys.open(SUBJECT, Path(kept["file"]).name, text)
            except (KeysMissing, TextAltered):
                return None
        return None if text is None else b64decode(text)

    def remove(self, kept: Mapping[str, Any]) -> None:
        """Remove the file of a message that was carried out."""
        Path(kept["file"]).unlink(missing_ok=True)


class NotTheSender(WardbookError):
    """A message in the name of a system whose certificate the client does not have."""


class Door:
    """Takes messages of the sending systems it knows, and answers each."""

    def __init__(self, hospital: Hospital, senders: Sequence[SendingSystem], home: Path) -> None:
        self.hospital = hospital
        self.senders = senders
        self.refused = RefusedMessages(home)
        self.counts: Counter[str] = Counter()

    def answers(self, data: bytes, client: Set[str] = frozenset()) -> list[bytes]:
        """Carry out a message and return its acknowledgements: kept means that it is durable.

        ``client``: the names in the certificate of who sends it. What an impostor sends is not kept.
        """
        if is_batch(data) and is_complete(data):
            return [answer_to(data, partial(self.answers, client=client))]
        message, verdict = self._verdict(data, client)
        if verdict != IMPOSTOR and (verdict.kind == "R" or verdict in LATER):
            verdict = self._kept_for_later(data, verdict)
        self.counts[f"A{verdict.kind}"] += 1
        return acknowledgements(message or _head(data), verdict)

    def replay(self) -> Iterator[tuple[dict[str, Any], Verdict]]:
        """Take what was kept again, the oldest first, and remove what is carried out now.

        The command of a message has the id it always had, so that one kept twice is recorded once.
        What is not carried out stays as it was kept.
        """
        for message in self.refused:
            data = self.refused.message_of(message)
            verdict = NOT_OPENED if data is None else self._verdict(data, None)[1]
            if verdict in CARRIED_OUT:
                self.refused.remove(message)
            yield message, verdict

    def too_long(self, beginning: bytes) -> list[bytes]:
        """Return the answer to a message that is longer than is read, from its beginning."""
        self.counts["AR"] += 1
        return acknowledgements(_head(beginning), Verdict("R", "the message is too long", 207))

    def _kept_for_later(self, data: bytes, verdict: Verdict) -> Verdict:
        try:
            return verdict if self.refused.keep(data, verdict) else COME_AGAIN
        except (OSError, KeysMissing, KeyStoreBusy) as error:
            log.warning("A refused HL7 message could not be kept: %s", type(error).__name__)
            return COME_AGAIN

    def _verdict(self, data: bytes, client: Set[str] | None) -> tuple[Message | None, Verdict]:
        """``client``: None for a message whose sender was known as it came."""
        message = None
        try:
            message = parse(data)
            return message, self._carried_out(message, client)
        except NotTheSender:
            return message, IMPOSTOR
        except Unreadable as error:
            return message, Verdict("R", error.text, error.code, error.where)
        except CommandIdReused:
            return message, Verdict("R", "another message had this id", 205, "MSH^1^10")
        except VersionConflict:
            return message, COME_AGAIN  # others were quicker, again and again
        except Refusal as error:
            # the code alone: the text of a refusal may name a value
            return message, Verdict("R", response_to(error).code or "Refused", 207)
        except Exception as error:
            log.warning("An HL7 message was not carried out: %s", type(error).__name__)
            return message, COME_AGAIN

    def _carried_out(self, message: Message, client: Set[str] | None) -> Verdict:
        sender = self._sender(message)
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
            return Verdict("A", "no fact here")
        head = (message.raw("MSH", 3), message.raw("MSH", 4), control_id)
        message_id = uuid5(MESSAGES, "\0".join(head))
        verdicts, waiting = {KEPT}, set[tuple[UUID, str]]()
        try:
            for number, act in enumerate(acts):
                if act is BY_HAND:
                    verdicts.add(NO_COMMAND)
                    continue
                own_id = uuid5(message_id, str(number)) if number else message_id
                command_id = _thing_id(sender, act.thing) if act.thing else own_id
                verdicts.add(self._give(act, sender, command_id, waiting))
        except (NotFound, MovementNotFound):
            return WAITS
        if any(self._is_pending(visit, source_id) for visit, source_id in waiting):
            verdicts.add(PENDING)
        return next(v for v in (OTHERWISE_KNOWN, NO_COMMAND, PENDING, KEPT) if v in verdicts)

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
                raise NotFound("stay of visit", act.visit, "stay_id")
            content["stay_id"] = stay
        for field, (name, kind) in act.names.items():
            content[field] = uuid5(_thing_id(sender, name), kind)
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
                raise  # what is made of a thing of the sender's is made once
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
        earlier = self._command_of(request.command_id)
        assert earlier is not None
        first, *_ = self.hospital.record.events_between(earlier.first_position, earlier.position)
        precision = None if first.entry.precision is Precision.MINUTE else first.entry.precision
        return replace(request, occurred_at=first.entry.occurred_at, precision=precision)

    def _command_of(self, command_id: UUID) -> RecordedCommand | None:
        """Return the command of an id, if it was recorded."""
        return self.hospital.record.still_current(command_id, {}, None)[1]

    def _sender(self, message: Message) -> SendingSystem:
        application, facility = message.value("MSH", 3), message.value("MSH", 4)
        for sender in self.senders:
            if sender.application == application and sender.facility in (None, facility):
                return sender
        raise Unreadable(207, "MSH^1^3", "no sending system of that name is set up")


def _pending_in(result: Recorded) -> set[tuple[UUID, str]]:
    """Return the movements that are pending after a command, by visit and id."""
    return {
        (event.originator_id, pending.version.source_id)
        for event in result.events
        if isinstance(event, SourceVisit.Settled)
        for pending in event.pending
    }


def _thing_id(sender: SendingSystem, name: str) -> UUID:
    """Return the id of the command that makes a thing of a sender's."""
    return uuid5(MESSAGES, f"{sender.name}\0{name}")


def _content_of(data: bytes) -> str:
    """Return what a message has alike each time it is sent: its sender, its id, and its segments."""
    head = head_of(data)
    fields = head.split(head[3:4]) if head[3:4] else []
    if len(fields) < 10:
        return data.hex()
    names = (fields[2], fields[3], fields[9])
    return "-".join(part.hex() for part in (*names, data.partition(head)[2]))


def _head(data: bytes) -> Message | None:
    """Return the first segment of a message that cannot be read as a whole, if it can be read."""
    head = head_of(data).decode("ascii", "replace")
    fields = head.split(head[3:4]) if head[3:4] else []
    try:
        return parse("|".join(fields[:17]).replace("|", head[3:4]).encode())
    except Unreadable:
        return None
