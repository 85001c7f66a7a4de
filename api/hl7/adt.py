"""ADT messages as movements of another system: what each trigger says of which movement."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from api.hl7.act import MOVEMENT, Act, recording_time
from api.hl7.er7 import Message, Unreadable
from api.hl7.sending import SendingSystem
from application.commands.movement_reports import MovementReport, PatientReport
from domain.patient import PatientDetail, Sex
from domain.source_visit import SourceKind
from domain.stay.events import AdmissionType
from domain.time import Precision

MOVEMENTS = {
    "A01": SourceKind.ADMIT,
    "A04": SourceKind.ADMIT,
    "A06": SourceKind.CHANGE_TYPE,
    "A02": SourceKind.TRANSFER,
    "A03": SourceKind.DISCHARGE,
    "A07": SourceKind.CHANGE_TYPE,
    "A21": SourceKind.START_LEAVE,
    "A22": SourceKind.END_LEAVE,
    "A08": SourceKind.UPDATE,
    "A54": SourceKind.UPDATE,
    "A05": SourceKind.EXPECT,
    "A14": SourceKind.EXPECT,
    "A44": SourceKind.MOVE_STAY,
    "A45": SourceKind.MOVE_STAY,
    "A34": SourceKind.MERGE,
    "A36": SourceKind.MERGE,
    "A40": SourceKind.MERGE,
    "A46": SourceKind.CHANGE_MRN,
    "A47": SourceKind.CHANGE_MRN,
}
CANCELS = {
    "A11": SourceKind.ADMIT,
    "A12": SourceKind.TRANSFER,
    "A13": SourceKind.DISCHARGE,
    "A52": SourceKind.START_LEAVE,
    "A53": SourceKind.END_LEAVE,
    "A55": SourceKind.UPDATE,
    "A27": SourceKind.EXPECT,
    "A38": SourceKind.EXPECT,
    "A37": SourceKind.MERGE,
}
DETAILING = (SourceKind.ADMIT, SourceKind.EXPECT)
"""Kinds of movements whose messages say what is known of the person, too."""

OF_PERSON = ("A08", "A28", "A31")
"""Triggers that tell of a person, whatever they tell of a visit."""

DETAILED = {*OF_PERSON, *(t for t, kind in MOVEMENTS.items() if kind in DETAILING)}
"""Triggers whose PID says what is known of the person, as of EVN-2."""

NAMING = (SourceKind.EXPECT, SourceKind.MOVE_STAY, SourceKind.MERGE, SourceKind.CHANGE_MRN)
"""Kinds that name a patient, as an admission does."""

PLACED = (
    SourceKind.ADMIT,
    SourceKind.TRANSFER,
    SourceKind.END_LEAVE,
    SourceKind.CHANGE_TYPE,
)
"""Kinds of movements that name a place."""

RELEASED = "U"
"""PV1-40 (table 0116, unoccupied) of a leave for which the bed is released; else it is kept."""

OF_PERSONS = (SourceKind.MERGE, SourceKind.CHANGE_MRN)
"""Kinds that are of no visit: of two records, or of two numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One movement of a message, as the command takes it."""

    system: str
    source_id: str
    source_visit: str | None
    source_recorded_at: datetime
    source_sequence: int | None
    cancelled: bool | None
    movement: MovementReport | None
    derived_id: bool | None = None


def movement_act(report: Report) -> Act:
    """Return the act that a report is."""
    content = {name: getattr(report, name) for name in report.__slots__}
    return Act(command=MOVEMENT, content=content)


def sequence_of(message: Message) -> int | None:
    """Return MSH-13, the number of a message in the order of its sender."""
    sequence = message.value("MSH", 13)
    return int(sequence) if sequence and sequence.isdecimal() else None


def trigger_of(message: Message) -> str | None:
    """Return the trigger of a message: MSH-9.2, which older versions have in EVN-1 alone."""
    trigger = message.value("MSH", 9, 2) or message.value("EVN", 1)
    return trigger.upper() if trigger else None


def action_of(message: Message) -> str:
    """Return ZBE-4, the action of a movement. Raises Unreadable for an unknown word."""
    action = (message.value("ZBE", 4) or "INSERT").upper()
    if action not in ("INSERT", "UPDATE", "CANCEL"):
        raise Unreadable(103, "ZBE^1^4", "none of INSERT, UPDATE and CANCEL")
    return action


def is_cancelling(message: Message) -> bool:
    """Return whether ZBE-4 says that a movement never was. Raises Unreadable for an unknown word."""
    return action_of(message) == "CANCEL"


def is_cancel_message(message: Message) -> bool:
    """Return whether a message is a cancel, by ZBE-4 or by its trigger. Raises Unreadable."""
    return is_cancelling(message) or trigger_of(message) in CANCELS


def reports_of(message: Message, sender: SendingSystem, trigger: str | None = None) -> list[Report]:
    """Return the reports of an ADT message; none if it has no fact here. Raises Unreadable.

    MRG-1 is a list of numbers of one record: what is told of a record, or a number, is told of each of
    them that is of a known authority. One person has one number of an authority.
    """
    first = _report_of(message, sender, trigger)
    if first is None or first.source_visit is not None or not sender.authorities:
        return [first] if first else []
    reports: list[Report] = []
    for authority, text in _former_numbers(message, sender).items():
        report = _report_of(message.with_field("MRG", 1, text), sender, trigger)
        assert report is not None
        if reports and message.value("ZBE", 1):
            report = replace(report, source_id=_id_of_number(report, authority))
        reports.append(report)
    reports = reports or [first]
    ids = [_id_of_number(first, authority) for authority in sender.authorities]
    others = sorted({*ids} - {report.source_id for report in reports})
    match action_of(message):
        case _ if message.value("ZBE", 1) is None:
            return reports
        case _ if first.cancelled:
            return reports + [replace(first, source_id=id) for id in others]
        case "UPDATE":  # a number that is listed no more may be told again
            cancel = replace(first, cancelled=True, derived_id=True, movement=None)
            return [replace(cancel, source_id=id, source_visit=id) for id in others] + reports
    return reports


def _id_of_number(report: Report, authority: str) -> str:
    """Return the id of what is told by a ZBE-1 of a number that is not the first of its list."""
    return f"{report.source_id}/{authority}"


def _former_numbers(message: Message, sender: SendingSystem) -> dict[str, str]:
    """Return the numbers of MRG-1 of known authorities, as they were sent. Raises Unreadable."""
    numbers: dict[str, tuple[str, str]] = {}
    for text in message.repetitions("MRG", 1):
        id, authority = message.component(text, 1), message.component(text, 4)
        if not id or not authority or authority not in sender.authorities:
            continue
        if numbers.setdefault(authority, (id, text))[0] != id:
            raise Unreadable(205, "MRG^1^1", "several numbers of one authority")
    return {authority: text for authority, (_, text) in numbers.items()}


def _report_of(message: Message, sender: SendingSystem, trigger: str | None) -> Report | None:
    """Return the report of an ADT message; None if it has no fact here. Raises Unreadable."""
    trigger = trigger or trigger_of(message) or ""
    is_cancel = is_cancelling(message) or trigger in CANCELS
    if trigger == "Z99":
        trigger = (message.value("ZBE", 6) or "").upper()
        if not trigger:
            raise Unreadable(101, "ZBE^1^6", "the trigger of the movement is absent")
    kind = MOVEMENTS.get(trigger) or CANCELS.get(trigger)
    if kind is None:
        return None
    if trigger == "A04" and message.value("PV1", 2) not in sender.admitted_classes:
        return None
    if trigger == "A08" and not message.value("PV1", 19):
        return None  # of the person alone
    visit = None if kind in OF_PERSONS else message.value("PV1", 19)
    if visit is None and kind not in OF_PERSONS:
        raise Unreadable(101, "PV1^1^19", "the number of the visit is absent")
    recorded_at = recording_time(message, sender)[0]
    occurred_at, precision = _movement_time(message, sender, kind)
    movement_id = message.value("ZBE", 1)
    if movement_id is None and kind in OF_PERSONS:
        former, number = _former_number(message, sender), _number_of(message, sender, kind)
        # whenever it is told: the same two are one only once
        movement_id = "/".join([*(part or "" for part in (*former, *number)), kind.name])
    elif movement_id is None and kind is SourceKind.EXPECT:
        movement_id = f"{visit}/{kind.name}"
    elif movement_id is None:
        if occurred_at is None and is_cancel:
            raise Unreadable(101, "EVN^1^6", "neither ZBE-1 nor the time of what is cancelled")
        movement_id = f"{visit}/{kind.name}/{(occurred_at or recorded_at):%Y%m%d%H%M%S}"
    return Report(
        system=sender.name,
        source_id=movement_id,
        source_visit=visit,
        source_recorded_at=recorded_at,
        source_sequence=sequence_of(message),
        cancelled=True if is_cancel else None,
        derived_id=None if message.value("ZBE", 1) else True,
        movement=None
        if is_cancel
        else _movement(message, sender, kind, occurred_at or recorded_at, precision),
    )


def details_of(message: Message, sender: SendingSystem) -> Report | None:
    """Return the report of a person's details in a message; None without one. Raises Unreadable."""
    trigger = trigger_of(message)
    if trigger not in DETAILED or is_cancelling(message):
        return None
    mrn, authority = patient_number(message, sender)
    patient = _patient(message, sender)
    if patient == PatientReport() and trigger != "A28":
        return None
    recorded_at = recording_time(message, sender)[0]
    return Report(
        system=sender.name,
        source_id="/".join((authority or "", mrn, SourceKind.DETAILS.name)),
        source_visit=None,
        source_recorded_at=recorded_at,
        source_sequence=sequence_of(message),
        cancelled=None,
        derived_id=True,
        movement=MovementReport(
            kind=SourceKind.DETAILS,
            occurred_at=recorded_at,
            patient_mrn=mrn,
            mrn_authority=authority,
            patient=patient,
        ),
    )


def _movement_time(
    message: Message, sender: SendingSystem, kind: SourceKind
) -> tuple[datetime | None, Precision | None]:
    """Return when the movement happened: ZBE-2, or PV1-44, PV1-45 and EVN-6."""
    fields = [("ZBE", 2), ("EVN", 6)]
    if kind is SourceKind.ADMIT:
        fields.insert(1, ("PV1", 44))
    elif kind is SourceKind.DISCHARGE:
        fields.insert(1, ("PV1", 45))
    for segment, number in fields:
        if moment := message.time(segment, number, sender.zone):
            return moment
    return None, None


def _movement(
    message: Message,
    sender: SendingSystem,
    kind: SourceKind,
    occurred: datetime,
    precision: Precision | None,
) -> MovementReport:
    fields: dict[str, Any] = {}
    if kind in PLACED:
        ward = message.value("PV1", 3, 1)
        fields |= {
            "ward": sender.wards.get(ward, ward) if ward else None,
            "room": message.value("PV1", 3, 2),
            "bed": message.value("PV1", 3, 3),
        }
    if kind in (*PLACED, SourceKind.UPDATE):
        fields |= {
            "attending": message.value("PV1", 7),
            "specialty": message.value("PV1", 10),
        }
    if kind is SourceKind.START_LEAVE:
        fields["keep_bed"] = message.value("PV1", 40) != RELEASED
    becomes_outpatient = kind is SourceKind.CHANGE_TYPE and _is_outpatient(message)
    if kind in (*NAMING, SourceKind.ADMIT) or (
        kind is SourceKind.CHANGE_TYPE and not becomes_outpatient
    ):
        fields["patient_mrn"], fields["mrn_authority"] = _number_of(message, sender, kind)
        fields["patient"] = _patient(message, sender)
    if kind is SourceKind.ADMIT:
        fields["admission_type"] = sender.admission_types.get(message.value("PV1", 4) or "")
    if kind is SourceKind.CHANGE_TYPE:
        type = sender.admission_types.get(message.value("PV1", 4) or "")
        fields["admission_type"] = (
            AdmissionType.DAY_CASE if becomes_outpatient else type or AdmissionType.EMERGENCY
        )
    if kind in OF_PERSONS:
        fields["former_mrn"], fields["former_mrn_authority"] = _former_number(message, sender)
    if kind is SourceKind.EXPECT:
        times = message.time("PV2", 8, sender.zone) or message.time("EVN", 3, sender.zone)
        fields["expected_at"] = times[0] if times else None
    if kind is SourceKind.DISCHARGE:
        fields["disposition"] = sender.dispositions.get(message.value("PV1", 36) or "")
        fields["destination"] = message.value("PV1", 37)
    return MovementReport(
        kind=kind, occurred_at=occurred, occurred_at_precision=precision, **fields
    )


def _is_outpatient(message: Message) -> bool:
    """Return whether a change of class is one to an outpatient, by its trigger."""
    trigger = trigger_of(message)
    trigger = message.value("ZBE", 6) if trigger == "Z99" else trigger
    return trigger == "A07"


def patient_number(
    message: Message, sender: SendingSystem, segment: str = "PID", field: int = 3
) -> tuple[str, str | None]:
    """Return the patient's number: the first in PID-3 whose authority (PID-3.4) is known."""
    numbers = message.repetitions(segment, field)
    for number in numbers:
        id, authority = message.component(number, 1), message.component(number, 4)
        if id and (not sender.authorities or authority in sender.authorities):
            return id, sender.authorities.get(authority or "")
    raise Unreadable(
        101 if not numbers else 204, f"{segment}^1^{field}", "no number of a known authority"
    )


def _number_of(message: Message, sender: SendingSystem, kind: SourceKind) -> tuple[str, str | None]:
    """Return the patient's number; of one that was changed, that of the same authority, if there is."""
    if kind is SourceKind.CHANGE_MRN and (former := _former_number(message, sender)[1]):
        for text in message.repetitions("PID", 3):
            id, authority = message.component(text, 1), message.component(text, 4)
            if id and sender.authorities.get(authority or "") == former:
                return id, former
    return patient_number(message, sender)


def _former_number(message: Message, sender: SendingSystem) -> tuple[str, str | None]:
    """Return the number that held before: of the record that is merged, or that was changed."""
    return patient_number(message, sender, "MRG", 1)


def _patient(message: Message, sender: SendingSystem) -> PatientReport:
    born: date | None = None
    text = message.value("PID", 7)
    if text and len(text) >= 8 and text[:8].isdecimal():
        try:
            born = datetime.strptime(text[:8], "%Y%m%d").date()
        except ValueError:
            raise Unreadable(102, "PID^1^7", "not a date") from None
    erasures = {
        PatientDetail.FAMILY_NAME: message.is_erased("PID", 5, 1),
        PatientDetail.GIVEN_NAME: message.is_erased("PID", 5, 2),
        PatientDetail.BIRTH_DATE: message.is_erased("PID", 7),
    }
    sex = Sex.UNKNOWN if message.is_erased("PID", 8) else None
    return PatientReport(
        family_name=message.value("PID", 5, 1),
        given_name=message.value("PID", 5, 2),
        birth_date=born,
        sex=sender.sexes.get(message.value("PID", 8) or "", sex),
        unknown=[detail for detail, is_erased in erasures.items() if is_erased] or None,
    )
