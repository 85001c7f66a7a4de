"""Summaries of timeline entries: one short sentence each, with rooms, staff and drugs by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.break_glass import EmergencyAccess
from domain.event_types import EVENTS
from domain.expected_arrival import ExpectedArrival
from domain.patient import Patient
from domain.prescription.aggregate import Prescription
from domain.stay.aggregate import Stay
from domain.time import clock_text
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.timeline_names import ById, bed_ends, id_of, is_swap, names_in
from infrastructure.read_models.practitioners import PractitionerView, practitioners_by_id
from infrastructure.read_models.prescriptions import PrescriptionView, prescriptions_by_id
from infrastructure.read_models.rooms import RoomView, rooms_by_id
from infrastructure.read_models.timeline.entry import kind_of
from infrastructure.read_models.timeline.queries import EntryView


@dataclass(frozen=True, slots=True)
class Entry:
    """The data of an entry, with the names of what it refers to."""

    data: Mapping[str, Any]
    rooms: Mapping[UUID, RoomView]
    staff: Mapping[UUID, PractitionerView]
    prescription: PrescriptionView | None
    zone: ZoneInfo
    """The zone of the hospital's clocks."""
    is_exchange: bool = True
    """Of a swap: whether the other patient had the bed until then, as held now."""

    def moment(self, field: str) -> str:
        """Return the moment in that field by the hospital's clocks."""
        return clock_text(datetime.fromisoformat(self.data[field]), self.zone)

    def day(self, field: str) -> str:
        """Return the day that the moment in that field begins; the moment, if it begins none."""
        return self.moment(field).removesuffix(" 00:00")

    def has_place(self) -> bool:
        """Return whether it names a bed, or a place without one."""
        return bool(self.data.get("bed") or self.data.get("without_bed"))

    def bed(self) -> str:
        """Return the place by ward, room and bed."""
        bed = self.data.get("bed")
        if not bed:
            return str(self.data.get("without_bed") or "a place without a bed")
        room = self.rooms.get(id_of(bed["room"]))
        place = f"{room.ward}, room {room.number}, bed {bed['bed']}" if room else bed["bed"]
        return f"{place} (shared)" if self.data.get("shares_bed_of") else place

    def doctor(self, field: str) -> str:
        """Return the practitioner whose id is in that field, by name and staff number."""
        id = self.data.get(field)
        doctor = self.staff.get(id_of(id)) if id else None
        if doctor is None:
            return "nobody"
        names = " ".join(n for n in (doctor.given_name, doctor.family_name) if n)
        return f"{names} ({doctor.staff_number})" if names else doctor.staff_number

    def drug(self) -> str:
        """Return the medication of the prescription that the entry is about."""
        return self.prescription.medication if self.prescription else "a medicine"


def sentences(
    entries: Iterable[EntryView], names: Mapping[ById, Mapping[UUID, Any]], zone: ZoneInfo
) -> dict[UUID, str]:
    """Return the sentence of each entry by what was read of the ids that it needs.

    ``zone``: that of the hospital's clocks, by which times are told.
    """
    rooms, staff, drugs = (
        names[query] for query in (rooms_by_id, practitioners_by_id, prescriptions_by_id)
    )
    return {
        entry.entry: summary(
            entry, rooms, staff, drugs, zone, not is_swap(entry) or _is_exchange(entry, names)
        )
        for entry in entries
    }


async def summaries(
    connection: AsyncConnection, entries: Sequence[EntryView], at: AsOf, zone: ZoneInfo
) -> dict[UUID, str]:
    """Return the sentence of each entry, with rooms, staff and drugs by name as of a moment.

    ``zone``: that of the hospital's clocks, by which times are told.
    """
    ids_by_query = names_in(entries).items()
    names = {query: await query(connection, list(ids), at) for query, ids in ids_by_query}
    return sentences(entries, names, zone)


def _is_exchange(swap: EntryView, names: Mapping[ById, Mapping[UUID, Any]]) -> bool:
    """Return whether the other patient had the bed until the swap: it may be corrected away since."""
    bed = UUID(swap.data["bed"]["room"]), swap.data["bed"]["bed"], swap.occurred_at
    return bed in names[bed_ends].get(UUID(swap.data["with_stay"]), ())


def summary(
    entry: EntryView,
    rooms: Mapping[UUID, RoomView],
    staff: Mapping[UUID, PractitionerView],
    prescriptions: Mapping[UUID, PrescriptionView],
    zone: ZoneInfo,
    is_exchange: bool = True,
) -> str:
    """Return the sentence of an entry."""
    if entry.status == "PENDING":
        return _pending_report(entry)
    event = KINDS[entry.kind]
    return SUMMARIES[event](
        Entry(entry.data, rooms, staff, prescriptions.get(entry.subject), zone, is_exchange)
    )


def _admission(e: Entry) -> str:
    text = f"Admitted ({_words(e.data['admission_type'])})"
    if e.data.get("specialty"):
        text += f" under {e.data['specialty']}"
    if e.data.get("attending"):
        text += f", attending {e.doctor('attending')}"
    return text + (f"; waits in {e.data['without_bed']}" if e.data.get("without_bed") else "")


def _prescription(e: Entry) -> str:
    text = " ".join(str(e.data[n]) for n in ("dose", "route", "frequency") if e.data.get(n))
    if e.data.get("schedule") and not e.data.get("frequency"):
        text = f"{text} {schedule_in_words(e.data['schedule'])}".strip()
    text = f", {text}" if text else ""
    return f"Prescribed {e.data['medication']['name']}{text}{_confirmed_warnings(e)}"


def schedule_in_words(schedule: Mapping[str, Any]) -> str:
    """Return a schedule as a line: ``at 08:00, 20:00``."""
    if schedule.get("times_of_day"):
        return "at " + ", ".join(str(at)[:5] for at in schedule["times_of_day"])
    if schedule.get("every_hours"):
        return f"every {schedule['every_hours']} hours"
    parts = ["as needed"]
    if schedule.get("min_interval_minutes"):
        parts.append(f"{schedule['min_interval_minutes']} minutes apart")
    if schedule.get("max_per_day"):
        parts.append(f"at most {schedule['max_per_day']} in 24 hours")
    return ", ".join(parts)


def _prescription_change(e: Entry) -> str:
    text = ", ".join(
        f"{n} {e.moment(n) if n == 'stop' else e.data[n]}"
        for n in ("dose", "route", "frequency", "stop")
        if e.data.get(n) is not None
    )
    if e.data.get("schedule") and not e.data.get("frequency"):
        text += (", " if text else "") + schedule_in_words(e.data["schedule"])
    return f"Changed {e.drug()}: {text}"


def _dose(e: Entry) -> str:
    reason = e.data.get("outside_prescription")
    reason_text = f", outside the prescription ({_words(reason)})" if reason else ""
    if e.data["given"]:
        return (
            f"{'Began an infusion of' if e.data.get('infusion') else 'Gave'} {e.drug()}"
            + (f" {e.data['dose_given']}" if e.data.get("dose_given") else "")
            + reason_text
            + _confirmed_warnings(e)
        )
    return f"Did not give {e.drug()}: {e.data.get('reason_not_given')}{reason_text}"


def _unprescribed_dose(e: Entry) -> str:
    amount = f" {e.data['dose_given']}" if e.data.get("dose_given") else ""
    orderer = f" of {e.doctor('ordered_by')}" if e.data.get("ordered_by") else ""
    medicine = f"{e.data['medication']['name']}{amount}"
    verb = "Began an infusion of" if e.data.get("infusion") else "Gave"
    text = f"{verb} {medicine} without a prescription: {_words(e.data['basis'])}"
    return f"{text}{orderer}{_confirmed_warnings(e)}"


def _consult(e: Entry) -> str:
    addressees = [e.data["specialty"]] if e.data.get("specialty") else []
    addressees += [e.doctor("asked")] if e.data.get("asked") else []
    by = f" by {e.doctor('requested_by')}" if e.data.get("requested_by") else ""
    question = f": {e.data['question']}" if e.data.get("question") else ""
    return f"Consult asked of {', '.join(addressees)}{by}{question}"


def _allergy(e: Entry) -> str:
    severity = f" ({_words(e.data['severity'])})" if e.data.get("severity") else ""
    reaction = f": {e.data['reaction']}" if e.data.get("reaction") else ""
    kind = _words(e.data["allergy_kind"]).capitalize()
    certainty = _words(e.data["verification"])
    return f"{kind} to {e.data['substance']['name']}, {certainty}{severity}{reaction}"


def _flag(e: Entry) -> str:
    note = f": {e.data['note']}" if e.data.get("note") else ""
    return f"Flag raised, {_words(e.data['flag_kind'])}{note}"


def _confirmed_warnings(e: Entry) -> str:
    warnings = ", ".join(_words(w) for w in e.data.get("confirmed_warnings") or ())
    return f", in spite of the warning: {warnings}" if warnings else ""


def _cancellation(e: Entry) -> str:
    place = f"; now in {e.bed()}" if e.has_place() else ""
    return ("reversed" if e.data["because"] == "DECISION_REVERSED" else "entered in error") + place


def _has_duplicates(e: Entry) -> bool:
    return bool(e.data.get("despite_likely_duplicates"))


def _details(e: Entry) -> str:
    names = ("mrn", "family_name", "given_name", "birth_date", "sex", "confidentiality")
    texts = [f"{_words(n)} {e.data[n]}" for n in names if e.data.get(n) is not None]
    text = ", ".join([*texts, *(f"{_words(n)} unknown" for n in e.data.get("unknown") or ())])
    since = f" from {e.day('since')} on" if e.data.get("since") else ""
    return f"Details{since}: {text}"


def _expected_arrival(e: Entry) -> str:
    data = e.data
    request = "Bed asked for" if data.get("stay") else "Admission planned"
    ward = f" in {data['ward']}" if data.get("ward") else ""
    needs = [data["specialty"]] if data.get("specialty") else []
    needs += ["isolation"] if data["isolation"] else []
    needs += ["monitor"] if data["monitor"] else []
    needs += [f"room for {_words(data['sex'])}"] if data.get("sex") else []
    time = f" for {e.moment('expected_at')}"
    return ", ".join([f"{request}{ward}{time} ({_words(data['urgency'])})", *needs])


def _discharge(e: Entry) -> str:
    destination = f" to {e.data['destination']}" if e.data.get("destination") else ""
    return f"Discharged ({_words(e.data['disposition'])}){destination}"


def _discharge_plan(e: Entry) -> str:
    expected_time = f" for {e.moment('expected_at')}" if e.data.get("expected_at") else ""
    return f"Discharge {_words(e.data['plan'])}{expected_time}"


def _pending_report(entry: EntryView) -> str:
    """Return the sentence of a pending report, which names places by what is written on them."""
    system = entry.source["system"] if entry.source else "Another system"
    place = [f"{n} {entry.data[n]}" for n in ("ward", "room", "bed") if entry.data.get(n)]
    place += [entry.data[n] for n in ("without_bed",) if entry.data.get(n)]
    kind = _words(entry.kind.removeprefix("STAY_"))
    return f"{system} reports, not true yet: {kind}" + (f", {', '.join(place)}" if place else "")


SUMMARIES: dict[type[Event], Callable[[Entry], str]] = {
    Patient.Registered: lambda e: (
        f"Registered with MRN {e.data['mrn']}"
        + (", another person than who was shown as likely the same" * _has_duplicates(e))
    ),
    EmergencyAccess.Broken: lambda e: (
        f"Broke the glass: the patient's data were opened until {e.moment('until')}"
    ),
    Patient.Died: lambda e: "Died",
    Patient.DeathCorrected: lambda e: "Died",
    Patient.DeathCancelled: lambda e: "Death cancelled: entered in error",
    Patient.DetailsCorrected: _details,
    Patient.DetailsChanged: _details,
    Patient.ChangeCorrected: _details,
    Patient.ChangeCancelled: lambda e: (
        f"Details from {e.day('since')} on cancelled: they did not change"
    ),
    Patient.LegalHoldPlaced: lambda e: "Legal hold: nothing may be erased",
    Patient.LegalHoldLifted: lambda e: "Legal hold lifted",
    Patient.ErasureRequested: lambda e: f"Erasure requested: {_words(e.data['legal_basis'])}",
    Patient.ErasureWithdrawn: lambda e: "Request to erase withdrawn",
    Patient.Erased: lambda e: f"Erased: {_words(e.data['legal_basis'])}",
    Patient.AllergyRecorded: _allergy,
    Patient.AllergyEnded: lambda e: "Allergy or intolerance ended",
    Patient.AllergyCancelled: lambda e: "Allergy or intolerance cancelled: entered in error",
    Patient.AllergyEndCancelled: lambda e: "End of an allergy or intolerance cancelled",
    Patient.Merged: lambda e: "Found to be one person with another record",
    Patient.Unmerged: lambda e: "Found not to be that person: merge taken back",
    Stay.AdmissionCancelled: lambda e: f"Admission cancelled: {_cancellation(e)}",
    Stay.MovementCancelled: lambda e: f"Movement cancelled: {_cancellation(e)}",
    Stay.DischargeCancelled: lambda e: f"Discharge cancelled: {_cancellation(e)}",
    Stay.PatientCorrected: lambda e: "The stay was recorded under another patient",
    Patient.StayMovedAway: lambda e: "A stay recorded here was another patient's",
    Stay.VisitCancelled: lambda e: "Visit cancelled: entered in error",
    Prescription.Cancelled: lambda e: f"Cancelled {e.drug()}: entered in error",
    Prescription.StopCorrected: lambda e: (
        f"{e.drug()} was not stopped: the discharge was cancelled"
    ),
    Prescription.ChangeCancelled: lambda e: f"Change of {e.drug()} cancelled: entered in error",
    Prescription.AdministrationCancelled: lambda e: (
        f"Dose of {e.drug()} cancelled: entered in error"
    ),
    Stay.Admitted: _admission,
    Stay.EmergencyCareRecorded: lambda e: (
        "Came to the emergency department"
        + (f", left it at {e.moment('departed_at')}" if e.data.get("departed_at") else "")
    ),
    Stay.RoomAllocated: lambda e: f"Put in {e.bed()}",
    Stay.Transferred: lambda e: f"Moved to {e.bed()}",
    Stay.BedSwapped: lambda e: (
        f"Exchanged beds, now in {e.bed()}"
        if e.is_exchange
        else f"Moved to {e.bed()}, in exchange for nothing: the other patient was elsewhere"
    ),
    Stay.LeaveStarted: lambda e: (
        f"Went on leave, bed {'kept' if e.data['keeps_bed'] else 'released'}"
    ),
    Stay.LeaveEnded: lambda e: (
        "Back from leave"
        + (f", now in {e.bed()}" if e.data.get("bed") or e.data.get("without_bed") else "")
    ),
    Stay.AttendingChanged: lambda e: f"Attending: {e.doctor('attending')}",
    Stay.AdmissionTypeChanged: lambda e: f"Type of stay: {_words(e.data['admission_type'])}",
    Stay.SpecialtyChanged: lambda e: f"Specialty: {e.data['specialty']}",
    Stay.VisitRecorded: lambda e: (
        f"{_words(e.data['visit_kind']).capitalize()} by {e.doctor('practitioner')}"
        + (f": {e.data['note']}" if e.data.get("note") else "")
    ),
    Stay.ConsultRequested: _consult,
    Stay.ConsultWithdrawn: lambda e: "Consult withdrawn: not wanted any more",
    Stay.ConsultCancelled: lambda e: "Consult cancelled: entered in error",
    Stay.ConsultWithdrawalCancelled: lambda e: "Withdrawal of a consult cancelled",
    Stay.FlagRaised: _flag,
    Stay.FlagLowered: lambda e: "Flag lowered",
    Stay.FlagCancelled: lambda e: "Flag cancelled: entered in error",
    Stay.FlagLoweringCancelled: lambda e: "Lowering of a flag cancelled",
    Stay.DischargePlanned: _discharge_plan,
    Stay.Discharged: _discharge,
    ExpectedArrival.Planned: _expected_arrival,
    ExpectedArrival.Corrected: _expected_arrival,
    ExpectedArrival.Cancelled: lambda e: f"Not expected any more: {_cancellation(e)}",
    Prescription.Written: _prescription,
    Prescription.Changed: _prescription_change,
    Prescription.Held: lambda e: f"Held {e.drug()}",
    Prescription.Resumed: lambda e: f"Resumed {e.drug()}",
    Prescription.Stopped: lambda e: (
        f"Stopped {e.drug()}" + (" at discharge" if e.data.get("discharge") else "")
    ),
    Prescription.Completed: lambda e: f"Completed {e.drug()}",
    Prescription.WrittenCorrected: _prescription,
    Prescription.AdministrationRecorded: _dose,
    Prescription.UnprescribedGiven: _unprescribed_dose,
    Prescription.InfusionEnded: lambda e: f"Infusion of {e.drug()} ended",
    Prescription.InfusionEndCancelled: lambda e: (
        f"End of the infusion of {e.drug()} cancelled: entered in error"
    ),
}
"""The sentence of an entry by the event that it is of. A test finds an event that has none."""

KINDS = {kind_of(event): event for event in EVENTS.values() if event in SUMMARIES}
"""The kinds of timeline entries, each with its event."""


def _words(name: str) -> str:
    return name.replace("_", " ").lower()
