"""Serializer of a command for ``record.append``, and of its response."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from application.ports import Append, RecordedCommand, UniqueClaim
from domain.unique_keys import Unique
from infrastructure.event_store.mapper import VersionedStoredEvent
from infrastructure.event_store.sealed_claims import stored_claim
from infrastructure.sealing.key_ring import KeyRing


def to_request(
    append: Append, events: Sequence[VersionedStoredEvent], keys: KeyRing | None = None
) -> dict[str, Any]:
    """Serialize a command for ``record.append``; with ``keys``, its claims as they are stored."""

    def stored_name(claim: UniqueClaim) -> Unique:
        name = Unique(claim.kind, claim.key)
        return stored_claim(name, keys) if keys else name

    command: dict[str, Any] = {
        "command_id": append.command_id,
        "operation": append.operation,
        "digest": append.digest,
        "reads": append.reads,
        "events": rows_of(events),
        "unique": [
            {**stored_name(u)._asdict(), "owner": u.owner, "replaces": u.replaces}
            for u in append.unique
        ],
    }
    if append.beds_read:
        command["beds_read"] = {id: sorted(beds) for id, beds in append.beds_read.items()}
    if append.persons_read:
        command["persons_read"] = list(append.persons_read)
        command["stays_read"] = list(append.stays_read)
    if append.asks:
        command["asks"] = append.asks
    if append.released:
        command["released"] = [
            form._asdict()
            for u in append.released
            for form in dict.fromkeys((stored_name(u), Unique(u.kind, u.key)))
        ]
    if append.recorded_at is not None:
        command["recorded_at"] = append.recorded_at
    if append.restated:
        command["restated"] = append.restated
        command["beds"] = [
            {
                "room": c.stretch.bed.room,
                "bed": c.stretch.bed.bed,
                "stay": c.stay,
                "since": c.stretch.period.start,
                "until": c.stretch.period.end,
                "kept": c.stretch.kept,
                "shares_bed_of": c.stretch.shares_bed_of,
                "begun": c in append.begun,
            }
            for c in append.beds
        ]
        command["persons"] = [
            {"person": c.person, "stay": c.stay, "since": c.period.start, "until": c.period.end}
            for c in append.persons
        ]
    return command


def rows_of(events: Sequence[VersionedStoredEvent]) -> list[msgspec.Raw]:
    """Return events as ``record.append`` takes them."""
    return [msgspec.Raw(event.row) for event in events]


def to_recorded_command(row: Mapping[str, Any]) -> RecordedCommand:
    """Deserialize a row of ``record.commands`` from JSON."""
    return RecordedCommand(
        UUID(row["command_id"]),
        row["operation"],
        row["digest"],
        row["first_position"],
        row["last_position"],
        datetime.fromisoformat(row["recorded_at"]),
    )
