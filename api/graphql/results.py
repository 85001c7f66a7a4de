"""What a mutation answers: the recorded thing as the read models have it, or a refusal.

Each mutation has a union of its own; the refusals that any command may meet are in all of them.
"""

from datetime import datetime
from typing import Annotated

import strawberry

from api.graphql.people import Patient, Practitioner
from api.graphql.refusals import (
    AlreadyExists,
    BedNotOpen,
    BedOccupied,
    BedStateBroken,
    CommandIdReused,
    ContradictsLaterFacts,
    InFuture,
    InvalidInput,
    MergeImpossible,
    MovementNotFound,
    NotFound,
    OutsideStay,
    PatientAlreadyAdmitted,
    PatientDied,
    PrescriptionStateBroken,
    ReasonNeeded,
    RoomPolicyBroken,
    SharersUnplaced,
    StayNotOpen,
    StayStateBroken,
    VersionConflict,
)
from api.graphql.rooms import Room
from api.graphql.scalars import Position
from api.graphql.stays import Prescription, Stay, Visit


@strawberry.interface(description="A command that was accepted; its facts are safe.")
class Recorded:
    command_id: strawberry.ID = strawberry.field(description="The command's id.")
    position: Position = strawberry.field(description="Its place in the log.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")


@strawberry.type(description="Recorded, but the read models are behind: read again with atLeast.")
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


def _union(command: str) -> object:
    """The union that a mutation answers with, named after it."""
    name = command[0].lower() + command[1:]
    return strawberry.union(
        f"{command}Result", description=f"What {name} answers: what was recorded, or why not."
    )


Any_ = (
    RecordedNotYetReadable
    | Parked
    | CommandIdReused
    | InFuture
    | InvalidInput
    | NotFound
    | ReasonNeeded
    | VersionConflict
)
Bed_ = BedNotOpen | BedOccupied | RoomPolicyBroken | SharersUnplaced
Stay_ = StayNotOpen | StayStateBroken | OutsideStay | ContradictsLaterFacts

RegisterPatientResult = Annotated[PatientRecorded | AlreadyExists | Any_, _union("RegisterPatient")]
RegisterPractitionerResult = Annotated[
    PractitionerRecorded | AlreadyExists | Any_, _union("RegisterPractitioner")
]
SetHospitalTimeResult = Annotated[HospitalTimeRecorded | Any_, _union("SetHospitalTime")]
RecordDeathResult = Annotated[
    PatientRecorded | PatientDied | ContradictsLaterFacts | Any_,
    _union("RecordDeath"),
]
OpenRoomResult = Annotated[RoomRecorded | AlreadyExists | Any_, _union("OpenRoom")]
AddBedResult = Annotated[RoomRecorded | AlreadyExists | Any_, _union("AddBed")]
SetRoomPolicyResult = Annotated[RoomRecorded | Any_, _union("SetRoomPolicy")]
CloseBedResult = Annotated[
    RoomRecorded | BedOccupied | BedNotOpen | BedStateBroken | Any_,
    _union("CloseBed"),
]
ReopenBedResult = Annotated[RoomRecorded | BedStateBroken | Any_, _union("ReopenBed")]
StartCleaningResult = Annotated[
    RoomRecorded | BedOccupied | BedNotOpen | BedStateBroken | Any_,
    _union("StartCleaning"),
]
FinishCleaningResult = Annotated[RoomRecorded | BedStateBroken | Any_, _union("FinishCleaning")]
ReserveBedResult = Annotated[
    RoomRecorded | BedNotOpen | BedStateBroken | Any_, _union("ReserveBed")
]
ReleaseReservationResult = Annotated[
    RoomRecorded | BedStateBroken | Any_, _union("ReleaseReservation")
]
AdmitPatientResult = Annotated[
    StayRecorded | PatientAlreadyAdmitted | PatientDied | Bed_ | Stay_ | Any_,
    _union("AdmitPatient"),
]
AllocateRoomResult = Annotated[StayRecorded | Bed_ | Stay_ | Any_, _union("AllocateRoom")]
TransferPatientResult = Annotated[StayRecorded | Bed_ | Stay_ | Any_, _union("TransferPatient")]
SwapBedsResult = Annotated[StayRecorded | Bed_ | Stay_ | Any_, _union("SwapBeds")]
StartLeaveResult = Annotated[StayRecorded | PatientDied | Bed_ | Stay_ | Any_, _union("StartLeave")]
EndLeaveResult = Annotated[StayRecorded | PatientDied | Bed_ | Stay_ | Any_, _union("EndLeave")]
ChangeAttendingResult = Annotated[StayRecorded | Stay_ | Any_, _union("ChangeAttending")]
ChangeSpecialtyResult = Annotated[StayRecorded | Stay_ | Any_, _union("ChangeSpecialty")]
RecordVisitResult = Annotated[VisitRecorded | PatientDied | Stay_ | Any_, _union("RecordVisit")]
PlanDischargeResult = Annotated[StayRecorded | Stay_ | Any_, _union("PlanDischarge")]
DischargePatientResult = Annotated[
    StayRecorded | SharersUnplaced | PrescriptionStateBroken | Stay_ | Any_,
    _union("DischargePatient"),
]
WritePrescriptionResult = Annotated[
    PrescriptionRecorded | OutsideStay | PatientDied | Any_,
    _union("WritePrescription"),
]
ChangePrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | PatientDied | ContradictsLaterFacts | Any_,
    _union("ChangePrescription"),
]
HoldPrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | PatientDied | ContradictsLaterFacts | Any_,
    _union("HoldPrescription"),
]
ResumePrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | PatientDied | ContradictsLaterFacts | Any_,
    _union("ResumePrescription"),
]
StopPrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | ContradictsLaterFacts | Any_,
    _union("StopPrescription"),
]
CompletePrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | ContradictsLaterFacts | Any_,
    _union("CompletePrescription"),
]
RecordAdministrationResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | OutsideStay | PatientDied | Any_,
    _union("RecordAdministration"),
]
_Corrected = PatientDied | PatientAlreadyAdmitted | MovementNotFound | PrescriptionStateBroken
CancelAdmissionResult = Annotated[
    StayRecorded | PatientDied | Bed_ | Stay_ | Any_, _union("CancelAdmission")
]
CancelDischargeResult = Annotated[
    StayRecorded | _Corrected | Bed_ | Stay_ | Any_, _union("CancelDischarge")
]
CancelMovementResult = Annotated[
    StayRecorded | _Corrected | Bed_ | Stay_ | Any_, _union("CancelMovement")
]
CorrectMovementResult = Annotated[
    StayRecorded | _Corrected | Bed_ | Stay_ | Any_, _union("CorrectMovement")
]
CorrectFactsResult = Annotated[
    StayRecorded | _Corrected | Bed_ | Stay_ | Any_, _union("CorrectFacts")
]
AmendVisitResult = Annotated[
    VisitRecorded | MovementNotFound | PatientDied | Stay_ | Any_, _union("AmendVisit")
]
CancelVisitResult = Annotated[StayRecorded | MovementNotFound | Any_, _union("CancelVisit")]
CancelPrescriptionResult = Annotated[
    PrescriptionRecorded | PrescriptionStateBroken | Any_, _union("CancelPrescription")
]
CorrectAdministrationResult = Annotated[
    PrescriptionRecorded
    | PrescriptionStateBroken
    | MovementNotFound
    | OutsideStay
    | PatientDied
    | Any_,
    _union("CorrectAdministration"),
]
CancelAdministrationResult = Annotated[
    PrescriptionRecorded | MovementNotFound | Any_, _union("CancelAdministration")
]
CorrectPatientDetailsResult = Annotated[
    PatientRecorded | AlreadyExists | Any_, _union("CorrectPatientDetails")
]
MergePatientsResult = Annotated[
    PatientRecorded | MergeImpossible | ContradictsLaterFacts | Any_, _union("MergePatients")
]
UnmergePatientsResult = Annotated[
    PatientRecorded | MovementNotFound | Any_, _union("UnmergePatients")
]
