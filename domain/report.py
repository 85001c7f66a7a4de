"""Issued reports: the figures of each, and its restatements when more was known.

A report is computed outside of here, from what is known at one position of the log; its stream holds
what was said. A restatement names the facts that changed a figure by their positions in the log and
nothing else: what they say is read there, where it never changes, and nothing about a patient is
written down twice.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from msgspec import Struct

from domain.aggregate import Aggregate, Event, NotNeeded, TextsOfPerson, UnknownEvent
from domain.envelope import Envelope, Text
from domain.refusals import InvalidInput
from domain.things import Thing

Exact = int | str | None
"""A value without loss: a whole number, ``"23/7"``, or None where a denominator was 0."""

Of = tuple[tuple[str, str], ...]
"""Dimensions of a figure that is not of the whole: ``(("day", "2026-03-01"),)``."""


Chosen = int | str | tuple[int | str, ...]
"""Value chosen for a parameter."""


class Terms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Terms of a report; the days from ``first`` to ``last``, both included."""

    definition: Text
    version: int
    parameters: Mapping[str, Chosen]
    first: date
    last: date
    ward: Text | None


class Figure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure as it was given out."""

    name: Text
    of: Of
    unit: Text
    value: Exact


class Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Result of a report, as known at a position; the digest is of its canonical form.

    ``checkpoint``: the newest signed checkpoint of the log as it was computed, if there was one.
    """

    position: int
    figures: tuple[Figure, ...]
    digest: Text
    checkpoint: str | None = None


class Cause(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subject whose contribution changed (a stay, a bed, a person), and the positions of its facts."""

    kind: Text
    id: Text
    facts: tuple[int, ...]


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure to which something else is contributed than before.

    ``old`` and ``new`` may be the same, where causes offset each other. ``causes``: which of the
    restatement's causes contribute something else to it, counted from 0.
    """

    name: Text
    of: Of
    unit: Text
    old: Exact
    new: Exact
    causes: tuple[int, ...]


class Report(Aggregate):
    """One issue of a report, with its restatements."""

    TOPIC = "report"
    THING = Thing.ISSUED_REPORT

    class Issued(TextsOfPerson, Event):
        """The report was given out."""

        TOPIC = "report.issued"
        PUBLIC = None
        DESCRIPTION = "A report was given out."
        CORRECTED_BY = ("restate_report",)
        CANCELLED_BY = NotNeeded("what was given out stays readable")
        terms: Terms
        said: Said
        patient: UUID | None = None

    class Restated(TextsOfPerson, Event):
        """The report as known at a later position, and what changed since the last time."""

        TOPIC = "report.restated"
        PUBLIC = None
        DESCRIPTION = "A report that was given out was said again, as known since."
        CORRECTED_BY = ("restate_report",)
        CANCELLED_BY = NotNeeded("what was given out stays readable")
        said: Said
        changes: tuple[Change, ...]
        causes: tuple[Cause, ...]
        patient: UUID | None = None

    def __init__(self) -> None:
        self.terms: Terms | None = None
        self.said: Said | None = None
        self.patient: UUID | None = None
        """The person whom the reason of the issue is about."""

    # -- decide --

    def issue(
        self, terms: Terms, result: Said, envelope: Envelope, about: UUID | None = None
    ) -> None:
        """Give the report out; ``about``: the person whom its reason is about."""
        self.record(Report.Issued, envelope, terms=terms, said=result, patient=about)

    def restate(
        self,
        result: Said,
        changes: Sequence[Change],
        causes: Sequence[Cause],
        envelope: Envelope,
        about: UUID | None = None,
    ) -> None:
        """Restate the report; ``about``: the person whom the reason is about, as of the issue.

        Raises InvalidInput if nothing was recorded since the last time.
        """
        assert self.said is not None
        if result.position <= self.said.position:
            raise InvalidInput("issue_id", "nothing was recorded since it was last computed")
        self.record(
            Report.Restated,
            envelope,
            said=result,
            changes=tuple(changes),
            causes=tuple(causes),
            patient=about or self.patient,
        )

    # -- evolve --

    def apply(self, event: Event) -> None:
        match event:
            case Report.Issued():
                self.terms, self.said, self.patient = event.terms, event.said, event.patient
            case Report.Restated():
                self.said = event.said
            case _:
                raise UnknownEvent(event)
