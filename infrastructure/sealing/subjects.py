"""Subjects whose keys the texts of events are sealed by, and the places that they are bound to."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from domain.aggregate import TextsOfPerson
from domain.envelope import About
from domain.event_types import EVENTS
from domain.patient import Patient

OF_PERSON = {t: kind.ABOUT for t, kind in EVENTS.items() if issubclass(kind, TextsOfPerson)}
"""The topics of events that are about nobody, and the field that may name whom their texts are about."""


OF_HOUSE = {Patient.Erased.TOPIC: {"grouped": "grouped-details"}}
"""Fields sealed by a key of the house's own: what figures need once a person's keys are gone."""


def subject_of_field(topic: str, field: str, subject: str) -> str:
    """Return the subject whose key seals a field of an event whose texts are of ``subject``."""
    of_house = OF_HOUSE.get(topic)
    return of_house.get(field.partition(".")[0], subject) if of_house else subject


def binding_of(
    topic: str, stream: UUID, version: int, about: About | None, own_fields: Mapping[str, Any]
) -> tuple[str, str]:
    """Return the subject whose key seals the texts of an event, and what binds them to the event.

    A stay has a key of its own, since it may turn out to be of another patient: it goes with whoever
    it is of. So have a visit of another system and an expected arrival, whose patients may not be
    known yet; and what is about nobody, unless it names the person whom its texts are about.
    ``own_fields``: of an event `OF_PERSON`; of others none is looked at.
    """
    id = _text(stream.int)
    place = f"{id}\n{version}\n{topic}"
    if topic in OF_PERSON and (person := own_fields.get(OF_PERSON[topic])):
        return str(person), place
    if about is None or topic.startswith(("source-visit.", "arrival.")):
        return id, place
    subject = about.stay or about.patient
    return _text(subject.int), place


@lru_cache(maxsize=10_000)
def _text(id: int) -> str:
    """Return the text of an id by its number: to make it takes half as long as to open a sealed text."""
    return str(UUID(int=id))
