"""Commands as ``record.append`` takes them, made by hand: what no hospital of ours would send."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4


def crafted(*events: tuple[UUID, int], **more: Any) -> dict[str, Any]:
    """A command that writes those versions of those streams, having read the versions before."""
    reads: dict[str, int] = {}
    for stream, version in events:
        reads.setdefault(str(stream), version - 1)
    envelope = {
        "operation": "crafted",
        "digest": r"\x00",
        "occurred_at": "2026-03-02T08:00:00Z",
        "issuer": "test",
        "subject": "nurse-1",
        "role": "nurse",
        "hospital": "main",
    }
    return {
        "command_id": uuid4(),
        "operation": "crafted",
        "digest": "00",
        "events": [
            {
                "stream": stream,
                "version": version,
                "topic": "crafted",
                "schema_version": 1,
                **envelope,
                "own": {"n": n},
            }
            for n, (stream, version) in enumerate(events, 1)
        ],
        "unique": [],
        **more,
        "reads": {**reads, **more.get("reads", {})},
    }


def lying(
    stay: UUID, room: UUID, bed: str, since: datetime, until: datetime | None = None, **more: Any
) -> dict[str, Any]:
    """A claim of a bed."""
    claim = {"stay": stay, "room": room, "bed": bed, "since": since, "until": until}
    return {**claim, "kept": False, "shares_bed_of": None, "begun": True, **more}


def present(
    stay: UUID, person: UUID, since: datetime, until: datetime | None = None
) -> dict[str, Any]:
    """A claim that a person is in the hospital."""
    return {"stay": stay, "person": person, "since": since, "until": until}
