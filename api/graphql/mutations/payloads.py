"""What a mutation answers: the recorded thing as the read models have it, or a refusal.

Each mutation has a union of its own; the refusals that any command may meet are in all of them.
"""

from datetime import datetime

import strawberry

from api.graphql.mutations.refusals import (
    BedNotOpen,
    BedOccupied,
    CommandIdReused,
    ContradictsLaterFacts,
    InFuture,
    InvalidInput,
    NotAllowed,
    NotFound,
    OutsideStay,
    ReasonNeeded,
    RoomPolicyBroken,
    SharersUnplaced,
    StayNotOpen,
    StayStateBroken,
    VersionConflict,
)
from api.graphql.scalars import Position
from api.graphql.types.people import Patient, Practitioner
from api.graphql.types.report_issues import ReportIssue
from api.graphql.types.rooms import Room
from api.graphql.types.source_movements import SourceMovement
from api.graphql.types.stays import Prescription, Stay, Visit


@strawberry.interface(description="A command that was accepted; its facts are safe.")
class Recorded:
    command_id: strawberry.ID = strawberry.field(description="The command's id.")
    position: Position = strawberry.field(description="Its place in the log.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")


@strawberry.type(
    description="Recorded, but the read models are behind: read again with atLeast. Also what a"
    " repeated command answers if what it changed is closed to you by now."
)
class RecordedNotYetReadable(Recorded):
    pass


@strawberry.type(
    description="Recorded, but a read model could not take it in: do not record it again."
)
class Parked(Recorded):
    message: str = strawberry.field(description="What that means, for a person.")
    read_models: list[str] = strawberry.field(description="Those that lack it, by name.")


@strawberry.type(description="A patient was recorded.")
class PatientRecorded(Recorded):
    patient: Patient = strawberry.field(description="The patient as now held.")


@strawberry.type(description="A patient's data were opened to who gave the command.")
class GlassBroken(Recorded):
    patient: Patient = strawberry.field(description="The patient as now held.")
    until: datetime = strawberry.field(description="Until when they are open.")


@strawberry.type(description="A practitioner was recorded.")
class PractitionerRecorded(Recorded):
    practitioner: Practitioner = strawberry.field(description="The practitioner as now held.")


@strawberry.type(description="A room was recorded.")
class RoomRecorded(Recorded):
    room: Room = strawberry.field(description="The room as now held.")


@strawberry.type(description="The hospital's own clock was recorded.")
class HospitalTimeRecorded(Recorded):
    time_zone: str = strawberry.field(description="The time zone that was set.")


@strawberry.type(description="A stay was recorded.")
class StayRecorded(Recorded):
    stay: Stay = strawberry.field(description="The stay as now held.")
    with_stay: Stay | None = strawberry.field(description="The other stay of a swap.")
    changed_stays: list[Stay] = strawberry.field(
        description="Every stay that changed, as now held."
    )
    still_stopped: list[Prescription] = strawberry.field(
        description="What a discharge that was reversed had stopped: it stays stopped."
    )


@strawberry.type(description="A visit was recorded.")
class VisitRecorded(Recorded):
    visit: Visit = strawberry.field(description="The visit.")
    stay: Stay = strawberry.field(description="The stay as now held.")


@strawberry.type(description="A prescription was recorded.")
class PrescriptionRecorded(Recorded):
    prescription: Prescription = strawberry.field(description="The prescription as now held.")
    stay: Stay = strawberry.field(description="The stay as now held.")


@strawberry.type(description="A report of another system was kept; see what became of it.")
class SourceMovementRecorded(Recorded):
    source_movement: SourceMovement = strawberry.field(
        description="The movement as that system holds it: recorded, cancelled, or pending and why."
    )
    stay: Stay | None = strawberry.field(description="The stay as now held, where there is one.")


def result_union(command: str) -> object:
    """The union that a mutation answers with, named after it."""
    name = command[0].lower() + command[1:]
    return strawberry.union(
        f"{command}Result", description=f"What {name} answers: what was recorded, or why not."
    )


@strawberry.type(description="A report was issued or restated.")
class ReportRecorded(Recorded):
    issue: ReportIssue = strawberry.field(description="The issue with its restatements.")


CommonRefusals = (
    RecordedNotYetReadable
    | Parked
    | CommandIdReused
    | InFuture
    | InvalidInput
    | NotAllowed
    | NotFound
    | ReasonNeeded
    | VersionConflict
)
BedRefusals = BedNotOpen | BedOccupied | RoomPolicyBroken | SharersUnplaced
StayRefusals = StayNotOpen | StayStateBroken | OutsideStay | ContradictsLaterFacts
