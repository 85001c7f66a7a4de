"""The envelope of every event: who recorded it, who did it, when it occurred, why, and from where.

When it was *recorded* is not in here: that is the event's position in the log and the ``recorded_at``
that the database stamps in the same step. There is no third clock.
"""

from datetime import date
from typing import Annotated
from uuid import UUID, uuid5

from msgspec import Meta, Struct
from msgspec.structs import replace

from domain.time import Moment, Precision

Text = Annotated[str, Meta(min_length=1, max_length=200)]
"""A short, non-empty string."""

Sealed = Annotated[str, Meta(max_length=20_000, extra_json_schema={"x-sealed": True})]
"""Text about a person. The store seals the fields of this type, and of others so marked."""

Code = Annotated[str, Meta(min_length=1, max_length=40)]
"""A code or number as printed: a bed, a room, a staff number."""

REDACTED = "REDACTED"
"""The text that a sealed one reads as once its key is destroyed."""

ALTERED = "ALTERED"
"""The text that a sealed one reads as that somebody altered: its key is there, and does not open it."""

SEALED = Meta(extra_json_schema={"x-sealed": True})
"""The mark of what identifies a person, or tells what no rule and no figure needs."""

SealedLine = Annotated[str, Meta(min_length=1, max_length=200), SEALED]
"""A short text about a person: a place without a bed, a destination, a dose."""

SealedCode = Annotated[str, Meta(min_length=1, max_length=40), SEALED]
"""A number of a person."""

SealedDate = Annotated[date, SEALED]
"""A day by which a person can be known."""


class Actor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The login that recorded a fact: issuer and subject of the token, and the role used."""

    issuer: Text
    subject: Text
    role: Text
    on_behalf_of: Text | None = None


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Another system that knew first: its name, its id of the fact, and when it recorded it."""

    system: Text
    id: Text
    recorded_at: Moment | None = None


class About(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Person whom a fact is about, and the key under which sealed fields about that patient are kept."""

    patient: UUID
    key_id: Text
    stay: UUID | None = None


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Data that every event has beside its own.

    ``digest`` is of the command's content, so that the memory of commands can be rebuilt from the
    events. ``about`` is absent where the fact is about nobody (a room, a practitioner).
    """

    command_id: UUID
    operation: Text
    digest: Text
    occurred_at: Moment
    precision: Precision = Precision.MINUTE
    recorded_by: Actor
    performed_by: Text | None = None
    witnessed_by: Text | None = None
    reason: Sealed | None = None
    source: Source | None = None
    hospital: Text
    about: About | None = None

    def id_of(self, name: str) -> UUID:
        """Return the id of a thing that this command creates: the same on every retry."""
        return uuid5(self.command_id, name)


def as_first_recorded(envelope: Envelope, original: Envelope) -> Envelope:
    """Return a command's envelope with the time and the persons of a fact as first recorded."""
    return replace(
        envelope,
        occurred_at=original.occurred_at,
        precision=original.precision,
        performed_by=original.performed_by,
        witnessed_by=original.witnessed_by,
    )
