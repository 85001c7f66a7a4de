"""Ids of what messages are about: visits, and what a sender makes by a name of its own."""

from uuid import UUID, uuid5

from api.hl7.act import Act
from api.hl7.sending import SendingSystem
from domain.source_visit import SourceVisit

MESSAGES = UUID("6d4b3a64-5a3a-4be7-9f4e-0d2a5f2f3c55")
"""The namespace of command ids that are derived from messages."""


def named_by(act: Act, sender: SendingSystem) -> dict[str, UUID]:
    """Return the inputs of an act that are ids of things of the sender's."""
    return {field: uuid5(thing_id(sender, name), kind) for field, (name, kind) in act.names.items()}


def needed_by(act: Act, sender: SendingSystem) -> set[UUID]:
    """Return the visit or the things of a sender without which an act cannot be carried out."""
    visit = {SourceVisit.id_for(sender.name, act.visit)} if act.visit else set()
    return visit | {thing_id(sender, name) for name, _ in act.names.values()}


def told_by(act: Act, sender: SendingSystem) -> set[UUID]:
    """Return the visit and the things of a sender that an act tells of."""
    visit = act.content.get("source_visit")
    subjects = needed_by(act, sender)
    if visit:
        subjects.add(SourceVisit.id_for(sender.name, visit))
    if act.thing:
        subjects.add(thing_id(sender, act.thing))
    return subjects


def thing_id(sender: SendingSystem, name: str) -> UUID:
    """Return the id of the command that makes a thing of a sender's."""
    return uuid5(MESSAGES, f"{sender.name}\0{name}")
