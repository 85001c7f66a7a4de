"""The values of a timeline entry, made of its event."""

from datetime import UTC, datetime
from functools import cache
from hashlib import sha1
from typing import Any
from uuid import UUID, uuid5

from domain.aggregate import Event
from domain.envelope import ALTERED
from domain.patient import Patient
from domain.prescription.aggregate import Prescription
from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason
from domain.time import LATE_AFTER
from infrastructure.projections.projection import EventPosition

ENVELOPE = ("originator_id", "originator_version", "entry", "ALTERED")


def entry_values(event: Event, place: EventPosition) -> dict[str, Any]:
    envelope, about = event.entry, event.entry.about
    assert about is not None
    data = data_of(event)
    return {
        "patient": about.patient,
        "stay": about.stay,
        "subject": event.originator_id,
        "kind": kind_of(event),
        "status": "TRUE",
        "movement": data.get("movement") or data.get("change"),
        "fact": change_of(event.originator_id, event.since)
        if isinstance(event, Patient.DetailsChanged)
        else event.fact,
        "corrects": None,
        "corrected_by": None,
        "cancels": None,
        "cancelled_by": None,
        "occurred_at": envelope.occurred_at,
        "precision": envelope.precision.value,
        "recorded_at": place.recorded_at,
        "recorded_position": place.known,
        "late": place.recorded_at - envelope.occurred_at > LATE_AFTER,
        "recorded_by": envelope.recorded_by,
        "performed_by": envelope.performed_by,
        "reason": envelope.reason,
        "source": envelope.source,
        "data": data,
        "first_position": place.position,
    }


def change_of(patient: UUID, since: datetime) -> UUID:
    """Return the id by which entries know what changed of a person from a time on."""
    return uuid5(patient, since.astimezone(UTC).isoformat())


def made_by_cancel(event: Event) -> UUID | None:
    """Return the id of a cancel that is a movement itself: a reversal, or the place instead."""
    is_reversed = getattr(event, "because", None) is CancellationReason.DECISION_REVERSED
    place = getattr(event, "bed", None) or getattr(event, "without_bed", None)
    return getattr(event, "cancel", None) if is_reversed or place else None


def replaced_fields(event: Event) -> tuple[str, ...]:
    """Return the fields that a correction removes, even where it gives no other value."""
    if isinstance(event, Stay.MovementCorrected):
        place = ("bed", "shares_bed_of", "without_bed") if event.bed or event.without_bed else ()
        return (*place, *(detail.value.lower() for detail in event.unknown))
    if isinstance(event, Prescription.WrittenCorrected | Prescription.ChangeCorrected):
        is_same = event.frequency is None and event.schedule is None
        without_stop = isinstance(event, Prescription.WrittenCorrected) and event.open_ended
        return (() if is_same else ("frequency", "schedule")) + (("stop",) if without_stop else ())
    if isinstance(event, Patient.DeathCorrected):
        return ("stay", "discharge")
    if isinstance(event, Prescription.AdministrationCorrected) and event.given is not None:
        return ("reason_not_given",) if event.given else ("dose_given",)
    return ()


def entry_id(event: Event) -> UUID:
    """Return the id of an event's entry: the same in every rebuild."""
    return entry_of(event.originator_id, event.originator_version)


def entry_of(stream: UUID, version: int) -> UUID:
    """Return the id of the entry of an event, by its stream and its version there."""
    name = sha1(stream.bytes + b"%d" % version, usedforsecurity=False)
    return UUID(bytes=name.digest()[:16], version=5)  # as uuid5, which takes longer


def kind_of(event: Event | type[Event]) -> str:
    """Return the kind of an event's entry: ``STAY_ADMITTED`` for the topic ``stay.admitted``."""
    return _kind_of(event.TOPIC)


@cache
def _kind_of(topic: str) -> str:
    return topic.replace(".", "_").replace("-", "_").upper()


def data_of(event: Event) -> dict[str, Any]:
    """Return the fields of an event beside its envelope, without those that are None.

    What somebody altered in the log reads ALTERED, also a birth date and a sex.
    """
    fields = vars(event).items()
    data = {name: value for name, value in fields if value is not None and name not in ENVELOPE}
    data.update(dict.fromkeys(event.ALTERED, ALTERED))
    if isinstance(event, Prescription.WrittenCorrected):
        del data["open_ended"]
    if isinstance(event, Stay.MovementCorrected):
        del data["unknown"]
    return data
