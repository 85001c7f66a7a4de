"""Refusal of an event that its schema does not allow, in words for who gave the command."""

import re

import msgspec

from application.ports import EventDoesNotFit

_LENGTH = re.compile(r"length (<=|>=) (\d+)")


def misfit(topic: str, error: msgspec.ValidationError) -> EventDoesNotFit:
    """Return the refusal of an event by the field of the command that holds the value."""
    problem, _, place = str(error).partition(" - at `$.")
    field, _, part = place.rstrip("`").removeprefix("entry.").partition(".")
    subject = f"its {part.replace('_', ' ')}" if part else "it"
    if length := _LENGTH.search(problem):
        is_short = length[1] == ">="
        problem = f"{subject} {'is empty' if is_short else f'has more than {length[2]} characters'}"
    return EventDoesNotFit(topic, field.partition("[")[0] or "event", problem)
