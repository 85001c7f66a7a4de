"""Texts of a course that HTML and CSV share."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from domain.time import Precision, clock_text
from infrastructure.queries.course_parts import (
    Administration,
    Allergy,
    Consult,
    Course,
    Entry,
    Place,
    Prescription,
    Record,
    Staff,
    Stay,
    Visit,
)
from infrastructure.queries.timeline_summaries import schedule_in_words

UNKNOWN = "(unknown)"


def words(name: str | None) -> str:
    """Return a value of an enumeration in words."""
    return (name or "").replace("_", " ").lower()


def time_text(moment: datetime | None, zone: ZoneInfo, precision: str = Precision.MINUTE) -> str:
    """Return a moment by the hospital's clocks to the minute, with its offset if they show it twice."""
    if moment is None:
        return ""
    text = clock_text(moment, zone)
    return text if precision == Precision.MINUTE else f"{text} ({_PRECISIONS[precision]})"


_PRECISIONS = {
    Precision.HOUR.value: "to the hour",
    Precision.DAY.value: "to the day",
    Precision.ESTIMATED.value: "estimated",
}


def full_name(person: Record | Staff | None) -> str:
    """Return the name of a person, of staff with the staff number; nothing for nobody."""
    if person is None:
        return ""
    name = " ".join(n for n in (person.given_name, person.family_name) if n)
    if isinstance(person, Staff):
        return f"{name} ({person.staff_number})" if name else person.staff_number
    return name or UNKNOWN


def imprint_lines(course: Course) -> Iterator[tuple[str, str]]:
    """Return the lines that stand over the document, each with its name."""
    imprint = course.imprint
    zone = ZoneInfo(imprint.time_zone)
    login = imprint.printed_by
    yield "Hospital", imprint.hospital
    yield "As of", time_text(imprint.as_of, zone)
    yield "As known at", time_text(imprint.known_at, zone)
    yield "Printed", f"{time_text(imprint.printed_at, zone)} by {login.subject} ({login.role})"
    yield "Purpose", words(imprint.purpose)
    yield "Times", f"by the clocks of {imprint.time_zone}"


def patient_lines(course: Course) -> Iterator[tuple[str, str]]:
    """Return the lines about the patient, each with its name."""
    zone = ZoneInfo(course.imprint.time_zone)
    patient = course.patient
    yield "Patient", full_name(patient) or UNKNOWN
    if patient is not None:
        yield "MRN", f"{patient.mrn} ({patient.mrn_authority})"
        yield "Born", patient.birth_date.isoformat() if patient.birth_date else UNKNOWN
        yield "Sex", words(patient.sex)
        if patient.died_at:
            yield "Died", time_text(patient.died_at, zone)
    for record in course.other_records:
        yield "Also recorded as", f"{full_name(record)}, {record.mrn} ({record.mrn_authority})"


def stay_lines(stay: Stay, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """Return the lines about a stay that say something, each with its name."""
    lines = {
        "Admitted": f"{time_text(stay.admitted_at, zone)} ({words(stay.admission_type)})",
        "Status": words(stay.status),
        "Specialty": stay.specialty,
        "Attending": full_name(stay.attending),
        "Expected discharge": None
        if stay.discharged_at
        else time_text(stay.expected_discharge, zone),
        "Discharged": time_text(stay.discharged_at, zone),
        "Went": ", ".join(t for t in (words(stay.disposition), stay.destination) if t),
    }
    yield from ((name, text) for name, text in lines.items() if text)


def place_text(place: Place) -> str:
    """Return a place in words."""
    if place.bed:
        room = f"{place.room.ward}, room {place.room.number}, " if place.room else ""
        text = f"{room}bed {place.bed}" + (" (shared)" if place.shared else "")
        return f"{text} (kept during a leave)" if place.on_leave else text
    return "on leave" if place.on_leave else place.without_bed or "a place without a bed"


def allergic(allergy: Allergy) -> str:
    """Return an allergy in words."""
    code = f" [{allergy.substance.code}]" if allergy.substance.code else ""
    certainty = ", ".join(words(t) for t in (allergy.verification, allergy.severity) if t)
    text = f"{words(allergy.kind)} to {allergy.substance.name}{code} ({certainty})"
    return text + (f": {allergy.reaction}" if allergy.reaction else "")


def drug(prescription: Prescription) -> str:
    """Return a prescription in words."""
    code = f" [{prescription.medication.code}]" if prescription.medication.code else ""
    schedule = (
        schedule_in_words(prescription.schedule)
        if prescription.schedule and not prescription.frequency
        else None
    )
    regimen = [
        t for t in (prescription.dose, prescription.route, prescription.frequency, schedule) if t
    ]
    basis = [
        f"without a prescription: {words(b)}" for b in (prescription.without_prescription,) if b
    ]
    return ", ".join([f"{prescription.medication.name}{code}", *regimen, *basis])


def dose(given: Administration) -> str:
    """Return a dose in words."""
    if not given.given:
        return f"not given: {given.reason_not_given or ''}"
    text = "infusion" if given.infusion else "given"
    text += f" {given.dose_given}" if given.dose_given else ""
    reason = words(given.outside_prescription)
    return f"{text}, outside the prescription ({reason})" if reason else text


def visit_text(visit: Visit) -> str:
    """Return a visit in words."""
    return words(visit.kind) + (f": {visit.note}" if visit.note else "")


def consult_text(consult: Consult) -> str:
    """Return a consult in words."""
    of = " and ".join(t for t in (consult.specialty, full_name(consult.practitioner)) if t)
    return of + (f": {consult.question}" if consult.question else "")


def by(entry: Entry) -> str:
    """Return the author of an entry's fact, and who recorded it if that is somebody else."""
    login = entry.recorded_by
    recorder = f"{login.subject} ({login.role})"
    if login.on_behalf_of:
        recorder += f" for {login.on_behalf_of}"
    return f"{entry.performed_by}; recorded by {recorder}" if entry.performed_by else recorder
