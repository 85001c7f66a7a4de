"""Subjects whose keys the texts of events are sealed by, and the places that they are bound to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.aggregate import TextsOfPerson
from domain.envelope import About
from domain.event_types import EVENTS

OF_PERSON = sorted(topic for topic, kind in EVENTS.items() if issubclass(kind, TextsOfPerson))
"""The topics of events that are about nobody, and may name the person whom their texts are about."""


def subject_of(topic: str, stream: UUID, about: About | None, own_fields: Mapping[str, Any]) -> str:
    """Return the subject whose key the texts of an event are sealed by.

    A stay has a key of its own, since it may turn out to be of another patient: it goes with whoever
    it is of. So have a visit of another system and an expected arrival, whose patients may not be
    known yet; and what is about nobody, unless it names the person whom its texts are about.
    """
    if topic in OF_PERSON and own_fields.get("patient"):
        return str(own_fields["patient"])
    if about is None or topic.startswith(("source-visit.", "arrival.")):
        return str(stream)
    return str(about.stay or about.patient)


def place_of(topic: str, stream: UUID, version: int) -> str:
    """Return what binds a sealed text to its event."""
    return f"{stream}\n{version}\n{topic}"
