"""Refusals as members of each mutation's result: one type per reason, with its own data.

A refusal raised anywhere below becomes a member of the result union by a handler for its type: no
resolver catches anything.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types.field import StrawberryField

from api.graphql.context import Ask
from api.graphql.types.rooms import Room
from api.telemetry import metrics
from domain import refusals as domain


@strawberry.interface(description="A command that was understood and not accepted.")
class Refusal:
    code: str = strawberry.field(description="The name of its type.")
    message: str = strawberry.field(description="What is wrong, and what to do, for a person.")
    path: list[str] = strawberry.field(description="The part of the input at fault.")


@strawberry.type(description="No movement, visit, dose or merge of that id is held true.")
class MovementNotFound(Refusal):
    pass


@strawberry.type(description="The two records cannot be one person, or are linked already.")
class MergeImpossible(Refusal):
    stays: list[strawberry.ID] = strawberry.field(
        description="The stays that the person would be in at once."
    )


@strawberry.type(description="A recorded fact that stands in the way.")
class Fact:
    id: strawberry.ID = strawberry.field(
        description="Of the movement, visit, dose or prescription."
    )
    kind: str = strawberry.field(description="What it is.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    stay: strawberry.ID | None = strawberry.field(description="The stay it belongs to.")


@strawberry.type(description="Somebody else has the bed in that time.")
class BedOccupied(Refusal):
    by_stay: strawberry.ID = strawberry.field(description="The stay that has it.")
    ref: strawberry.Private[domain.BedRef]

    @strawberry.field(description="The bed, as ward/room/bed.")
    async def bed(self, info: Ask) -> str:
        return await _label(info, self.ref)


@strawberry.type(description="The bed is closed, being cleaned, or reserved for somebody else.")
class BedNotOpen(Refusal):
    reason: str = strawberry.field(description="Why it is not open.")
    ref: strawberry.Private[domain.BedRef]

    @strawberry.field(description="The bed, as ward/room/bed.")
    async def bed(self, info: Ask) -> str:
        return await _label(info, self.ref)


@strawberry.type(description="The room's own policy keeps the patient out.")
class RoomPolicyBroken(Refusal):
    policy: str = strawberry.field(description="The policy.")


@strawberry.type(description="The bed's states do not allow it.")
class BedStateBroken(Refusal):
    pass


@strawberry.type(description="The stay has ended at the time of the fact.")
class StayNotOpen(Refusal):
    pass


@strawberry.type(description="The stay's state does not allow it.")
class StayStateBroken(Refusal):
    pass


@strawberry.type(description="The fact lies before the admission or after the discharge.")
class OutsideStay(Refusal):
    pass


@strawberry.type(description="The patient has another stay in that time.")
class PatientAlreadyAdmitted(Refusal):
    stay: strawberry.ID = strawberry.field(description="The other stay.")


@strawberry.type(description="The fact lies after the patient's death.")
class PatientDied(Refusal):
    died_at: datetime = strawberry.field(description="When the patient died.")


@strawberry.type(description="The fact would make recorded facts untrue.")
class ContradictsLaterFacts(Refusal):
    facts: list[Fact] = strawberry.field(description="Those facts.")


@strawberry.type(description="The bed that would be left is shared by a child.")
class SharersUnplaced(Refusal):
    stays: list[strawberry.ID] = strawberry.field(description="The children's stays.")


@strawberry.type(description="The prescription's state does not allow it.")
class PrescriptionStateBroken(Refusal):
    pass


@strawberry.type(description="A fact cannot have happened in the future.")
class InFuture(Refusal):
    now: datetime = strawberry.field(description="What time it is.")


@strawberry.type(description="A late entry, a closure or a correction says why.")
class ReasonNeeded(Refusal):
    pass


@strawberry.type(description="Nothing of that kind has that id, number or MRN.")
class NotFound(Refusal):
    pass


@strawberry.type(description="The MRN, number or code is taken.")
class AlreadyExists(Refusal):
    pass


@strawberry.type(description="A value makes no sense by itself.")
class InvalidInput(Refusal):
    field: str = strawberry.field(description="The input field.")


@strawberry.type(description="The role or the wards of who asks do not go so far.")
class NotAllowed(Refusal):
    pass


@strawberry.type(description="The command id was used before with another content.")
class CommandIdReused(Refusal):
    pass


@strawberry.type(description="What the client read has changed since.")
class VersionConflict(Refusal):
    expected: int | None = strawberry.field(description="The version the client expected.")
    actual: int | None = strawberry.field(description="The version found.")


def _id(id: UUID) -> strawberry.ID:
    return strawberry.ID(str(id))


Data = Callable[[Any], dict[str, Any]]

REFUSALS: dict[type[domain.Refusal], tuple[type[Refusal], Data]] = {
    domain.BedOccupied: (BedOccupied, lambda r: {"ref": r.bed, "by_stay": _id(r.by_stay)}),
    domain.BedNotOpen: (BedNotOpen, lambda r: {"ref": r.bed, "reason": r.reason}),
    domain.RoomPolicyBroken: (RoomPolicyBroken, lambda r: {"policy": r.policy}),
    domain.BedStateBroken: (BedStateBroken, lambda r: {}),
    domain.StayNotOpen: (StayNotOpen, lambda r: {}),
    domain.StayStateBroken: (StayStateBroken, lambda r: {}),
    domain.OutsideStay: (OutsideStay, lambda r: {}),
    domain.PatientAlreadyAdmitted: (PatientAlreadyAdmitted, lambda r: {"stay": _id(r.stay)}),
    domain.PatientDied: (PatientDied, lambda r: {"died_at": r.died_at}),
    domain.ContradictsLaterFacts: (
        ContradictsLaterFacts,
        lambda r: {
            "facts": [
                Fact(
                    id=_id(f.id),
                    kind=f.kind,
                    occurred_at=f.occurred_at,
                    stay=_id(f.stay) if f.stay else None,
                )
                for f in r.facts
            ]
        },
    ),
    domain.SharersUnplaced: (SharersUnplaced, lambda r: {"stays": [_id(s) for s in r.stays]}),
    domain.PrescriptionStateBroken: (PrescriptionStateBroken, lambda r: {}),
    domain.InFuture: (InFuture, lambda r: {"now": r.now}),
    domain.ReasonNeeded: (ReasonNeeded, lambda r: {}),
    domain.NotFound: (NotFound, lambda r: {}),
    domain.MovementNotFound: (MovementNotFound, lambda r: {}),
    domain.MergeImpossible: (
        MergeImpossible,
        lambda r: {"stays": [strawberry.ID(str(s)) for s in r.stays]},
    ),
    domain.AlreadyExists: (AlreadyExists, lambda r: {}),
    domain.InvalidInput: (InvalidInput, lambda r: {"field": camel(r.field)}),
    domain.NotAllowed: (NotAllowed, lambda r: {}),
    domain.CommandIdReused: (CommandIdReused, lambda r: {}),
    domain.VersionConflict: (
        VersionConflict,
        lambda r: {"expected": r.expected, "actual": r.actual},
    ),
}


class RefusalHandler:
    """Tells one type of refusal as its member of the union."""

    def __init__(self, refusal: type[domain.Refusal], member: type[Refusal], data: Data) -> None:
        self.exception_type = refusal
        self.error_type = member
        self._member, self._data = member, data

    def handle(self, exception: Any, *, field: StrawberryField, info: Any) -> Refusal:
        metrics.REFUSALS.labels(exception.code).inc()
        return self._member(
            code=exception.code,
            message=exception.message,
            path=[camel(part) for part in exception.path],
            **self._data(exception),
        )


HANDLERS = [RefusalHandler(refusal, member, data) for refusal, (member, data) in REFUSALS.items()]


def camel(name: str) -> str:
    """A Python name as GraphQL has it."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


async def _label(info: Ask, bed: domain.BedRef) -> str:
    here = await info.context.log_status()
    room = await Room.find(info, bed.room, info.context.moment(here.now, here.position))
    return f"{room.ward}/{room.number}/{bed.bed}" if room else bed.bed
