"""From a mutation's input to a command, and from the command to what it changed, read back."""

import asyncio
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from starlette.concurrency import run_in_threadpool
from strawberry.schema import ExceptionHandler
from strawberry.types.field import StrawberryField

from api.graphql.context import Ask
from api.graphql.mutations.inputs import (
    CommandInput,
    LateEntryInput,
    MedicationInput,
    MovementCancelInput,
    MovementCorrectionInput,
    SharerInput,
    SourceMovementInput,
)
from api.graphql.mutations.payloads import (
    GlassBroken,
    HospitalTimeRecorded,
    Parked,
    PatientRecorded,
    PractitionerRecorded,
    PrescriptionRecorded,
    RecordedNotYetReadable,
    ReportRecorded,
    RoomRecorded,
    SourceMovementRecorded,
    StayRecorded,
    VisitRecorded,
)
from api.graphql.types.people import Patient, Practitioner
from api.graphql.types.report_issues import ReportIssue
from api.graphql.types.reports import ReportParameterInput, ReportPeriod
from api.graphql.types.rooms import Room
from api.graphql.types.source_movements import SourceMovement
from api.graphql.types.stays import Prescription, Stay, Visit
from application.command_pipeline import Recorded, Request
from application.commands import reports
from application.commands.corrections import Cancel, Correction, LateEntry
from application.commands.source_movements import MovementReport
from application.commands.stays import Sharer
from domain.break_glass import EmergencyAccess
from domain.hospital_calendar import HospitalCalendar
from domain.prescription.aggregate import Medication
from domain.refusals import InvalidInput, NotFound
from domain.source_visit import SourceVisit
from domain.stay.aggregate import Stay as StayAggregate
from domain.stay.facts import CancellationReason
from infrastructure import tracing
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.projection_status import parked_in
from infrastructure.queries.stays import stopped_by, visit_by_id

ENVELOPE = tuple(f.name for f in fields(CommandInput))

Command = Callable[..., Recorded]


Found = TypeVar("Found")


class NotYetReadable(Exception):
    """A command was recorded, but what it changed cannot be shown.

    The read models did not reach its position in time; or it was recorded before, and is closed
    meanwhile to who repeats it.
    """

    def __init__(self, envelope: dict[str, Any]) -> None:
        super().__init__("recorded, not yet readable")
        self.envelope = envelope


class TellNotYetReadable(ExceptionHandler[NotYetReadable, RecordedNotYetReadable]):
    """Tells it as a member of the result: the fact is safe."""

    def handle(
        self, exception: NotYetReadable, *, field: StrawberryField, info: Any
    ) -> RecordedNotYetReadable:
        return RecordedNotYetReadable(**exception.envelope)


class ReadBackParked(Exception):
    """A command was recorded, but read models have parked it or have halted at it."""

    def __init__(self, envelope: dict[str, Any], read_models: list[str]) -> None:
        super().__init__("recorded, and parked")
        self.envelope, self.read_models = envelope, read_models


class TellParked(ExceptionHandler[ReadBackParked, Parked]):
    """Tells it as a member of the result: the fact is safe, what it changed cannot be shown."""

    def handle(self, exception: ReadBackParked, *, field: StrawberryField, info: Any) -> Parked:
        names = ", ".join(exception.read_models)
        return Parked(
            **exception.envelope,
            message=f"The fact is recorded and safe. What it changed cannot be shown: {names} could"
            " not take it in. Tell who runs Wardbook: 'wardbook projections parked'.",
            read_models=exception.read_models,
        )


def uuid(given: str, what: str, field: str) -> UUID:
    """An id that was given out. One that cannot be an id names nothing: NotFound."""
    try:
        return UUID(given)
    except ValueError:
        raise NotFound(what, given, field) from None


def request(info: Ask, input: CommandInput) -> Request:
    """Who gives the command, and what every command may say."""
    try:
        command_id = UUID(input.command_id)
    except ValueError:
        raise InvalidInput("commandId", "make a UUID for each command") from None
    return Request(
        command_id=command_id,
        by=info.context.caller.actor,
        occurred_at=input.occurred_at or None,
        precision=input.occurred_at_precision or None,
        performed_by=input.performed_by or None,
        witnessed_by=input.witnessed_by or None,
        reason=input.reason or None,
        wards=info.context.caller.wards,
        expected_version=None
        if input.expected_version is strawberry.UNSET
        else input.expected_version,
    )


def content(input: CommandInput) -> dict[str, Any]:
    """What the input says beside its envelope, as the command's parameters. Absent is absent."""
    said: dict[str, Any] = {}
    for field in input.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        name = field.python_name
        value = getattr(input, name)
        if name not in ENVELOPE and value is not None and value is not strawberry.UNSET:
            said[name] = _told(value, name)
    return said


def _told(value: Any, name: str) -> Any:
    if isinstance(value, MedicationInput):
        return Medication(name=value.name, code=value.code or None, system=value.system or None)
    if isinstance(value, SharerInput):
        return Sharer(
            stay_id=uuid(value.stay_id, "stay", "sharers"),
            shares_bed=bool(value.shares_bed),
            ward=value.ward or None,
            room=value.room or None,
            bed=value.bed or None,
        )
    for given, kind in _PARTS:
        if isinstance(value, given):
            return kind(**_parts(value))
    if isinstance(value, list):
        return tuple(_told(v, name) for v in value)
    if isinstance(value, str) and name in _IDS:
        return uuid(value, _IDS[name], name)
    return value


def _parts(value: Any) -> dict[str, Any]:
    """What a part of an input says. Absent is absent."""
    said = {f.name: getattr(value, f.name) for f in fields(value)}
    return {
        name: _told(given, name)
        for name, given in said.items()
        if given is not None and given is not strawberry.UNSET
    }


_PARTS = (
    (ReportPeriod, reports.ReportPeriod),
    (ReportParameterInput, reports.ReportParameter),
    (MovementCorrectionInput, Correction),
    (MovementCancelInput, Cancel),
    (LateEntryInput, LateEntry),
    (SourceMovementInput, MovementReport),
)

_IDS = {
    "issue_id": "issued report",
    "movement_id": "movement",
    "visit_id": "visit",
    "administration_id": "dose",
    "merge_id": "merge",
    "stay_id": "stay",
    "with_stay_id": "stay",
    "shares_bed_of": "stay",
    "prescription_id": "prescription",
    "reservation_id": "reservation",
    "keep_prescriptions": "prescription of this stay",
}


async def record(
    info: Ask, input: CommandInput, command: Command
) -> tuple[Recorded, dict[str, Any], AsOf]:
    """Give the command in a thread, then wait until what it changed can be read.

    A repeated command is answered as known at its own position, to who may see it today: a label
    may have closed it since. Raises Refusal, NotYetReadable.
    """
    context = info.context
    given = partial(command, request(info, input), **content(input))
    recorded = await run_in_threadpool(given)
    context.note_position(recorded.position)
    envelope = {
        "command_id": strawberry.ID(str(recorded.command_id)),
        "position": context.position(recorded.position),
        "recorded_at": recorded.recorded_at,
    }
    timeout = context.state.settings.read_timeout_seconds
    readable = context.state.progress
    with tracing.span("wait for the read models"):
        arrived = await readable.wait_for(recorded.position, timeout)
    if readable.parked and (lacking := await context.query(parked_in, recorded.command_id)):
        raise ReadBackParked(envelope, lacking)
    if not arrived:
        raise NotYetReadable(envelope)
    context.refresh()
    await context.load_permissions()
    context.viewer.just_written = frozenset() if recorded.repeated else _told_of(recorded)
    as_of: datetime = max(recorded.recorded_at, recorded.entry.occurred_at)
    return recorded, envelope, context.moment(as_of, recorded.position)


def _told_of(recorded: Recorded) -> frozenset[UUID]:
    """The stays and patients that a command told of: who told sees what came of it."""
    about = [event.entry.about for event in recorded.events if event.entry.about]
    streams = frozenset(event.originator_id for event in recorded.events)
    return streams | {a.patient for a in about} | {a.stay for a in about if a.stay}


def _shown(found: Found | None, recorded: Recorded, envelope: dict[str, Any]) -> Found:
    """What was read back. Raises NotYetReadable for a repeat of which nothing may be shown."""
    if found is None and recorded.repeated:
        raise NotYetReadable(envelope)
    assert found is not None
    return found


async def patient_recorded(info: Ask, input: CommandInput, command: Command) -> PatientRecorded:
    recorded, envelope, at = await record(info, input, command)
    patient = _shown(await Patient.find(info, recorded.ids("patient")[0], at), recorded, envelope)
    return PatientRecorded(**envelope, patient=patient)


async def glass_broken(info: Ask, input: CommandInput, command: Command) -> GlassBroken:
    recorded, envelope, at = await record(info, input, command)
    event = recorded.events[0]
    assert isinstance(event, EmergencyAccess.Broken)
    patient = _shown(await Patient.find(info, event.patient, at), recorded, envelope)
    return GlassBroken(**envelope, patient=patient, until=event.until)


async def practitioner_recorded(
    info: Ask, input: CommandInput, command: Command
) -> PractitionerRecorded:
    recorded, envelope, at = await record(info, input, command)
    practitioner = await Practitioner.find(info, recorded.ids("practitioner")[0], at)
    assert practitioner is not None
    return PractitionerRecorded(**envelope, practitioner=practitioner)


async def hospital_time_recorded(
    info: Ask, input: CommandInput, command: Command
) -> HospitalTimeRecorded:
    recorded, envelope, _ = await record(info, input, command)
    event = recorded.events[0]
    assert isinstance(event, HospitalCalendar.TimeSet)
    return HospitalTimeRecorded(**envelope, time_zone=event.time_zone)


async def room_recorded(info: Ask, input: CommandInput, command: Command) -> RoomRecorded:
    recorded, envelope, at = await record(info, input, command)
    room = await Room.find(info, recorded.ids("room")[0], at)
    assert room is not None
    return RoomRecorded(**envelope, room=room)


async def stay_recorded(info: Ask, input: CommandInput, command: Command) -> StayRecorded:
    recorded, envelope, at = await record(info, input, command)
    found = [await Stay.find(info, id, at) for id in recorded.ids("stay")]
    if recorded.repeated and None in found:  # "every stay that changed", or none
        raise NotYetReadable(envelope)
    stays = [stay for stay in found if stay is not None]
    swapped = isinstance(recorded.events[0], StayAggregate.BedSwapped)
    return StayRecorded(
        **envelope,
        stay=stays[0],
        with_stay=stays[1] if swapped else None,
        changed_stays=stays,
        still_stopped=await _still_stopped(info, recorded, at),
    )


async def _still_stopped(info: Ask, recorded: Recorded, at: AsOf) -> list[Prescription]:
    """The prescriptions that a discharge had stopped, when its decision was reversed."""
    reversed_ = [
        event
        for event in recorded.events
        if isinstance(event, StayAggregate.DischargeCancelled)
        and event.because is CancellationReason.DECISION_REVERSED
    ]
    stopped = [await info.context.query(stopped_by, e.movement, at) for e in reversed_]
    return [Prescription.of(view, at) for views in stopped for view in views]


async def visit_recorded(info: Ask, input: CommandInput, command: Command) -> VisitRecorded:
    recorded, envelope, at = await record(info, input, command)
    event = recorded.events[0]
    assert isinstance(event, StayAggregate.VisitRecorded | StayAggregate.VisitAmended)
    visit, stay = await asyncio.gather(
        info.context.query(visit_by_id, event.visit, at), Stay.find(info, event.originator_id, at)
    )
    return VisitRecorded(
        **envelope,
        visit=Visit.of(_shown(visit, recorded, envelope), at),
        stay=_shown(stay, recorded, envelope),
    )


async def prescription_recorded(
    info: Ask, input: CommandInput, command: Command
) -> PrescriptionRecorded:
    recorded, envelope, at = await record(info, input, command)
    prescription = _shown(
        await Prescription.find(info, recorded.ids("prescription")[0], at), recorded, envelope
    )
    stay = _shown(await Stay.find(info, prescription.view.stay, at), recorded, envelope)
    return PrescriptionRecorded(**envelope, prescription=prescription, stay=stay)


async def report_recorded(info: Ask, input: CommandInput, command: Command) -> ReportRecorded:
    """Reports are computed from what can be read: what was recorded before is waited for."""
    here = await info.context.log_status()
    await info.context.state.progress.wait_for(
        here.recorded, info.context.state.settings.read_timeout_seconds
    )
    recorded, envelope, at = await record(info, input, command)
    issue = _shown(await ReportIssue.find(info, recorded.ids("report")[0], at), recorded, envelope)
    return ReportRecorded(**envelope, issue=issue)


async def source_movement_recorded(
    info: Ask, input: CommandInput, command: Command
) -> SourceMovementRecorded:
    recorded, envelope, at = await record(info, input, command)
    event = recorded.events[0]
    assert isinstance(event, SourceVisit.Reported)
    id = SourceVisit.movement_id_for(event.originator_id, event.version.source_id)
    told = _shown(await SourceMovement.find(info, id, at), recorded, envelope)
    return SourceMovementRecorded(
        **envelope, source_movement=told, stay=await Stay.find(info, told.of_stay, at)
    )
