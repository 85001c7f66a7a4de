"""Sender of commands: their ids, reasons and sources follow from the row alone.

So a command that is sent again is known again, and answers as it did the first time.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec
from uuid import UUID, uuid5

from api.imports.answers import answer_to
from api.imports.mimic_iv.beds import BEDS, Bed
from api.imports.mimic_iv.patient import Row
from application.command import Recorded, Request
from application.command_series import MOST
from application.hospital import Hospital
from domain.envelope import Actor, Source
from domain.refusals import AlreadyExists, Refusal
from domain.time import Precision

SYSTEM = "mimic-iv"
IMPORTER = Actor(issuer=SYSTEM, subject="import", role="service")

NAMESPACE = UUID("5f2b1c1a-6a57-5b54-9d0e-0f4e5a1f1d04")
"""Namespace of all command ids. Changing it would record everything a second time."""

OPENED_AT = datetime(2000, 1, 1, tzinfo=UTC)
"""The beginning of rooms and practitioners: before all patients (MIMIC-IV begins in 2008)."""

Answered = Callable[[Recorded | Refusal], None]
"""Takes the answer to a command."""

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Telling:
    """Envelope of a fact: when it occurred, and how its row was read.

    ``notes`` go into the reason. ``part`` tells two commands of one row and one kind apart.
    """

    at: datetime
    notes: tuple[str, ...] = ()
    precision: Precision | None = None
    recorded_at: datetime | None = None
    performed_by: str | None = None
    part: str = ""


class Sender:
    """Sender of commands, which registers the practitioners and rooms that they name."""

    def __init__(self, hospital: Hospital, opened: Counter[str]) -> None:
        self.hospital = hospital
        self._opened = opened
        self._queue: list[tuple[tuple[str, Request, Mapping[str, Any]], Answered]] = []
        self._rooms: set[tuple[str, str]] = set()
        self._practitioners: set[str] = set()

    def send(
        self,
        row: Row,
        command: Callable[Concatenate[Request, P], Recorded],
        telling: Telling,
        /,
        *args: P.args,
        **content: P.kwargs,
    ) -> Recorded | Refusal:
        """Give a command for a row; a refusal is an answer too.

        Raises VersionConflict if others write the same all the time: that says nothing of the row.
        """
        self.flush()
        return answer_to(command, _request(row, command.__name__, telling), *args, **content)

    def queue(
        self,
        row: Row,
        command: Callable[Concatenate[Request, P], Recorded],
        telling: Telling,
        take: Answered,
        /,
        *args: P.args,
        **content: P.kwargs,
    ) -> None:
        """Give a command for a row together with those after it, in this order.

        ``take`` is called with its answer, before the next command that is given by `send`.
        """
        assert not args, "commands take keyword arguments only"
        request = _request(row, command.__name__, telling)
        self._put(command.__name__, request, content, take)

    def flush(self) -> None:
        """Give the commands that are queued. Raises VersionConflict, as `send` does."""
        queue, self._queue = self._queue, []
        answers = self.hospital.execute_series([command for command, _ in queue])
        for (_, take), answer in zip(queue, answers, strict=True):
            take(answer)

    def _put(self, name: str, request: Request, content: Mapping[str, Any], take: Answered) -> None:
        self._queue.append(((name, request, content), take))
        if len(self._queue) == MOST:
            self.flush()

    def practitioner(self, number: str) -> str | None:
        """Return the staff number of a provider, registered before its use; None if there is none."""
        if number and number not in self._practitioners:
            request = _opening(f"provider/{number}", "register_practitioner")
            self._practitioners.add(number)
            self._register(
                "practitioners", "register_practitioner", request, {"staff_number": number}
            )
        return number or None

    def room(self, bed: Bed) -> None:
        """Open a bed's room before it is used."""
        if (bed.ward, bed.room) not in self._rooms:
            request = _opening(f"careunit/{bed.ward}/{bed.room}", "open_room")
            self._rooms.add((bed.ward, bed.room))
            content = {"ward": bed.ward, "room": bed.room, "beds": BEDS}
            self._register("rooms", "open_room", request, content)

    def _register(
        self, kind: str, command: str, request: Request, content: Mapping[str, Any]
    ) -> None:
        """Register something that commands name; what exists is used, what is refused is not found."""

        def count(answer: Recorded | Refusal) -> None:
            if isinstance(answer, AlreadyExists):
                self._opened[f"{kind} known before"] += 1
            elif isinstance(answer, Refusal):
                self._opened[f"{kind} refused"] += 1
            else:
                self._opened[kind] += 1

        self._put(command, request, content, count)


def command_id(name: str, command: str) -> UUID:
    return uuid5(NAMESPACE, f"{name}/{command}")


def time_text(moment: datetime) -> str:
    """Format a time for a reason: moved back like all others, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _request(row: Row, command: str, telling: Telling) -> Request:
    return Request(
        command_id=command_id(row.name, command + telling.part),
        by=IMPORTER,
        occurred_at=telling.at,
        precision=telling.precision,
        performed_by=telling.performed_by,
        reason=_reason(f"{row.table} {row.key}", *telling.notes),
        source=Source(system=SYSTEM, id=row.name, recorded_at=telling.recorded_at),
    )


def _opening(name: str, command: str) -> Request:
    return Request(
        command_id=command_id(name, command),
        by=IMPORTER,
        occurred_at=OPENED_AT,
        reason=_reason(name, "the source does not say since when"),
        source=Source(system=SYSTEM, id=name),
    )


def _reason(*parts: str) -> str:
    return "imported from MIMIC-IV, " + "; ".join(parts)
