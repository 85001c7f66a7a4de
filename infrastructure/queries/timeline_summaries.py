"""A timeline entry in words: one short sentence, with rooms, staff and drugs by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.practitioners import PractitionerView, practitioners_by_id
from infrastructure.read_models.prescriptions import PrescriptionView, prescriptions_by_id
from infrastructure.read_models.rooms import RoomView, rooms_by_id
from infrastructure.read_models.timeline.queries import EntryView

Data = Mapping[str, Any]


def rooms_in(entries: Iterable[EntryView]) -> set[UUID]:
    """The rooms that entries speak of."""
    return {UUID(e.data["bed"]["room"]) for e in entries if isinstance(e.data.get("bed"), dict)}


def staff_in(entries: Iterable[EntryView]) -> set[UUID]:
    """The practitioners that entries speak of."""
    names = ("attending", "practitioner", "prescriber")
    return {UUID(e.data[name]) for e in entries for name in names if e.data.get(name)}


async def stories(
    connection: AsyncConnection, entries: Sequence[EntryView], at: AsOf
) -> dict[UUID, str]:
    """The sentence of each entry, with rooms, staff and drugs by name."""
    rooms = await rooms_by_id(connection, list(rooms_in(entries)), at)
    staff = await practitioners_by_id(connection, list(staff_in(entries)), at)
    subjects = [e.subject for e in entries if e.kind.startswith("PRESCRIPTION")]
    drugs = await prescriptions_by_id(connection, subjects, at)
    return {entry.entry: story(entry, rooms, staff, drugs) for entry in entries}


def story(
    entry: EntryView,
    rooms: Mapping[UUID, RoomView],
    staff: Mapping[UUID, PractitionerView],
    drugs: Mapping[UUID, PrescriptionView],
) -> str:
    """What happened, in one sentence."""
    data = entry.data

    def bed() -> str:
        said = data.get("bed")
        if not said:
            return str(data.get("without_bed") or "a place without a bed")
        room = rooms.get(UUID(said["room"]))
        place = f"{room.ward}, room {room.number}, bed {said['bed']}" if room else said["bed"]
        return f"{place} (shared)" if data.get("shares_bed_of") else place

    def doctor(name: str) -> str:
        said = data.get(name)
        found = staff.get(UUID(said)) if said else None
        if found is None:
            return "nobody"
        names = " ".join(n for n in (found.given_name, found.family_name) if n)
        return f"{names} ({found.staff_number})" if names else found.staff_number

    def drug() -> str:
        found = drugs.get(entry.subject)
        return found.medication if found else "a medicine"

    if entry.status == "PENDING":
        return _pending(entry)
    sentence = _SENTENCES.get(entry.kind)
    return sentence(data, bed, doctor, drug) if sentence else entry.kind.replace("_", " ").lower()


Told = Callable[[Data, Callable[[], str], Callable[[str], str], Callable[[], str]], str]


def _admitted(d: Data, bed: Any, doctor: Any, drug: Any) -> str:
    said = f"Admitted ({_words(d['admission_type'])})"
    if d.get("specialty"):
        said += f" under {d['specialty']}"
    if d.get("attending"):
        said += f", attending {doctor('attending')}"
    return said + (f"; waits in {d['without_bed']}" if d.get("without_bed") else "")


def _written(d: Data, bed: Any, doctor: Any, drug: Any) -> str:
    said = " ".join(str(d[n]) for n in ("dose", "route", "frequency") if d.get(n))
    return f"Prescribed {d['medication']['name']}" + (f", {said}" if said else "")


def _changed(d: Data, bed: Any, doctor: Any, drug: Any) -> str:
    said = ", ".join(
        f"{n} {d[n]}" for n in ("dose", "route", "frequency", "stop") if d.get(n) is not None
    )
    return f"Changed {drug()}: {said}"


def _dose(d: Data, bed: Any, doctor: Any, drug: Any) -> str:
    outside = d.get("outside_prescription")
    more = f", outside the prescription ({_words(outside)})" if outside else ""
    if d["given"]:
        return f"Gave {drug()}" + (f" {d['dose_given']}" if d.get("dose_given") else "") + more
    return f"Did not give {drug()}: {d.get('reason_not_given')}{more}"


def _cancelled(d: Data, bed: Any, doctor: Any, drug: Any) -> str:
    where = f"; now in {bed()}" if d.get("bed") or d.get("without_bed") else ""
    return ("Reversed" if d["because"] == "DECISION_REVERSED" else "Entered in error") + where


def _details(d: Data, bed: Any, doctor: Any, drug: Any) -> str:
    names = ("mrn", "family_name", "given_name", "birth_date", "sex", "confidentiality")
    said = ", ".join(f"{_words(n)} {d[n]}" for n in names if d.get(n) is not None)
    since = f" from {d['since']} on" if d.get("since") else ""
    return f"Details{since}: {said}"


def _discharged(d: Data, bed: Any, doctor: Any, drug: Any) -> str:
    where = f" to {d['destination']}" if d.get("destination") else ""
    return f"Discharged ({_words(d['disposition'])}){where}"


def _planned(d: Data, bed: Any, doctor: Any, drug: Any) -> str:
    when = f" for {d['expected_at']}" if d.get("expected_at") else ""
    return f"Discharge {_words(d['plan'])}{when}"


def _pending(entry: EntryView) -> str:
    """What another system says; it names places by what is written on them."""
    system = entry.source["system"] if entry.source else "Another system"
    where = [f"{n} {entry.data[n]}" for n in ("ward", "room", "bed") if entry.data.get(n)]
    where += [entry.data[n] for n in ("without_bed",) if entry.data.get(n)]
    what = _words(entry.kind.removeprefix("STAY_"))
    return f"{system} reports, not true yet: {what}" + (f", {', '.join(where)}" if where else "")


_SENTENCES: dict[str, Told] = {
    "PATIENT_REGISTERED": lambda d, bed, doctor, drug: f"Registered with MRN {d['mrn']}",
    "GLASS_BROKEN": lambda d, bed, doctor, drug: (
        f"Broke the glass: the patient's data were opened until {d['until']}"
    ),
    "PATIENT_DIED": lambda d, bed, doctor, drug: "Died",
    "PATIENT_DETAILS_CORRECTED": _details,
    "PATIENT_DETAILS_CHANGED": _details,
    "PATIENT_MERGED": lambda d, bed, doctor, drug: "Found to be one person with another record",
    "PATIENT_UNMERGED": lambda d, bed, doctor, drug: (
        "Found not to be that person: merge taken back"
    ),
    "STAY_ADMISSION_CANCELLED": lambda d, bed, doctor, drug: (
        f"Admission cancelled: {_cancelled(d, bed, doctor, drug).lower()}"
    ),
    "STAY_MOVEMENT_CANCELLED": lambda d, bed, doctor, drug: (
        f"Movement cancelled: {_cancelled(d, bed, doctor, drug).lower()}"
    ),
    "STAY_DISCHARGE_CANCELLED": lambda d, bed, doctor, drug: (
        f"Discharge cancelled: {_cancelled(d, bed, doctor, drug).lower()}"
    ),
    "STAY_VISIT_CANCELLED": lambda d, bed, doctor, drug: "Visit cancelled: entered in error",
    "PRESCRIPTION_CANCELLED": lambda d, bed, doctor, drug: f"Cancelled {drug()}: entered in error",
    "PRESCRIPTION_STOP_CORRECTED": lambda d, bed, doctor, drug: (
        f"{drug()} was not stopped: the discharge was cancelled"
    ),
    "PRESCRIPTION_ADMINISTRATION_CANCELLED": lambda d, bed, doctor, drug: (
        f"Dose of {drug()} cancelled: entered in error"
    ),
    "STAY_ADMITTED": _admitted,
    "STAY_ROOM_ALLOCATED": lambda d, bed, doctor, drug: f"Put in {bed()}",
    "STAY_TRANSFERRED": lambda d, bed, doctor, drug: f"Moved to {bed()}",
    "STAY_BED_SWAPPED": lambda d, bed, doctor, drug: f"Exchanged beds, now in {bed()}",
    "STAY_LEAVE_STARTED": lambda d, bed, doctor, drug: (
        f"Went on leave, bed {'kept' if d['keeps_bed'] else 'released'}"
    ),
    "STAY_LEAVE_ENDED": lambda d, bed, doctor, drug: (
        "Back from leave" + (f", now in {bed()}" if d.get("bed") or d.get("without_bed") else "")
    ),
    "STAY_ATTENDING_CHANGED": lambda d, bed, doctor, drug: f"Attending: {doctor('attending')}",
    "STAY_SPECIALTY_CHANGED": lambda d, bed, doctor, drug: f"Specialty: {d['specialty']}",
    "STAY_VISIT_RECORDED": lambda d, bed, doctor, drug: (
        f"{_words(d['visit_kind']).capitalize()} by {doctor('practitioner')}"
        + (f": {d['note']}" if d.get("note") else "")
    ),
    "STAY_DISCHARGE_PLANNED": _planned,
    "STAY_DISCHARGED": _discharged,
    "PRESCRIPTION_WRITTEN": _written,
    "PRESCRIPTION_CHANGED": _changed,
    "PRESCRIPTION_HELD": lambda d, bed, doctor, drug: f"Held {drug()}",
    "PRESCRIPTION_RESUMED": lambda d, bed, doctor, drug: f"Resumed {drug()}",
    "PRESCRIPTION_STOPPED": lambda d, bed, doctor, drug: (
        f"Stopped {drug()}" + (" at discharge" if d.get("discharge") else "")
    ),
    "PRESCRIPTION_COMPLETED": lambda d, bed, doctor, drug: f"Completed {drug()}",
    "PRESCRIPTION_ADMINISTRATION_RECORDED": _dose,
}


def _words(name: str) -> str:
    return name.replace("_", " ").lower()
