"""Sender of commands: their ids, reasons and sources follow from the resource alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from api.imports.answers import answer_to
from api.imports.fhir.resources import Resource, When
from application.authorization.roles import may
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
        others write the same all the time: that says nothing of the resource; TypeError for a value
        in a form that no command takes.
        """
        _check_forms({**content, "performed_by": performed_by})
        name = command.__name__ + part
        reason = f"imported from {self.system}, {resource.name}"
        # who runs an import may do more than a program of another system: merge records
        role = "service" if may("service", command.__name__) else "admin"
        request = Request(
            command_id=uuid5(NAMESPACE, f"{self.system}/{resource.name}/{name}"),
            by=Actor(issuer=IMPORTER, subject="import", role=role),
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


NO_TEXTS = frozenset({"given", "infusion", "keep_bed", "beds"})
"""Contents of commands that are truth values or lists."""


def _check_forms(content: Mapping[str, Any]) -> None:
    """Refuse a number, a truth value or a structure where a text belongs. Raises TypeError."""
    for name, value in content.items():
        if isinstance(value, int | float | dict | list) and name not in NO_TEXTS:
            raise TypeError(f"{name} is no text")
