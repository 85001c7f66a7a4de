"""Sender of commands: their ids, reasons and sources follow from the resource alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from api.imports.account import Ledger
from api.imports.answers import answer_to
from api.imports.fhir.resources import Resource, When
from api.imports.fhir.rules import ODD_FORMS, readable
from application.authorization.roles import may
from application.command import Recorded, Request
from application.command_series import MOST
from application.hospital import Hospital
from domain.clinical_refusals import ClinicalWarning, WarningsUnconfirmed
from domain.envelope import Actor, Source
from domain.refusals import Refusal

IMPORTER = "fhir"

NAMESPACE = UUID("0d5a7f4e-3c43-5d0b-8f3b-7d2f6a1c9e57")
"""Namespace of all command ids. Changing it would record everything a second time."""

ALWAYS = When(datetime(1970, 1, 1, tzinfo=UTC))
"""The beginning of rooms and practitioners: FHIR does not say since when they are there."""


Answered = Callable[[Recorded | Refusal], None]
"""Takes the answer to a command."""


@dataclass(frozen=True, slots=True)
class _Command:
    """A command that is not given yet: for which resource, and what takes its answer."""

    resource: Resource
    give: Callable[[], Recorded | Refusal]
    series: tuple[str, Request, Mapping[str, Any]]
    take: Answered


@dataclass(frozen=True, slots=True)
class Sender:
    """Sender of commands for the resources of one system."""

    hospital: Hospital
    system: str
    ledger: Ledger
    _queue: list[_Command] = field(default_factory=list)

    def send(
        self,
        resource: Resource,
        command: Callable[..., Recorded],
        time: When | None,
        part: str = "",
        performed_by: str | None = None,
        **content: Any,
    ) -> Recorded | Refusal:
        """Give a command for a resource, after those that are queued; a refusal is an answer too.

        What needs to be confirmed was given as the source says, and is. Raises VersionConflict if
        others write the same all the time: that says nothing of the resource; TypeError for a value
        in a form that no command takes.
        """
        self.flush()
        return self._send(resource, command, time, part, performed_by, **content)

    def queue(
        self,
        resource: Resource,
        command: Callable[..., Recorded],
        time: When,
        take: Answered,
        performed_by: str | None = None,
        **content: Any,
    ) -> None:
        """Give a command as `send` does, together with those after it, in this order.

        ``take`` is called with its answer, before the next command that is given by `send`.
        """
        _check_forms({**content, "performed_by": performed_by})

        def give() -> Recorded | Refusal:
            return self._send(resource, command, time, "", performed_by, **content)

        def confirm(answer: Recorded | Refusal) -> None:
            take(give() if isinstance(answer, WarningsUnconfirmed) else answer)

        request = self._request(resource, command.__name__, "", time, performed_by)
        series = command.__name__, request, content
        self._queue.append(_Command(resource, give, series, confirm))
        if len(self._queue) == MOST:
            self.flush()

    def flush(self) -> None:
        """Give the commands that are queued. Raises VersionConflict, as `send` does."""
        commands = self._queue.copy()
        self._queue.clear()
        try:
            answers = self.hospital.execute_series([command.series for command in commands])
        except ODD_FORMS:  # a value of one of them: each by itself, and nothing twice
            for command in commands:
                with readable(command.resource, self.ledger):
                    command.take(command.give())
            return
        for command, answer in zip(commands, answers, strict=True):
            with readable(command.resource, self.ledger):
                command.take(answer)

    def _request(
        self,
        resource: Resource,
        command: str,
        part: str,
        time: When | None,
        performed_by: str | None,
    ) -> Request:
        # who runs an import may do more than a program of another system: merge records
        role = "service" if may("service", command) else "admin"
        return Request(
            command_id=uuid5(NAMESPACE, f"{self.system}/{resource.name}/{command}{part}"),
            by=Actor(issuer=IMPORTER, subject="import", role=role),
            occurred_at=time.at if time else None,
            precision=time.precision if time else None,
            performed_by=performed_by,
            reason=f"imported from {self.system}, {resource.name}",
            source=Source(system=self.system, id=resource.name),
        )

    def _send(
        self,
        resource: Resource,
        command: Callable[..., Recorded],
        time: When | None,
        part: str,
        performed_by: str | None,
        **content: Any,
    ) -> Recorded | Refusal:
        _check_forms({**content, "performed_by": performed_by})
        request = self._request(resource, command.__name__, part, time, performed_by)
        answer = answer_to(command, request, **content)
        if not isinstance(answer, WarningsUnconfirmed) or "confirmed_warnings" in content:
            return answer
        confirmation = {"confirmed_warnings": tuple(ClinicalWarning)}  # the same, given again
        part = f"{part}:confirmed"
        return self._send(resource, command, time, part, performed_by, **content, **confirmation)


NO_TEXTS = frozenset({"given", "infusion", "keep_bed", "beds"})
"""Contents of commands that are truth values or lists."""


def _check_forms(content: Mapping[str, Any]) -> None:
    """Refuse a number, a truth value or a structure where a text belongs. Raises TypeError."""
    for name, value in content.items():
        if isinstance(value, int | float | dict | list) and name not in NO_TEXTS:
            raise TypeError(f"{name} is no text")
