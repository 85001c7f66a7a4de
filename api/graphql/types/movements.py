"""Movements and merges, for those who correct them: with their ids, and without clinical content."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Self, TypeVar
from uuid import UUID

import strawberry

from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.scalars import Position, optional_id
from api.graphql.types.enums import (
    AdmissionType,
    DischargePlan,
    Disposition,
    EntryStatus,
    Precision,
    TimelineKind,
)
from api.graphql.types.people import Practitioner
from api.graphql.types.rooms import Room
from api.graphql.types.timeline import Recorder
from application.authorization.roles import may
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.timeline.queries import EntryView, merges_of_persons, movements_of

T = TypeVar("T")

USE_RECORDER = "Use recorder { subject }."


@shows(DataKind.STAY, read_by=(movements_of,))
@strawberry.type(description="A movement of a stay, also one that was corrected or cancelled.")
class Movement:
    id: strawberry.ID = strawberry.field(
        description="Its id for life, by which it is corrected or cancelled."
    )
    entry: strawberry.ID = strawberry.field(
        description="The timeline entry that tells it as here; corrects, correctedBy and cancelledBy"
        " name entries."
    )
    kind: TimelineKind = strawberry.field(description="What happened.")
    status: EntryStatus = strawberry.field(description="What became of it.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    occurred_at_precision: Precision = strawberry.field(description="How precisely that is known.")
    recorded_at: datetime = strawberry.field(description="When the record learned of it.")
    position: Position = strawberry.field(description="Its place in the log.")
    recorded_by: str = strawberry.field(
        description="The login that recorded it.", deprecation_reason=USE_RECORDER
    )
    recorder: Recorder = strawberry.field(description="Who recorded it.")
    performed_by: str | None = strawberry.field(description="Who did it.")
    reason: str | None = strawberry.field(
        description="Why it was recorded late or corrected; for the roles that may read what its"
        " writer may."
    )
    bed: str | None = strawberry.field(description="The code of the bed that it names.")
    without_bed: str | None = strawberry.field(description="The place without a bed that it names.")
    admission_type: AdmissionType | None = strawberry.field(
        description="The type of the stay from then on, of an admission or a change of type."
    )
    specialty: str | None = strawberry.field(
        description="The responsible specialty from then on, of an admission or a change of it."
    )
    decided_to_admit_at: datetime | None = strawberry.field(
        description="Of an admission: when it was decided."
    )
    keeps_bed: bool | None = strawberry.field(
        description="Of the beginning of a leave: whether the bed is kept."
    )
    expected_return: datetime | None = strawberry.field(
        description="Of the beginning of a leave: when the patient is expected back."
    )
    plan: DischargePlan | None = strawberry.field(
        description="Of a discharge plan: how far it is planned."
    )
    expected_at: datetime | None = strawberry.field(
        description="Of a discharge plan: when the discharge is expected."
    )
    disposition: Disposition | None = strawberry.field(
        description="Of a discharge: where the patient went."
    )
    destination: str | None = strawberry.field(description="Of a discharge: where to, by name.")
    departed_at: datetime | None = strawberry.field(
        description="Of emergency care: when the patient left the department."
    )
    shares_bed_of: strawberry.ID | None = strawberry.field(
        description="The mother's stay whose bed is shared from then on."
    )
    corrects: strawberry.ID | None = strawberry.field(description="The entry that it corrects.")
    corrected_by: strawberry.ID | None = strawberry.field(description="The entry that corrects it.")
    cancelled_by: strawberry.ID | None = strawberry.field(
        description="The entry that takes it back."
    )
    reversed_at: datetime | None = strawberry.field(
        description="Of one that was so, until it was reversed: from when on."
    )
    view: strawberry.Private[EntryView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, info: Info, view: EntryView, at: AsOf) -> Self:
        at.record_access(view.patient)
        content = view.data
        bed = content.get("bed")
        return cls(
            id=strawberry.ID(str(view.movement)),
            entry=strawberry.ID(str(view.entry)),
            kind=TimelineKind(view.kind),
            status=EntryStatus(view.status),
            occurred_at=view.occurred_at,
            occurred_at_precision=Precision(view.precision),
            recorded_at=view.recorded_at,
            position=info.context.position(view.recorded_position),
            recorded_by=str(view.recorded_by["subject"]),
            recorder=Recorder.of(view.recorded_by),
            performed_by=view.performed_by,
            reason=reason_for(info, view.reason, view.recorded_by),
            bed=bed["bed"] if bed else None,
            without_bed=content.get("without_bed"),
            admission_type=_optional(AdmissionType, content.get("admission_type")),
            specialty=content.get("specialty"),
            decided_to_admit_at=_optional(
                datetime.fromisoformat, content.get("decided_to_admit_at")
            ),
            keeps_bed=content.get("keeps_bed"),
            expected_return=_optional(datetime.fromisoformat, content.get("expected_return")),
            plan=_optional(DischargePlan, content.get("plan")),
            expected_at=_optional(datetime.fromisoformat, content.get("expected_at")),
            disposition=_optional(Disposition, content.get("disposition")),
            destination=content.get("destination"),
            departed_at=_optional(datetime.fromisoformat, content.get("departed_at")),
            shares_bed_of=optional_id(content.get("shares_bed_of")),
            corrects=optional_id(view.corrects),
            corrected_by=optional_id(view.corrected_by),
            cancelled_by=optional_id(view.cancelled_by),
            reversed_at=view.reversed_at,
            view=view,
            at=at,
        )

    @strawberry.field(description="The room that it names; absent without a bed.")
    async def room(self, info: Info) -> Room | None:
        bed = self.view.data.get("bed")
        return await Room.find(info, _optional(UUID, bed and bed["room"]), self.at)

    @strawberry.field(
        description="The responsible doctor from then on, of an admission or a change of it."
    )
    async def attending(self, info: Info) -> Practitioner | None:
        return await Practitioner.find(
            info, _optional(UUID, self.view.data.get("attending")), self.at
        )


@shows(DataKind.STAY, read_by=(merges_of_persons,))
@strawberry.type(description="Two records that were found to be of one person.")
class Merge:
    id: strawberry.ID = strawberry.field(description="Its id, by which it is taken back.")
    record: strawberry.ID = strawberry.field(description="The record that was merged away.")
    into: strawberry.ID = strawberry.field(description="The record that it was merged into.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    recorded_by: str = strawberry.field(
        description="The login that recorded it.", deprecation_reason=USE_RECORDER
    )
    recorder: Recorder = strawberry.field(description="Who recorded it.")
    reason: str | None = strawberry.field(
        description="Why; for the roles that may read what its writer may."
    )

    @classmethod
    def of(cls, info: Info, view: EntryView, at: AsOf) -> Self:
        at.record_access(view.patient)
        return cls(
            id=strawberry.ID(str(view.data["merge"])),
            record=strawberry.ID(str(view.patient)),
            into=strawberry.ID(str(view.data["into"])),
            recorded_at=view.recorded_at,
            recorded_by=str(view.recorded_by["subject"]),
            recorder=Recorder.of(view.recorded_by),
            reason=reason_for(info, view.reason, view.recorded_by),
        )


def reason_for(info: Info, reason: str | None, recorded_by: Mapping[str, Any]) -> str | None:
    """Return the reason of a fact; None for who sees no findings, of who does: it may tell some."""
    sees_it = info.context.may("data:clinical") or not may(
        str(recorded_by["role"]), "data:clinical"
    )
    return reason if sees_it else None


def _optional(make: Callable[[Any], T], value: Any) -> T | None:
    """Return a stored value, converted; None for none."""
    return make(value) if value else None
