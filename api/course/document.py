"""Renderers of a course: JSON and CSV here, HTML in `api.course.html`."""

import io
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from api.course.html import as_html
from api.course.words import (
    allergic,
    by,
    consult_text,
    dose,
    drug,
    full_name,
    imprint_lines,
    patient_lines,
    place_text,
    stay_lines,
    visit_text,
    words,
)
from api.csv_writer import CsvWriter
from domain.described_enum import DescribedEnum
from infrastructure.queries.course_parts import Course, Stay


class CourseFormat(DescribedEnum):
    """The format of a course as a document."""

    HTML = "HTML", "A page to print, with its own style; a browser makes a PDF of it."
    JSON = "JSON", "With the names of GraphQL; moments in UTC."
    CSV = "CSV", "A line for each fact; moments in the hospital's time zone, with their offset."


MEDIA_TYPES: Mapping[CourseFormat, str] = MappingProxyType(
    {
        CourseFormat.HTML: "text/html; charset=utf-8",
        CourseFormat.JSON: "application/json",
        CourseFormat.CSV: "text/csv; charset=utf-8",
    }
)


def render(course: Course, format: CourseFormat) -> str:
    """Return a course as the text of a document."""
    return _RENDERERS[format](course)


def as_json(course: Course) -> str:
    """Return a course as JSON."""
    return msgspec.json.format(msgspec.json.encode(course), indent=2).decode()


COLUMNS = (
    "part",
    "stay",
    "since",
    "until",
    "recorded",
    "status",
    "what",
    "by",
    "reason",
    "id",
    "corrects",
)


def as_csv(course: Course) -> str:
    """Return a course as CSV in which no text is a formula."""
    file = io.StringIO()
    writer = CsvWriter(file)
    zone = ZoneInfo(course.imprint.time_zone)
    writer.writerow(COLUMNS)
    for row in _rows(course):
        writer.writerow([_cell(row.get(column), zone) for column in COLUMNS])
    return file.getvalue()


def _rows(course: Course) -> Iterator[dict[str, Any]]:
    zone = ZoneInfo(course.imprint.time_zone)
    for name, text in imprint_lines(course):
        yield {"part": "document", "what": f"{name}: {text}"}
    for name, text in patient_lines(course):
        yield {"part": "patient", "what": f"{name}: {text}"}
    for allergy in course.allergies:
        yield {
            "part": "allergy",
            "since": allergy.since,
            "status": allergy.verification,
            "what": allergic(allergy),
            "id": allergy.id,
        }
    for stay in course.stays:
        for name, text in stay_lines(stay, zone):
            yield {"part": "stay", "stay": stay.id, "what": f"{name}: {text}"}
        for row in _rows_of(stay):
            yield {"stay": stay.id, **row}
    for entry in course.timeline:
        yield {
            "part": "timeline",
            "stay": entry.stay_id,
            "since": entry.occurred_at,
            "recorded": entry.recorded_at,
            "status": entry.status,
            "what": entry.summary,
            "by": by(entry),
            "reason": entry.reason,
            "id": entry.id,
            "corrects": entry.corrects or entry.cancels,
        }


def _rows_of(stay: Stay) -> Iterator[dict[str, Any]]:
    for place in stay.places:
        yield {
            "part": "place",
            "since": place.since,
            "until": place.until,
            "what": place_text(place),
        }
    for prescription in stay.prescriptions:
        yield {
            "part": "prescription",
            "since": prescription.start,
            "until": prescription.stop,
            "status": prescription.status,
            "what": drug(prescription),
            "by": full_name(prescription.prescriber),
            "id": prescription.id,
        }
        for administration in prescription.administrations:
            yield {
                "part": "dose",
                "since": administration.occurred_at,
                "until": administration.ended_at,
                "status": "GIVEN" if administration.given else "NOT_GIVEN",
                "what": f"{prescription.medication.name}: {dose(administration)}",
                "by": administration.performed_by,
                "reason": administration.reason_not_given
                or words(administration.outside_prescription),
                "id": administration.id,
            }
    for visit in stay.visits:
        yield {
            "part": "visit",
            "since": visit.occurred_at,
            "what": visit_text(visit),
            "by": full_name(visit.practitioner),
            "id": visit.id,
        }
    for consult in stay.consults:
        yield {
            "part": "consult",
            "since": consult.requested_at,
            "until": consult.withdrawn_at,
            "status": consult.status,
            "what": consult_text(consult),
            "by": full_name(consult.requested_by),
            "id": consult.id,
        }


def _cell(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    return str(value) if isinstance(value, UUID) else value


_RENDERERS: Mapping[CourseFormat, Callable[[Course], str]] = MappingProxyType(
    {CourseFormat.HTML: as_html, CourseFormat.JSON: as_json, CourseFormat.CSV: as_csv}
)
