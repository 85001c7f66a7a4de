"""Messages: events of the feed in the JSON format of CloudEvents, and the record of their reading."""

from collections.abc import Sequence
from typing import Any

from api.feed.cloudevents import BY_TOPIC, data, event_id, patients_of, resources_of, subject
from api.graphql.scalars import encode_position
from application.authorization.roles import Purpose
from domain.envelope import Actor
from infrastructure.access_log import AccessLog, AccessRecord
from infrastructure.postgres.database import Log
from infrastructure.queries.feed import LoggedEvent

READER = Actor(issuer="wardbook", subject="feed", role="service")
"""The actor of the reading of the feed, as it is recorded."""


def message(entry: LoggedEvent, log: Log) -> dict[str, Any]:
    """Return an event in the JSON format of CloudEvents, with its place in the log."""
    public = BY_TOPIC[entry.event.TOPIC]
    return {
        "specversion": "1.0",
        "id": str(event_id(entry)),
        "source": f"urn:uuid:{log.id}",
        "type": public.type,
        "subject": subject(entry.event),
        "time": entry.recorded_at,
        "datacontenttype": "application/json",
        "dataschema": public.dataschema,
        "data": data(entry.event, entry.rooms),
        "position": encode_position(log.id, log.epoch, entry.position),
    }


async def record_reading(
    readings: AccessLog,
    entries: Sequence[LoggedEvent],
    messages: Sequence[dict[str, Any]],
    operation: str,
    entity: str,
) -> None:
    """Record whose data messages tell, before they leave. ``entity``: where they go."""
    pairs = zip(entries, messages, strict=True)
    patients = {p for entry, event in pairs for p in patients_of(entry.event, event["data"])}
    resources = {id for event in messages for id in resources_of(event["data"])}
    if patients:
        await readings.record(
            AccessRecord(
                by=READER,
                operation=operation,
                purpose=Purpose.ADMINISTRATION,
                patients=patients,
                resources=resources,
                entity=entity,
            )
        )
