"""Sender of commands: their ids, reasons and sources follow from the resource alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from api.imports.answers import answer_to
from api.imports.fhir.resources import Resource, When
from application.command import Recorded, Request
from application.hospital import Hospital
from domain.clinical_refusals import ClinicalWarning, WarningsUnconfirmed
from domain.envelope import Actor, Source
from domain.refusals import Refusal

IMPORTER = "fhir"

NAMESPACE = UUID("0d5a7f4e-3c43-5d0b-8f3b-7d2f6a1c9e57")
"""Namespace of all command ids. Changing it would record everything a second time."""

ALWAYS = When(datetime(1970, 1, 1, tzinfo=UTC))
"""The beginning of rooms and practitioners: FHIR does not say since when they are there."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sender of commands for the resources of one system."""

    hospital: Hospital
    system: str

    def send(
        self,
        resource: Resource,
        command: Callable[..., Recorded],
        time: When | None,
        part: str = "",
        performed_by: str | None = None,
        **content: Any,
    ) -> Recorded | Refusal:
        """Give a command for a resource; a refusal is an answer too.

        What needs to be confirmed was given as the source says, and is. Raises VersionConflict if
        others write the same all the time: that says nothing of the resource.
        """
        name = command.__name__ + part
        reason = f"imported from {self.system}, {resource.name}"
        request = Request(
            command_id=uuid5(NAMESPACE, f"{self.system}/{resource.name}/{name}"),
            by=Actor(issuer=IMPORTER, subject="import", role="service"),
            occurred_at=time.at if time else None,
            precision=time.precision if time else None,
            performed_by=performed_by,
            reason=reason,
            source=Source(system=self.system, id=resource.name),
        )
        answer = answer_to(command, request, **content)
        if not isinstance(answer, WarningsUnconfirmed) or "confirmed_warnings" in content:
            return answer
        confirmation = {"confirmed_warnings": tuple(ClinicalWarning)}  # the same, given again
        part = f"{part}:confirmed"
        return self.send(resource, command, time, part, performed_by, **content, **confirmation)
